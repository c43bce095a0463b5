"""How sure a take is of each bone: a number per frame, a look for it, a curve with few keys, and spans of doubt.

A bone is as sure as the less sure of the joints that say how it lies. Bones are named as in the armatures that are made
of takes (`skeleton.BONES`, `core.fingers`) or as slots of a rig (`core.retarget.slots`); where both have a name, it
means the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...skeleton import BONES, JOINT_COUNT, RIGID, J
from ...take import State, Take
from ..retarget.slots import FINGER, NECK, SIDES, SPINE
from .doubts import LASTING_S, LOW_CONFIDENCE, Doubt, Kind, lasting_spans

SURE = 0.9
"""From here on a bone looks quite sure; limbs that a camera sees well have 0.9 to 1."""
SCALE = ((0.0, (0.70, 0.04, 0.10)), (LOW_CONFIDENCE, (1.0, 0.72, 0.10)), (SURE, (0.42, 1.0, 0.78)))
"""Confidence and colour: red, yellow, green. Each is brighter than the one before and differs from it in blue as well,
so that they stay apart for eyes that do not tell red from green."""
PREDICTED_COLOUR = (0.55, 0.55, 0.58)
WIDTHS_PX = (7.0, 5.0, 3.0)
"""Of a line at the confidences of `SCALE`: what is unsure is thick, so that it is seen in grey as well."""
PREDICTED_WIDTH_PX = 3.0
DASHES = 5
"""Of a bone that is predicted."""
KEY_TOLERANCE = 0.02
"""How far a curve with few keys may be off."""

_HANDS = tuple(JOINT_COUNT + number for number in range(len(SIDES)))
"""Columns behind those of the joints: left and right hand's fingers."""


def _joints_of_bones() -> dict[str, tuple[int, ...]]:
    trunk = (J["pelvis"], J["spine"], J["chest"], J["neck"])
    # The crown is guessed from the nose.
    head = (J["neck"], J["nose"])
    known: dict[str, tuple[int, ...]] = {
        "pelvis": (J["pelvis"], J["left_hip"], J["right_hip"]),
        "abdomen": trunk[:2], "spine": trunk[1:3], "chest": trunk[2:],
        **dict.fromkeys(SPINE, trunk), **dict.fromkeys((*NECK, "head"), head),
    }  # fmt: skip
    for letter, side, hand in zip(SIDES, ("left", "right"), _HANDS, strict=True):
        own = {
            "shoulder": ("neck", f"{side}_shoulder"),
            "upper_arm": (f"{side}_shoulder", f"{side}_elbow"),
            "forearm": (f"{side}_elbow", f"{side}_wrist"),
            "hand": (f"{side}_wrist", f"{side}_index_knuckle", f"{side}_pinky_knuckle"),
            "thigh": (f"{side}_hip", f"{side}_knee"),
            "shin": (f"{side}_knee", f"{side}_ankle"),
            "foot": (f"{side}_ankle", f"{side}_heel", f"{side}_toe"),
            "toe": (f"{side}_toe",),
        }
        known |= {f"{bone}.{letter}": tuple(J[joint] for joint in joints) for bone, joints in own.items()}
        known |= {f"{bone}.{letter}": (hand,) for bone in FINGER}
    return known


JOINTS_OF: dict[str, tuple[int, ...]] = _joints_of_bones()
"""Bone or slot → the joints that say how it lies, or the column behind them that stands for a hand's fingers."""
_WIDEST = max(len(joints) for joints in JOINTS_OF.values())
_SIDE_OF_FINGER = {f"{bone}.{letter}": number for number, letter in enumerate(SIDES) for bone in FINGER}

assert all(bone in JOINTS_OF for bone, rigid in zip(BONES, RIGID, strict=True) if not rigid)


def known_bones(take: Take, bones: Sequence[str]) -> list[str]:
    """Those of some bones or slots that a take says something of."""
    return [bone for bone in bones if bone in JOINTS_OF and (bone not in _SIDE_OF_FINGER or take.has_fingers)]


def sources_of(bones: Sequence[str]) -> np.ndarray:
    """(N, A) columns that (N,) known bones or slots are as sure as; the first is repeated where there are fewer."""
    joints = [JOINTS_OF[bone] for bone in bones]
    return np.array([(*own, *own[:1] * (_WIDEST - len(own))) for own in joints], dtype=np.int64).reshape(-1, _WIDEST)


