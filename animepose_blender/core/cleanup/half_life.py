"""Smoothing by a half-life: the product's own filter, as in the estimate."""

from __future__ import annotations

import numpy as np

from .banded import solve
from .series import as_vectors, bridged, checked, opened, positive, step_s

HALF_LIFE_HZ_S = 0.2285
"""Cutoff times half-life, as in estimate/smooth.py: the answer of a gain of 1 / (1 + (f / fc)^4) to a single wrong
value is exp(-a t) (cos a t + sin a t) with a = sqrt(2) pi fc; it falls to a half after 0.2285 / fc."""
STIFFEST = 1e11
"""Greatest weight of the penalty; beyond it rounding shows. At 30 frames a second it is a half-life of 27 s."""
FAINT = 1e-6
"""Weight of a bridged value: it keeps the system regular and moves nothing."""


def smooth_half_life(values: np.ndarray, time_s: np.ndarray, half_life_s: float) -> np.ndarray:
    """Smooth so that a sudden error has lost half of its influence `half_life_s` before and after its frame.

    No lag; straight lines stay, also at the ends; the gain is 1 / (1 + (f / fc)^4) with fc = 0.2285 / half-life. At
    uneven times it is the same in seconds. Values across a gap count by their distance in time.

    Args:
        values: (F, ...).
        time_s: (F,).
        half_life_s: 0 changes nothing.
    Returns:
        (F, ...), unknown where `values` is.
    Raises:
        ValueError: for a negative half-life, or times that do not increase.
    """
    if half_life_s == 0:
        return checked(values, time_s)[0]
    positive(half_life_s=half_life_s)
    values, time_s = checked(values, time_s)
    whole, known = bridged(as_vectors(values, False), time_s)
    if len(values) < 3 or not known.any():
        return values
    curve = stiff(whole, known, time_s, np.full(len(values) - 2, HALF_LIFE_HZ_S / half_life_s))
    return opened(curve, known, values)


def stiff(values: np.ndarray, known: np.ndarray, time_s: np.ndarray, cutoff_hz: np.ndarray) -> np.ndarray:
    """The curve nearest to the values with little acceleration: sum |x - z|^2 + lambda sum (z'')^2 dt, least.

    The system of equations is symmetric: a wrong value in frame i moves frame j as one in j moves i, whatever the
    cutoffs, hence no lag.

    Args:
        values: (F, S, C), bridged.
        known: (F, S) bool; the others do not count.
        time_s: (F,), F at least 3.
        cutoff_hz: (F - 2,) or (F - 2, S) frequency of half gain around each inner frame.
    Returns:
        (F, S, C).
    Reference: Whittaker (1923), Eilers (2003), the penalty in time instead of frames.
    """
    bands = second_difference_bands(time_s, cutoff_hz)
    if known.all():
        bands[2] += 1.0
        bands = bands if cutoff_hz.ndim == 1 else bands[..., None]
    else:
        shared = bands[..., None] if cutoff_hz.ndim == 1 else bands
        bands = np.array(np.broadcast_to(shared, (3, *known.shape)))
        bands[2] += np.where(known, 1.0, FAINT)
        bands, values = bands[..., None], np.array(values)
    # Lines pass unchanged, so one is set aside: what is left is small, and so are its rounding errors.
    line = _chord(values, time_s)
    rest = values - line
    return line + solve(bands, rest if known.all() else np.where(known[..., None], 1.0, FAINT) * rest)


def second_difference_bands(time_s: np.ndarray, cutoff_hz: np.ndarray) -> np.ndarray:
    """(3, F) or (3, F, S) upper bands of D' lambda D, D the second derivative by divided differences.

    Args:
        time_s: (F,), F at least 3.
        cutoff_hz: (F - 2,) or (F - 2, S): lambda gives half gain there to values of weight 1.
    """
    tall = (-1, *(1,) * (cutoff_hz.ndim - 1))
    before, after = np.diff(time_s)[:-1].reshape(tall), np.diff(time_s)[1:].reshape(tall)
    span, usual = (before + after) / 2, step_s(time_s)
    weight = np.minimum((2 * np.pi * cutoff_hz * usual) ** -4.0, STIFFEST) * usual**4
    # A sum over samples stands for an integral times the sample rate, hence the division by the usual step.
    strength = span / usual * weight
    a, c = 1 / (before * span), 1 / (after * span)
    b = -(a + c)
    bands = np.zeros((3, len(time_s), *cutoff_hz.shape[1:]))
    bands[2, :-2] += strength * a * a
    bands[2, 1:-1] += strength * b * b
    bands[2, 2:] += strength * c * c
    bands[1, 1:-1] += strength * a * b
    bands[1, 2:] += strength * b * c
    bands[0, 2:] += strength * a * c
    return bands


def _chord(values: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    share = ((time_s - time_s[0]) / (time_s[-1] - time_s[0])).reshape(-1, *(1,) * (values.ndim - 1))
    return (1 - share) * values[0] + share * values[-1]
