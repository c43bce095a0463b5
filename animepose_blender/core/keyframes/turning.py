"""Small turns of channels, and products of matrices whose last axis is time."""

from __future__ import annotations

import numpy as np

from .. import quaternions as quat
from ..retarget import euler

_STEP = 1e-6
_DAMPING = 1e-3
"""Where two axes of Euler angles lie on each other, a turn about the third would take huge angles: it is left out."""


def times(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., 3, 3, S) products of matrices."""
    result = a[..., :, 0, None, :] * b[..., None, 0, :, :]
    for part in (1, 2):
        result += a[..., :, part, None, :] * b[..., None, part, :, :]
    return result


def applied(a: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(..., 3, S) matrices (..., 3, 3, S) times vectors (..., 3, S)."""
    result = a[..., 0, :] * v[..., None, 0, :]
    for part in (1, 2):
        result += a[..., part, :] * v[..., None, part, :]
    return result


def vector_of(matrices: np.ndarray) -> np.ndarray:
    """(..., 3, S) rotation vectors, radians, of small turns (..., 3, 3, S)."""
    apart = matrices - matrices.swapaxes(-3, -2)
    return np.stack([apart[..., 2, 1, :], apart[..., 0, 2, :], apart[..., 1, 0, :]], axis=-2) / 2


def turned(channels: np.ndarray, kind: str, turn: np.ndarray) -> np.ndarray:
    """Rotation channels turned a little, and kept near to what they were.

    Args:
        channels: (S, 4) of a kind of rotation; Euler angles are padded.
        turn: (S, 3) rotation vectors in the parent's axes, radians.
    Returns:
        (S, 4)
    """
    if kind == "QUATERNION":
        w, v = channels[:, :1], channels[:, 1:]
        result = channels + 0.5 * np.concatenate(
            [-(turn * v).sum(-1, keepdims=True), w * turn + np.cross(turn, v)], axis=1
        )
        size, grown = (np.linalg.norm(each, axis=1, keepdims=True) for each in (channels, result))
        return result * size / np.maximum(grown, 1e-12)
    back = quat.to_matrix(quat.conjugate(euler.from_channels(channels, kind)))
    slopes = np.empty((len(channels), 3, channels.shape[1]))
    for part in range(channels.shape[1]):
        nudged = channels.copy()
        nudged[:, part] += _STEP
        apart = quat.to_matrix(euler.from_channels(nudged, kind)) @ back
        slopes[:, :, part] = vector_of(np.moveaxis(apart, 0, -1)).T / _STEP
    other_way = slopes.transpose(0, 2, 1)
    small = np.linalg.solve(slopes @ other_way + _DAMPING * np.eye(3), turn[..., None])
    return channels + (other_way @ small)[..., 0]
