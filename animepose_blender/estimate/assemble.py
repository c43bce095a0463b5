"""Everybody on one floor, in one take."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import cameras
from ..core import quaternions as quat
from ..take import State, Take
from .floor import contacts, fit_floor
from .person import Evidence, Solved
from .sizes import sizes_on_floor

BOX_MARGIN_M = 0.1
"""Flesh around the joints, for the 3D box."""


def assemble(
    people: list[Evidence], solved: list[Solved], time_s: np.ndarray, intrinsics: np.ndarray, source: dict[str, Any]
) -> Take:
    """Find the floor, go from camera to world axes, and fill every field of the take.

    Args:
        people: what was seen of each person.
        solved: the same people, solved in camera axes.
        time_s: (F,).
        intrinsics: (F, 3, 3).
        source: `Take.source`.
    """
    joints_camera_m = np.stack([s.joints_camera_m for s in solved])
    confidence = np.stack([s.joint_confidence for s in solved])
    camera_to_world = fit_floor(joints_camera_m, confidence, time_s)
    size = sizes_on_floor(joints_camera_m, confidence, time_s, camera_to_world)
    joints_camera_m *= size[:, None, None, None]
    camera_to_world = _centered(camera_to_world, joints_camera_m[:, :, 0])
    turn = quat.from_matrix(camera_to_world[:3, :3])
    rotations = np.stack([s.rotations for s in solved])
    rotations[:, :, 0] = quat.unroll(quat.multiply(turn, rotations[:, :, 0]), axis=1)
    joints_world_m = cameras.transform(camera_to_world, joints_camera_m)
    state = np.stack([s.state for s in solved])
    shape = state.shape
    keypoints_px = np.full((*joints_world_m.shape[:3], 2), np.nan)
    keypoint_confidence = np.zeros(joints_world_m.shape[:3])
    box_px = np.full((*shape, 4), np.nan)
    contact = np.zeros((*shape, 4))
    for number, evidence in enumerate(people):
        keypoints_px[number, evidence.frames] = evidence.lifted.keypoints_px
        keypoint_confidence[number, evidence.frames] = evidence.lifted.keypoint_confidence
        box_px[number, evidence.frames] = evidence.box_px
        present = state[number] != State.ABSENT
        contact[number, present] = contacts(joints_world_m[number, present], time_s[present], camera_to_world[:3, 3])
    return Take(
        source=source,
        frame_time_s=time_s,
        intrinsics=intrinsics,
        camera_to_world=np.tile(camera_to_world, (len(time_s), 1, 1)),
        person_id=np.arange(1, len(people) + 1),
        state=state,
        keypoints_px=keypoints_px,
        keypoint_confidence=keypoint_confidence,
        joints_world_m=joints_world_m,
        joint_confidence=confidence,
        box_px=box_px,
        box_camera_m=np.concatenate(
            [joints_camera_m.min(axis=2) - BOX_MARGIN_M, joints_camera_m.max(axis=2) + BOX_MARGIN_M], axis=-1
        ),
        contact=contact,
        rotations=rotations,
        root_world_m=joints_world_m[:, :, 0],
        bone_length_m=np.stack([s.bone_length_m for s in solved]) * size[:, None],
    )


def _centered(camera_to_world: np.ndarray, roots_camera_m: np.ndarray) -> np.ndarray:
    """The same, moved over the floor so that people are where characters are in Blender: about the world's origin."""
    roots_m = cameras.transform(camera_to_world, roots_camera_m)
    moved = camera_to_world.copy()
    moved[:2, 3] -= np.nanmedian(roots_m[..., :2], axis=(0, 1))
    return moved
