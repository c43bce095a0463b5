"""Paths of points as short straight lines that fade away from a moment, for drawing."""

from __future__ import annotations

import numpy as np

FAINTEST = 0.35
"""What is left of a line's strength at the ends of what is drawn."""


def path_lines(points: np.ndarray, frames: np.ndarray, frame: float, around: float) -> tuple[np.ndarray, np.ndarray]:
    """The part of some paths around a frame.

    Args:
        points: (F, K, 3)
        frames: (F,) increasing.
        frame: the moment.
        around: frames before and after it; infinite for the whole paths.
    Returns:
        (N, 2, 3) lines, and (N,) how strong each is; lines to what is not known are left out.
    """
    first, last = np.searchsorted(frames, [frame - around - 1e-3, frame + around + 1e-3])
    part, at = points[first:last], frames[first:last]
    if len(at) < 2:
        return np.empty((0, 2, 3), dtype=points.dtype), np.empty(0)
    lines = np.stack([part[:-1], part[1:]], axis=2)
    away = np.abs((at[:-1] + at[1:]) / 2 - frame) / around if np.isfinite(around) else np.zeros(len(at) - 1)
    strength = np.broadcast_to((1 - (1 - FAINTEST) * np.minimum(away, 1.0))[:, None], lines.shape[:2])
    known = np.isfinite(lines).all(axis=(2, 3))
    return lines[known], strength[known]
