"""What a lifter reads of a tracked person."""

from __future__ import annotations

import numpy as np

from ...core import cameras
from ..lift import Lifted
from .encoding import middle, view_axes
from .protocol import Sequence


def of_lifted(time_s: np.ndarray, lifted: Lifted, intrinsics: np.ndarray) -> Sequence:
    """A person's frames as a lifter reads them.

    Args:
        time_s: (n,) rising.
        lifted: the same n frames as `lift.lift_blazepose` gives them, before anything is moved onto rays: the
            lifters know the estimator's own errors.
        intrinsics: (n, 3, 3).
    """
    rays = cameras.rays(lifted.keypoints_px, intrinsics)
    direction = middle(rays, lifted.keypoint_confidence)
    known = np.isfinite(direction).all(axis=-1, keepdims=True)
    axes = view_axes(np.where(known, direction, [0.0, 0.0, 1.0]))
    depth_m = np.einsum("njc,nc->nj", lifted.joints_m, axes[..., 2])
    return Sequence(time_s, rays, lifted.keypoint_confidence, depth_m - depth_m[:, :1], direction)
