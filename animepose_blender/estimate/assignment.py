"""The best one-to-one assignment in which anybody may also stay alone."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

_NEVER = 1e6


def assign(cost: np.ndarray, alone: float) -> np.ndarray:
    """(R,) column of each row, -1 for none, at the least total cost.

    Args:
        cost: (R, C); above `alone`, or infinite, where the two never belong together.
        alone: cost of a row without a column, so that one good match is worth more than two poor ones.
    Reference: Kuhn, The Hungarian method (1955), by SciPy.
    """
    rows, columns = cost.shape
    padded = np.full((rows, columns + rows), alone)
    padded[:, :columns] = np.where(cost <= alone, cost, _NEVER)
    _, chosen = linear_sum_assignment(padded)
    return np.where(chosen < columns, chosen, -1)
