"""A bone on the ground that goes where a person goes, for engines that move characters by it."""

from __future__ import annotations

import numpy as np

from ...core import quaternions as quat

HEADING_SIGMA_S = 0.2
"""Hips turn to and fro with every step; what the character as a whole turns is slower."""
_UPRIGHT = 0.05
"""Share of a turn that is about the vertical, below which a heading means nothing: head over heels."""


def ground_path(positions_m: np.ndarray, turned: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the root bone is.

    Args:
        positions_m: (F, 3) the pelvis, world axes.
        turned: (F, 4) the pelvis' turn from rest, world axes.
        rate: frames a second.
    Returns:
        (F, 3) the pelvis' place on z = 0, and (F, 4) the heading: its turn about Z, smoothed. They leave the pelvis its
        height, its lean and its sway.
    """
    place_m = positions_m.copy()
    place_m[:, 2] = 0.0
    half = _smooth(_half_heading(turned), HEADING_SIGMA_S * rate)
    heading = np.stack([np.cos(half), np.zeros_like(half), np.zeros_like(half), np.sin(half)], axis=-1)
    return place_m, heading


def _half_heading(turned: np.ndarray) -> np.ndarray:
    """(F,) half the angle of the twist about Z, radians, without jumps."""
    turned = quat.unroll(turned)
    about_z = turned[:, [0, 3]]
    clear = (about_z**2).sum(-1) > _UPRIGHT
    if not clear.any():
        return np.zeros(len(turned))
    # A twist and its negative are one: half a turn each.
    half = np.unwrap(np.arctan2(about_z[clear, 1], about_z[clear, 0]), period=np.pi)
    half -= np.pi * np.round(half[0] / np.pi)
    return np.interp(np.arange(len(turned)), np.flatnonzero(clear), half)


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """(F,) weighted means over neighbours; both ends go on as they end, mirrored through the last value."""
    reach = min(int(np.ceil(3 * sigma)), len(values) - 1)
    if reach < 1:
        return values
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    before = 2 * values[0] - values[reach:0:-1]
    after = 2 * values[-1] - values[-2 : -reach - 2 : -1]
    return np.convolve(np.concatenate([before, values, after]), weights / weights.sum(), mode="valid")
