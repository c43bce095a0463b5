"""What the filters share: checks, unknown values bridged, and even times where a filter needs them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .banded import solve

STRAY = 0.02
"""Times off an even grid by up to this share of a step count as even: clips give them rounded to milliseconds."""


def checked(values: np.ndarray, time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64; the values are a copy, with infinities as NaN.

    Raises:
        ValueError: if there is not one time for each frame, or the times do not increase.
    """
    values, time_s = np.array(values, dtype=np.float64), np.asarray(time_s, dtype=np.float64)
    if values.ndim == 0 or time_s.shape != values.shape[:1]:
        raise ValueError(f"values {values.shape} need as many times as frames, not {time_s.shape}")
    if not (np.isfinite(time_s).all() and (np.diff(time_s) > 0).all()):
        raise ValueError("the times must increase from frame to frame")
    values[~np.isfinite(values)] = np.nan
    return values, time_s


def positive(**amounts: float) -> None:
    """Refuse amounts that are not above zero.

    Raises:
        ValueError: naming the first of them.
    """
    for name, amount in amounts.items():
        if not amount > 0:
            raise ValueError(f"{name} must be above 0, not {amount}")


def step_s(time_s: np.ndarray) -> float:
    """The mean time from frame to frame; `time_s` holds two or more."""
    return float((time_s[-1] - time_s[0]) / (len(time_s) - 1))


def lengths(vectors: np.ndarray) -> np.ndarray:
    """(...) of vectors (..., C)."""
    return np.sqrt(np.einsum("...c,...c->...", vectors, vectors))


def as_vectors(values: np.ndarray, together: bool) -> np.ndarray:
    """(F, S, C) of values (F, ...): C parts of one vector with `together`, else 1."""
    count = len(values)
    parts = values.shape[-1] if together and values.ndim > 1 else 1
    return values.reshape(count, values[:1].size // max(parts, 1), parts)


def bridged(values: np.ndarray, time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unknown values on a straight line between the known ones beside them; the outermost ones go on as they are.

    Args:
        values: (F, S, C); a vector with an unknown part is unknown.
        time_s: (F,).
    Returns:
        (F, S, C), 0 where a series has nothing known, and (F, S) bool: what was known.
    """
    known = np.isfinite(values).all(axis=-1)
    whole = np.where(known[..., None], values, 0.0)
    for series in np.flatnonzero(~known.all(axis=0) & known.any(axis=0)):
        have = known[:, series]
        for part in range(values.shape[-1]):
            whole[~have, series, part] = np.interp(time_s[~have], time_s[have], whole[have, series, part])
    return whole, known


def opened(result: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`result` (F, S, C) in the shape of `values`, unknown again where those were; series of one value as they were."""
    alone = known.sum(axis=0) < 2
    result = np.where(alone[:, None], values.reshape(result.shape), result)
    return np.where(known[..., None], result, np.nan).reshape(values.shape)


def is_even(time_s: np.ndarray) -> bool:
    """Whether the frames follow each other in equal steps."""
    if len(time_s) < 3:
        return True
    grid = np.linspace(time_s[0], time_s[-1], len(time_s))
    return bool(np.abs(time_s - grid).max() <= STRAY * step_s(time_s))


def on_even_times(
    values: np.ndarray, time_s: np.ndarray, filtered: Callable[[np.ndarray, float], np.ndarray]
) -> np.ndarray:
    """A filter for even times, used at any times.

    Uneven values are drawn by a cubic spline at about half their usual step, filtered there, and read off at their own
    times by a spline through the result.

    Args:
        values: (F, ...), nothing unknown; F at least 2.
        time_s: (F,).
        filtered: of values at even times and the step between these in seconds.
    """
    if is_even(time_s):
        return filtered(values, step_s(time_s))
    count = int(np.ceil((time_s[-1] - time_s[0]) / (0.5 * float(np.median(np.diff(time_s)))))) + 1
    grid_s = np.linspace(time_s[0], time_s[-1], count)
    return spline(grid_s, filtered(spline(time_s, values, grid_s), step_s(grid_s)), time_s)


def spline(time_s: np.ndarray, values: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    """The natural cubic spline through values (F, ...) at times `at_s` (N,) within theirs: (N, ...).

    Its second derivatives M solve h_i M_i + 2 (h_i + h_i+1) M_i+1 + h_i+1 M_i+2 = 6 (d_i+1 - d_i), with steps h and
    slopes d.
    """
    steps = np.diff(time_s)
    tall = (-1, *(1,) * (values.ndim - 1))
    slopes = np.diff(values, axis=0) / steps.reshape(tall)
    bent = np.zeros_like(values)
    if len(time_s) > 2:
        bands = np.zeros((3, len(time_s) - 2))
        bands[2] = 2 * (steps[:-1] + steps[1:])
        bands[1, 1:] = steps[1:-1]
        bent[1:-1] = solve(bands, 6 * np.diff(slopes, axis=0))
    left = np.clip(np.searchsorted(time_s, at_s, side="right") - 1, 0, len(time_s) - 2)
    width = steps[left].reshape(tall)
    share = ((at_s - time_s[left]) / steps[left]).reshape(tall)
    rest = 1 - share
    curve = rest * values[left] + share * values[left + 1]
    return curve + ((rest**3 - rest) * bent[left] + (share**3 - share) * bent[left + 1]) * width**2 / 6
