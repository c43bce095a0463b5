"""Pops: a few frames that leap off the course and back again."""

from __future__ import annotations

import numpy as np

from .gaps import fill_gaps
from .series import as_vectors, bridged, checked, positive, step_s

BESIDE = 3
"""Steps on either side of a pop whose greatest speed it must outdo."""
ABRUPT = 4.0
"""Times that a leap is faster than the steps beside it. A body speeds up over several frames, a wrong estimate does
not."""
UNUSUAL = 5.0
"""Times that a leap is faster than the median step around it, so that plain noise is none."""
RETURNS = 0.5
"""What is left of the leap after coming back, at most."""
AROUND_S = 0.5
PASSES = 3
"""A great pop hides a small one beside it, which shows in the next pass."""


def remove_pops(
    values: np.ndarray, time_s: np.ndarray, least: float, longest_s: float = 0.1, together: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Find leaps to a wrong value and back, and replace them by the course from both sides.

    Frames i to j are a pop if the steps into and out of them are opposite, lead nearly back, and are each
    longer than `least`, and faster than 4 times the fastest of the three steps before and behind, and than 5 times the
    median step within 0.5 s. A leap that stays is a move, not a pop; so is what begins or ends the clip.

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
        for _ in range(PASSES):
            whole, known = bridged(vectors, time_s)
            popped = _pops(whole, time_s, least, widest) & known
            # Series without one are done: later passes look at the others alone.
            if not popped.any():
                break
            found |= popped
            touched = popped.any(axis=0)
            mended = np.where(popped[..., None], np.nan, vectors)[:, touched]
            mended = fill_gaps(mended, time_s, together=True)
            vectors[:, touched] = np.where(popped[:, touched, None], mended, vectors[:, touched])
    return vectors.reshape(values.shape), found.reshape(values.shape[:-1] if together else values.shape)


def _pops(values: np.ndarray, time_s: np.ndarray, least: float, widest: int) -> np.ndarray:
    """(F, S) bool: frames that lie in a pop of up to `widest` frames."""
    steps = np.diff(values, axis=0)
    length = np.linalg.norm(steps, axis=-1)
    speed = length / np.diff(time_s)[:, None]
    usual = _median_around(speed, max(1, round(AROUND_S / 2 / step_s(time_s))))
    fastest_before = _fastest(speed)
    fastest_behind = _fastest(speed[::-1])[::-1]
    result = np.zeros(values.shape[:2], dtype=bool)
    for width in range(1, widest + 1):
        # Frame f is the last good one before, f + width + 1 the first good one behind.
        into, out = slice(0, len(steps) - width), slice(width, len(steps))
        beside = np.maximum(fastest_before[into], fastest_behind[out])
        slower = np.minimum(speed[into], speed[out])
        back = np.linalg.norm(values[width + 1 :] - values[: -width - 1], axis=-1)
        shorter = np.minimum(length[into], length[out])
        pop = (slower > ABRUPT * beside) & (slower > UNUSUAL * np.minimum(usual[into], usual[out]))
        pop &= (shorter > least) & (back < RETURNS * shorter) & ((steps[into] * steps[out]).sum(axis=-1) < 0)
        for offset in range(1, width + 1):
            result[offset : offset + len(pop)] |= pop
    return result


def _fastest(speed: np.ndarray) -> np.ndarray:
    """(F - 1, S) the greatest of the `BESIDE` speeds before each, without it; 0 before the first."""
    padded = np.concatenate([np.zeros((BESIDE, *speed.shape[1:])), speed])
    return np.max([padded[k : k + len(speed)] for k in range(BESIDE)], axis=0)


def _median_around(speed: np.ndarray, reach: int) -> np.ndarray:
    """(F - 1, S) the median over `reach` steps to either side; the ends are mirrored."""
    reach = min(reach, len(speed) - 1)
    padded = np.pad(speed, ((reach, reach), (0, 0)), mode="reflect") if reach else speed
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)
    return np.median(windows, axis=-1)
