"""The finger bones of an armature: their rest, and the basis rotations of their pose bones, see `armature_space`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import fingers

NAMES: tuple[str, ...] = fingers.BONES[0] + fingers.BONES[1]
"""Names of all 30 finger bones: those of the left hand first."""

PARENT_NAMES: tuple[str, ...] = tuple(
    f"hand.{side}" if name.split("_")[1].startswith("1") else NAMES[index - 1]
    for index, (name, side) in enumerate((name, name[-1]) for name in NAMES)
)
"""The bone that each hangs on: a finger's first on the hand, the others on the one before."""

CONNECTED: tuple[bool, ...] = tuple(parent in NAMES for parent in PARENT_NAMES)


@dataclass(frozen=True)
class FingerBones:
    """Finger bones at rest, in the order of `NAMES`; metres, armature axes."""

    head_m: np.ndarray
    """(30, 3)"""
    tail_m: np.ndarray
    """(30, 3)"""
    orientation: np.ndarray
    """(30, 3, 3) columns are the bone's X, about which a positive turn bends it, Y along the bone, and Z."""


def finger_bones(wrists_m: np.ndarray, lengths_m: np.ndarray) -> FingerBones:
    """Straight fingers of hands that lie in the rest pose.

    Args:
        wrists_m: (2, 3) left and right, armature axes.
        lengths_m: (2, 20) `fingers`' bone lengths.
    """
    segments = lengths_m[..., None] * fingers.REST_DIRECTIONS
    points = [np.asarray(wrists_m, dtype=np.float64)]
    for point in range(1, fingers.POINT_COUNT):
        points.append(points[fingers.PARENTS[point]] + segments[:, point - 1])
    points_m = np.stack(points, axis=1)
    along = fingers.REST_DIRECTIONS[:, fingers.ENDS - 1]
    orientation = np.stack([fingers.HINGES, along, np.cross(fingers.HINGES, along)], axis=-1)
    return FingerBones(
        points_m[:, fingers.PARENTS[fingers.ENDS]].reshape(-1, 3),
        points_m[:, fingers.ENDS].reshape(-1, 3),
        orientation.reshape(-1, 3, 3),
    )


def basis_rotations(rotations: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Basis rotations of the pose bones, B = M^-1 R M.

    Args:
        rotations: (..., 2, 15, 4) local rotations of the finger bones, wxyz.
        orientation: (30, 3, 3).
    Returns:
        (..., 30, 4)
    """
    flat = rotations.reshape(*rotations.shape[:-3], len(NAMES), 4)
    vector = np.einsum("...ai,aij->...aj", flat[..., 1:], orientation)
    return np.concatenate([flat[..., :1], vector], axis=-1)
