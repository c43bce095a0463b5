"""Smooth and fill motion over the whole clip, without lag, by its confidence."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solveh_banded

OUTLIER_MADS = 4.0
"""Residuals beyond this many median absolute deviations lose weight."""


def smooth(values: np.ndarray, weights: np.ndarray, time_s: np.ndarray, cutoff_hz: float) -> np.ndarray:
    """Penalised least squares: as near to the data as its weights ask, with little acceleration.

    Minimises sum_i w_i |x_i - z_i|^2 + lambda sum (z'')^2 dt, z'' by divided differences at the frames' own times. For
    even times and weights of 1 this is a zero-phase low-pass filter of gain 1 / (1 + (f / cutoff)^4). Missing values
    are filled with the straightest curve. A second pass gives outliers less weight.

    Args:
        values: (F, N, D); where a weight is 0 they may be NaN.
        weights: (F, N), 0 to 1.
        time_s: (F,) increasing.
        cutoff_hz: frequency of half gain.
    Returns:
        (F, N, D); NaN where a series has no data at all.
    Reference: Whittaker (1923), Eilers (2003), with the penalty in time instead of frames.
    """
    values, weights = np.asarray(values, float), np.where(np.isnan(values).any(axis=-1), 0.0, weights)
    filled = np.where(weights[..., None] > 0, values, 0.0)
    if len(time_s) < 3:
        return np.where(weights.sum(axis=0)[None, :, None] > 0, values, np.nan)
    penalty = _penalty(time_s, cutoff_hz)
    result = np.full_like(filled, np.nan)
    for series in range(values.shape[1]):
        weight = weights[:, series]
        if not weight.any():
            continue
        curve = _solve(penalty, weight, filled[:, series])
        residual = np.linalg.norm(filled[:, series] - curve, axis=-1)
        scale = OUTLIER_MADS * np.median(residual[weight > 0]) + 1e-9
        robust = weight / np.maximum(1.0, residual / scale) ** 2
        result[:, series] = _solve(penalty, robust, filled[:, series])
    return result


def smooth_angle(angle_rad: np.ndarray, weights: np.ndarray, time_s: np.ndarray, cutoff_hz: float) -> np.ndarray:
    """(F,) angles smoothed on the circle, drawn gently to 0 where they are not known."""
    towards_zero = 0.02
    vectors = np.stack([np.cos(angle_rad), np.sin(angle_rad)], axis=-1)
    vectors = np.nan_to_num(vectors) * weights[:, None] + np.array([towards_zero, 0.0])
    total = weights + towards_zero
    mean = smooth((vectors / total[:, None])[:, None], total[:, None], time_s, cutoff_hz)[:, 0]
    return np.arctan2(mean[:, 1], mean[:, 0])


def _penalty(time_s: np.ndarray, cutoff_hz: float) -> np.ndarray:
    """(3, F) upper bands of lambda D'D, D the second derivative by divided differences.

    A sum over samples stands for an integral times the sample rate, hence the division by the mean step.
    """
    before, after = np.diff(time_s)[:-1], np.diff(time_s)[1:]
    span = (before + after) / 2
    a, c = 1 / (before * span), 1 / (after * span)
    b = -(a + c)
    strength = span / np.mean(np.diff(time_s)) / (2 * np.pi * cutoff_hz) ** 4
    count = len(time_s)
    bands = np.zeros((3, count))
    bands[2, :-2] += strength * a * a
    bands[2, 1:-1] += strength * b * b
    bands[2, 2:] += strength * c * c
    bands[1, 1:-1] += strength * a * b
    bands[1, 2:] += strength * b * c
    bands[0, 2:] += strength * a * c
    return bands


def _solve(penalty: np.ndarray, weight: np.ndarray, values: np.ndarray) -> np.ndarray:
    bands = penalty.copy()
    # A trace of weight everywhere keeps the system regular with fewer than two samples.
    bands[2] += weight + 1e-9
    center = np.average(values, axis=0, weights=weight)
    return solveh_banded(bands, weight[:, None] * (values - center)) + center
