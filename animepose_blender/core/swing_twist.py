"""Bone rotations from joint positions: swings, hinges and best fits, batched over frames."""

from __future__ import annotations

import numpy as np

from . import quaternions as quat


def swing(parent: np.ndarray, rest_direction: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Global rotation that points a bone along `direction` with the least turn from where its parent carries it.

    Args:
        parent: (..., 4) global rotation of the parent.
        rest_direction: (3,) unit direction in the rest pose.
        direction: (..., 3) observed direction of any length above zero.
    """
    carried = quat.rotate(parent, np.broadcast_to(rest_direction, direction.shape))
    return quat.multiply(quat.between(carried, direction), parent)


def twist_angle(bone: np.ndarray, axis: np.ndarray, rest_normal: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """(...,) angle about a bone that turns its carried `rest_normal` onto `normal`, radians.

    Args:
        bone: (..., 4) global rotation of the bone before the twist.
        axis: (3,) rest direction of the bone.
        rest_normal: (3,) a direction in the rest pose, perpendicular to `axis`.
        normal: (..., 3) where that direction is observed; its part along the bone does not count.
    """
    along = quat.rotate(bone, np.broadcast_to(axis, normal.shape))
    carried = quat.rotate(bone, np.broadcast_to(rest_normal, normal.shape))
    return np.arctan2(np.sum(np.cross(carried, normal) * along, axis=-1), np.sum(carried * normal, axis=-1))


def twist(bone: np.ndarray, axis: np.ndarray, angle_rad: np.ndarray) -> np.ndarray:
    """(..., 4) a bone turned about its own length."""
    half = angle_rad[..., None] / 2
    return quat.multiply(bone, np.concatenate([np.cos(half), np.sin(half) * axis], axis=-1))


def fit(rest: np.ndarray, observed: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The rotation that turns a set of rest vectors onto observed ones with the least squared error.

    Args:
        rest: (N, 3).
        observed: (..., N, 3).
        weights: (N,).
    Returns:
        (..., 4).
    Reference: Kabsch (1976), with the correction of the sign that excludes reflections.
    """
    correlation = np.einsum("n,...ni,nj->...ij", weights, observed, rest)
    u, _, vt = np.linalg.svd(correlation)
    u[..., :, 2] *= np.sign(np.linalg.det(u) * np.linalg.det(vt))[..., None]
    return quat.from_matrix(u @ vt)


def slerp(a: np.ndarray, b: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """(..., 4) the rotation that lies `share`, a number or (..., 1), of the short way from `a` to `b`."""
    dot = np.sum(a * b, axis=-1, keepdims=True)
    b = np.where(dot < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(dot), 0, 1))
    near = angle < 1e-6
    sine = np.where(near, 1.0, np.sin(angle))
    wa = np.where(near, 1 - share, np.sin((1 - share) * angle) / sine)
    wb = np.where(near, share, np.sin(share * angle) / sine)
    return quat.normalize(wa * a + wb * b)
