"""One set of bone lengths a person: what was measured, as far as it is sure, and people's usual proportions.

What a network says of a limb that points at the camera is a mean of what it may be, and a mean of directions is short.
So measured lengths err by more than people differ, most of all in arms, hands and faces; each length is the likeliest
one under both.
"""

from __future__ import annotations

import numpy as np

from ..skeleton import JOINTS, MIRROR, PARENTS
from .robust import weighted_median

USUAL_M: dict[str, tuple[float, float]] = {
    "spine": (0.169, 0.04), "chest": (0.175, 0.03), "neck": (0.176, 0.03), "head_top": (0.288, 0.06),
    "nose": (0.188, 0.07), "ear": (0.157, 0.07), "shoulder": (0.183, 0.07), "elbow": (0.250, 0.03),
    "wrist": (0.243, 0.06), "index_knuckle": (0.108, 0.05), "pinky_knuckle": (0.066, 0.05), "hip": (0.105, 0.06),
    "knee": (0.405, 0.06), "ankle": (0.421, 0.05), "heel": (0.080, 0.04), "toe": (0.240, 0.05),
}  # fmt: skip
"""Bone that ends at a joint → its length in a person 1.70 m tall, and how much people differ in it, as a logarithm; of
forty MakeHuman bodies of all builds (`scripts/training/bodies.py`)."""
LASTING = 0.2
"""How much of a joint's uncertainty is the same in all frames, so that the length's median keeps it."""
SIZE_SIGMA = 0.03
"""How far all bones together may be longer than the person's size says, as a logarithm."""

_STEMS = [name.removeprefix("left_").removeprefix("right_") for name in JOINTS]
_USUAL = np.array([USUAL_M.get(stem, (1.0, 0.05)) for stem in _STEMS])


def bone_lengths(joints_m: np.ndarray, confidence: np.ndarray, sigma_m: np.ndarray, size: float) -> np.ndarray:
    """One length for each bone, the same on both sides of the body.

    Args:
        joints_m: (F, J, 3) in any axes; NaN = not observed.
        confidence: (F, J).
        sigma_m: (F, J, 2) how far they may be off, across the view and along it.
        size: the person's stature over 1.70 m.
    Returns:
        (B,) metres.
    """
    length = np.linalg.norm(joints_m - joints_m[:, PARENTS], axis=-1)
    weight = np.where(np.isfinite(length), np.minimum(confidence, confidence[:, PARENTS]) ** 2, 0.0)
    # The pelvis has no parent.
    weight[:, 0] = 0.0
    seen = weight.sum(axis=0)
    both = seen + seen[MIRROR]
    measured = weighted_median(np.nan_to_num(length), weight)
    measured = (measured * seen + measured[MIRROR] * seen[MIRROR]) / np.maximum(both, 1e-9)
    usual_m, differ = _USUAL[:, 0] * size, _USUAL[:, 1]
    known = (both > 0) & (measured > 0)
    off = np.where(known, np.log(np.where(known, measured, 1.0) / usual_m), 0.0)

    square = np.where(np.isfinite(length)[..., None], sigma_m**2, 0.0).mean(axis=-1)
    total = (weight * square).sum(axis=0)
    square = (total + total[MIRROR]) / np.maximum(both, 1e-9)
    variance = LASTING**2 * square / usual_m**2 + differ**2
    information = np.where(known, 1 / variance, 0.0)
    larger = np.sum(information * off) / (information.sum() + SIZE_SIGMA**-2)
    share = np.where(known, differ**2 / variance, 0.0)
    lengths_m = usual_m * np.exp(larger + share * (off - larger))
    lengths_m[0] = 0.0
    return lengths_m
