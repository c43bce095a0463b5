"""How a clip was filmed: its lens, and the camera's path in metres."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..core import cameras
from ..protocol import JobRequest
from ..skeleton import CONTACT_JOINTS
from . import camera_motion
from .camera import Focal, more_certain
from .camera_motion import CameraMotion
from .detections import Placed, Seen
from .manhattan import with_lines
from .observe import Observed
from .scene import ADULT_SIGMA, Scene
from .self_calibration import focal_from_rotation
from .travel_scale import scale_from_floor, translation_scale

RAISED_M = 0.06
"""Height over the lower foot at which a foot counts a third as standing."""


def better_focal(focal: Focal, observed: Observed, job: JobRequest) -> Focal:
    """A focal length that is not known, together with what lines and a turn of the camera say."""
    if focal.sigma == 0:
        return focal
    if job.camera != "still":
        focal = more_certain(focal, focal_from_rotation(observed.background, *observed.size_px))
    return with_lines(focal, observed.lines, *observed.size_px)


def intrinsics_of(observed: Observed, focal: Focal) -> np.ndarray:
    """(F, 3, 3)"""
    one = cameras.intrinsics_of(focal.focal_px, *observed.size_px)
    return np.tile(one, (len(observed.time_s), 1, 1))


def camera_path(observed: Observed, intrinsics: np.ndarray, job: JobRequest) -> CameraMotion:
    """The camera's path; that of a travelling one in units of its own."""
    if job.camera == "still":
        count = len(observed.time_s)
        return CameraMotion(
            np.tile(np.eye(4), (count, 1, 1)), "still", np.zeros(count), 1.0, np.zeros((0, 4)), 0.0
        )  # fmt: skip
    return camera_motion.solve(observed.background, intrinsics, observed.time_s)


def in_metres(
    path: CameraMotion, seen: Seen, placed: Placed, time_s: np.ndarray, scene: Scene | None = None
) -> CameraMotion:
    """A travelling camera's path in metres, from feet that stand and, once the scene is known, from points of the
    floor; a path whose length nothing tells is left out.

    Args:
        path: from `camera_path`.
        seen, placed: N person-frames.
        time_s: (F,).
        scene: as far as it is known.
    """
    if path.kind != "moving":
        return path
    found = [_from_feet(path, seen, placed, time_s)]
    if scene is not None:
        height_m = float(scene.start_to_world[2, 3])
        floor = scale_from_floor(path, scene.start_to_world[2, :3], height_m)
        # The camera's height is as well known as people's sizes are.
        found.append(None if floor is None else (floor[0], float(np.hypot(floor[1], floor[0] * ADULT_SIGMA))))
    known = [(scale, sigma) for scale, sigma in filter(None, found) if scale > 0]
    if not known:
        return replace(scaled_path(path, 0.0), kind="turning")
    scales, sigmas = np.array(known).T
    return scaled_path(path, float(np.average(scales, weights=sigmas**-2.0)))


def scaled_path(path: CameraMotion, scale: float) -> CameraMotion:
    """The same path, so many times as long."""
    longer = path.camera_to_start.copy()
    longer[:, :3, 3] *= scale
    return replace(path, camera_to_start=longer)


def _from_feet(path: CameraMotion, seen: Seen, placed: Placed, time_s: np.ndarray) -> tuple[float, float] | None:
    joints = list(CONTACT_JOINTS)
    feet_m = np.full((int(seen.tracklet.max()) + 1, len(time_s), 4, 3), np.nan)
    standing = np.zeros(feet_m.shape[:3])
    own_m = placed.lifted.joints_m[:, joints] + placed.root_m[:, None]
    # In the picture up is roughly the camera's own: the foot that is lower stands.
    raised_m = own_m[..., 1].max(axis=1, keepdims=True) - own_m[..., 1]
    feet_m[seen.tracklet, seen.frame] = own_m
    sure = placed.lifted.joint_confidence[:, joints]
    standing[seen.tracklet, seen.frame] = sure * np.exp(-raised_m / RAISED_M)
    return translation_scale(path, feet_m, standing, time_s)
