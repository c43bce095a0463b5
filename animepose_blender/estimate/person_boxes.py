"""The depth-localized 3D box of each person, from mask and depth.

AnimePose (section 2.2) takes the nearest and the farthest depth within the mask. One wrong pixel at the rim of a mask
then makes the box metres deep, so here percentiles of the points over the mask stand for the extremes.
"""

from __future__ import annotations

import numpy as np

from .depth import FLESH_M, silhouette_points

LOW, HIGH = 2.0, 98.0
"""Percentiles of the points over the mask that bound the box."""
AT_ONCE = 200
"""Person-frames worked on at once."""
JOINT_MARGIN_M = 0.06
"""Flesh around the joints; hidden ones have no pixels, and the box holds them too."""


def person_boxes(
    silhouettes: np.ndarray, regions: np.ndarray, joints_camera_m: np.ndarray, intrinsics: np.ndarray
) -> np.ndarray:
    """The box around each person in each frame.

    Across the view it bounds the mask, along the view the depths over it and as much flesh before and behind; it is
    grown where a joint that the mask does not show would lie outside.

    Args:
        silhouettes: (n, GRID, GRID) bool; where one is empty the joints alone make the box.
        regions: (n, 4).
        joints_camera_m: (n, J, 3).
        intrinsics: (n, 3, 3).
    Returns:
        (n, 6) lower and upper corner, camera axes, metres.
    Reference: AnimePose, section 2.2, with robust percentiles in place of Zmin and Zmax.
    """
    low_m, high_m = joints_camera_m.min(axis=1) - JOINT_MARGIN_M, joints_camera_m.max(axis=1) + JOINT_MARGIN_M
    shown = silhouettes.any(axis=(1, 2))
    flesh = np.array([0.0, 0.0, FLESH_M])
    # The points of a person take a hundred times the memory of the box, so they are made for some frames at a time.
    for some in np.array_split(np.flatnonzero(shown), 1 + shown.sum() // AT_ONCE):
        points = silhouette_points(silhouettes[some], regions[some], joints_camera_m[some], intrinsics[some])
        bounds = _percentiles(points)
        low_m[some] = np.minimum(low_m[some], bounds[0] - flesh)
        high_m[some] = np.maximum(high_m[some], bounds[1] + flesh)
    return np.concatenate([low_m, high_m], axis=-1)


def _percentiles(points: np.ndarray) -> np.ndarray:
    """(2, n, 3) lower and upper percentile over the known points (n, N, 3) of each person."""
    # Sorting puts NaN last, so that the percentiles of each row count only what is known; faster than nanpercentile.
    ordered = np.sort(points, axis=1)
    known = np.isfinite(points[..., 0]).sum(axis=1)
    index = np.stack([np.round((known - 1) * share / 100) for share in (LOW, HIGH)]).astype(int).clip(0)
    return np.take_along_axis(ordered[None], index[:, :, None, None].repeat(3, axis=-1), axis=2)[:, :, 0]
