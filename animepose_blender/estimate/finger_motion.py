"""From hands seen in single frames to fingers that move: angles, smoothed, and relaxed where a hand is not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core import fingers
from ..core import quaternions as quat
from ..core.armature_space import body_size
from .backends import Hands
from .smooth import HALF_LIFE_HZ_S, smooth

FINGER_CUTOFF_SHARE = 0.6
"""Fingers are smoothed more than the body: angles of a hand 30 pixels long jump by 5 degrees from frame to frame."""
MIN_FINDS = 3
"""Finds close together that a hand needs; fewer are mistakes more often than hands."""
CLOSE_S = 0.4
"""Time between two finds up to which they are close together."""
BRIDGE_S = 1.0
"""Longest time between two finds through which fingers go straight from one to the other: a runner's fist is seen in a
part of each stride, and does not open in the others."""
EASE_S = 0.25
"""Time in which fingers relax after a hand was last seen, and take up their pose before it is seen."""


@dataclass(frozen=True, eq=False)
class HandMotion:
    """Both hands of one person in all F frames, the left one first; see `core.fingers`."""

    keypoints_px: np.ndarray
    """(F, 2, 21, 2); NaN where the hand is not seen."""
    confidence: np.ndarray
    """(F, 2); 0 where it is not seen."""
    rotations: np.ndarray
    """(F, 2, 15, 4) local rotations of the finger bones, relative to the hand; finite in all frames."""
    bone_length_m: np.ndarray
    """(2, 20)"""


def move_fingers(
    hands: Hands, frames: np.ndarray, time_s: np.ndarray, body_lengths_m: np.ndarray, smoothness_s: float = 0.05
) -> HandMotion:
    """The fingers of one person over the whole clip.

    Args:
        hands: in the n frames that the person was seen in.
        frames: (n,) which of all F frames these are, increasing.
        time_s: (F,) increasing.
        body_lengths_m: (B,) the person's bone lengths, whose sum sets the size of the hands.
        smoothness_s: half-life of a sudden error; 0 smooths nothing.
    """
    count = len(time_s)
    keypoints_px = np.full((count, 2, fingers.POINT_COUNT, 2), np.nan)
    confidence = np.zeros((count, 2))
    keypoints_px[frames], confidence[frames] = hands.points_px, hands.score
    _drop_short(confidence, time_s)
    keypoints_px[confidence == 0] = np.nan

    angles = np.broadcast_to(fingers.REST_CURL_RAD, (count, 2, fingers.BONE_COUNT, 2)).copy()
    found = np.zeros_like(angles)
    at = np.flatnonzero((confidence[frames] > 0).any(axis=1))
    if len(at):
        points_m = hands.or_at_rest()[at]
        found[frames[at]] = fingers.finger_angles(points_m, fingers.palm_rotations(points_m))
    for side in (0, 1):
        seen = np.flatnonzero(confidence[:, side] > 0)
        if len(seen) == 0:
            continue
        for close in _close_together(seen, time_s) if smoothness_s > 0 else ():
            weights = np.repeat(confidence[close, side, None], fingers.BONE_COUNT, axis=1)
            cutoff_hz = FINGER_CUTOFF_SHARE * HALF_LIFE_HZ_S / smoothness_s
            found[close, side] = smooth(found[close, side], weights, time_s[close], cutoff_hz)
        own = np.clip(found[seen, side], fingers.LIMITS_RAD[..., 0], fingers.LIMITS_RAD[..., 1])
        share = _share_seen(time_s[seen], time_s)[:, None, None]
        angles[:, side] += share * (_between(own, time_s[seen], time_s) - fingers.REST_CURL_RAD)
    return HandMotion(
        keypoints_px,
        confidence,
        quat.unroll(fingers.rotations(angles)),
        # The network's fingers are no measure: a fifth shorter beside the palm than a grown-up's.
        np.tile(fingers.REST_LENGTHS_M * body_size(body_lengths_m), (2, 1)),
    )


def hand_fields(people: Sequence[HandMotion]) -> dict[str, np.ndarray]:
    """The take's `hand_` fields of P people, see `take.Take.extras`; none if nobody's hands were seen."""
    if not any((person.confidence > 0).any() for person in people):
        return {}
    return {
        "hand_keypoints_px": np.stack([p.keypoints_px for p in people]).astype(np.float32),
        "hand_confidence": np.stack([p.confidence for p in people]).astype(np.float32),
        "hand_rotations": np.stack([p.rotations for p in people]).astype(np.float32),
        "hand_bone_length_m": np.stack([p.bone_length_m for p in people]).astype(np.float32),
    }


def _drop_short(confidence: np.ndarray, time_s: np.ndarray) -> None:
    """Set (F, 2) confidence to 0 where a hand is found only now and then."""
    for side in (0, 1):
        seen = np.flatnonzero(confidence[:, side] > 0)
        for close in _close_together(seen, time_s):
            if len(close) < MIN_FINDS:
                confidence[close, side] = 0.0


def _close_together(frames: np.ndarray, time_s: np.ndarray) -> list[np.ndarray]:
    """Frames (n,) split where more than `CLOSE_S` lies between two of them."""
    return np.split(frames, np.flatnonzero(np.diff(time_s[frames]) > CLOSE_S) + 1)


def _share_seen(seen_s: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F,) 1 where a hand is seen or nearly so, easing to 0 at `EASE_S` from there."""
    after = np.searchsorted(seen_s, time_s).clip(0, len(seen_s) - 1)
    before = (np.searchsorted(seen_s, time_s, side="right") - 1).clip(0)
    away_s = np.minimum(np.abs(time_s - seen_s[before]), np.abs(seen_s[after] - time_s))
    bridged = (seen_s[after] - seen_s[before] <= BRIDGE_S) & (seen_s[before] <= time_s) & (time_s <= seen_s[after])
    left = np.where(bridged, 1.0, (1 - away_s / EASE_S).clip(0, 1))
    return left * left * (3 - 2 * left)


def _between(values: np.ndarray, seen_s: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Values (n, ...) of the moments `seen_s` at all of `time_s` (F,): straight between them, held outside."""
    after = np.searchsorted(seen_s, time_s).clip(0, len(seen_s) - 1)
    before = (np.searchsorted(seen_s, time_s, side="right") - 1).clip(0)
    span = seen_s[after] - seen_s[before]
    share = np.divide(time_s - seen_s[before], span, out=np.zeros_like(time_s), where=span > 0).clip(0, 1)
    share = share.reshape(-1, *(1,) * (values.ndim - 1))
    return values[before] + share * (values[after] - values[before])
