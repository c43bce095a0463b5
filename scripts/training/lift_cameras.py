"""Virtual cameras around a moving person: all directions, near and far, held still or moved."""

from __future__ import annotations

import numpy as np

from .windows import correlated

DISTANCE_M = (1.8, 12.0)
NEAREST_M = 1.3
"""Nobody comes nearer than this."""
DOWN_RAD, PITCH_SIGMA_RAD = np.radians(10.0), np.radians(22.5)
STEEPEST_RAD = np.radians(65.0)
ROLL_SIGMA_RAD = np.radians(7.5)
TUMBLED = 0.06
"""Share of cameras at any roll: hardly anybody lies in the recordings, but people lie."""
ASIDE_RAD = np.radians(25.0)
"""How far from the picture's middle people are at most."""
MOVING = 0.75
"""Share of cameras that move."""
FOLLOWING = 0.4
"""Share of cameras that travel along with the person."""
TRAVEL_M_S, WOBBLE_M, SHAKE_RAD = 0.7, 0.15, np.radians(1.0)


def film(rng: np.random.Generator, root_m: np.ndarray, joints_m: np.ndarray, *, tumbled: bool = True) -> np.ndarray:
    """Joints in camera axes.

    Args:
        root_m: (N, T, 3) world, Z up.
        joints_m: (N, T, J, 3) relative to it.
        tumbled: whether some cameras are held at any roll.
    Returns:
        (N, T, J, 3).
    """
    count, steps = root_m.shape[:2]
    path_m = root_m + np.array([0.0, 0.0, 0.1], np.float32)
    mean_m = path_m.mean(axis=1, keepdims=True)
    yaw = rng.uniform(0, 2 * np.pi, count)
    down = np.clip(rng.normal(DOWN_RAD, PITCH_SIGMA_RAD, count), -STEEPEST_RAD, STEEPEST_RAD)
    distance = np.exp(rng.uniform(np.log(DISTANCE_M[0]), np.log(DISTANCE_M[1]), count))
    away = np.stack([np.cos(down) * np.cos(yaw), np.cos(down) * np.sin(yaw), np.sin(down)], axis=-1)
    moves = (rng.random(count) < MOVING)[:, None, None]
    time = np.linspace(-0.5, 0.5, steps)[:, None] * steps / 30.0
    velocity = rng.normal(0, TRAVEL_M_S, (count, 1, 3)) * np.array([1, 1, 0.2]) * rng.random((count, 1, 1))
    wobble = WOBBLE_M * rng.random((count, 1, 1)) * correlated(rng, count, steps, (3,), 0.7)
    follows = (rng.random(count) < FOLLOWING)[:, None, None] & moves
    base_m = np.where(follows, mean_m + (path_m - mean_m) * np.array([1, 1, 0]), mean_m)
    camera_m = base_m + (away * distance[:, None])[:, None] + moves * (time * velocity + wobble)
    nearest = np.linalg.norm(path_m - camera_m, axis=-1).min(axis=1)
    camera_m = camera_m + (away * np.maximum(NEAREST_M + 0.4 - nearest, 0.0)[:, None])[:, None]

    looks_along = moves & (rng.random((count, 1, 1)) < 0.5)
    target_m = np.where(looks_along, path_m, mean_m)
    z = _unit(target_m - camera_m)
    x = _unit(np.cross(z, np.array([0.0, 0.0, 1.0])))
    axes = np.stack([x, np.cross(z, x), z], axis=-1)
    aside = rng.uniform(-ASIDE_RAD, ASIDE_RAD, (count, 1, 2)) * np.array([1.0, 0.6])
    roll = rng.normal(0, ROLL_SIGMA_RAD, (count, 1, 1))
    roll = np.where(rng.random((count, 1, 1)) < TUMBLED * tumbled, rng.uniform(-np.pi, np.pi, (count, 1, 1)), roll)
    angles = np.concatenate([aside[..., ::-1], roll], axis=-1)
    angles = angles + moves * SHAKE_RAD * rng.random((count, 1, 1)) * correlated(rng, count, steps, (3,), 0.3)
    axes = axes @ _turns(np.broadcast_to(angles, (count, steps, 3)))
    world_m = joints_m + root_m[:, :, None] - camera_m[:, :, None]
    return (world_m @ axes).astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)


def _turns(angles: np.ndarray) -> np.ndarray:
    """(..., 3, 3) turns about x, then y, then z, by (..., 3)."""
    a, b, c = np.moveaxis(angles, -1, 0)
    zero, one = np.zeros_like(a), np.ones_like(a)

    def matrix(*rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    about_x = matrix((one, zero, zero), (zero, np.cos(a), -np.sin(a)), (zero, np.sin(a), np.cos(a)))
    about_y = matrix((np.cos(b), zero, np.sin(b)), (zero, one, zero), (-np.sin(b), zero, np.cos(b)))
    about_z = matrix((np.cos(c), -np.sin(c), zero), (np.sin(c), np.cos(c), zero), (zero, zero, one))
    return about_x @ about_y @ about_z
