"""Unit quaternions, wxyz, batched on leading axes."""

from __future__ import annotations

import numpy as np

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])


def normalize(q: np.ndarray) -> np.ndarray:
    """(..., 4) scaled to unit length."""
    return q / np.linalg.norm(q, axis=-1, keepdims=True)


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., 4) the Hamilton product: rotate by `b`, then by `a`."""
    aw, ax, ay, az = (a[..., k] for k in range(4))
    bw, bx, by, bz = (b[..., k] for k in range(4))
    # Filled in place: stacking four parts takes longer than the product itself.
    product = np.empty((*np.broadcast_shapes(aw.shape, bw.shape), 4), dtype=np.result_type(a, b))
    product[..., 0] = aw * bw - ax * bx - ay * by - az * bz
    product[..., 1] = aw * bx + ax * bw + ay * bz - az * by
    product[..., 2] = aw * by - ax * bz + ay * bw + az * bx
    product[..., 3] = aw * bz + ax * by - ay * bx + az * bw
    return product


def conjugate(q: np.ndarray) -> np.ndarray:
    """(..., 4) the inverse of a unit quaternion."""
    return q * np.array([1.0, -1.0, -1.0, -1.0])


def rotate(q: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """(..., 3) `vector` turned by `q`: v + 2w(u x v) + 2u x (u x v)."""
    w, u = q[..., :1], q[..., 1:]
    t = 2.0 * np.cross(u, vector)
    return vector + w * t + np.cross(u, t)


def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smallest rotation that turns direction `a` onto direction `b`.

    Args:
        a, b: (..., 3) of any length above zero.
    Returns:
        (..., 4). For opposite directions the axis is any normal of `a`.
    """
    a = a / np.linalg.norm(a, axis=-1, keepdims=True)
    b = b / np.linalg.norm(b, axis=-1, keepdims=True)
    a, b = np.broadcast_arrays(a, b)
    w = 1.0 + np.sum(a * b, axis=-1, keepdims=True)
    normal = np.cross(a, np.where(np.abs(a[..., :1]) < 0.6, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
    opposite = w < 1e-9
    return normalize(np.concatenate([np.where(opposite, 0.0, w), np.where(opposite, normal, np.cross(a, b))], axis=-1))


def from_matrix(matrix: np.ndarray) -> np.ndarray:
    """(..., 4) of rotation matrices (..., 3, 3).

    The largest of the four components is found from the diagonal and the others from it, so that no division is by a
    small number. Reference: Shepperd (1978).
    """
    m = matrix
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    # Row k of `candidates` is 4 q_k q, up to sign, for k = w, x, y, z.
    candidates = np.stack(
        [
            np.stack(
                [1 + trace, m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]], -1
            ),
            np.stack(
                [
                    m[..., 2, 1] - m[..., 1, 2],
                    1 + 2 * m[..., 0, 0] - trace,
                    m[..., 1, 0] + m[..., 0, 1],
                    m[..., 0, 2] + m[..., 2, 0],
                ],
                -1,
            ),
            np.stack(
                [
                    m[..., 0, 2] - m[..., 2, 0],
                    m[..., 1, 0] + m[..., 0, 1],
                    1 + 2 * m[..., 1, 1] - trace,
                    m[..., 2, 1] + m[..., 1, 2],
                ],
                -1,
            ),
            np.stack(
                [
                    m[..., 1, 0] - m[..., 0, 1],
                    m[..., 0, 2] + m[..., 2, 0],
                    m[..., 2, 1] + m[..., 1, 2],
                    1 + 2 * m[..., 2, 2] - trace,
                ],
                -1,
            ),
        ],
        axis=-2,
    )
    best = np.argmax(np.einsum("...kk->...k", candidates), axis=-1)
    return normalize(np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :])


def to_matrix(q: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rotation matrices."""
    w, x, y, z = np.moveaxis(q, -1, 0)
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
        ],
        axis=-2,
    )


def unroll(q: np.ndarray, axis: int = 0) -> np.ndarray:
    """The same rotations with signs chosen so that each lies on the side of the sphere of the one before it.

    Args:
        q: (..., 4).
        axis: the axis of time.
    """
    q = np.moveaxis(q, axis, 0)
    dots = np.sum(q[1:] * q[:-1], axis=-1)
    signs = np.concatenate([np.ones_like(q[:1, ..., 0]), np.cumprod(np.where(dots < 0, -1.0, 1.0), axis=0)])
    return np.moveaxis(q * signs[..., None], 0, axis)
