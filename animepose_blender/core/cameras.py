"""Pinhole cameras: pixels, rays and transforms. Camera axes are OpenCV's: x right, y down, z forward."""

from __future__ import annotations

import numpy as np


def intrinsics_of(focal_px: float, width: int, height: int) -> np.ndarray:
    """(3, 3) pinhole matrix with square pixels and the principal point in the middle of the picture."""
    return np.array([[focal_px, 0.0, width / 2], [0.0, focal_px, height / 2], [0.0, 0.0, 1.0]])


def project(points_camera_m: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Pixels of points in camera axes.

    Args:
        points_camera_m: (..., N, 3).
        intrinsics: (..., 3, 3).
    Returns:
        (..., N, 2); NaN for points that do not lie before the camera.
    """
    z = points_camera_m[..., 2:]
    rays = points_camera_m[..., :2] / np.where(z > 1e-6, z, np.nan)
    return rays * _focal(intrinsics) + _center(intrinsics)


def rays(points_px: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """(..., N, 2) x/z and y/z of the rays through pixels (..., N, 2)."""
    return (points_px - _center(intrinsics)) / _focal(intrinsics)


def transform(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(..., N, 3) points moved by rigid (..., 4, 4) transforms."""
    return points @ np.swapaxes(matrix[..., :3, :3], -1, -2) + matrix[..., None, :3, 3]


def invert(matrix: np.ndarray) -> np.ndarray:
    """(..., 4, 4) inverse of rigid transforms."""
    inverse = np.zeros_like(matrix)
    turned = np.swapaxes(matrix[..., :3, :3], -1, -2)
    inverse[..., :3, :3] = turned
    inverse[..., :3, 3] = -np.einsum("...ij,...j->...i", turned, matrix[..., :3, 3])
    inverse[..., 3, 3] = 1
    return inverse


def _focal(intrinsics: np.ndarray) -> np.ndarray:
    return np.stack([intrinsics[..., 0, 0], intrinsics[..., 1, 1]], axis=-1)[..., None, :]


def _center(intrinsics: np.ndarray) -> np.ndarray:
    return intrinsics[..., None, :2, 2]
