"""Carrying people on with the velocity they had, which dies down.

The root is filtered in bearing and log depth, where the errors of a camera are even and independent: PHALP's idea
(Rajasegaran et al., Tracking people by predicting 3D appearance, location and pose, 2022). From there on it moves along
a straight line in the world, since people walk straight in the world and not in the picture. Every constant is fitted
on the training recordings by `scripts/train_trajectory.py --fit-constant-velocity`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import unit
from .carried import Carried
from .gait import Walk, find_walk
from .past import RATE_HZ, Past, gather
from .protocol import History, Prediction


@dataclass(frozen=True)
class Settings:
    """How fast things are forgotten and how unsure they grow."""

    bearing_memory_s: float = 0.06
    """Time constant of the weights of past samples in the fit of the bearing's rate."""
    depth_memory_s: float = 0.15
    """The same for log depth, which shivers more."""
    life_s: float = 0.47
    """Time constant with which an unseen person's horizontal velocity dies down."""
    walk_life_s: float = 8.5
    """The same of those who evidently walk or run."""
    lift_life_s: float = 0.05
    """The same for the vertical: who goes up comes down."""
    trust_across: float = 1.118
    """Share of the measured velocity that is believed, across the ray; above 1, since most of its error is delay."""
    trust_along: float = 0.973
    """The same along it."""
    pose_life_s: float = 0.12
    """Time constant of a limb's motion."""
    start_sigma_m: tuple[float, float] = (0.028, 0.095)
    """Uncertainty at the moment of loss, across and along the ray."""
    growth_m_s: tuple[float, float] = (0.223, 0.324)
    """How much it grows per second."""


class ConstantVelocity:
    """Bearing and log depth with damped velocity; limbs swing out, and walkers walk on."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    def predict(self, history: History, time_s: np.ndarray) -> Prediction:
        """See `TrajectoryPredictor.predict`."""
        past = gather(history)
        since_s = past.since(time_s)
        return self.carry(past, since_s).above_floor(past, since_s)

    def carry(self, past: Past, since_s: np.ndarray) -> Carried:
        """The same without the floor, `since_s` (n,) seconds after the end of the past."""
        velocity_m_s = self.velocity_m_s(past)
        walk = find_walk(past, velocity_m_s)
        if walk is None:
            directions = self._swing_out(past, since_s)
        else:
            directions = walk.poses(_travel(since_s, self.settings.walk_life_s))
        return Carried(self.path_m(past, since_s, velocity_m_s, walk), directions, self._sigma_m(past, since_s))

    def path_m(self, past: Past, since_s: np.ndarray, velocity_m_s: np.ndarray, walk: Walk | None) -> np.ndarray:
        """(n, 3) the root on its way, whatever the floor."""
        s = self.settings
        level = _travel(since_s, s.life_s if walk is None else s.walk_life_s)
        lift = _travel(since_s, s.lift_life_s)
        return past.root_m[-1] + velocity_m_s * np.stack([level, level, lift], axis=-1)

    def velocity_m_s(self, past: Past) -> np.ndarray:
        """(3,) the root's velocity at the end, world axes.

        With d = r u, u the unit ray and r the distance: d' = r (u' + u (log r)'), where u' is across u.
        """
        # Seen from where the camera is at the end: its own motion does not move the person.
        ray_m = past.root_m - past.camera_m
        distance_m = np.maximum(np.linalg.norm(ray_m, axis=-1), 0.1)
        u = ray_m / distance_m[:, None]
        turn = _rate(u, past.known, self.settings.bearing_memory_s)
        turn = turn - (turn @ u[-1]) * u[-1]
        recede = _rate(np.log(distance_m)[:, None], past.known, self.settings.depth_memory_s)[0]
        s = self.settings
        return distance_m[-1] * (s.trust_across * turn + s.trust_along * recede * u[-1])

    def _swing_out(self, past: Past, since_s: np.ndarray) -> np.ndarray:
        """(n, J, 3) directions of bones that go on turning for a moment and stop."""
        turn = _rate(past.directions, past.known, 0.1)
        moved = past.directions[-1] + turn * _travel(since_s, self.settings.pose_life_s)[:, None, None]
        return unit(moved, past.directions[-1])

    def _sigma_m(self, past: Past, since_s: np.ndarray) -> np.ndarray:
        s = self.settings
        start = np.asarray(s.start_sigma_m) if past.start_sigma_m is None else past.start_sigma_m
        return np.hypot(start, np.asarray(s.growth_m_s) * since_s[:, None])


def _travel(since_s: np.ndarray, life_s: float) -> np.ndarray:
    """(n,) seconds' worth of way at a speed that dies down."""
    return life_s * (1 - np.exp(-since_s / life_s))


def _rate(values: np.ndarray, known: np.ndarray, memory_s: float) -> np.ndarray:
    """(...) change per second of values (H, ...) at the end: a straight line through the known samples by least
    squares, the older the lighter; 0 where fewer than three are known."""
    if known.sum() < 3:
        return np.zeros(values.shape[1:])
    age_s = np.arange(len(values) - 1, -1, -1) / RATE_HZ
    weight = np.where(known, np.exp(-age_s / memory_s), 0.0)
    weight /= weight.sum()
    centred = -age_s + weight @ age_s
    return np.tensordot(weight * centred, values, axes=1) / (weight @ centred**2)
