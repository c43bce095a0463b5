"""A body as root, directions of bones and their lengths: what is predicted keeps its size by construction."""

from __future__ import annotations

import numpy as np

from ...skeleton import JOINT_COUNT, PARENTS, REST_DIRECTIONS, REST_LENGTHS_M, J

_LEFT = tuple(J[name] for name in ("left_hip", "left_shoulder"))
_RIGHT = tuple(J[name] for name in ("right_hip", "right_shoulder"))
_SIZED = tuple(J[n] for n in ("spine", "chest", "neck", "left_knee", "right_knee", "left_ankle", "right_ankle"))
"""Bones that say how large somebody is."""


def bones_of(joints_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Root (F, 3), unit directions (F, J, 3) and median lengths (J,) of joints (F, J, 3).

    NaN where a bone's end is not known; the root has direction and length 0; a bone that is never known has its length
    of the rest pose.
    """
    segments_m = joints_m - joints_m[:, PARENTS]
    segments_m[:, 0] = 0.0
    lengths_m = np.linalg.norm(segments_m, axis=-1)
    directions = segments_m / np.maximum(lengths_m, 1e-9)[..., None]
    known = np.isfinite(lengths_m).any(axis=0)
    median_m = REST_LENGTHS_M.copy()
    median_m[known] = np.nanmedian(lengths_m[:, known], axis=0)
    return joints_m[:, 0], directions, median_m


def assemble(root_m: np.ndarray, directions: np.ndarray, lengths_m: np.ndarray) -> np.ndarray:
    """(..., J, 3) joints of roots (..., 3), directions (..., J, 3) and lengths (..., J), from the root outward."""
    segments_m = directions * lengths_m[..., None]
    joints_m = [root_m]
    for joint in range(1, JOINT_COUNT):
        joints_m.append(joints_m[PARENTS[joint]] + segments_m[..., joint, :])
    return np.stack(joints_m, axis=-2)


def unit(vectors: np.ndarray, instead: np.ndarray) -> np.ndarray:
    """(..., 3) vectors of length 1; where there is no direction in one, that of `instead`."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > 1e-6, vectors / np.maximum(length, 1e-6), instead)


def left_of(directions: np.ndarray) -> np.ndarray:
    """(..., 2) horizontal direction to the person's left, of no particular length: hips and shoulders together."""
    return directions[..., _LEFT, :2].sum(axis=-2) - directions[..., _RIGHT, :2].sum(axis=-2)


def size_of(lengths_m: np.ndarray) -> np.ndarray:
    """(...,) size of a body of bone lengths (..., J) relative to the rest pose, which is 1.70 m tall."""
    return lengths_m[..., _SIZED].sum(axis=-1) / REST_LENGTHS_M[list(_SIZED)].sum()


def rest_directions(yaw_rad: np.ndarray | float) -> np.ndarray:
    """(J, 3) bones of the rest pose turned about the vertical; at 0 the person looks along +X."""
    # The rest pose looks along -Y.
    c, s = np.cos(yaw_rad + np.pi / 2), np.sin(yaw_rad + np.pi / 2)
    return REST_DIRECTIONS @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def above_floor(root_m: np.ndarray, relative_m: np.ndarray, since_s: np.ndarray, depth_m: float) -> np.ndarray:
    """Roots (n, 3) lifted so that no joint goes through the floor.

    Args:
        root_m: (n, 3).
        relative_m: (n, J, 3) joints relative to it.
        since_s: (n,) time since the person was last known.
        depth_m: how deep under the floor the lowest joint was then, at least 0; it comes up within half a second.
    """
    settle_s = 0.15
    allowed_m = -depth_m * (1 + since_s / settle_s) * np.exp(-since_s / settle_s)
    lowest_m = root_m[:, 2] + relative_m[..., 2].min(axis=-1)
    return root_m + np.maximum(allowed_m - lowest_m, 0.0)[:, None] * np.array([0.0, 0.0, 1.0])
