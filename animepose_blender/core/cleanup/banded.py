"""Symmetric positive definite systems with two bands beside the diagonal, many at a time."""

from __future__ import annotations

import numpy as np


def solve(bands: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x of A x = r, by A = L D L'.

    Each frame needs the two before it, so that there is one step of Python per frame, with all series in it.

    Args:
        bands: (3, F) for one matrix, or (3, F, ...) for one each, broadcast against `right`: the diagonal in [2, i],
            A[i - 1, i] in [1, i] and A[i - 2, i] in [0, i], as in scipy.linalg.solveh_banded.
        right: (F, ...).
    Returns:
        (F, ...).
    Reference: Golub and Van Loan, Matrix Computations, 4.3.6.
    """
    count = len(right)
    diagonal, near, far = _factors(bands)
    if bands.ndim == 2:
        # Plain numbers multiply rows faster than arrays of one do.
        near, far = near.tolist(), far.tolist()
    x = np.array(right, dtype=np.float64)
    if count > 1:
        x[1] -= near[1] * x[0]
    for i in range(2, count):
        x[i] -= near[i] * x[i - 1] + far[i] * x[i - 2]
    x /= diagonal.reshape(diagonal.shape + (1,) * (x.ndim - diagonal.ndim))
    if count > 1:
        x[-2] -= near[-1] * x[-1]
    for i in range(count - 3, -1, -1):
        x[i] -= near[i + 1] * x[i + 1] + far[i + 2] * x[i + 2]
    return x


def _factors(bands: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """D, and the first and second band of L below its diagonal of ones; each (F, ...)."""
    shape = bands.shape[1:]
    diagonal, near, far = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for i in range(shape[0]):
        value = bands[2, i]
        if i > 1:
            far[i] = bands[0, i] / diagonal[i - 2]
            value = value - far[i] * bands[0, i]
        if i > 0:
            below = bands[1, i] - (far[i] * near[i - 1] * diagonal[i - 2] if i > 1 else 0.0)
            near[i] = below / diagonal[i - 1]
            value = value - near[i] * below
        diagonal[i] = value
    return diagonal, near, far
