"""Rotations as Euler angles and as axis and angle, in Blender's conventions, without flips over time.

Blender's order `XYZ` turns about the fixed X first, then Y, then Z: R = Rz Ry Rx. For an order ijk, two triples give
the same rotation,

    (a_i, a_j, a_k)    and    (a_i + pi, pi - a_j, a_k + pi),

each up to whole turns. Which of the two is nearer to the frame before does not depend on which was taken there, since
the step between first and first is as long as that between second and second, and so on: whether to change over is
known for all frames at once, and what is left is to count.
"""

from __future__ import annotations

import numpy as np

from ..quaternions import IDENTITY, conjugate, from_matrix, multiply, to_matrix, unroll

ORDERS: tuple[str, ...] = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
_ODD = ("XZY", "YXZ", "ZYX")
SINGULAR = 1e-4
"""Cosine of the middle angle below which only the sum or difference of the other two is known."""


def to_quaternion(angles: np.ndarray, order: str) -> np.ndarray:
    """(..., 4) of Euler angles (..., 3), radians, given as x, y, z whatever the order."""
    half = np.asarray(angles, dtype=np.float64) / 2.0
    result: np.ndarray | None = None
    for letter in order:
        axis = "XYZ".index(letter)
        turn = np.zeros((*half.shape[:-1], 4))
        turn[..., 0] = np.cos(half[..., axis])
        turn[..., 1 + axis] = np.sin(half[..., axis])
        result = turn if result is None else multiply(turn, result)
    assert result is not None
    return result


def from_quaternion(q: np.ndarray, order: str) -> np.ndarray:
    """Euler angles of a motion, as steady as they can be.

    Args:
        q: (F, ..., 4) unit quaternions, time first.
        order: one of `ORDERS`.
    Returns:
        (F, ..., 3) radians, as x, y, z.
    Reference: the two triples are those of Shoemake, Euler angle conversion, Graphics Gems IV (1994).
    """
    i, j, k = ("XYZ".index(letter) for letter in order)
    sign = -1.0 if order in _ODD else 1.0
    m = to_matrix(q)
    cosine = np.hypot(m[..., i, i], m[..., j, i])
    angles = np.empty((*q.shape[:-1], 3))
    angles[..., i] = np.arctan2(m[..., k, j], m[..., k, k])
    angles[..., j] = np.arctan2(-m[..., k, i], cosine)
    angles[..., k] = np.arctan2(m[..., j, i], m[..., i, i])
    singular = cosine < SINGULAR
    if singular.any():
        # With the last angle at 0 the first holds both; it is then moved on to the first angle's last known value.
        alone = np.arctan2(-m[..., j, k], m[..., j, j])
        first = _carried(angles[..., i], singular)
        up = np.where(angles[..., j] > 0, 1.0, -1.0)
        angles[..., i] = np.where(singular, first, angles[..., i])
        angles[..., k] = np.where(singular, up * (first - alone), angles[..., k])
    return sign * without_flips(angles, j)


