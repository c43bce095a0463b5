"""Feet on the floor: which stand, in which directions bodies are upright, and when a foot is in contact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..skeleton import CONTACT_JOINTS, REST_JOINTS_M, J

UPRIGHT_COSINE = 0.8
"""A body within 37 degrees of the picture's vertical counts as upright for the first guess of the way up."""
STEEP_COSINE = 0.5
"""Under a camera that looks down steeply, standing bodies are up to 60 degrees off, with the head nearer than the feet:
nobody who lies on the floor looks like that, since a head away from the camera is farther and one towards it lower."""
STEP_M = 1.0
"""Feet nearer together than this along the way say the same about the floor."""
SOLE_M = float(REST_JOINTS_M[J["left_heel"], 2])
"""Height of heel and toe joints over the floor that the sole stands on."""
STILL_M_S = 0.5
"""Speed at which a foot counts half as standing, for the floor."""

CONTACT_HEIGHT_M = 0.05
"""Height over its lowest level at which a heel or toe is as likely up as down."""
FLOATING_M = 0.05
"""How far above a known floor somebody's feet may seem to stand."""
CONTACT_SPEED_M_S = 0.45
"""Speed at which it is as likely moving as standing. With the height above, 60 % of the demo clip's contacts are found
and 61 % of the finds are right; where depth counts like the rest, 38 and 68 %."""
ALONG_SHARE = 1 / 3
"""How much speed along the view counts: depth wavers three times as much as what the picture shows."""


@dataclass(frozen=True, eq=False)
class StandingFeet:
    """The lowest foot of one person in n frames, in axes that stand still."""

    frame: np.ndarray
    """(n,) index of the frame."""
    joint: np.ndarray
    """(n,) which of `skeleton.CONTACT_JOINTS` it is."""
    centre_m: np.ndarray
    """(n, 3) where the camera stands."""
    ray_m: np.ndarray
    """(n, 3) from the camera to the person's root."""
    depth_axis_m: np.ndarray
    """(n, 3) the part of it along the camera's axis."""
    root_to_foot_m: np.ndarray
    """(n, 3)"""
    weight: np.ndarray
    """(n,) how surely it stands; sums to the number of places stood at."""

    def every(self, stride: int) -> StandingFeet:
        """Every so manieth, weighing as much in all."""
        if stride == 1:
            return self
        part = StandingFeet(**{name: value[::stride] for name, value in vars(self).items()})
        return StandingFeet(**(vars(part) | {"weight": part.weight * self.weight.sum() / part.weight.sum()}))


def standing_feet(
    frame: np.ndarray,
    joints_m: np.ndarray,
    root_m: np.ndarray,
    confidence: np.ndarray,
    time_s: np.ndarray,
    camera_to_start: np.ndarray,
    up: np.ndarray,
) -> StandingFeet:
    """The lowest of one person's four foot points in each frame.

    Args:
        frame: (n,) index of each frame.
        joints_m: (n, J, 3) relative to the root, still axes.
        root_m: (n, 3) still axes.
        confidence: (n, J).
        time_s: (n,) of these frames.
        camera_to_start: (n, 4, 4).
        up: (3,) way up, still axes; roughly is enough.
    """
    if len(frame) == 0:
        nothing = np.zeros((0, 3))
        return StandingFeet(frame, frame, nothing, nothing, nothing, nothing, np.zeros(0))
    feet = joints_m[:, CONTACT_JOINTS]
    centre = camera_to_start[:, :3, 3]
    speed = speeds_m_s(feet + root_m[:, None], time_s, centre)
    lowest = np.argmin(feet @ up, axis=-1)
    rows = np.arange(len(feet))
    point = feet[rows, lowest]
    still = 1 / (1 + (speed[rows, lowest] / STILL_M_S) ** 2)
    weight = still * confidence[:, CONTACT_JOINTS][rows, lowest] + 1e-6
    place = point + root_m
    over_floor = place - (place @ up)[:, None] * up
    covered = np.linalg.norm(np.percentile(over_floor, 95, axis=0) - np.percentile(over_floor, 5, axis=0))
    axis = camera_to_start[:, :3, 2]
    ray = root_m - centre
    return StandingFeet(
        frame,
        lowest,
        centre,
        ray,
        np.sum(ray * axis, axis=-1, keepdims=True) * axis,
        point,
        weight * (1 + covered / STEP_M) / weight.sum(),
    )


def way_up_of_people(joints_m: np.ndarray) -> np.ndarray | None:
    """(3,) mean direction from ankles to neck of people who look upright in joints (N, J, 3); None for no people."""
    ankles = (joints_m[..., J["left_ankle"], :] + joints_m[..., J["right_ankle"], :]) / 2
    trunk = joints_m[..., J["neck"], :] - ankles
    trunk = trunk[np.isfinite(trunk).all(axis=-1)]
    trunk = trunk / (np.linalg.norm(trunk, axis=-1, keepdims=True) + 1e-9)
    standing = trunk[-trunk[:, 1] > UPRIGHT_COSINE]
    if len(standing) < len(trunk) / 2:
        steep = (-trunk[:, 1] > STEEP_COSINE) & (trunk[:, 2] < 0) & (np.abs(trunk[:, 0]) < STEEP_COSINE)
        standing = trunk[steep] if steep.sum() > len(standing) else standing
    if len(standing) == 0:
        return None
    up = np.median(standing, axis=0)
    return up / np.linalg.norm(up)


def contacts(
    joints_world_m: np.ndarray, time_s: np.ndarray, camera_m: np.ndarray, level_m: float = np.inf
) -> np.ndarray:
    """Probability that heels and toes stand on the floor: low for this person and hardly moving.

    Args:
        joints_world_m: (F, J, 3) of one person, every frame present.
        time_s: (F,).
        camera_m: (F, 3) where the camera stands, world axes.
        level_m: height of standing feet's joints, if it is known.
    Returns:
        (F, 4) in the order of `skeleton.CONTACT_JOINTS`.
    """
    feet = joints_world_m[:, CONTACT_JOINTS]
    speed = speeds_m_s(feet, time_s, camera_m)
    level = np.minimum(np.percentile(feet[..., 2], 10, axis=0), level_m + FLOATING_M)
    low = 1 / (1 + np.exp((feet[..., 2] - level - CONTACT_HEIGHT_M) / (CONTACT_HEIGHT_M / 4)))
    still = 1 / (1 + np.exp((speed - CONTACT_SPEED_M_S) / (CONTACT_SPEED_M_S / 4)))
    return low * still


def speeds_m_s(points_m: np.ndarray, time_s: np.ndarray, camera_m: np.ndarray) -> np.ndarray:
    """(n, N) speeds of points (n, N, 3), m/s, in which motion along the rays from the camera (n, 3) counts less."""
    if len(time_s) < 2:
        return np.zeros(points_m.shape[:-1])
    velocity = np.gradient(points_m, time_s, axis=0)
    ray = points_m - camera_m[:, None]
    ray = ray / (np.linalg.norm(ray, axis=-1, keepdims=True) + 1e-9)
    along = np.sum(velocity * ray, axis=-1)
    return np.hypot(np.linalg.norm(np.cross(velocity, ray), axis=-1), ALONG_SHARE * along)
