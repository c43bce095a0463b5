"""The filters that animators put behind an estimator: One-Euro and Savitzky-Golay, on joints over time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import savgol_filter

SPEED_CUTOFF_HZ = 1.0
"""Cutoff of the speed that One-Euro adapts to, as its authors have it."""

Filter = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(n, ...) values at (n,) seconds, to (n, ...)."""


def one_euro(values: np.ndarray, time_s: np.ndarray, min_cutoff_hz: float, beta: float) -> np.ndarray:
    """A first-order low pass whose cutoff grows with the speed: cutoff = min_cutoff + beta |speed|.

    Args:
        values: (n, ...) each coordinate by itself, as usual; no gaps.
        time_s: (n,) increasing.
        min_cutoff_hz: cutoff of what stands still.
        beta: Hz for each unit of value a second.
    Reference: Casiez, Roussel, Vogel: 1€ Filter (2012), algorithm 1.
    """
    result = np.empty_like(values)
    result[0], speed = values[0], np.zeros_like(values[0])
    for k, step_s in enumerate(np.diff(time_s), start=1):
        share = _share(SPEED_CUTOFF_HZ, step_s)
        speed = share * (values[k] - values[k - 1]) / step_s + (1 - share) * speed
        share = _share(min_cutoff_hz + beta * np.abs(speed), step_s)
        result[k] = share * values[k] + (1 - share) * result[k - 1]
    return result


def _share(cutoff_hz: np.ndarray | float, step_s: float) -> np.ndarray | float:
    """How much of a new value a low pass takes."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff_hz * step_s))


def savitzky_golay(values: np.ndarray, time_s: np.ndarray, window_s: float, order: int) -> np.ndarray:
    """A polynomial fitted to a window about each frame; shorter runs than the window take a shorter one.

    Args:
        values: (n, ...); no gaps, frames at even steps.
        time_s: (n,).
        window_s: length of the window.
        order: of the polynomial.
    Reference: Savitzky, Golay (1964), by scipy.signal.
    """
    if len(values) < 2:
        return values.copy()
    half = round(window_s / float(np.median(np.diff(time_s))) / 2)
    length = min(2 * half + 1, len(values) - 1 + len(values) % 2)
    return np.asarray(savgol_filter(values, length, order, axis=0)) if length > order else values.copy()


def by_runs(values: np.ndarray, time_s: np.ndarray, run_filter: Filter) -> np.ndarray:
    """Filter each unbroken run of frames by itself.

    Args:
        values: (F, N, D); a frame with a NaN is a gap.
        time_s: (F,).
        run_filter: for one run.
    """
    present = np.flatnonzero(np.isfinite(values).all((1, 2)))
    result = np.full_like(values, np.nan)
    for run in np.split(present, np.flatnonzero(np.diff(present) > 1) + 1):
        if len(run):
            result[run] = run_filter(values[run], time_s[run])
    return result
