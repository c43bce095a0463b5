"""Averages that a few wrong values do not move."""

from __future__ import annotations

import numpy as np


def geman_mcclure(square: np.ndarray, outlier: float) -> np.ndarray:
    """Weights of residuals whose squares are given: 1 near 0, a quarter at `outlier`, in the unit of the residuals.

    Reference: Geman and McClure (1987).
    """
    return 1 / (1 + square / outlier**2) ** 2


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(N,) medians over the first axis of (F, N) values; 0 where all weights are 0."""
    order = np.argsort(values, axis=0)
    ordered, weight = np.take_along_axis(values, order, 0), np.take_along_axis(weights, order, 0)
    total = np.cumsum(weight, axis=0)
    middle = np.argmax(total >= total[-1] / 2, axis=0)
    return np.where(total[-1] > 0, np.take_along_axis(ordered, middle[None], 0)[0], 0.0)
