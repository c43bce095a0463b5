"""Rotation matrices, batched on leading axes: frames, swings, means, turns."""

from __future__ import annotations

import numpy as np


def unit(vectors: np.ndarray) -> np.ndarray:
    """(..., 3) scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def frame(direction: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(..., 3, 3) columns: the direction, the part of `second` across it, and their normal."""
    x = unit(direction)
    y = unit(second - np.sum(second * x, axis=-1, keepdims=True) * x)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def swing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., 3, 3) the smallest rotation from direction a to b: I + [v] + [v]^2 / (1 + c), with v = a x b, c = a.b."""
    a, b = unit(a), unit(b)
    v, c = np.cross(a, b), np.sum(a * b, axis=-1)[..., None, None]
    zero = np.zeros_like(v[..., 0])
    cross = np.stack(
        [
            np.stack([zero, -v[..., 2], v[..., 1]], -1),
            np.stack([v[..., 2], zero, -v[..., 0]], -1),
            np.stack([-v[..., 1], v[..., 0], zero], -1),
        ],
        axis=-2,
    )
    return np.eye(3) + cross + cross @ cross / (1.0 + c)


def halfway(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., 3, 3) the mean of two rotations, projected back onto the rotations."""
    u, _, vt = np.linalg.svd(a + b)
    return u @ vt


def turn_about(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rotation by `angle` (...) about unit `axis` (..., 3) (Rodrigues)."""
    zero = np.zeros_like(axis[..., 0])
    x, y, z = np.moveaxis(axis, -1, 0)
    k = np.stack([np.stack([zero, -z, y], -1), np.stack([z, zero, -x], -1), np.stack([-y, x, zero], -1)], -2)
    s, c = np.sin(angle)[..., None, None], np.cos(angle)[..., None, None]
    return np.eye(3) + s * k + (1 - c) * (k @ k)


def smoothstep(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, smooth in between."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)
