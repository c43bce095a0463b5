"""Axes of a crop: a camera that is turned towards the crop's middle, as its picture looks.

A person at the picture's edge is seen from aside: what a crop shows is the person turned. Networks that see crops alone
can therefore only tell joints in the crop's own axes; those of the camera follow from where the crop was.
"""

from __future__ import annotations

import numpy as np


def crop_to_camera(centre_px: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Rotations from the axes of crops to the camera's: the least turn from its axis to the ray through their middle.

    Args:
        centre_px: (..., 2) middles of the crops in the picture, pixel centres at +0.5.
        intrinsics: (..., 3, 3), broadcast against them.
    Returns:
        (..., 3, 3); both axes are x right, y down, z forward.
    """
    focal = np.stack([intrinsics[..., 0, 0], intrinsics[..., 1, 1]], axis=-1)
    xy = (centre_px - intrinsics[..., :2, 2]) / focal
    ray = np.concatenate([xy, np.ones_like(xy[..., :1])], axis=-1)
    x, y, z = np.moveaxis(ray / np.linalg.norm(ray, axis=-1, keepdims=True), -1, 0)
    # Rodrigues' formula for the turn about z cross ray = (-y, x, 0).
    share = 1.0 / (1.0 + z)
    rows = [[1 - x * x * share, -x * y * share, x], [-x * y * share, 1 - y * y * share, y], [-x, -y, z]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
