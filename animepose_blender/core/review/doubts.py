"""Spans of a take that are worth a look, for "jump to the next doubtful frame"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import combinations

import numpy as np

from ...skeleton import J
from ...take import State, Take

LOW_CONFIDENCE = 0.5
"""Mean of the joints; in the demo clips, all tracked well, 1 frame in 100 has less than 0.7."""
FASTEST_M_S = 9.0
"""Of the pelvis; only sprinters are faster."""
TORSO_DEG_S = 1100.0
"""A skater's spin; a torso turned round from one frame to the next is somebody else's, or its left and right are taken
for each other."""
LIMB_DEG_S = 3000.0
"""A pitcher's forearm swings as fast for some milliseconds."""
STEP_DEG = 35.0
"""Smaller turns between two frames are never sudden, however many frames there are in a second."""
STEP_M = 0.15
"""Likewise ways of the pelvis: between frames a few milliseconds apart, noise is fast."""
SAME_PLACE_M = 0.2
"""Mean distance of two people's joints; people who hug are further apart."""
LASTING_S = 0.1
"""Shorter spans of low confidence or of one place are nothing to look at."""
JOIN_S = 0.25
"""Spans of one kind that are closer are one."""

_TORSO = (("pelvis", "neck"), ("right_hip", "left_hip"), ("right_shoulder", "left_shoulder"))
_LIMBS = tuple(
    (f"{side}_{start}", f"{side}_{end}")
    for side in ("left", "right")
    for start, end in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
)
_LINES = np.array([(J[a], J[b]) for a, b in _TORSO + _LIMBS])
_LIMITS_DEG_S = np.array([TORSO_DEG_S] * len(_TORSO) + [LIMB_DEG_S] * len(_LIMBS))


class Kind(Enum):
    """Why a span is doubtful."""

    LOW_CONFIDENCE = "low confidence"
    JUMP = "jump"
    SUDDEN_TURN = "sudden turn"
    SAME_PLACE = "two people at one place"


@dataclass(frozen=True)
class Doubt:
    """One span of one person."""

    person: int
    """The id."""
    kind: Kind
    start: int
    stop: int
    """Frames `start` to `stop` - 1; a jump or turn spans the frames before and after it."""
    severity: float
    """0 to 1; 0 just beyond the limit."""
    other: int | None = None
    """Who is at the same place."""


def suspicious(take: Take) -> list[Doubt]:
    """Everything doubtful in a take, edited or not, by the first frame, then the most severe first.

    Low confidence, a pelvis faster than people move, bones that turn suddenly, and two people at one place. Predicted
    frames have no confidence to be low, and no turn between frames of which one is absent is known.
    """
    found: list[Doubt] = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for row, person in enumerate(take.person_id.tolist()):
            found += _of_person(take, row, person)
        for first, second in combinations(range(take.person_count), 2):
            found += _of_two(take, first, second)
    return sorted(found, key=lambda doubt: (doubt.start, -doubt.severity, doubt.person, doubt.kind.value))


def next_doubt(doubts: Sequence[Doubt], frame: int, *, backwards: bool = False) -> Doubt | None:
    """The first doubt that starts after a frame, or the last that starts before it; None if there is none."""
    if backwards:
        return next((doubt for doubt in reversed(doubts) if doubt.start < frame), None)
    return next((doubt for doubt in doubts if doubt.start > frame), None)


def _of_person(take: Take, row: int, person: int) -> list[Doubt]:
    sure = np.nan_to_num(take.joint_confidence[row], nan=0.0).mean(axis=-1)
    low = np.where(take.state[row] == State.OBSERVED, 1 - sure / LOW_CONFIDENCE, -1.0)
    found = lasting_spans(take, person, Kind.LOW_CONFIDENCE, low, LASTING_S)
    if take.frame_count < 2:
        return found

    step_s = np.diff(take.frame_time_s)
    present = take.state[row] != State.ABSENT
    both = present[1:] & present[:-1]
    way_m = np.linalg.norm(np.diff(take.root_world_m[row].astype(np.float64), axis=0), axis=-1)
    fast = _beyond(way_m / step_s, FASTEST_M_S)
    found += _steps(take, person, Kind.JUMP, np.where(both & (way_m > STEP_M), fast, -1.0))

    joints_m = take.joints_world_m[row]
    lines = joints_m[:, _LINES[:, 1]] - joints_m[:, _LINES[:, 0]]
    lines /= np.linalg.norm(lines, axis=-1, keepdims=True)
    # The chord between two unit vectors is 2 sin(angle / 2); unlike the cosine it is exact for small angles.
    chord = np.linalg.norm(np.diff(lines, axis=0), axis=-1)
    turn_deg = np.degrees(2 * np.arcsin(np.clip(chord / 2, 0.0, 1.0)))
    sudden = np.where(turn_deg > STEP_DEG, _beyond(turn_deg / step_s[:, None], _LIMITS_DEG_S), -1.0)
    worst = np.nan_to_num(sudden, nan=-1.0).max(axis=1)
    return found + _steps(take, person, Kind.SUDDEN_TURN, np.where(both, worst, -1.0))


def _of_two(take: Take, first: int, second: int) -> list[Doubt]:
    apart_m = np.linalg.norm(take.root_world_m[first] - take.root_world_m[second], axis=-1)
    # Joints are looked at only where they can be near.
    near = np.flatnonzero((take.state[[first, second]] != State.ABSENT).all(axis=0) & (apart_m < 2 * SAME_PLACE_M))
    if not len(near):
        return []
    between_m = np.linalg.norm(take.joints_world_m[first, near] - take.joints_world_m[second, near], axis=-1)
    severity = np.full(take.frame_count, -1.0)
    severity[near] = 1 - between_m.mean(axis=-1) / SAME_PLACE_M
    one, other = take.person_id[[first, second]].tolist()
    return lasting_spans(take, one, Kind.SAME_PLACE, severity, LASTING_S, other)


def _beyond(value: np.ndarray, limit: np.ndarray | float) -> np.ndarray:
    """0 to 1 above a limit, below 0 under it, and never NaN where the value is known."""
    return 1 - limit / np.maximum(value, 1e-9)


def _steps(take: Take, person: int, kind: Kind, severity: np.ndarray) -> list[Doubt]:
    """Doubts about steps from frame to frame (F - 1,), which begin a frame before they end."""
    both = np.maximum(np.append(severity, -1.0), np.insert(severity, 0, -1.0))
    return lasting_spans(take, person, kind, both, 0.0)


def lasting_spans(
    take: Take, person: int, kind: Kind, severity: np.ndarray, least_s: float, other: int | None = None
) -> list[Doubt]:
    """Doubts for stretches of (F,) severities above 0; close ones are joined, short ones left out."""
    frames = np.flatnonzero(severity > 0)
    if not len(frames):
        return []
    times = take.frame_time_s
    apart = np.flatnonzero((np.diff(frames) > 1) & (np.diff(times[frames]) > JOIN_S))
    starts, stops = frames[np.append(0, apart + 1)], frames[np.append(apart, len(frames) - 1)] + 1
    ends_s = np.append(times[1:], times[-1] + (times[-1] - times[-2] if len(times) > 1 else 1.0))
    return [
        Doubt(person, kind, start, stop, float(severity[start:stop].max()), other)
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
        if ends_s[stop - 1] - times[start] >= least_s - 1e-6
    ]
