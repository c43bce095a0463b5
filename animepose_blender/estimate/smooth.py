"""Smooth and fill motion over the whole clip, without lag, by its confidence."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solveh_banded

HALF_LIFE_HZ_S = 0.2285
"""Cutoff times half-life of penalised least squares of gain 1 / (1 + (f / cutoff)^4): the answer to a single wrong
value falls to a half after 0.2285 / cutoff. See `protocol.JobRequest.smoothness_s`."""
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
    penalty = second_difference_bands(time_s, cutoff_hz)
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


def smooth_seen(
    values: np.ndarray, weights: np.ndarray, ray: np.ndarray, time_s: np.ndarray, cutoff_hz: float, along_hz: float
) -> np.ndarray:
    """The same for points that are seen well across the view and poorly along it.

    Args:
        values: (F, N, 3) in axes that stand still; where a weight is 0 they may be NaN.
        weights: (F, N), 0 to 1.
        ray: (F, 3) unit direction of the view.
        time_s: (F,) increasing.
        cutoff_hz: frequency of half gain across the view.
        along_hz: the same along it.
    Returns:
        (F, N, 3); NaN where a series has no data at all.
    """
    weights = np.where(np.isnan(values).any(axis=-1), 0.0, weights)
    filled = np.where(weights[..., None] > 0, values, 0.0)
    if len(time_s) < 3:
        return np.where(weights.sum(axis=0)[None, :, None] > 0, values, np.nan)
    along = ray[:, :, None] * ray[:, None, :]
    # Gain falls with the fourth power of the frequency, so a cutoff at a share of it is a weight of its fourth power.
    share = np.eye(3) - along + (along_hz / cutoff_hz) ** 4 * along
    bands = second_difference_bands(time_s, cutoff_hz)
    result = np.full_like(filled, np.nan)
    for series in range(values.shape[1]):
        weight, own = weights[:, series], filled[:, series]
        if not weight.any():
            continue
        middle = np.average(own, axis=0, weights=weight)
        for _ in range(2):
            information = weight[:, None, None] * share
            curve = solve_blocks(bands, information, np.einsum("fij,fj->fi", information, own - middle)) + middle
            residual = np.sqrt(np.einsum("fi,fij,fj->f", own - curve, share, own - curve))
            scale = OUTLIER_MADS * np.median(residual[weight > 0]) + 1e-9
            weight = weight / np.maximum(1.0, residual / scale) ** 2
        result[:, series] = curve
    return result


def solve_blocks(bands: np.ndarray, information: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(F, 3) x of (P + W) x = r, with P a penalty that is the same for x, y and z.

    Args:
        bands: (3, F) of P, see `second_difference_bands`.
        information: (F, 3, 3) blocks of W.
        right: (F, 3).
    """
    upper = np.zeros((7, len(right), 3))
    for k in range(3):
        upper[6 - 3 * k] += bands[2 - k][:, None]
    for row in range(3):
        for column in range(row, 3):
            upper[6 - (column - row), :, column] += information[:, row, column]
    # A trace everywhere keeps the system regular where little is known.
    upper[6] += 1e-9 * max(1.0, float(np.abs(information).max()))
    return solveh_banded(upper.reshape(7, -1), right.reshape(-1)).reshape(-1, 3)


def smooth_angle(angle_rad: np.ndarray, weights: np.ndarray, time_s: np.ndarray, cutoff_hz: float) -> np.ndarray:
    """(F,) angles smoothed on the circle, drawn gently to 0 where they are not known."""
    towards_zero = 0.02
    vectors = np.stack([np.cos(angle_rad), np.sin(angle_rad)], axis=-1)
    vectors = np.nan_to_num(vectors) * weights[:, None] + np.array([towards_zero, 0.0])
    total = weights + towards_zero
    mean = smooth((vectors / total[:, None])[:, None], total[:, None], time_s, cutoff_hz)[:, 0]
    return np.arctan2(mean[:, 1], mean[:, 0])


def second_difference_bands(time_s: np.ndarray, cutoff_hz: float) -> np.ndarray:
    """(3, F) upper bands of lambda D'D, D the second derivative by divided differences, for half gain at a weight of 1.

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