def confidence_of(take: Take, person: int, sources: np.ndarray, frames: slice | np.ndarray = slice(None)) -> np.ndarray:
    """How sure the take is of bones; 0 where the person, or the fingers, are not observed.

    Args:
        person: index of the person.
        sources: (N, A) from `sources_of`, of bones the take knows.
        frames: which; G of them.
    Returns:
        (G, N) 0 to 1.
    """
    columns = take.joint_confidence[person, frames]
    if (sources >= JOINT_COUNT).any():
        columns = np.concatenate([columns, take.extras["hand_confidence"][person, frames]], axis=-1)
    seen = take.state[person, frames] == State.OBSERVED
    # The least over a few columns, one after the other: much faster than over a short last axis.
    least = np.nan_to_num(columns[:, sources[:, 0]], nan=0.0)
    for column in sources.T[1:]:
        least = np.minimum(least, np.nan_to_num(columns[:, column], nan=0.0))
    return np.where(seen[:, None], np.clip(least, 0.0, 1.0), 0.0)


def look_of(confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How bones of (N,) confidence are drawn: (N, 4) colours and (N,) widths in pixels.

    What nobody saw, of confidence 0, is grey; see `dashed`.
    """
    at = [value for value, _ in SCALE]
    colours = np.ones((len(confidence), 4))
    for channel in range(3):
        colours[:, channel] = np.interp(confidence, at, [colour[channel] for _, colour in SCALE])
    widths_px = np.interp(confidence, at, WIDTHS_PX)
    unseen = confidence <= 0
    colours[unseen, :3], widths_px[unseen] = PREDICTED_COLOUR, PREDICTED_WIDTH_PX
    return colours, widths_px


def dashed(lines: np.ndarray) -> np.ndarray:
    """(N * DASHES, 2, D) dashes of lines (N, 2, D), as many of each, one line's after the other's."""
    step = 1 / (2 * DASHES - 1)
    begin = 2 * step * np.arange(DASHES)
    ends = np.stack([begin, begin + step], axis=-1)[None, :, :, None]
    start, along = lines[:, None, None, 0], lines[:, None, None, 1] - lines[:, None, None, 0]
    return (start + ends * along).reshape(-1, 2, lines.shape[-1])


def linear_keys(frames: np.ndarray, values: np.ndarray, tolerance: float = KEY_TOLERANCE) -> np.ndarray:
    """Which samples to key so that straight lines between them stay close to all others.

    Each round adds the worst sample of every stretch that is off by more, in all channels at once.

    Args:
        frames: (F,) increasing.
        values: (C, F) finite.
        tolerance: how far a line may be off.
    Returns:
        (C, F) bool; the first and the last are keyed.
    Reference: Douglas and Peucker (1973), with the vertical distance.
    """
    channels, count = values.shape
    keyed = np.zeros((channels, count), dtype=bool)
    keyed[:, [0, -1]] = True
    flat, at = keyed.ravel(), np.tile(frames.astype(np.float64), channels)
    height = values.astype(np.float64).ravel()
    left, right = (np.repeat(np.arange(channels) * count + end, count) for end in (0, count - 1))
    open_ = np.flatnonzero(~flat)
    left, right = left[open_], right[open_]
    while len(open_):
        share = (at[open_] - at[left]) / (at[right] - at[left])
        off = np.abs(height[open_] - (height[left] + share * (height[right] - height[left])))
        # Stretches lie side by side, so each begins where the left end changes.
        starts = np.flatnonzero(np.append(True, left[1:] != left[:-1]))
        stretch = np.cumsum(np.append(True, left[1:] != left[:-1])) - 1
        worst = np.maximum.reduceat(off, starts)[stretch]
        wrong = worst > tolerance
        chosen = np.flatnonzero(wrong & (off == worst))
        _, first = np.unique(stretch[chosen], return_index=True)
        new = chosen[first]
        flat[open_[new]] = True
        split = np.zeros(int(stretch[-1]) + 1, dtype=np.int64)
        split[stretch[new]] = open_[new]
        middle = split[stretch]
        left = np.where(open_ > middle, np.where(wrong, middle, left), left)
        right = np.where(wrong & (open_ < middle), middle, right)
        stays = wrong & (open_ != middle)
        open_, left, right = open_[stays], left[stays], right[stays]
    return keyed


def unsure(take: Take, person: int, bones: Sequence[str]) -> list[Doubt]:
    """Spans in which one of some bones is unsure for longer than `LASTING_S`, by the first frame.

    As elsewhere, what is predicted has no confidence to be low; nor have fingers in frames in which nobody saw them.

    Args:
        person: index of the person.
        bones: bones or slots that the take knows.
    """
    confidence = confidence_of(take, person, sources_of(bones))
    if not confidence.shape[1]:
        return []
    low = np.where(confidence > 0, 1 - confidence / LOW_CONFIDENCE, -1.0)
    return lasting_spans(take, int(take.person_id[person]), Kind.LOW_CONFIDENCE, low.max(axis=1), LASTING_S)


def least_sure(take: Take, person: int, bones: Sequence[str], doubt: Doubt) -> str:
    """Which of some bones is the least sure in a span."""
    confidence = confidence_of(take, person, sources_of(bones), slice(doubt.start, doubt.stop))
    return bones[int(np.where(confidence > 0, confidence, 1.0).mean(axis=0).argmin())]
