"""Savitzky and Golay's filter: each frame on the polynomial through its surroundings."""

from __future__ import annotations

import numpy as np

from .series import as_vectors, bridged, checked, on_even_times, opened, positive


def savitzky_golay(values: np.ndarray, time_s: np.ndarray, window_s: float, order: int = 3) -> np.ndarray:
    """Fit a polynomial to the window around each frame, and take its value there.

    Polynomials up to `order` stay as they are, so peaks keep their height better than by other filters. At the ends the
    polynomial of the outermost window goes on (scipy.signal.savgol_filter with mode "interp"). Uneven times are drawn
    evenly by a spline first, gaps bridged by a straight line.

    Args:
        values: (F, ...).
        time_s: (F,).
        window_s: from the first to the last frame of the window, to the nearest odd number of frames, at most all of
            them; a window of no more frames than `order` + 1 changes nothing.
        order: 0 or more.
    Returns:
        (F, ...), unknown where `values` is.
    Raises:
        ValueError: for a window that is not above 0, a negative order, or times that do not increase.
    Reference: Savitzky and Golay (1964).
    """
    positive(window_s=window_s)
    if order < 0:
        raise ValueError(f"order must be 0 or more, not {order}")
    values, time_s = checked(values, time_s)
    whole, known = bridged(as_vectors(values, False), time_s)
    if len(values) < 3 or not known.any():
        return values
    curve = on_even_times(whole, time_s, lambda even, step_s: _fitted(even, window_frames(window_s, step_s), order))
    return opened(curve, known, values)


def window_frames(window_s: float, step_s: float) -> int:
    """The odd number of frames nearest to a window."""
    return 2 * round(window_s / (2 * step_s)) + 1


def _fitted(values: np.ndarray, width: int, order: int) -> np.ndarray:
    """Even values (F, ...) by polynomials over `width` frames."""
    count = len(values)
    width = min(width, count - 1 + count % 2)
    if width <= order + 1:
        return values
    half = width // 2
    powers = np.vander(np.arange(-half, half + 1) / half, order + 1)
    # Row i of the projection reads frame i of a window off its polynomial.
    projection = powers @ np.linalg.pinv(powers)
    result = np.empty_like(values)
    inner = result[half : count - half]
    inner[:] = 0.0
    for offset, share in enumerate(projection[half]):
        inner += share * values[offset : offset + len(inner)]
    result[:half] = np.tensordot(projection[:half], values[:width], axes=1)
    result[count - half :] = np.tensordot(projection[half + 1 :], values[count - width :], axes=1)
    return result
