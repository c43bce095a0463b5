"""What hardly moves stands still."""

from __future__ import annotations

import numpy as np

from ..retarget.easing import bounds, ease
from .series import as_vectors, bridged, checked, lengths, opened, positive, step_s

RELEASE = 1.5
"""It is let go at so many times the dead zone from where it stands, so that it does not come and go at the edge."""
CALM = 0.5
"""A hold is cut back at both ends to frames within so many dead zones of where it stands: a move has begun before it is
far enough to be let go, and is caught before it has ended."""
LET_GO_S = 0.1
"""Half-life of the way from where it stood back to its own course."""


def hold_still(
    values: np.ndarray, time_s: np.ndarray, dead_zone: float, shortest_s: float = 0.3, together: bool = False
) -> np.ndarray:
    """Replace spans in which nothing leaves a small zone by their mean value.

    A hold begins where all values of the next `shortest_s` lie within `dead_zone` of their mean, and ends with the
    first value further than 1.5 dead zones from the mean it began with. From there the course eases back to its own,
    and towards the next hold likewise. A move so slow that it stays within the zone for `shortest_s` becomes a flight
    of stairs: take a smaller zone for it.

    Args:
        values: (F, ...).
        time_s: (F,).
        dead_zone: in the values' unit: what is within counts as trembling.
        shortest_s: shorter rests are left alone.
        together: the last axis holds the parts of one vector; its distance counts.
    Returns:
        (F, ...), unknown where `values` is. It moves from them by up to 1.5 dead zones where it holds.
    Raises:
        ValueError: for amounts that are not above 0, or times that do not increase.
    """
    positive(dead_zone=dead_zone, shortest_s=shortest_s)
    values, time_s = checked(values, time_s)
    if len(values) < 2:
        return values
    vectors = as_vectors(values, together)
    whole, known = bridged(vectors, time_s)
    began = _holds(whole, known, time_s, dead_zone, shortest_s)
    if not (began >= 0).any():
        return values
    first, last = bounds(began)
    held = (began >= 0) & _between_calm(lengths(_means(whole, first, last) - whole) <= CALM * dead_zone, first, last)
    correction = np.where(held[..., None], _means(whole, *bounds(np.where(held, began, -1))) - whole, 0.0)
    # What trembled is no speed to go on with.
    eased = ease(correction, held, time_s, LET_GO_S, fastest=dead_zone / LET_GO_S)
    return opened(whole + eased, known, values)


def _holds(
    values: np.ndarray, known: np.ndarray, time_s: np.ndarray, dead_zone: float, shortest_s: float
) -> np.ndarray:
    """(F, S) the frame in which the hold of each frame began, -1 where there is none."""
    count, usual_s = len(values), step_s(time_s)
    width = max(2, round(shortest_s / usual_s) + 1)
    began = np.full(known.shape, -1)
    if width > count:
        return began
    means = _window_means(values, width)
    furthest = np.zeros(means.shape[:2])
    for offset in range(width):
        away = lengths(values[offset : offset + len(means)] - means)
        furthest = np.maximum(furthest, np.where(known[offset : offset + len(means)], away, np.inf))
    still = np.zeros(known.shape, dtype=bool)
    still[: len(means)] = furthest <= dead_zone

    # Where it stands is known once it began, so this goes frame by frame, with all series in a step.
    anchor = np.zeros(values.shape[1:])
    start, free_from = np.full(known.shape[1], -1), np.zeros(known.shape[1], dtype=int)
    rest = max(2, round(2 * LET_GO_S / usual_s))
    for frame in range(count):
        holding = start >= 0
        gone = holding & (lengths(values[frame] - anchor) > RELEASE * dead_zone)
        gone |= holding & ~known[frame]
        free_from[gone], start[gone] = frame + rest, -1
        begins = still[frame] & (start < 0) & (frame >= free_from)
        if begins.any():
            start[begins], anchor[begins] = frame, means[frame, begins]
        began[frame] = start
    return began


def _between_calm(calm: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """(F, S) bool: frames with a calm one at or before them and one at or behind them in their span, which reaches from
    `first` to `last`; the ends of the clip are as good."""
    count = len(calm)
    frames = np.arange(count)[:, None]
    before = np.maximum.accumulate(np.where(calm, frames, -1), axis=0)
    behind = np.minimum.accumulate(np.where(calm, frames, count)[::-1], axis=0)[::-1]
    return ((before >= first) | (first == 0)) & ((behind <= last) | (last == count - 1))


def _window_means(values: np.ndarray, width: int) -> np.ndarray:
    """(F - width + 1, S, C) means of each frame and those after it."""
    sums = np.cumsum(np.concatenate([np.zeros_like(values[:1]), values]), axis=0)
    return (sums[width:] - sums[:-width]) / width


def _means(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """(F, S, C) the mean from the `first` to the `last` frame of each frame's span."""
    sums = np.cumsum(np.concatenate([np.zeros_like(values[:1]), values]), axis=0)
    ends = (np.take_along_axis(sums, index[..., None], axis=0) for index in (last + 1, first))
    return np.subtract(*ends) / (last - first + 1)[..., None]
