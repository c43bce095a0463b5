"""The solve's cost about the present pose as a quadratic in the joints, and the step of all unknowns that lowers it.

Every term of the cost is a function of joints: where they are, or where they are relative to the root. So terms add
3 x 3 blocks to a quadratic in the joints, and only here are they taken to the unknowns, by the joints' Jacobian A:

    H = A' W A      g = A' w

Neighbouring frames are tied by terms that are the same in x, y and z (velocity and acceleration), so the system has
blocks on five diagonals, and is solved by a banded Cholesky factorisation: time and memory are linear in the frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from ...skeleton import CONTACT_JOINTS, JOINT_COUNT
from .body import UNKNOWNS

DAMPING = 0.1
"""Added to the diagonal: keeps what nothing is known of where it is; evidence of 10 cm counts a thousand times more."""
_BAND = 3 * UNKNOWNS
_CONTACT = list(CONTACT_JOINTS)


@dataclass(frozen=True, eq=False)
class Ties:
    """What ties neighbouring frames: sum over frames of x' P x with P of five diagonals, for N series."""

    same: np.ndarray
    """(n, N) the diagonal."""
    next: np.ndarray
    """(n - 1, N) frame t with t + 1."""
    after: np.ndarray
    """(n - 2, N) frame t with t + 2."""

    def times(self, values: np.ndarray) -> np.ndarray:
        """(n, N, 3) P x of values (n, N, 3)."""
        result = self.same[..., None] * values
        for step, weight in ((1, self.next), (2, self.after)):
            if len(values) > step:
                result[:-step] += weight[..., None] * values[step:]
                result[step:] += weight[..., None] * values[:-step]
        return result


@dataclass(eq=False)
class Quadratic:
    """Weights (half of the second derivative) and slopes (half of the first) in n frames, about the present pose."""

    where: np.ndarray
    """(n, J, 3, 3) of the joints in space."""
    where_slope: np.ndarray
    """(n, J, 3)"""
    seen: np.ndarray
    """(n, J, 3, 3) of the joints in space, as far as the root moves across the view only."""
    seen_slope: np.ndarray
    """(n, J, 3)"""
    relative: np.ndarray
    """(n, J, 3, 3) of the joints relative to the root."""
    relative_slope: np.ndarray
    """(n, J, 3)"""
    rows: list[tuple[np.ndarray, np.ndarray]]
    """Terms of several joints: (n, J, 3) derivative of a residual by the joints relative to the root, and (n,) the
    residual, both times the root of its weight."""

    @classmethod
    def nothing(cls, count: int) -> Quadratic:
        """Without any term."""
        shape = (count, JOINT_COUNT, 3)
        weights = [np.zeros((*shape, 3)) for _ in range(3)]
        slopes = [np.zeros(shape) for _ in range(3)]
        return cls(weights[0], slopes[0], weights[1], slopes[1], weights[2], slopes[2], [])


def step_of(
    quadratic: Quadratic,
    relative_ties: Ties,
    root_ties: Ties,
    contact_ties: Ties,
    jacobian: np.ndarray,
    across: np.ndarray,
) -> np.ndarray:
    """(n, UNKNOWNS) the step to the least of the quadratic.

    Args:
        quadratic: about the present pose, slopes of the ties included.
        relative_ties: of the J joints relative to the root.
        root_ties: of the root, N = 1.
        contact_ties: of the 4 contact joints in space.
        jacobian: (n, J, 3, UNKNOWNS) of the joints relative to the root.
        across: (n, 3, 3) projection onto the plane across the view of the root.
    """
    count = len(jacobian)
    flat = jacobian.reshape(count, -1, UNKNOWNS)
    placed, seen = jacobian.copy(), jacobian.copy()
    placed[..., :3] += np.eye(3)
    seen[..., :3] += across[:, None]
    own = relative_ties.same[..., None, None] * np.eye(3) + quadratic.relative
    in_space = quadratic.where.copy()
    in_space[:, _CONTACT] += contact_ties.same[..., None, None] * np.eye(3)

    blocks = _transposed(flat) @ (own @ jacobian).reshape(flat.shape)
    blocks += _transposed(placed.reshape(flat.shape)) @ (in_space @ placed).reshape(flat.shape)
    blocks += _transposed(seen.reshape(flat.shape)) @ (quadratic.seen @ seen).reshape(flat.shape)
    blocks[:, range(3), range(3)] += root_ties.same
    right = _along(flat, quadratic.relative_slope) + _along(placed.reshape(flat.shape), quadratic.where_slope)
    right += _along(seen.reshape(flat.shape), quadratic.seen_slope)
    for derivative, residual in quadratic.rows:
        row = _along(flat, derivative)
        blocks += row[:, :, None] * row[:, None, :]
        right += row * residual[:, None]
    diagonal = np.einsum("nii->ni", blocks)
    diagonal += DAMPING

    feet = placed[:, _CONTACT].reshape(count, -1, UNKNOWNS)
    following = [
        _tied(flat, relative_ties.next, 1) + _tied(feet, contact_ties.next, 1),
        _tied(flat, relative_ties.after, 2),
    ]
    for step, weight, block in ((1, root_ties.next, following[0]), (2, root_ties.after, following[1])):
        if count > step:
            block[:, range(3), range(3)] += weight
    return -_solve(blocks, following, right)


def _tied(flat: np.ndarray, weights: np.ndarray, step: int) -> np.ndarray:
    """(n - step, U, U) blocks between frames that lie `step` apart."""
    if len(flat) <= step:
        return np.zeros((0, UNKNOWNS, UNKNOWNS))
    each = np.repeat(weights, 3, axis=-1)[..., None]
    return _transposed(flat[:-step]) @ (each * flat[step:])


def _along(flat: np.ndarray, slope: np.ndarray) -> np.ndarray:
    return np.einsum("nku,nk->nu", flat, slope.reshape(len(slope), -1))


def _transposed(matrix: np.ndarray) -> np.ndarray:
    return np.swapaxes(matrix, -1, -2)


_ROW, _COLUMN = np.mgrid[:UNKNOWNS, :UNKNOWNS]
_UPPER = _ROW <= _COLUMN


def _solve(blocks: np.ndarray, following: list[np.ndarray], right: np.ndarray) -> np.ndarray:
    """Banded Cholesky; (n, U, U) blocks on the diagonal and those above it."""
    count = len(blocks)
    # Fortran's order, so that LAPACK works on it without a copy.
    bands = np.zeros((count, UNKNOWNS, _BAND))
    bands[:, _COLUMN[_UPPER], _BAND - 1 + (_ROW - _COLUMN)[_UPPER]] = blocks[:, _ROW[_UPPER], _COLUMN[_UPPER]]
    for step, block in enumerate(following, start=1):
        if count > step:
            bands[step:, _COLUMN, _BAND - 1 - step * UNKNOWNS + _ROW - _COLUMN] = block
    matrix = bands.reshape(count * UNKNOWNS, _BAND).T
    solved = solveh_banded(matrix, right.reshape(-1), overwrite_ab=True, overwrite_b=True, check_finite=False)
    return solved.reshape(count, UNKNOWNS)
