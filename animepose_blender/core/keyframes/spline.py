"""Smooth curves through few keys that come as near to all samples as they can, for many channels at once.

Between two keys a channel is the cubic with their values and slopes (Hermite's form), which is a Bezier segment whose
handles reach over a third of it. Values and slopes of all keys follow from least squares; a slope is the same on both
sides of a key, so that handles are aligned. Only neighbours meet in one equation: the system is block tridiagonal.

Reference: Schneider, An algorithm for automatically fitting digitized curves, Graphics Gems (1990), fits one segment
at a time with its slopes given; here all segments share the unknowns, since time runs along an axis of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import tridiagonal

_PULL = 0.05
"""Weight of a key's slope in the samples against one sample: it decides where few samples lie between two keys, and
keeps the curve from swinging out there. A fifth of it saves no keys."""
WIDEST = 4
"""Channels of the widest property; others are padded."""
_UPPER = np.triu_indices(4)
_PIN = 1e8
"""Weight of a key whose value is given."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """N samples of smooth pieces of curves, one piece after the other; C channels."""

    times: np.ndarray
    """(N,) frames, increasing within a piece."""
    values: np.ndarray
    """(N, C)"""
    last: np.ndarray
    """(N,) bool, the last sample of a piece."""
    slopes: np.ndarray
    """(N, C) of the samples themselves, value a frame: `slopes_of`."""

    def only(self, rows: np.ndarray) -> Pieces:
        """Some of the pieces, by a (N,) mask that takes or leaves each as a whole."""
        return Pieces(self.times[rows], self.values[rows], self.last[rows], self.slopes[rows])


@dataclass(frozen=True, eq=False)
class Spline:
    """K keys of pieces; those of all channels of a piece stand at the same samples."""

    at: np.ndarray
    """(K,) int, the samples with keys."""
    values: np.ndarray
    """(K, C)"""
    slopes: np.ndarray
    """(K, C) value a frame."""
    lengths: np.ndarray
    """(K,) frames to the next key; 1 after the last key of a piece, where nothing follows."""


def slopes_of(times: np.ndarray, values: np.ndarray, last: np.ndarray) -> np.ndarray:
    """(N, C) slopes of the parabola through each sample and its neighbours; of two samples alone, the line's."""
    count = len(times)
    if count < 2:
        return np.zeros_like(values)
    ends = last[:-1]
    step = np.where(ends, 1.0, np.diff(times))
    rise = np.where(ends[:, None], 0.0, np.diff(values, axis=0) / step[:, None])
    before, after = np.zeros(count), np.zeros(count)
    after[:-1][~ends] = 1.0 / step[~ends]
    before[1:][~ends] = 1.0 / step[~ends]
    slopes = np.zeros_like(values)
    slopes[:-1] += after[:-1, None] * rise
    slopes[1:] += before[1:, None] * rise
    total = before + after
    slopes /= np.where(total > 0, total, 1.0)[:, None]
    # The first and last sample have one neighbour: the parabola is that of the sample beside them.
    begins = np.flatnonzero((before == 0) & (after > 0))
    inner = begins[after[begins + 1] > 0]
    stops = np.flatnonzero((after == 0) & (before > 0))
    inner_too = stops[before[stops - 1] > 0]
    at_begin, at_stop = 2 * rise[inner] - slopes[inner + 1], 2 * rise[inner_too - 1] - slopes[inner_too - 1]
    slopes[inner], slopes[inner_too] = at_begin, at_stop
    return slopes


def halfway(pieces: Pieces) -> np.ndarray:
    """(N, C) the samples' own course in the middle between each and the next; at a piece's end its last value."""
    following = np.minimum(np.arange(len(pieces.times)) + 1, len(pieces.times) - 1)
    step = np.where(pieces.last, 0.0, pieces.times[following] - pieces.times)
    middle = (pieces.values + pieces.values[following]) / 2
    middle += (pieces.slopes - pieces.slopes[following]) * (step / 8)[:, None]
    return np.where(pieces.last[:, None], pieces.values, middle)


