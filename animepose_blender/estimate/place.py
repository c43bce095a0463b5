"""Absolute place of a person: the translation that puts metric joints onto the rays of their keypoints."""

from __future__ import annotations

import numpy as np

from ..core import cameras
from .robust import geman_mcclure

ROUNDS = 3
"""Rounds of reweighting; the third changes the root by under a millimetre on `park_two_people`."""
OUTLIER = 0.03
"""Distance from the ray, as a share of depth, at which a joint's weight falls to a quarter."""
NEAREST_M = 0.3
"""Roots nearer to the camera than this are not believed."""

RAY_SIGMA_M = 0.03
"""How far a joint lies off its keypoint's ray, across the view."""
ALONG_SHARE = 0.05
"""How far the distance is off, as a share of it: people and their postures are not of the size they seem."""


def root_sigma(root_m: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """(..., 2) how far roots (..., 3) in camera axes may be off, across the ray and along it, metres.

    Args:
        root_m: from `place_roots`.
        variance: (...,) from `place_roots`.
    """
    distance = np.linalg.norm(root_m, axis=-1)
    along = np.hypot(RAY_SIGMA_M * np.sqrt(variance), ALONG_SHARE * distance)
    return np.stack([np.full_like(along, RAY_SIGMA_M), along], axis=-1)


def place_roots(
    joints_m: np.ndarray, keypoints_px: np.ndarray, confidence: np.ndarray, intrinsics: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted linear least squares for the root, in closed form for all frames at once.

    A joint X + t projects onto the ray (u, v) where (X + t)_x = u (X + t)_z and (X + t)_y = v (X + t)_z: two equations
    a joint, linear in t. The residuals are distances from the ray in metres; Geman-McClure weights on their share of
    the depth let wrong keypoints go.

    Args:
        joints_m: (..., J, 3) root-relative, camera axes.
        keypoints_px: (..., J, 2); NaN = not observed.
        confidence: (..., J).
        intrinsics: (..., 3, 3).
    Returns:
        (..., 3) roots in camera axes and (...,) variance factor of the depth in m^2 for residuals of one metre; NaN
        where fewer than three joints are observed or the root would lie behind the camera.
    """
    observed = np.isfinite(keypoints_px).all(axis=-1) & np.isfinite(joints_m).all(axis=-1)
    base = np.where(observed, confidence, 0.0) ** 2
    ray = np.where(observed[..., None], cameras.rays(keypoints_px, intrinsics), 0.0)
    x = np.where(observed[..., None], joints_m, 0.0)
    target = ray * x[..., 2:] - x[..., :2]
    weight = base
    for _ in range(ROUNDS):
        root, covariance = _least_squares(ray, target, weight)
        depth = x[..., 2] + root[..., None, 2]
        residual = np.linalg.norm(x[..., :2] + root[..., None, :2] - ray * depth[..., None], axis=-1)
        share = residual / np.maximum(np.abs(depth), NEAREST_M)
        weight = base * geman_mcclure(share**2, OUTLIER)
    good = (observed & (confidence > 0)).sum(axis=-1) >= 3
    good &= root[..., 2] > NEAREST_M
    return np.where(good[..., None], root, np.nan), np.where(good, covariance, np.nan)


def _least_squares(ray: np.ndarray, target: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normal equations of rows [1 0 -u] t = target_x, [0 1 -v] t = target_y, and the inverse's depth entry."""
    total = weight.sum(axis=-1)
    u = (weight[..., None] * ray).sum(axis=-2)
    squares = (weight * (ray**2).sum(axis=-1)).sum(axis=-1)
    normal = np.zeros((*total.shape, 3, 3))
    normal[..., 0, 0] = normal[..., 1, 1] = total
    normal[..., :2, 2] = normal[..., 2, :2] = -u
    normal[..., 2, 2] = squares
    right = np.concatenate(
        [
            (weight[..., None] * target).sum(axis=-2),
            -(weight * (ray * target).sum(axis=-1)).sum(axis=-1)[..., None],
        ],
        axis=-1,
    )
    # A little damping keeps frames without data solvable; they are thrown out by the caller.
    inverse = np.linalg.inv(normal + 1e-9 * np.eye(3))
    return np.einsum("...ij,...j->...i", inverse, right), inverse[..., 2, 2]
