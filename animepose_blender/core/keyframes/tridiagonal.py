"""Many small chains of equations, solved all at once."""

from __future__ import annotations

import numpy as np


def solve(diagonal: np.ndarray, coupling: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve a symmetric, positive definite, block tridiagonal system of 2 x 2 blocks.

    Row i reads coupling[i-1]^T x[i-1] + diagonal[i] x[i] + coupling[i] x[i+1] = right[i]. Chains that have nothing to
    do with each other may follow one another, with a coupling of 0 between them.

    Args:
        diagonal: (N, 2, 2)
        coupling: (N, 2, 2); the last one does not count.
        right: (N, 2, C)
    Returns:
        (N, 2, C)
    Reference: block cyclic reduction (Hockney 1965; Buzbee, Golub and Nielson 1970): every other unknown is
        eliminated, log2(N) times, each time for all of them together.
    """
    count = len(diagonal)
    if count == 1:
        return _inverse(diagonal) @ right
    inverse = _inverse(diagonal[1::2])
    # Each odd row hangs on the even one before it by `before` and on the even one after it by `after`.
    before = coupling[0 : count - 1 : 2]
    after = coupling[1::2].copy()
    if count % 2 == 0:
        after[-1] = 0.0
    to_before = before @ inverse
    to_after = np.swapaxes(after, -1, -2) @ inverse
    odd = right[1::2]
    lefts = len(inverse)
    even_diagonal, even_right = diagonal[0::2].copy(), right[0::2].copy()
    even_diagonal[:lefts] -= to_before @ np.swapaxes(before, -1, -2)
    even_right[:lefts] -= to_before @ odd
    rights = len(even_diagonal) - 1
    even_diagonal[1:] -= to_after[:rights] @ after[:rights]
    even_right[1:] -= to_after[:rights] @ odd[:rights]
    even_coupling = np.zeros_like(even_diagonal)
    even_coupling[:lefts] = -to_before @ after
    even = solve(even_diagonal, even_coupling, even_right)
    result = np.empty_like(right)
    result[0::2] = even
    rest = odd - np.swapaxes(before, -1, -2) @ even[:lefts]
    rest[:rights] -= after[:rights] @ even[1:]
    result[1::2] = inverse @ rest
    return result


def _inverse(blocks: np.ndarray) -> np.ndarray:
    """(N, 2, 2)"""
    turned = np.empty_like(blocks)
    turned[:, 0, 0], turned[:, 1, 1] = blocks[:, 1, 1], blocks[:, 0, 0]
    turned[:, 0, 1], turned[:, 1, 0] = -blocks[:, 0, 1], -blocks[:, 1, 0]
    turned /= (blocks[:, 0, 0] * blocks[:, 1, 1] - blocks[:, 0, 1] * blocks[:, 1, 0])[:, None, None]
    return turned
