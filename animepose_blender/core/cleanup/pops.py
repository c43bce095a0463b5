"""Pops: a few frames that leap off the course and back again."""

from __future__ import annotations

import numpy as np

from .gaps import fill_gaps
from .series import as_vectors, bridged, checked, lengths, positive, step_s

BESIDE = 3
"""Steps on either side of a pop that it must outdo."""
ABRUPT = 4.0
"""Times that a leap is greater than the steps beside it, all against the speed of the course. A body speeds up over
several frames, a wrong estimate does not."""
UNUSUAL = 5.0
"""Times that a leap is greater than the usual unevenness around it, so that plain noise is none."""
RETURNS = 0.5
"""What the course goes in a step, against the leap, at most: a step that leads on to a new place is all course."""
AROUND_S = 0.5
MEDIAN_SIZE = 2_000_000
"""Numbers in the windows of a block of series: 16 MB."""
PASSES = 3
"""A great pop hides a small one beside it, which shows in the next pass."""


def remove_pops(
    values: np.ndarray, time_s: np.ndarray, least: float, longest_s: float = 0.1, together: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Find leaps to a wrong value and back, and replace them by the course from both sides.

    The course is the straight way from the frame before to the frame behind. Some frames are a pop if the steps into
    and out of them are opposite, lead nearly back, and, both measured against the course, are longer than `least`, than
    4 times the greatest of the three steps before and behind, and than 5 times the median unevenness within 0.5 s. A
    leap that stays is a move, not a pop; so is what begins or ends the clip.

    Args:
        values: (F, ...).
        time_s: (F,).
        least: smaller leaps are left alone, in the values' unit.
        longest_s: time off the course at most.
        together: the last axis holds the parts of one vector, which pops as a whole.
    Returns:
        (F, ...) without pops, and the mask of the replaced ones, (F, ...), less the last axis with `together`.
    Raises:
        ValueError: for amounts that are not above 0, or times that do not increase.
    """
    positive(least=least, longest_s=longest_s)
    values, time_s = checked(values, time_s)
    vectors = as_vectors(values, together)
    found = np.zeros(vectors.shape[:2], dtype=bool)
    if len(vectors) >= 3:
        widest = min(max(1, round(longest_s / step_s(time_s))), len(vectors) - 2)
        rest, series = vectors, np.arange(vectors.shape[1])
        for _ in range(PASSES):
            whole, known = bridged(rest, time_s)
            popped = _pops(whole, time_s, least, widest) & known
            found[:, series] |= popped
            touched = popped.any(axis=0)
            if not touched.any():
                break
            # Series without a pop have no further one either.
            rest, series = np.where(popped[..., None], np.nan, rest)[:, touched], series[touched]
        touched = found.any(axis=0)
        mended = np.where(found[..., None], np.nan, vectors)[:, touched]
        mended = fill_gaps(mended, time_s, together=True)
        vectors[:, touched] = np.where(found[:, touched, None], mended, vectors[:, touched])
    return vectors.reshape(values.shape), found.reshape(values.shape[:-1] if together else values.shape)


def _pops(values: np.ndarray, time_s: np.ndarray, least: float, widest: int) -> np.ndarray:
    """(F, S) bool: frames that lie in a pop of up to `widest` frames."""
    velocity = np.diff(values, axis=0) / np.diff(time_s)[:, None, None]
    usual_s, count = step_s(time_s), len(velocity)
    uneven = _median_around(_unevenness(velocity), max(1, round(AROUND_S / 2 / usual_s)))
    # Steps beyond the ends are like the outermost ones.
    padded = np.concatenate([velocity[:1]] * BESIDE + [velocity] + [velocity[-1:]] * BESIDE)
    result = np.zeros(values.shape[:2], dtype=bool)
    for width in range(1, widest + 1):
        # Entry f: frame f is the last good one before, f + width + 1 the first good one behind.
        last = count - width
        course = (values[width + 1 :] - values[:last]) / (time_s[width + 1 :] - time_s[:last])[:, None, None]
        into, out = velocity[:last] - course, velocity[width:] - course
        leap = np.minimum(lengths(into), lengths(out))
        pop = (leap * usual_s > least) & (leap > UNUSUAL * np.minimum(uneven[:last], uneven[width:]))
        pop &= ((into * out).sum(axis=-1) < 0) & (lengths(course) < RETURNS * leap)
        frame, series = np.nonzero(pop)
        beside = [*range(BESIDE), *range(BESIDE + width + 1, 2 * BESIDE + width + 1)]
        steps = padded[frame[:, None] + beside, series[:, None]]
        pop[frame, series] = leap[frame, series] > ABRUPT * lengths(steps - course[frame, series][:, None]).max(axis=-1)
        for offset in range(1, width + 1):
            result[offset : offset + last] |= pop
    return result


def _unevenness(velocity: np.ndarray) -> np.ndarray:
    """(F - 1, S) the change of velocity at each step, such that white noise has that of its velocity itself."""
    if len(velocity) < 2:
        return np.zeros(velocity.shape[:2])
    change = lengths(np.diff(velocity, axis=0)) / np.sqrt(3.0)
    return np.concatenate([change[:1], change])


def _median_around(amount: np.ndarray, reach: int) -> np.ndarray:
    """(F - 1, S) the median over `reach` steps to either side; the ends are mirrored."""
    reach = min(reach, len(amount) - 1)
    padded = np.pad(amount, ((reach, reach), (0, 0)), mode="reflect") if reach else amount
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)
    # The median copies its windows, so it gets a few series at a time.
    few = max(1, MEDIAN_SIZE // (len(amount) * windows.shape[-1]))
    blocks = [np.median(windows[:, k : k + few], axis=-1) for k in range(0, amount.shape[1], few)]
    return np.concatenate(blocks, axis=1) if blocks else amount
