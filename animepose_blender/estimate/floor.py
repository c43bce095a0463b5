"""The floor and the way up, from the feet; and which foot stands when."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from ..skeleton import CONTACT_JOINTS, REST_JOINTS_M, J

UPRIGHT_COSINE = 0.8
"""A body within 37 degrees of the picture's vertical counts as upright for the first guess of the way up."""
STEEP_COSINE = 0.5
"""Under a camera that looks down steeply, standing bodies are up to 60 degrees off, with the head nearer than the feet:
nobody who lies on the floor looks like that, since a head away from the camera is farther and one towards it lower."""
UPRIGHT_SIGMA_RAD = np.radians(6.0)
"""How far people's mean stance lies from the vertical; holds the floor where the feet cover too little of it."""
LEVEL_SIGMA_RAD = np.radians(5.0)
"""How far from level cameras are held."""
FOOT_SIGMA_M = 0.08
"""Spread of the height of standing feet: mostly the root's distance, which follows the person's apparent size."""
STEP_M = 0.4
"""Feet nearer together than this along the way say the same about the floor."""
LEVEL_SIGMA_M = 0.06
"""How far from one level people stand who stand on one floor; the tail is long, since some stand on walls."""
SAME_FLOOR_M = 0.3
"""People whose levels differ by less stand on one floor."""
SOLE_M = float(REST_JOINTS_M[J["left_heel"], 2])
"""Height of heel and toe joints over the floor that the sole stands on."""
STILL_M_S = 0.5
"""Speed at which a foot counts half as standing, for the floor."""
MAX_POINTS = 2000
"""Feet used at most for each person, evenly over the clip."""

CONTACT_HEIGHT_M = 0.05
"""Height over its lowest level at which a heel or toe is as likely up as down."""
CONTACT_SPEED_M_S = 0.45
"""Speed at which it is as likely moving as standing. With the height above, 60 % of the demo clip's contacts are found
and 61 % of the finds are right; where depth counts like the rest, 38 and 68 %."""
ALONG_SHARE = 1 / 3
"""How much speed along the view counts: depth wavers three times as much as what the picture shows."""


