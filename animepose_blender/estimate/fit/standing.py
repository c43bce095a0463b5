"""Which heels and toes stand, and how firmly they are held: from probabilities to weights that come and go softly."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_opening, median_filter, uniform_filter1d

from ..gaps import runs

BEGINS, ENDS = 0.5, 0.3
"""A contact begins at a probability of the one and lasts until it falls to the other."""
SHORTEST_S = 0.07
"""A foot that stands for less does not stand."""
RAMP_S = 0.05
"""Over which a foot comes to be held, and is let go; so it neither pops onto its place nor off it."""
RAMP_POWER = 3
"""Weights are those of a square, and what a foot is held with is strong: its share must begin very small."""
MOVES_M_S = 0.8
"""Speed at which a foot that should stand is held by half: estimates of standing feet move at up to 0.5 m/s, and a foot
that swings at more than 1."""
NOT_THERE_M = 0.10
"""A held foot that lies farther off its keypoints in half of the frames does not stand."""
LEAVING_M, STEADY = 0.05, 7
"""Distance from which on it leaves its place there, of medians over so many frames."""
CHANGE = 0.15
"""In `always`, by how much the other foot must be more likely to stand for the weight to go over to it."""
SETTLE_S = 0.1
FEWEST = 4
"""Frames; of fewer nobody can say who stands."""


def held(probability: np.ndarray, time_s: np.ndarray, foot_lock: str, speed_m_s: np.ndarray) -> np.ndarray:
    """How firmly heels and toes are held in place.

    Args:
        probability: (n, 4) of contact: left heel, left toe, right heel, right toe.
        time_s: (n,).
        foot_lock: one of `protocol.FOOT_LOCKS`.
        speed_m_s: (n, 4) at which they are seen to move; what evidently moves is not held.
    Returns:
        (n, 4), 0 to 1.
    """
    if foot_lock in ("never", "grounding") or len(time_s) < FEWEST:
        return np.zeros_like(probability)
    step_s = float(np.median(np.diff(time_s)))
    if foot_lock == "always":
        probability = np.maximum(probability, one_foot_stands(probability, step_s))
    standing = spans(probability, step_s)
    width = 2 * max(1, round(RAMP_S / step_s)) + 1
    share = uniform_filter1d(standing.astype(float), width, axis=0, mode="nearest")
    moves = 1 / (1 + (speed_m_s / MOVES_M_S) ** 4)
    return standing * moves * np.clip(2 * share - 1, 0.0, 1.0) ** RAMP_POWER


def spans(probability: np.ndarray, step_s: float) -> np.ndarray:
    """(n, 4) bool: contacts with hysteresis, without the very short ones."""
    told = (probability > BEGINS) | (probability < ENDS)
    rows = np.where(told, np.arange(len(probability))[:, None], -1)
    last = np.maximum.accumulate(rows, axis=0)
    at_last = np.take_along_axis(probability, last.clip(0), axis=0)
    standing = np.where(last < 0, probability > 0.5, at_last > BEGINS)
    least = max(1, round(SHORTEST_S / step_s))
    # What goes on beyond the clip is not short.
    padded = np.pad(standing, ((least, least), (0, 0)), mode="edge")
    return binary_opening(padded, np.ones((least, 1), bool))[least:-least]


def believed(firmly: np.ndarray, off_m: np.ndarray, size: float) -> np.ndarray:
    """Whether feet that are held lie where they are seen; a foot in the air that is told to stand does not.

    Args:
        firmly: (n, 4) from `held`.
        off_m: (n, 2) how far the left and the right foot lie off their keypoints once they are held; NaN = not seen.
        size: of the person.
    Returns:
        (n, 4) bool: False in a foot's spans in which it lies too far off, or in the parts of them in which it leaves.
    """
    result = np.ones(firmly.shape, dtype=bool)
    for foot in (0, 1):
        for span in runs((firmly[:, 2 * foot : 2 * foot + 2] > 0).any(axis=1)):
            off = off_m[span, foot]
            if not np.isfinite(off).any():
                continue
            far = np.nanmedian(off) > NOT_THERE_M * size
            # A foot that rises while it is told to stand is let go from where it leaves its place.
            steady = median_filter(np.nan_to_num(off, nan=np.nanmedian(off)), STEADY, mode="nearest")
            for part in runs(steady > LEAVING_M * size):
                far = far | (np.isin(np.arange(len(span)), part) & (steady[part].max() > NOT_THERE_M * size))
            result[span, 2 * foot : 2 * foot + 2] &= ~np.broadcast_to(far, len(span))[:, None]
    return result


def one_foot_stands(probability: np.ndarray, step_s: float) -> np.ndarray:
    """(n, 4) 1 for the heel or toe of the foot that is more likely to stand, at every moment."""
    width = 2 * max(1, round(SETTLE_S / step_s)) + 1
    feet = uniform_filter1d(probability, width, axis=0, mode="nearest").reshape(-1, 2, 2)
    lead = feet.max(axis=-1) @ np.array([1.0, -1.0])
    told = np.abs(lead) > CHANGE
    last = np.maximum.accumulate(np.where(told, np.arange(len(lead)), -1))
    first = np.argmax(told) if told.any() else 0
    left = lead[np.where(last < 0, first, last)] > 0
    stands = np.zeros_like(feet)
    joint = feet.argmax(axis=-1)
    rows, side = np.arange(len(lead)), np.where(left, 0, 1)
    stands[rows, side, joint[rows, side]] = 1.0
    return stands.reshape(-1, 4)
