"""Forward kinematics of the skeleton."""

from __future__ import annotations

import numpy as np

from ..skeleton import JOINT_COUNT, PARENTS, REST_DIRECTIONS
from . import quaternions as quat


def forward(rotations: np.ndarray, root_m: np.ndarray, lengths_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints and global bone rotations of a pose; see `skeleton` for the convention.

    Args:
        rotations: (..., B, 4) local rotations, wxyz.
        root_m: (..., 3) the pelvis, in the axes of the pelvis's rotation.
        lengths_m: (..., B) bone lengths.
    Returns:
        joints_m (..., J, 3) and global rotations (..., B, 4), in the axes of `root_m`.
    """
    # The loop runs over the 28 bones, never over frames.
    segments_m = lengths_m[..., None] * REST_DIRECTIONS
    turned, joints_m = [rotations[..., 0, :]], [root_m]
    for joint in range(1, JOINT_COUNT):
        parent = PARENTS[joint]
        turned.append(quat.multiply(turned[parent], rotations[..., joint, :]))
        joints_m.append(joints_m[parent] + quat.rotate(turned[joint], segments_m[..., joint, :]))
    return np.stack(joints_m, axis=-2), np.stack(turned, axis=-2)


def to_local(turned: np.ndarray) -> np.ndarray:
    """(..., B, 4) local rotations of global ones: R[j] = G[parent]^-1 G[j]."""
    local = quat.multiply(quat.conjugate(turned[..., PARENTS, :]), turned)
    local[..., 0, :] = turned[..., 0, :]
    return local
