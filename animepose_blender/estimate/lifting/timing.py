"""From a clip's own frame times to the network's even rate, and back.

Values that are seen at 24 or 60 frames a second, or at irregular times, are brought to 30 by straight lines between
neighbours, or by means where frames come faster. Nothing is made up across more than `BRIDGE_S`; where somebody is away
for longer than `APART_S` the pieces are lifted apart.
"""

from __future__ import annotations

import numpy as np

from .encoding import RATE_HZ

BRIDGE_S = 0.11
"""Frames at 10 a second are neighbours still."""
APART_S = 2.0


def pieces(time_s: np.ndarray) -> list[slice]:
    """Spans of (n,) rising times without long gaps."""
    cuts = np.flatnonzero(np.diff(time_s) > APART_S) + 1
    return [slice(int(a), int(b)) for a, b in zip([0, *cuts], [*cuts, len(time_s)], strict=True)]


def grid(time_s: np.ndarray) -> np.ndarray:
    """(T,) even times at `RATE_HZ` that cover (n,) rising times."""
    return time_s[0] + np.arange(int(np.ceil((time_s[-1] - time_s[0]) * RATE_HZ - 1e-6)) + 1) / RATE_HZ


def to_grid(time_s: np.ndarray, values: np.ndarray, grid_s: np.ndarray) -> np.ndarray:
    """(T, ...) values at even times.

    Each is the mean of the values less than h away, weighted by a triangle of that half width; h is the time between
    neighbouring frames, and at least the grid's step, so that slow clips are joined by straight lines and fast ones
    averaged. NaN counts for nothing; where nothing counts the result is NaN.

    Args:
        time_s: (n,) rising.
        values: (n, ...), NaN = unknown.
        grid_s: (T,) from `grid`.
    """
    flat = values.reshape(len(values), -1)
    known = np.isfinite(flat)
    filled = np.where(known, flat, 0.0)
    step = 1 / RATE_HZ
    usual = float(np.median(np.diff(time_s))) if len(time_s) > 1 else step
    half = float(np.clip(usual, step, BRIDGE_S)) + 1e-6
    total, weights = np.zeros((len(grid_s), flat.shape[1])), np.zeros((len(grid_s), flat.shape[1]))
    first = np.searchsorted(time_s, grid_s - half)
    last = np.searchsorted(time_s, grid_s + half)
    for offset in range(int((last - first).max(initial=0))):
        index = first + offset
        inside = index < last
        index = np.minimum(index, len(time_s) - 1)
        weight = np.where(inside, np.maximum(1 - np.abs(time_s[index] - grid_s) / half, 1e-6), 0.0)[:, None]
        weight = weight * known[index]
        total += weight * filled[index]
        weights += weight
    # A lone frame nearly a step away is no neighbour.
    enough = weights > 1e-5
    result = np.where(enough, total / np.where(enough, weights, 1.0), np.nan)
    return result.reshape(len(grid_s), *values.shape[1:])


def from_grid(grid_s: np.ndarray, values: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(n, ...) values between (T, ...) ones at even times, by straight lines."""
    if len(grid_s) == 1:
        return np.repeat(values, len(time_s), axis=0)
    place = np.clip((time_s - grid_s[0]) * RATE_HZ, 0, len(grid_s) - 1)
    low = np.minimum(place.astype(int), len(grid_s) - 2)
    share = (place - low).reshape(-1, *[1] * (values.ndim - 1))
    return (1 - share) * values[low] + share * values[low + 1]
