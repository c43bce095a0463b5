"""The One-Euro filter: smooth while slow, and close behind while fast."""

from __future__ import annotations

import numpy as np

from .half_life import stiff
from .series import as_vectors, bridged, checked, opened, positive, step_s

SPEED_CUTOFF_HZ = 1.0
"""Cutoff of the speed, as published."""


def one_euro(
    values: np.ndarray,
    time_s: np.ndarray,
    min_cutoff_hz: float,
    beta: float,
    speed_cutoff_hz: float = SPEED_CUTOFF_HZ,
    together: bool = False,
) -> np.ndarray:
    """The filter as published, for what comes in live: it knows the past only, and so it lags a little.

    A low-pass filter of first order whose cutoff is min_cutoff_hz + beta |speed|. Gaps are skipped, uneven times are
    its nature.

    Args:
        values: (F, ...).
        time_s: (F,).
        min_cutoff_hz: cutoff at rest; the lower, the less jitter.
        beta: cycles per unit of the values; the higher, the less lag in fast motion.
        speed_cutoff_hz: cutoff of the speed.
        together: the last axis holds the parts of one vector, whose speed is its length.
    Returns:
        (F, ...), unknown where `values` is.
    Raises:
        ValueError: for cutoffs that are not above 0, a negative beta, or times that do not increase.
    Reference: Casiez, Roussel and Vogel, 1 Euro filter (CHI 2012), algorithm 1.
    """
    _check(min_cutoff_hz, beta, speed_cutoff_hz)
    values, time_s = checked(values, time_s)
    vectors = as_vectors(values, together)
    known = np.isfinite(vectors).all(axis=-1)
    result = np.full_like(vectors, np.nan)
    position, speed = np.zeros(vectors.shape[1:]), np.zeros(vectors.shape[1:])
    last_s = np.full(vectors.shape[1], np.nan)
    for frame in range(len(vectors)):
        here = known[frame]
        first = here & np.isnan(last_s)
        later = here & ~first
        position[first] = vectors[frame, first]
        if later.any():
            since_s = (time_s[frame] - last_s[later])[:, None]
            apart = vectors[frame, later] - position[later]
            speed[later] += _share(speed_cutoff_hz, since_s) * (apart / since_s - speed[later])
            cutoff_hz = min_cutoff_hz + beta * np.linalg.norm(speed[later], axis=-1, keepdims=True)
            position[later] += _share(cutoff_hz, since_s) * apart
        last_s[here] = time_s[frame]
        result[frame, here] = position[here]
    return result.reshape(values.shape)


def one_euro_both_ways(
    values: np.ndarray,
    time_s: np.ndarray,
    min_cutoff_hz: float,
    beta: float,
    speed_cutoff_hz: float = SPEED_CUTOFF_HZ,
    together: bool = False,
) -> np.ndarray:
    """The same rule without lag, for motion that is there as a whole.

    The speed is that of the values smoothed at `speed_cutoff_hz`, from both sides; around each frame the cutoff is
    min_cutoff_hz + beta |speed|; the curve is that of `half_life.stiff`, of gain 1 / (1 + (f / cutoff)^4), which keeps
    straight lines and does not lag. At constant speed it is the half-life filter with that cutoff.

    Args, Returns, Raises: as `one_euro`.
    """
    _check(min_cutoff_hz, beta, speed_cutoff_hz)
    values, time_s = checked(values, time_s)
    whole, known = bridged(as_vectors(values, together), time_s)
    if len(values) < 3 or not known.any():
        return values
    slow = stiff(whole, known, time_s, np.full(len(values) - 2, speed_cutoff_hz))
    speed = np.linalg.norm(np.gradient(slow, time_s, axis=0), axis=-1)[1:-1]
    # Nothing above half the frame rate is there to be let through.
    cutoff_hz = np.minimum(min_cutoff_hz + beta * speed, 0.5 / step_s(time_s))
    return opened(stiff(whole, known, time_s, cutoff_hz), known, values)


def _share(cutoff_hz: float | np.ndarray, since_s: np.ndarray) -> np.ndarray:
    """How far a low-pass filter of first order goes to a new value: 1 / (1 + tau / dt), tau = 1 / (2 pi cutoff)."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff_hz * since_s))


def _check(min_cutoff_hz: float, beta: float, speed_cutoff_hz: float) -> None:
    positive(min_cutoff_hz=min_cutoff_hz, speed_cutoff_hz=speed_cutoff_hz)
    if not beta >= 0:
        raise ValueError(f"beta must be 0 or more, not {beta}")
