"""Take and truth on the same frames, in the same axes.

Positions are compared in the camera axes of each frame, the take's through its own camera and the truth's through its
own, so that it does not matter where either put the origin of its world or which way it looks.

A true person counts in a frame while it is visible (`truth.visible`; without it, while a quarter of its known joints
lies in the picture).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core import cameras
from ...core.frame_numbers import nearest_frames
from ...errors import AnimePoseError
from ...take import State, Take
from .pose import ROOT
from .truth import Truth

_IN_PICTURE_SHARE = 0.25


@dataclass(frozen=True)
class Pairs:
    """Take and truth on the N compared frames of the truth; NaN where the take skips one."""

    truth_frame: np.ndarray
    """(N,)"""
    take_frame: np.ndarray
    """(N,) -1 where the take skips it."""
    predicted_camera_m: np.ndarray
    """(P, N, J, 3)"""
    predicted_world_m: np.ndarray
    """(P, N, J, 3) the same in the axes of the take's world."""
    predicted_to_world: np.ndarray
    """(N, 4, 4) the take's camera; of no meaning where it skips the frame."""
    true_camera_m: np.ndarray
    """(T, N, J, 3)"""
    predicted_intrinsics: np.ndarray
    """(N, 3, 3)"""
    true_intrinsics: np.ndarray
    """(N, 3, 3)"""
    counted: np.ndarray
    """(T, N) bool: the true person is known and visible."""


def pair(take: Take, truth: Truth) -> Pairs:
    """Pair frames by time, each true one with the nearest of the take within half a frame; true frames before or after
    the take are left out, those it skips inside stay.

    Raises:
        AnimePoseError: if take and truth have no moment in common.
    """
    step_s = float(np.median(np.diff(truth.frame_time_s))) if len(truth.frame_time_s) > 1 else 1 / 30
    # A hair more than half a frame, for times rounded to milliseconds.
    half_s = 0.505 * step_s
    times = truth.frame_time_s
    inside = np.flatnonzero((times >= take.frame_time_s[0] - half_s) & (times <= take.frame_time_s[-1] + half_s))
    nearest = nearest_frames(take.frame_time_s, times[inside])
    found = np.abs(take.frame_time_s[nearest] - times[inside]) <= half_s
    if not found.any():
        raise AnimePoseError(
            f"Take and truth have no moment in common: the take runs from {take.frame_time_s[0]:.2f} s to "
            f"{take.frame_time_s[-1]:.2f} s, the truth from {times[0]:.2f} s to {times[-1]:.2f} s.",
            "Evaluate a take of the clip that the truth belongs to.",
        )
    world = np.where(found[:, None, None], present_joints(take)[:, nearest], np.nan)
    predicted = _to_camera(world, take.camera_to_world[nearest])
    true = _to_camera(truth.joints_world_m[:, inside], truth.camera_to_world[inside])
    return Pairs(
        truth_frame=inside,
        take_frame=np.where(found, nearest, -1),
        predicted_camera_m=predicted,
        predicted_world_m=world,
        predicted_to_world=take.camera_to_world[nearest],
        true_camera_m=true,
        predicted_intrinsics=take.intrinsics[nearest],
        true_intrinsics=truth.intrinsics[inside],
        counted=_counted(truth, inside, true),
    )


def present_joints(take: Take) -> np.ndarray:
    """(P, F, J, 3) world joints; NaN where the person is absent."""
    return np.where((take.state != State.ABSENT)[..., None, None], take.joints_world_m.astype(np.float64), np.nan)


def _to_camera(joints_world_m: np.ndarray, camera_to_world: np.ndarray) -> np.ndarray:
    return cameras.transform(cameras.invert(camera_to_world), joints_world_m)


def _counted(truth: Truth, frames: np.ndarray, true_camera_m: np.ndarray) -> np.ndarray:
    known = np.isfinite(true_camera_m[..., ROOT, :]).all(-1)
    if truth.visible is not None:
        return known & truth.visible[:, frames]
    return known & in_picture(true_camera_m, truth.intrinsics[frames])


def in_picture(joints_camera_m: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """(P, N) whether a quarter of the known joints (P, N, J, 3) lies in the picture.

    The principal point is taken for the middle of the picture, whose size neither take nor truth tell here.
    """
    pixels = cameras.project(joints_camera_m, intrinsics)
    size_px = 2 * intrinsics[:, None, :2, 2]
    inside = ((pixels >= 0) & (pixels <= size_px)).all(-1)
    known = np.isfinite(joints_camera_m).all(-1)
    return known.any(-1) & (inside.sum(-1) >= _IN_PICTURE_SHARE * known.sum(-1))


def take_matched(values: np.ndarray, matches: np.ndarray) -> np.ndarray:
    """(T, N, ...) of `values` (P, N, ...) for the person that `matches` (N, T) names; NaN for none."""
    frames, people = matches.shape
    if not len(values):
        return np.full((people, *values.shape[1:]), np.nan)
    gathered = values[matches.T, np.arange(frames)[None, :]]
    return np.where((matches.T >= 0).reshape(people, frames, *[1] * (values.ndim - 2)), gathered, np.nan)
