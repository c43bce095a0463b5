"""Gaps filled from both of their ends."""

from __future__ import annotations

import numpy as np

from .series import as_vectors, checked

LOOK_BACK = 5
"""Known frames beside a gap from which its speed there is read: a parabola through five gives it with 1.1 times the
noise of a value per step, one through three with 2.5 times as much."""
FADE_S = 0.5
"""How long the speed at its ends shapes a gap. It is all there in short gaps, and cannot carry a long one away."""


def fill_gaps(values: np.ndarray, time_s: np.ndarray, longest_s: float = np.inf, together: bool = False) -> np.ndarray:
    """Fill unknown values by curves that go on from both ends of the gap, with the speed they have there.

    With the straight line from end to end set aside, x(t) = u t (1 - t/T)^2 exp(-(t / 0.5 s)^2) from the left end,
    whose speed is u above the line's, and its mirror image from the right: Hermite's cubic in short gaps, near the line
    in long ones. Straight lines go on straight. Nothing is known before the first value and after the last one: those
    stay unknown.

    Args:
        values: (F, ...), NaN = unknown.
        time_s: (F,).
        longest_s: gaps of more time from the known value before them to the one after stay.
        together: the last axis holds the parts of one vector, which is unknown where one of its parts is.
    Returns:
        (F, ...); known values are unchanged.
    Raises:
        ValueError: if the times do not increase.
    """
    values, time_s = checked(values, time_s)
    vectors = as_vectors(values, together)
    known = np.isfinite(vectors).all(axis=-1)
    if known.all() or not known.any():
        return values
    vectors[~known] = np.nan
    series, left, right = _gaps(known)
    short = time_s[right] - time_s[left] <= longest_s * (1 + 1e-9)
    series, left, right = series[short], left[short], right[short]
    length_s = (time_s[right] - time_s[left])[:, None]
    chord = (vectors[right, series] - vectors[left, series]) / length_s
    away_left = _speed(vectors, known, time_s, series, left, -1, chord) - chord
    away_right = _speed(vectors, known, time_s, series, right, 1, chord) - chord

    # One row for each unknown frame of each gap.
    sizes = right - left - 1
    gap = np.repeat(np.arange(len(sizes)), sizes)
    frame = np.arange(len(gap)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + left[gap] + 1
    since_s, until_s = (time_s[frame] - time_s[left[gap]])[:, None], (time_s[right[gap]] - time_s[frame])[:, None]
    share = since_s / length_s[gap]
    curve = vectors[left[gap], series[gap]] + chord[gap] * since_s
    curve += away_left[gap] * since_s * (1 - share) ** 2 * np.exp(-((since_s / FADE_S) ** 2))
    curve -= away_right[gap] * until_s * share**2 * np.exp(-((until_s / FADE_S) ** 2))
    vectors[frame, series[gap]] = curve
    return vectors.reshape(values.shape)


def _gaps(known: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series, last known frame before and first known frame after of each gap between known frames; (G,) each."""
    series, frame = np.nonzero(known.T)
    inside = (series[1:] == series[:-1]) & (np.diff(frame) > 1)
    return series[:-1][inside], frame[:-1][inside], frame[1:][inside]


def _speed(
    vectors: np.ndarray,
    known: np.ndarray,
    time_s: np.ndarray,
    series: np.ndarray,
    end: np.ndarray,
    outwards: int,
    otherwise: np.ndarray,
) -> np.ndarray:
    """(G, C) speed at the ends of gaps: of the parabola through the known frames beside, the line through two, or
    `otherwise` at a single one."""
    frames = end[:, None] + outwards * np.arange(LOOK_BACK)
    inside = (frames >= 0) & (frames < len(known))
    frames = frames.clip(0, len(known) - 1)
    have = np.logical_and.accumulate(inside & known[frames, series[:, None]], axis=1)
    count = have.sum(axis=1)
    # Time in units of a step keeps the equations well scaled.
    unit_s = np.where(count > 1, np.abs(time_s[frames[:, 1]] - time_s[end]), 1.0)
    unit_s = np.where(unit_s > 0, unit_s, 1.0)[:, None]
    away = (time_s[frames] - time_s[end][:, None]) / unit_s
    design = np.stack([np.ones_like(away), away, np.where(count[:, None] > 2, away**2, 0.0)], axis=-1) * have[..., None]
    points = np.where(have[..., None], vectors[frames, series[:, None]], 0.0)
    slope = (np.linalg.pinv(design) @ points)[:, 1] / unit_s
    return np.where(count[:, None] > 1, slope, otherwise)
