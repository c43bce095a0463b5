"""Keypoints of any convention as BlazePose's 33 landmarks, the form in which people are followed and kept.

What a convention lacks (feet, knuckles) can be taken from BlazePose itself, moved along with the joint that it hangs
on.
"""

from __future__ import annotations

import numpy as np

from ..skeleton import BLAZEPOSE_33, KEYPOINT_MAPS

_OTHER_NAMES = {
    "foot_index": ("big_toe", "toe"), "index": ("hand_5", "index_knuckle"), "pinky": ("hand_17", "pinky_knuckle"),
    "thumb": ("hand_2",),
}  # fmt: skip
"""BlazePose's own words for what other conventions call otherwise."""
_HANGS_ON = {
    f"{side}_{end}": f"{side}_{joint}"
    for side in ("left", "right")
    for end, joint in (("heel", "ankle"), ("foot_index", "ankle"), ("index", "wrist"), ("pinky", "wrist"),
                       ("thumb", "wrist"))
}  # fmt: skip
"""The joint that a landmark is moved along with; those of the face go with the nose."""
_CARRIER = np.array([
    BLAZEPOSE_33.index(_HANGS_ON.get(name, "nose" if place <= 10 else name)) for place, name in enumerate(BLAZEPOSE_33)
])  # fmt: skip
SAME_JOINT = 0.05
"""Distance of a joint in two estimates, as a share of the region, up to which both mean the same joint."""
BODY = np.array([
    BLAZEPOSE_33.index(f"{side}_{name}")
    for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
])  # fmt: skip
"""Indices of the twelve joints that every convention has."""


def to_blazepose(skeleton: str, points: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints in BlazePose's order.

    Args:
        skeleton: a key of `KEYPOINT_MAPS`.
        points: (..., K, D) in the picture or in space.
        confidence: (..., K).
    Returns:
        (..., 33, D) and (..., 33); NaN and 0 where the convention has no such point.
    """
    names = KEYPOINT_MAPS[skeleton][0]
    landmarks = np.full((*points.shape[:-2], len(BLAZEPOSE_33), points.shape[-1]), np.nan)
    sure = np.zeros(landmarks.shape[:-1])
    for place, name in enumerate(BLAZEPOSE_33):
        side, _, stem = name.partition("_")
        own = next((n for n in (name, *(f"{side}_{o}" for o in _OTHER_NAMES.get(stem, ()))) if n in names), None)
        if own is not None:
            landmarks[..., place, :] = points[..., names.index(own), :]
            sure[..., place] = confidence[..., names.index(own)]
    return landmarks, sure


def filled_in(
    landmarks_px: np.ndarray,
    confidence: np.ndarray,
    other_px: np.ndarray,
    other_confidence: np.ndarray,
    size_px: np.ndarray | float,
) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks with those that are missing from another estimate of the same people, moved so that they hang on the
    same joints.

    Args:
        landmarks_px: (..., 33, 2), NaN = missing; those of `BODY` and the nose are there.
        confidence: (..., 33).
        other_px, other_confidence: of the other estimate, whole.
        size_px: (...) of the regions around the people.
    Returns:
        (..., 33, 2) and (..., 33); a landmark is no surer than the joint that it hangs on, and stays missing where the
        two estimates have that joint in different places.
    """
    missing = np.isnan(landmarks_px).any(axis=-1)
    apart_px = (landmarks_px - other_px)[..., _CARRIER, :]
    moved_px = other_px + apart_px
    hung = np.minimum(other_confidence, confidence[..., _CARRIER])
    usable = missing & (np.linalg.norm(apart_px, axis=-1) < SAME_JOINT * np.asarray(size_px)[..., None])
    return np.where(usable[..., None], moved_px, landmarks_px), np.where(usable, hung, confidence)
