"""The Butterworth low-pass filter, forwards and backwards, so that nothing lags."""

from __future__ import annotations

import numpy as np

from .series import as_vectors, bridged, checked, on_even_times, opened, positive

PADDED_CYCLES = 2.0
"""The ends are carried on by so many cycles of the cutoff, by when the filter has forgotten how it began."""


def butterworth(values: np.ndarray, time_s: np.ndarray, cutoff_hz: float, order: int = 2) -> np.ndarray:
    """Let slow motion through and stop fast motion: gain 1 / (1 + (f / cutoff)^(2 order)), one half at the cutoff.

    That is the gain after both passes, each of which gives 0.71 at the cutoff, as scipy.signal.filtfilt has it; in
    full, tan(pi f dt) stands for each frequency (bilinear transform). The line from the first to the last value is set
    aside, and both ends carried on by their mirror image turned about the end; straight lines stay.
    Uneven times are drawn evenly by a spline first, gaps bridged by a straight line.

    Args:
        values: (F, ...).
        time_s: (F,).
        cutoff_hz: at half the frame rate or above, nothing is changed.
        order: of each pass, 1 or more: the higher, the sharper, and the more it rings at steps.
    Returns:
        (F, ...), unknown where `values` is.
    Raises:
        ValueError: for a cutoff or order that is not above 0, or times that do not increase.
    Reference: Butterworth (1930); sections of second order as in Parks and Burrus, Digital Filter Design (1987).
    """
    positive(cutoff_hz=cutoff_hz, order=order)
    values, time_s = checked(values, time_s)
    whole, known = bridged(as_vectors(values, False), time_s)
    if len(values) < 3 or not known.any():
        return values
    curve = on_even_times(whole, time_s, lambda even, step_s: _both_ways(even, cutoff_hz * step_s, order))
    return opened(curve, known, values)


def _both_ways(values: np.ndarray, cutoff: float, order: int) -> np.ndarray:
    """Even values (F, ...) without the fast part; `cutoff` in cycles a frame."""
    count = len(values)
    if cutoff >= 0.5:
        return values
    share = np.linspace(0.0, 1.0, count).reshape(-1, *(1,) * (values.ndim - 1))
    line = (1 - share) * values[0] + share * values[-1]
    rest = values - line
    reach = padding(cutoff, order, count)
    # The line set aside, both ends are 0: turned about the end is mirrored with the other sign.
    padded = np.concatenate([-rest[reach:0:-1], rest, -rest[-2 : -reach - 2 : -1]])
    stages = sections(cutoff, order)
    once = _cascade(padded, stages)
    return line + _cascade(once[::-1], stages)[::-1][reach : reach + count]


def padding(cutoff: float, order: int, count: int) -> int:
    """Frames by which each end is carried on; the more, the sharper the filter."""
    return min(count - 1, max(3 * (order + 1), int(np.ceil(PADDED_CYCLES * max(1, order / 2) / cutoff))))


def sections(cutoff: float, order: int) -> list[tuple[float, float, float, float, float]]:
    """Sections b0, b1, b2, a1, a2 (a0 = 1) of gain 1 at rest, whose product is the filter.

    With K = tan(pi cutoff), s = (z - 1) / ((z + 1) K) turns 1 / (s^2 + 2 cos(angle) s + 1) and 1 / (s + 1) into these.

    Args:
        cutoff: cycles a frame, below 0.5.
        order: of the whole.
    """
    k = np.tan(np.pi * cutoff)
    stages = []
    for pair in range(order // 2):
        damping = 2 * np.sin(np.pi * (2 * pair + 1) / (2 * order))
        norm = 1 + damping * k + k * k
        stages.append(
            (k * k / norm, 2 * k * k / norm, k * k / norm, 2 * (k * k - 1) / norm, (1 - damping * k + k * k) / norm)
        )
    if order % 2:
        stages.append((k / (1 + k), k / (1 + k), 0.0, (k - 1) / (1 + k), 0.0))
    return [tuple(float(part) for part in stage) for stage in stages]  # pyright: ignore[reportReturnType]


def _cascade(values: np.ndarray, stages: list[tuple[float, float, float, float, float]]) -> np.ndarray:
    """The sections one after the other, at rest on the first value; direct form II transposed.

    What a section puts out depends on what it put out before: one step of Python per frame, with all series in it.
    """
    for b0, b1, b2, a1, a2 in stages:
        out = np.empty_like(values)
        late = (b2 - a2) * values[0]
        soon = (b1 - a1) * values[0] + late
        now, next_but_one = b1 * values, b2 * values
        np.multiply(values, b0, out=out)
        for i in range(len(values)):
            y = out[i]
            y += soon
            soon = late + now[i]
            soon -= a1 * y
            late = next_but_one[i] - a2 * y
        values = out
    return values
