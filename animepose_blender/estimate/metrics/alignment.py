"""Lay one set of points on another: turn, shift and, if asked, scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Similarity:
    """`factor * (points - from_m) @ turn + to_m`, with row vectors."""

    factor: np.ndarray
    """(...)"""
    turn: np.ndarray
    """(..., 3, 3)"""
    from_m: np.ndarray
    """(..., 1, 3)"""
    to_m: np.ndarray
    """(..., 1, 3)"""

    def apply(self, points: np.ndarray) -> np.ndarray:
        """(..., N, 3) moved; NaN where there was no fit."""
        return self.factor[..., None, None] * ((points - self.from_m) @ self.turn) + self.to_m


def fit_similarity(points: np.ndarray, target: np.ndarray, *, scale: bool) -> Similarity:
    """The similarity that lays `points` on `target` best, in the sense of least squares.

    Args:
        points, target: (..., N, 3); a point unknown in either has no say.
        scale: False for a rigid fit.
    Returns:
        Its factor is NaN where fewer than three points are known in both.
    Reference: Umeyama, Least-squares estimation of transformation parameters between two point patterns (1991),
    eqs. 40-43.
    """
    known = np.isfinite(points).all(-1) & np.isfinite(target).all(-1)
    count = known.sum(-1)
    weight = known[..., None]
    divisor = np.maximum(count, 1)[..., None, None]
    p_mean = np.where(weight, points, 0.0).sum(-2, keepdims=True) / divisor
    t_mean = np.where(weight, target, 0.0).sum(-2, keepdims=True) / divisor
    p = np.where(weight, points - p_mean, 0.0)
    t = np.where(weight, target - t_mean, 0.0)
    # Row vectors: the sought R turns p into t as p @ R, so the covariance is p^T t and a reflection is undone by
    # turning the weakest singular vector round.
    u, singular, vt = np.linalg.svd(np.swapaxes(p, -1, -2) @ t)
    sign = np.ones_like(singular)
    sign[..., -1] = np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0)
    spread = (p**2).sum((-2, -1))
    factor = (singular * sign).sum(-1) / np.where(spread > 0, spread, np.nan) if scale else np.ones_like(spread)
    return Similarity(np.where(count >= 3, factor, np.nan), (u * sign[..., None, :]) @ vt, p_mean, t_mean)