def fit_floor(joints_camera_m: np.ndarray, confidence: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Find the floor under everybody's feet and the transform that makes it z = 0.

    The lower foot of every person in every frame, weighted by its stillness and confidence, should lie on a plane that
    all share but for a level of their own, since some may stand on a wall. Where people cover little ground the tilt
    is not to be had from their feet, so it is held by two beliefs: people stand upright on the whole, and cameras are
    held level. The floor is the lowest level on which somebody stands.

    Args:
        joints_camera_m: (P, F, J, 3); NaN where absent.
        confidence: (P, F, J).
        time_s: (F,).
    Returns:
        (4, 4) camera to world: the world's Y runs along the camera's view over the floor, the camera stands above the
        origin, Z is up.
    """
    up = _upright(joints_camera_m)
    people = [standing_feet(j, c, time_s, up) for j, c in zip(joints_camera_m, confidence, strict=True)]
    people = [(feet, weight) for feet, weight in people if len(feet)]
    if not people:
        return _to_world(up, 1.5)
    pitch, roll = _angles(up)

    def residuals(x: np.ndarray) -> np.ndarray:
        normal, height, levels = _direction(x[0], x[1]), x[2], x[3:]
        parts = [
            np.sqrt(weight) * _cauchy((feet @ normal + height - level) / FOOT_SIGMA_M)
            for (feet, weight), level in zip(people, levels, strict=True)
        ]
        off_level = _cauchy(levels / LEVEL_SIGMA_M)
        belief = [(x[0] - pitch) / UPRIGHT_SIGMA_RAD, (x[1] - roll) / UPRIGHT_SIGMA_RAD, x[1] / LEVEL_SIGMA_RAD]
        return np.concatenate([*parts, off_level, belief])

    start_levels = np.array([-np.average(feet @ up, weights=weight) for feet, weight in people])
    start = np.concatenate([[pitch, roll, np.median(start_levels)], np.median(start_levels) - start_levels])
    solved = least_squares(residuals, start).x
    heights = solved[2] - solved[3:]
    lowest = heights[heights > heights.max() - SAME_FLOOR_M]
    return _to_world(_direction(solved[0], solved[1]), max(0.05, float(lowest.mean()) + SOLE_M))


def contacts(joints_world_m: np.ndarray, time_s: np.ndarray, camera_m: np.ndarray) -> np.ndarray:
    """Probability that heels and toes stand on the floor: low for this person and hardly moving.

    Args:
        joints_world_m: (F, J, 3) of one person, every frame present.
        time_s: (F,).
        camera_m: (3,) where the camera stands, world axes.
    Returns:
        (F, 4) in the order of `skeleton.CONTACT_JOINTS`.
    """
    feet = joints_world_m[:, CONTACT_JOINTS]
    speed = _speed(feet, time_s, camera_m)
    level = np.percentile(feet[..., 2], 10, axis=0)
    low = 1 / (1 + np.exp((feet[..., 2] - level - CONTACT_HEIGHT_M) / (CONTACT_HEIGHT_M / 4)))
    still = 1 / (1 + np.exp((speed - CONTACT_SPEED_M_S) / (CONTACT_SPEED_M_S / 4)))
    return low * still


def _cauchy(residual: np.ndarray) -> np.ndarray:
    """Residuals whose squares are Cauchy's loss, which lets go of what is far off: a jump, a wall, a wrong find."""
    return np.sign(residual) * np.sqrt(np.log1p(residual**2))


def _speed(points_m: np.ndarray, time_s: np.ndarray, camera_m: np.ndarray) -> np.ndarray:
    """(F, N) speeds of points (F, N, 3), m/s, in which motion along the rays from a camera at rest counts less."""
    if len(time_s) < 2:
        return np.zeros(points_m.shape[:-1])
    velocity = np.gradient(points_m, time_s, axis=0)
    ray = points_m - camera_m
    ray = ray / (np.linalg.norm(ray, axis=-1, keepdims=True) + 1e-9)
    along = np.sum(velocity * ray, axis=-1)
    return np.hypot(np.linalg.norm(np.cross(velocity, ray), axis=-1), ALONG_SHARE * along)


def _upright(joints_camera_m: np.ndarray) -> np.ndarray:
    """(3,) mean direction from ankles to neck of people who look upright, camera axes; the picture's up for none."""
    ankles = (joints_camera_m[..., J["left_ankle"], :] + joints_camera_m[..., J["right_ankle"], :]) / 2
    trunk = joints_camera_m[..., J["neck"], :] - ankles
    trunk = trunk[np.isfinite(trunk).all(axis=-1)]
    trunk = trunk / (np.linalg.norm(trunk, axis=-1, keepdims=True) + 1e-9)
    standing = trunk[-trunk[:, 1] > UPRIGHT_COSINE]
    if len(standing) < len(trunk) / 2:
        steep = (-trunk[:, 1] > STEEP_COSINE) & (trunk[:, 2] < 0) & (np.abs(trunk[:, 0]) < STEEP_COSINE)
        standing = trunk[steep] if steep.sum() > len(standing) else standing
    if len(standing) == 0:
        return np.array([0.0, -1.0, 0.0])
    up = np.median(standing, axis=0)
    return up / np.linalg.norm(up)


def standing_feet(
    joints_camera_m: np.ndarray, confidence: np.ndarray, time_s: np.ndarray, up: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) the lowest of one person's four foot points in each frame, and (N,) weights that sum to the number of
    places stood at."""
    feet = joints_camera_m[:, CONTACT_JOINTS]
    present = np.isfinite(feet).all(axis=(1, 2))
    if not present.any():
        return np.zeros((0, 3)), np.zeros(0)
    feet, sure, time_s = feet[present], confidence[present][:, CONTACT_JOINTS], time_s[present]
    speed = _speed(feet, time_s, np.zeros(3))
    lowest = np.argmin(feet @ up, axis=-1)[:, None]
    point = np.take_along_axis(feet, lowest[..., None], axis=1)[:, 0]
    still = 1 / (1 + (np.take_along_axis(speed, lowest, axis=1)[:, 0] / STILL_M_S) ** 2)
    weight = still * np.take_along_axis(sure, lowest, axis=1)[:, 0] + 1e-6
    stride = 1 + len(point) // MAX_POINTS
    point, weight = point[::stride], weight[::stride]
    over_floor = point - (point @ up)[:, None] * up
    covered = np.linalg.norm(np.percentile(over_floor, 95, axis=0) - np.percentile(over_floor, 5, axis=0))
    return point, weight * (1 + covered / STEP_M) / weight.sum()


def _angles(up: np.ndarray) -> tuple[float, float]:
    """Pitch (how far the camera looks down) and roll of the way up, which is (0, -1, 0) for a level camera."""
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
