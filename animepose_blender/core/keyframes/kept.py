"""Frames that keep their keys whatever the fit says: turning points, standstills, boundaries of spans."""

from __future__ import annotations

import numpy as np

STILL = 1e-7
"""A channel that changes by no more from frame to frame stands still (metres, radians, parts of a quaternion)."""


def boundaries(spans: np.ndarray) -> np.ndarray:
    """The first and the last frame of every span, such as a foot's contact.

    Args:
        spans: (F, ...) bool.
    Returns:
        (F,) bool, those of any of them.
    """
    spans = spans.reshape(len(spans), -1)
    before, after = np.zeros_like(spans), np.zeros_like(spans)
    before[1:], after[:-1] = spans[:-1], spans[1:]
    return (spans & ~(before & after)).any(axis=1)


def still(values: np.ndarray, least: int) -> np.ndarray:
    """Where all channels keep their values for a while.

    Args:
        values: (F, C)
        least: steps from frame to frame that a standstill lasts at least.
    Returns:
        (F,) bool, from this frame to the next nothing moves; the last one is False.
    """
    rests = np.append((np.abs(np.diff(values, axis=0)) <= STILL).all(axis=1), False)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], rests, [False]]).astype(np.int8)))
    kept = np.zeros(len(values) + 1, dtype=np.int8)
    for first, end in edges.reshape(-1, 2):
        kept[first:end] = end - first >= least
    return kept[:-1].astype(bool)


def turning_points(course: np.ndarray, prominence: float) -> np.ndarray:
    """Where a course turns back, by at least `prominence` on either side.

    Small swings are taken out, the smallest first, until all that are left are large; several at once where they do
    not touch.

    Args:
        course: (F,)
    Returns:
        (T,) int, increasing; neither the first nor the last frame.
    """
    inner = np.diff(course)
    moves = np.flatnonzero(inner != 0)
    turns = np.flatnonzero(np.sign(inner[moves[1:]]) != np.sign(inner[moves[:-1]]))
    points = np.concatenate([[0], moves[turns + 1], [len(course) - 1]]).astype(int)
    while len(points) > 2:
        swings = np.abs(np.diff(course[points]))
        # Swings at the ends leave one turning point only, those between take two.
        padded = np.concatenate([[np.inf], swings, [np.inf]])
        least = (swings < prominence) & (swings <= padded[:-2]) & (swings < padded[2:])
        if not least.any():
            break
        gone = np.zeros(len(points), dtype=bool)
        gone[:-1] |= least
        gone[1:] |= least
        gone[[0, -1]] = False
        points = points[~gone]
    return points[1:-1]


def main_course(values: np.ndarray) -> np.ndarray:
    """(F,) values (F, C) along the direction in which they vary most."""
    away = values - values.mean(axis=0)
    directions = np.linalg.eigh(away.T @ away)[1]
    return away @ directions[:, -1]