def fit(
    pieces: Pieces,
    keys: np.ndarray,
    pinned: np.ndarray,
    weights: np.ndarray | None = None,
    sloped: np.ndarray | None = None,
) -> Spline:
    """The spline with keys at given samples that is nearest to all samples.

    Args:
        keys: (N,) bool; the first and last sample of every piece among them.
        pinned: (N,) bool, keys that keep the sample's value.
        weights: (N,) of the samples, about 1, which they are if left out.
        sloped: (N,) bool, keys that have the slope that is given.
    """
    at = np.flatnonzero(keys)
    lengths = _lengths(pieces, at)
    # Slopes are solved for in values over a typical segment, which keeps the numbers of one size.
    reach = np.concatenate([lengths[:1], np.sqrt(lengths[1:] * lengths[:-1])])
    segment = np.cumsum(keys) - 1
    basis = hermite((pieces.times - pieces.times[at][segment]) / lengths[segment])
    following = np.minimum(np.arange(len(at)) + 1, len(at) - 1)
    basis[:, 1] *= (lengths / reach)[segment]
    basis[:, 3] *= (lengths / reach[following])[segment]

    rows, columns = _UPPER
    heavy = basis if weights is None else basis * weights[:, None]
    sums = np.add.reduceat(heavy[:, rows] * basis[:, columns], at, axis=0)
    normal = np.empty((len(at), 4, 4))
    normal[:, rows, columns] = sums
    normal[:, columns, rows] = sums
    weighted = np.add.reduceat(heavy[:, :, None] * pieces.values[:, None], at, axis=0)
    diagonal, right = normal[:, :2, :2].copy(), weighted[:, :2].copy()
    diagonal[1:] += normal[:-1, 2:, 2:]
    right[1:] += weighted[:-1, 2:]
    pin = _PIN * pinned[at]
    diagonal[:, 0, 0] += pin
    right[:, 0] += pin[:, None] * pieces.values[at]
    pull = _PULL if sloped is None else np.where(sloped[at], _PIN, _PULL)
    diagonal[:, 1, 1] += pull
    right[:, 1] += np.reshape(pull * reach, (-1, 1)) * pieces.slopes[at]
    found = tridiagonal.solve(diagonal, normal[:, :2, 2:], right)
    values = np.where(pinned[at][:, None], pieces.values[at], found[:, 0])
    return Spline(at, values, found[:, 1] / reach[:, None], lengths)


def sample(pieces: Pieces, spline: Spline, halves: bool) -> np.ndarray:
    """(N, C) values at the samples, or in the middle between each and the next."""
    count = len(pieces.times)
    segment = np.zeros(count, dtype=np.intp)
    segment[spline.at] = 1
    segment = np.cumsum(segment) - 1
    times = pieces.times
    if halves:
        following = np.minimum(np.arange(count) + 1, count - 1)
        times = np.where(pieces.last, times, (times + times[following]) / 2)
    basis = hermite((times - pieces.times[spline.at][segment]) / spline.lengths[segment])
    following = np.minimum(np.arange(len(spline.at)) + 1, len(spline.at) - 1)
    rise = spline.slopes * spline.lengths[:, None]
    rise_after = spline.slopes[following] * spline.lengths[:, None]
    result = basis[:, :1] * spline.values[segment]
    result += basis[:, 1:2] * rise[segment]
    result += basis[:, 2:3] * spline.values[following][segment]
    result += basis[:, 3:] * rise_after[segment]
    return result


def _lengths(pieces: Pieces, at: np.ndarray) -> np.ndarray:
    lengths = np.ones(len(at))
    lengths[:-1] = np.diff(pieces.times[at])
    lengths[pieces.last[at]] = 1.0
    return lengths


def hermite(share: np.ndarray) -> np.ndarray:
    """(N, 4) Hermite's polynomials: the value and slope at the beginning, the value and slope at the end."""
    square = share * share
    cube = square * share
    basis = np.empty((len(share), 4))
    basis[:, 2] = 3 * square - 2 * cube
    basis[:, 0] = 1 - basis[:, 2]
    basis[:, 1] = cube - 2 * square + share
    basis[:, 3] = cube - square
    return basis