def _carried(values: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """`values`, where unknown those of the last known frame before, or of the first after; 0 where none is known."""
    count = len(values)
    frame = np.broadcast_to(np.arange(count).reshape(-1, *[1] * (values.ndim - 1)), values.shape)
    before = np.maximum.accumulate(np.where(unknown, -1, frame), axis=0)
    after = np.minimum.accumulate(np.where(unknown, count, frame)[::-1], axis=0)[::-1]
    source = np.where(before >= 0, before, np.minimum(after, count - 1))
    return np.where((before < 0) & (after == count), 0.0, np.take_along_axis(values, source, axis=0))


def _wrapped(angles: np.ndarray) -> np.ndarray:
    return (angles + np.pi) % (2 * np.pi) - np.pi


def without_flips(angles: np.ndarray, middle: int) -> np.ndarray:
    """(F, ..., 3) of both triples in each frame the one nearer to the frame before, and no jumps by whole turns.

    Args:
        angles: (F, ..., 3) radians, as x, y, z.
        middle: the axis in the middle of the order.
    """
    other = angles + np.pi
    other[..., middle] = np.pi - angles[..., middle]
    stay = np.abs(_wrapped(angles[1:] - angles[:-1])).sum(-1)
    change = np.abs(_wrapped(angles[1:] - other[:-1])).sum(-1)
    changed = np.cumsum(change < stay, axis=0) % 2 == 1
    chosen = np.concatenate([np.zeros_like(angles[:1, ..., 0], dtype=bool), changed])
    return np.unwrap(np.where(chosen[..., None], other, angles), axis=0)


def from_axis_angle(channels: np.ndarray) -> np.ndarray:
    """(..., 4) quaternions of Blender's channels (..., 4): angle, then an axis of any length; no axis turns nothing."""
    axis = channels[..., 1:]
    length = np.linalg.norm(axis, axis=-1, keepdims=True)
    half = channels[..., :1] / 2.0
    turned = np.concatenate([np.cos(half), np.sin(half) * axis / np.where(length > 1e-9, length, 1.0)], axis=-1)
    return np.where(length > 1e-9, turned, IDENTITY)


def to_axis_angle(q: np.ndarray) -> np.ndarray:
    """(F, ..., 4) Blender's channels, angle and unit axis, of a motion; neither leaps.

    Args:
        q: (F, ..., 4) unit quaternions, time first.
    """
    length = np.linalg.norm(q[..., 1:], axis=-1)
    unknown = length < 1e-6
    axis = q[..., 1:] / np.where(unknown, 1.0, length)[..., None]
    axis = np.stack([_carried(axis[..., part], unknown) for part in range(3)], axis=-1)
    axis[(axis == 0).all(-1)] = [0.0, 1.0, 0.0]
    dots = (axis[1:] * axis[:-1]).sum(-1)
    signs = np.concatenate([np.ones_like(length[:1]), np.cumprod(np.where(dots < 0, -1.0, 1.0), axis=0)])
    axis = axis * signs[..., None]
    angle = 2.0 * np.arctan2((q[..., 1:] * axis).sum(-1), q[..., 0])
    return np.concatenate([np.unwrap(_wrapped(angle), axis=0)[..., None], axis], axis=-1)


def from_channels(channels: np.ndarray, mode: str) -> np.ndarray:
    """(..., 4) unit quaternions of Blender's rotation channels in any mode; a quaternion of length 0 turns nothing.

    Args:
        channels: (..., 4), or (..., 3) Euler angles.
        mode: QUATERNION, AXIS_ANGLE or one of `ORDERS`.
    """
    if mode == "AXIS_ANGLE":
        return from_axis_angle(channels)
    if mode != "QUATERNION":
        return to_quaternion(channels[..., :3], mode)
    length = np.linalg.norm(channels, axis=-1, keepdims=True)
    return np.where(length > 1e-9, channels / np.where(length > 1e-9, length, 1.0), IDENTITY)


def to_channels(q: np.ndarray, mode: str) -> np.ndarray:
    """(F, ..., 4) or (F, ..., 3) Blender's rotation channels of a motion (F, ..., 4); neither flips nor leaps."""
    if mode == "AXIS_ANGLE":
        return to_axis_angle(q)
    return unroll(q) if mode == "QUATERNION" else from_quaternion(q, mode)


def angle_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(...) radians from 0 to pi between rotations (..., 4)."""
    apart = multiply(conjugate(a), b)
    return 2.0 * np.arctan2(np.linalg.norm(apart[..., 1:], axis=-1), np.abs(apart[..., 0]))


def rotations_of(matrices: np.ndarray) -> np.ndarray:
    """(..., 4) of matrices (..., 4, 4) or (..., 3, 3) that may scale: by their columns made square to each other, the
    bone's length first."""
    y = matrices[..., :3, 1]
    y = y / np.linalg.norm(y, axis=-1, keepdims=True)
    z = np.cross(matrices[..., :3, 0], y)
    z = z / np.linalg.norm(z, axis=-1, keepdims=True)
    return from_matrix(np.stack([np.cross(y, z), y, z], axis=-1))
