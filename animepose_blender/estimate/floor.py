"""The floor and the way up, from the feet; and which foot stands when."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from ..skeleton import CONTACT_JOINTS, J

UPRIGHT_COSINE = 0.8
"""A trunk within 37 degrees of the picture's vertical counts as upright for the first guess of the way up."""
TILT_SIGMA_RAD = np.radians(6.0)
"""How far people's mean trunk lies from the vertical; holds the floor where the feet cover too little of it."""
ROLL_SIGMA_RAD = np.radians(2.0)
"""How far from level cameras are held."""
FOOT_SIGMA_M = 0.04
"""Spread of the height of standing feet as the estimator sees them."""
STILL_M_S = 0.5
"""Speed at which a foot counts half as standing, for the floor."""
MAX_POINTS = 4000
"""Feet used at most, evenly over the clip: more change the plane by less than 0.1 degrees."""

CONTACT_HEIGHT_M = 0.05
"""Height over its lowest level at which a heel or toe is as likely up as down."""
CONTACT_SPEED_M_S = 0.45
"""Speed at which it is as likely moving as standing; the estimator's own jitter reaches 0.2 m/s."""


def fit_floor(joints_camera_m: np.ndarray, confidence: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Find the floor under everybody's feet and the transform that makes it z = 0.

    The lower foot of every person in every frame, weighted by its stillness and confidence, should lie on one plane.
    Where people cover little ground the plane's tilt is not to be had from them, so it is held by two weak beliefs:
    trunks are upright on the whole, and cameras are level.

    Args:
        joints_camera_m: (P, F, J, 3); NaN where absent.
        confidence: (P, F, J).
        time_s: (F,).
    Returns:
        (4, 4) camera to world: the world's Y runs along the camera's view over the floor, the camera stands above the
        origin, Z is up.
    """
    up = _upright(joints_camera_m)
    feet, weight = _standing_feet(joints_camera_m, confidence, time_s, up)
    if len(feet) < 3:
        return _to_world(up, 1.5)
    stride = 1 + len(feet) // MAX_POINTS
    feet, weight = feet[::stride], weight[::stride]
    pitch, roll = _angles(up)

    def residuals(x: np.ndarray) -> np.ndarray:
        height = feet @ _direction(x[0], x[1]) + x[2]
        # Many frames of one stance are one observation: the feet together weigh as much as a few hundred would.
        data = np.sqrt(weight / max(1.0, weight.sum() / 200)) * height / FOOT_SIGMA_M
        belief = [(x[0] - pitch) / TILT_SIGMA_RAD * 3, x[1] / ROLL_SIGMA_RAD * 3]
        return np.concatenate([data, belief])

    start = np.array([pitch, roll, -np.average(feet @ up, weights=weight)])
    solved = least_squares(residuals, start, loss="soft_l1").x
    return _to_world(_direction(solved[0], solved[1]), max(0.05, solved[2]))


def contacts(joints_world_m: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Probability that heels and toes stand on the floor: low for this person and hardly moving.

    Args:
        joints_world_m: (F, J, 3) of one person, every frame present.
        time_s: (F,).
    Returns:
        (F, 4) in the order of `skeleton.CONTACT_JOINTS`.
    """
    feet = joints_world_m[:, CONTACT_JOINTS]
    speed = np.linalg.norm(_velocity(feet, time_s), axis=-1)
    level = np.percentile(feet[..., 2], 10, axis=0)
    low = 1 / (1 + np.exp((feet[..., 2] - level - CONTACT_HEIGHT_M) / (CONTACT_HEIGHT_M / 4)))
    still = 1 / (1 + np.exp((speed - CONTACT_SPEED_M_S) / (CONTACT_SPEED_M_S / 4)))
    return low * still


def _velocity(points_m: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    return np.gradient(points_m, time_s, axis=0) if len(time_s) > 1 else np.zeros_like(points_m)


def _upright(joints_camera_m: np.ndarray) -> np.ndarray:
    """(3,) mean direction from ankles to neck of people who look upright, camera axes; the picture's up for none."""
    ankles = (joints_camera_m[..., J["left_ankle"], :] + joints_camera_m[..., J["right_ankle"], :]) / 2
    trunk = joints_camera_m[..., J["neck"], :] - ankles
    trunk = trunk[np.isfinite(trunk).all(axis=-1)]
    trunk = trunk / (np.linalg.norm(trunk, axis=-1, keepdims=True) + 1e-9)
    standing = trunk[-trunk[:, 1] > UPRIGHT_COSINE]
    if len(standing) == 0:
        return np.array([0.0, -1.0, 0.0])
    up = np.median(standing, axis=0)
    return up / np.linalg.norm(up)


def _standing_feet(
    joints_camera_m: np.ndarray, confidence: np.ndarray, time_s: np.ndarray, up: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) the lowest of each person's four foot points in each frame, and (N,) how surely it stands."""
    feet = joints_camera_m[:, :, CONTACT_JOINTS]
    speed = np.linalg.norm(np.stack([_velocity(f, time_s) for f in feet]), axis=-1) if len(feet) else feet[..., 0]
    height = feet @ up
    present = np.isfinite(height).all(axis=-1)
    lowest = np.argmin(np.where(np.isfinite(height), height, np.inf), axis=-1)[..., None]
    point = np.take_along_axis(feet, lowest[..., None], axis=2)[:, :, 0]
    still = 1 / (1 + (np.take_along_axis(speed, lowest, axis=2)[..., 0] / STILL_M_S) ** 2)
    sure = np.take_along_axis(confidence[:, :, CONTACT_JOINTS], lowest, axis=2)[..., 0]
    good = present & np.isfinite(still) & (sure > 0.1)
    return point[good], (still * sure)[good]


def _angles(up: np.ndarray) -> tuple[float, float]:
    """Pitch (up leans towards the viewer, away from z) and roll of a direction that is (0, -1, 0) for a level camera."""
    return float(np.arctan2(-up[2], -up[1])), float(np.arcsin(np.clip(up[0], -1, 1)))


def _direction(pitch: float, roll: float) -> np.ndarray:
    return np.array([np.sin(roll), -np.cos(pitch) * np.cos(roll), -np.sin(pitch) * np.cos(roll)])


def _to_world(up: np.ndarray, height_m: float) -> np.ndarray:
    forward = np.array([0.0, 0.0, 1.0]) - up * up[2]
    if np.linalg.norm(forward) < 1e-3:
        # The camera looks straight down or up: the top of the picture is ahead.
        forward = np.array([0.0, -1.0, 0.0]) - up * -up[1]
    forward /= np.linalg.norm(forward)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([np.cross(forward, up), forward, up])
    matrix[2, 3] = height_m
    return matrix
