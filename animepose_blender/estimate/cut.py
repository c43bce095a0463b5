"""Cut tracks where the looks change: there the follower has slipped from one body to another.

When two people pass behind each other, the one who comes out in front is sometimes taken for the one who went in. Box,
place and pose then change smoothly and tell nothing; clothes do not. A cut costs little: where it was none, `stitch`
finds that nothing fits better than the other half, and joins them again.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .appearance import colour_distance
from .detections import Seen

WINDOW_S = 0.5
"""Time before and after a moment whose colours are compared."""
CHANGED = 1.8
"""Colour distance from which on a track is cut."""
FEWEST = 3
"""Frames that are left on either side of a cut at least."""


def cut_where_looks_change(label: np.ndarray, seen: Seen, time_s: np.ndarray) -> np.ndarray:
    """Tracks whose looks stay the same.

    Args:
        label: (N,) number of each person-frame's track, -1 for none.
        seen: the person-frames.
        time_s: (F,).
    Returns:
        (N,) the same with new numbers after cuts.
    """
    label = label.copy()
    step_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
    window = max(FEWEST, round(WINDOW_S / step_s))
    following = int(label.max(initial=-1)) + 1
    for number in np.unique(label[label >= 0]):
        own = np.flatnonzero(label == number)
        for cut in _cuts(seen.colours[own], window):
            label[own[cut:]] = following
            following += 1
    return label


def _cuts(colours: np.ndarray, window: int) -> list[int]:
    """Where (n, Z, 3) colours change, in order: the sharpest changes, a window apart."""
    count = len(colours)
    if count < 2 * FEWEST:
        return []
    padding = np.full((window, *colours.shape[1:]), np.nan)
    windows = sliding_window_view(np.concatenate([padding, colours, padding]), window, axis=0)
    medians = _median(windows)
    # Before and after each index: the windows that end and begin with it.
    change = colour_distance(medians[:count], medians[window : window + count])
    change[:FEWEST] = change[count - FEWEST + 1 :] = 0.0
    found: list[int] = []
    while change.size and change.max() > CHANGED:
        best = int(np.argmax(change))
        found.append(_moment(colours, medians[best], medians[window + best], best, window))
        change[max(0, best - window) : best + window] = 0.0
    return sorted(found)


def _moment(colours: np.ndarray, before: np.ndarray, after: np.ndarray, about: int, window: int) -> int:
    """Index within a window of another that parts (n, Z, 3) colours best into those like `before` and like `after`.

    Medians change half a window early and late, so the largest change alone does not tell.
    """
    first, last = max(FEWEST, about - window), min(len(colours) - FEWEST, about + window)
    near = colours[first:last]
    toward = colour_distance(near, before) ** 2 - colour_distance(near, after) ** 2
    return first + int(np.argmin(np.concatenate([[0.0], np.cumsum(toward)])))


def _median(windows: np.ndarray) -> np.ndarray:
    """Medians over the last axis of what is known of it; NaN where that is less than a third."""
    ordered = np.sort(windows, axis=-1)
    known = np.isfinite(windows).sum(axis=-1)
    middle = np.take_along_axis(ordered, np.maximum(known - 1, 0)[..., None] // 2, axis=-1)[..., 0]
    return np.where(known >= max(1, windows.shape[-1] // 3), middle, np.nan)
