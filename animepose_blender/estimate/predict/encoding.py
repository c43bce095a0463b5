"""What the recurrent network reads and writes, batched on leading axes; training and run time share it.

Everything is put into the person's own axes at the moment of loss: origin under the pelvis, x where the hips and
shoulders face, y to the left, z up from the floor, in units of the person's size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import left_of
from .past import RATE_HZ

STRIDE = 2
"""The network reads every second sample of the past: 15 Hz."""
HORIZON_S = 2.0
"""How far it looks ahead."""
ROOT_WAVES = 8
"""Waves of the root's path beside the straight line; the shortest lasts one second."""
POSE_WAVES = 12
"""The same for the pose; the shortest lasts 0.35 s, which is faster than a run's half cycle."""
SIGMA_KNOTS = 9
"""Uncertainty is told for every quarter of a second."""
OWN_FEATURES = 92
OTHER_FEATURES = 7
LIFE_S = 1.0
"""Time constant with which the velocity dies down beyond the horizon."""
LATE_GROWTH_M_S = 0.3
"""How fast uncertainty grows there at least."""
_FACING_SAMPLES = 8
_FAR = 4.0
"""Others further away than this, in sizes, are as good as at this distance."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """A past as the network reads it, S steps."""

    own: np.ndarray
    """(..., S, `OWN_FEATURES`)."""
    others: np.ndarray
    """(..., O, S, `OTHER_FEATURES`); the last feature is 1 where somebody is there, else all are 0."""
    axes: np.ndarray
    """(..., 3, 3) the person's axes as columns, world."""


def encode(
    root_m: np.ndarray,
    directions: np.ndarray,
    known: np.ndarray,
    others_m: np.ndarray,
    camera_m: np.ndarray,
    size: np.ndarray,
) -> Encoded:
    """Features of pasts, as in `Past`.

    Args:
        root_m: (..., H, 3).
        directions: (..., H, J, 3).
        known: (..., H).
        others_m: (..., O, H, 3); NaN where absent.
        camera_m: (..., 3).
        size: (...,) of `size_of`.
    """
    axes = own_axes(directions)
    scale = np.asarray(size)[..., None, None]
    origin = root_m[..., -1:, :] * np.array([1.0, 1.0, 0.0], root_m.dtype)
    root = ((root_m - origin) @ axes / scale)[..., ::STRIDE, :]
    step_s = STRIDE / RATE_HZ
    velocity = np.diff(root, axis=-2, prepend=root[..., :1, :]) / step_s
    turned = (directions[..., ::STRIDE, 1:, :] @ axes[..., None, :, :]).reshape(*root.shape[:-1], -1)
    toward = (root_m[..., -1, :] - camera_m)[..., None, :] @ axes
    distance = np.maximum(np.linalg.norm(toward, axis=-1, keepdims=True), 0.1)
    constant = np.concatenate([toward / distance, np.log(distance / scale)], axis=-1)
    own = [root, velocity, turned, known[..., ::STRIDE, None], np.broadcast_to(constant, (*root.shape[:-1], 4))]

    place = ((others_m - root_m[..., None, :, :]) @ axes[..., None, :, :] / scale[..., None])[..., ::STRIDE, :]
    moved = ((others_m - origin[..., None, :, :]) @ axes[..., None, :, :] / scale[..., None])[..., ::STRIDE, :]
    speed = np.diff(moved, axis=-2, prepend=moved[..., :1, :]) / step_s
    there = np.isfinite(place).all(axis=-1, keepdims=True)
    place = np.clip(np.nan_to_num(place), -_FAR, _FAR)
    others = np.concatenate([place, np.clip(np.nan_to_num(speed), -_FAR, _FAR), np.ones_like(place[..., :1])], axis=-1)
    return Encoded(np.concatenate(own, axis=-1), np.where(there, others, 0.0), axes)


def own_axes(directions: np.ndarray) -> np.ndarray:
    """(..., 3, 3) columns forward, left, up of somebody with bones (..., H, J, 3) at the end."""
    left = left_of(directions[..., -_FACING_SAMPLES:, :, :]).sum(axis=-2)
    left = left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-6)
    # Who lies on one side has no left; any axes do.
    left = np.where(np.abs(left).sum(axis=-1, keepdims=True) > 0.5, left, np.array([0.0, 1.0], left.dtype))
    axes = np.zeros((*left.shape[:-1], 3, 3), left.dtype)
    axes[..., 0, 0], axes[..., 1, 0] = left[..., 1], -left[..., 0]
    axes[..., :2, 1] = left
    axes[..., 2, 2] = 1
    return axes


def root_basis(since_s: np.ndarray) -> np.ndarray:
    """(n, 1 + `ROOT_WAVES`) a straight line that dies down beyond the horizon, and waves that stop there."""
    late_s = np.maximum(since_s - HORIZON_S, 0.0)
    line = np.minimum(since_s, HORIZON_S) + LIFE_S * (1 - np.exp(-late_s / LIFE_S))
    return np.concatenate([line[:, None] / HORIZON_S, _waves(since_s, ROOT_WAVES)], axis=-1)


def pose_basis(since_s: np.ndarray) -> np.ndarray:
    """(n, `POSE_WAVES`)."""
    return _waves(since_s, POSE_WAVES)


def sigma_basis(since_s: np.ndarray) -> np.ndarray:
    """(n, `SIGMA_KNOTS`) weights of the steps whose sum, linear between knots, is the uncertainty."""
    at = np.minimum(since_s, HORIZON_S) / HORIZON_S * (SIGMA_KNOTS - 1)
    steps = np.clip(at[:, None] - np.arange(SIGMA_KNOTS - 1), 0.0, 1.0)
    return np.concatenate([np.ones_like(at)[:, None], steps], axis=-1)


def _waves(since_s: np.ndarray, count: int) -> np.ndarray:
    """(n, count) sin((k + 1/2) pi t / T): 0 at the start, and at rest at the horizon T."""
    t = np.minimum(since_s, HORIZON_S) / HORIZON_S
    return np.sin((np.arange(count) + 0.5) * np.pi * t[:, None])
