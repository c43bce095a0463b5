"""Walking goes on: half a cycle later a walker looks as now, left and right exchanged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...skeleton import MIRROR, J
from .body import left_of, unit
from .past import RATE_HZ, Past

MIN_SPEED_M_S = 0.5
"""Slower people are not taken for walking."""
HALF_CYCLES_S = (0.25, 0.75)
"""Half cycles from running to strolling."""
COMPARED_S = 0.5
"""How much of the end of the past has to repeat what was half a cycle before, at least."""
REPEATED_S = 0.8
"""The same for the length of the cycle, as far as it is known; longer, and whoever has just begun to walk is missed."""
LIKE = 0.25
"""Largest mean difference between the legs' directions and those of the mirrored past."""
MOVING = 0.15
"""Smallest standard deviation that one of the legs' directions must have: who is pushed on a cart does not walk."""
_LEGS = [J[f"{side}_{name}"] for side in ("left", "right") for name in ("knee", "ankle", "toe")]


@dataclass(frozen=True, eq=False)
class Walk:
    """One whole cycle of somebody's walk."""

    cycle: np.ndarray
    """(n, J, 3) directions of the bones, from the pose at the end of the past on, in the walker's axes."""
    axes: np.ndarray
    """(3, 3) these axes as columns, world."""
    rate_hz: float
    """Samples of the cycle that pass in a second."""

    def poses(self, travel_s: np.ndarray) -> np.ndarray:
        """Poses in step with the way that the root makes.

        Args:
            travel_s: (n,) way of the root as seconds at the speed that it had.
        Returns:
            (n, J, 3) directions of the bones in world axes.
        """
        at = travel_s * self.rate_hz
        low = np.floor(at).astype(int)
        share = (at - low)[:, None, None]
        count = len(self.cycle)
        mixed = (1 - share) * self.cycle[low % count] + share * self.cycle[(low + 1) % count]
        return unit(mixed, self.cycle[0]) @ self.axes.T


def find_walk(past: Past, velocity_m_s: np.ndarray) -> Walk | None:
    """The walk of somebody who evidently walks or runs, velocity (3,) at the end; else None."""
    if np.linalg.norm(velocity_m_s[:2]) < MIN_SPEED_M_S:
        return None
    local, axes = _in_own_axes(past.directions)
    mirrored = (local * np.array([1.0, -1.0, 1.0]))[:, MIRROR]
    compared = round(COMPARED_S * RATE_HZ)
    legs = local[:, _LEGS]
    if past.known[-compared:].sum() < compared or legs[-compared:].std(axis=0).max() < MOVING:
        return None
    lags = np.arange(round(HALF_CYCLES_S[0] * RATE_HZ), round(HALF_CYCLES_S[1] * RATE_HZ) + 1)
    lags = lags[past.known[-compared - lags]]
    if not len(lags):
        return None
    misfit = np.array([_misfit(legs, mirrored[:, _LEGS], past.known, lag) for lag in lags])
    best = int(np.argmin(misfit))
    if misfit[best] > LIKE:
        return None
    lag = int(lags[best])
    # Half a cycle from the mirrored past, bent to begin as the person is now; the other half mirrors it.
    ahead = np.arange(lag)[:, None, None] / lag
    half = mirrored[-1 - lag : -1] + (1 - ahead) * (local[-1] - mirrored[-1 - lag])
    cycle = np.concatenate([half, (half * np.array([1.0, -1.0, 1.0]))[:, MIRROR]])
    return Walk(cycle, axes, RATE_HZ * lag / (lag + _between(misfit, best)))


def _misfit(legs: np.ndarray, mirrored: np.ndarray, known: np.ndarray, lag: int) -> float:
    """Mean difference of the legs (H, n, 3) from the mirrored ones `lag` samples before."""
    both = (known[lag:] & known[:-lag])[-round(REPEATED_S * RATE_HZ) :]
    apart = np.linalg.norm(legs[lag:] - mirrored[:-lag], axis=-1)[-len(both) :]
    return float(apart[both].mean())


def _between(values: np.ndarray, best: int) -> float:
    """By how much the lowest point of a parabola through three values is off the middle one."""
    if not 0 < best < len(values) - 1:
        return 0.0
    before, middle, after = values[best - 1 : best + 2]
    return float(0.5 * (before - after) / max(before - 2 * middle + after, 1e-9))


def _in_own_axes(directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions (H, J, 3) in the mean axes of the last moments, x forward, y left, z up, and those axes as columns."""
    left = left_of(directions)[-round(COMPARED_S * RATE_HZ) :].sum(axis=0)
    left = left / max(float(np.linalg.norm(left)), 1e-6)
    axes = np.array([[left[1], left[0], 0.0], [-left[0], left[1], 0.0], [0.0, 0.0, 1.0]])
    return directions @ axes, axes
