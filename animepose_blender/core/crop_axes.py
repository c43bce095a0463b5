"""Axes of a crop: a camera that is turned towards the crop's middle, as its picture looks.

A person at the picture's edge is seen from aside: what a crop shows is the person turned. Networks that see crops alone
can therefore only tell joints in the crop's own axes; those of the camera follow from where the crop was.
"""

from __future__ import annotations

import numpy as np

from . import cameras
from . import quaternions as quat


def crop_turn(centre_px: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Rotations from the axes of crops to the camera's: the least turn from its axis to the ray through their middle.

    Args:
        centre_px: (..., 2) middles of the crops in the picture, pixel centres at +0.5.
        intrinsics: (..., 3, 3), broadcast against them.
    Returns:
        (..., 4) wxyz; both axes are x right, y down, z forward.
    """
    xy = cameras.rays(np.asarray(centre_px, dtype=np.float64)[..., None, :], intrinsics)[..., 0, :]
    return quat.between(np.array([0.0, 0.0, 1.0]), np.concatenate([xy, np.ones_like(xy[..., :1])], axis=-1))


def crop_to_camera(centre_px: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """`crop_turn` as matrices (..., 3, 3)."""
    return quat.to_matrix(crop_turn(centre_px, intrinsics))
