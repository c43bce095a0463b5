"""How far a figure gets in one cycle: a turn about the upright axis and a way on the ground, which cycles repeat."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .. import quaternions as quat
from .poses import Figure, Poses


@dataclass(frozen=True)
class Travel:
    """A rigid motion of the ground: points turn about the world's origin, then shift."""

    turn_rad: float
    shift_m: tuple[float, float]

    def after(self, cycles: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Turns (...) and shifts (..., 2) after so many cycles, whole or not, forwards or backwards.

        With points as complex numbers a cycle takes z to e z + d, so that n of them take it to

            e^n z + d (e^n - 1) / (e - 1),

        which for parts of a cycle is an even walk on a circle, or on a straight line where e is 1.
        """
        n = np.asarray(cycles, dtype=np.float64)
        d = complex(*self.shift_m)
        if abs(self.turn_rad) < 1e-9:
            way = d * n
        else:
            way = d * np.expm1(1j * self.turn_rad * n) / np.expm1(1j * self.turn_rad)
        return n * self.turn_rad, np.stack([way.real, way.imag], axis=-1)

    def points(self, points_m: np.ndarray, cycles: np.ndarray | float = 1.0) -> np.ndarray:
        """(..., 3) points after so many cycles; one number for all, or one for each."""
        turn, shift_m = self.after(cycles)
        made = quat.rotate(upright(turn), points_m)
        made[..., :2] += shift_m
        return made

    def poses(self, figure: Figure, poses: Poses, cycles: np.ndarray | float = 1.0) -> Poses:
        """Poses after so many cycles; one number for all frames, or (F,)."""
        cycles = np.broadcast_to(np.asarray(cycles, dtype=np.float64), poses.time_s.shape)
        turn = upright(cycles * self.turn_rad)
        rotations = poses.rotations.copy()
        rotations[:, 0] = turned_root(figure, rotations[:, 0], turn)
        return replace(poses, rotations=rotations, root_m=self.points(poses.root_m, cycles))


def upright(turn_rad: np.ndarray | float) -> np.ndarray:
    """(..., 4) turns of (...) radians about Z."""
    half = np.asarray(turn_rad, dtype=np.float64) / 2
    zero = np.zeros_like(half)
    return np.stack([np.cos(half), zero, zero, np.sin(half)], axis=-1)


def turned_root(figure: Figure, root: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """(..., 4) local rotations of the first bone of a figure that is turned in the world: O^-1 turn O R."""
    rest = figure.rest_turn[0]
    return quat.multiply(quat.conjugate(rest), quat.multiply(turn, quat.multiply(rest, root)))


def turn_about_z(rotation: np.ndarray) -> np.ndarray:
    """(...) radians, -pi to pi, of the part of rotations (..., 4) that turns about Z."""
    angle = 2 * np.arctan2(rotation[..., 3], rotation[..., 0])
    return (angle + np.pi) % (2 * np.pi) - np.pi
