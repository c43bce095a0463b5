"""Everybody in one take: every field in its own axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import cameras
from ..take import State, Take
from .depth import GRID
from .finger_motion import hand_fields
from .person_boxes import person_boxes
from .reconstruct import Person
from .view import View


def assemble(people: list[Person], view: View, source: dict[str, Any]) -> Take:
    """Move the world's origin below the people and fill every field of the take.

    Args:
        people: everybody, solved in world axes.
        view: times and camera.
        source: `Take.source`.
    """
    solved = [person.solved for person in people]
    joints_world_m = np.stack([s.joints_world_m for s in solved])
    # People are where characters are in Blender: about the world's origin.
    shift_m = np.append(-np.nanmedian(joints_world_m[:, :, 0, :2], axis=(0, 1)), 0.0)
    camera_to_world = view.camera_to_world.copy()
    camera_to_world[:, :3, 3] += shift_m
    joints_world_m = joints_world_m + shift_m
    joints_camera_m = cameras.transform(cameras.invert(camera_to_world), joints_world_m)
    state = np.stack([s.state for s in solved])
    keypoints_px = np.full((*joints_world_m.shape[:3], 2), np.nan)
    keypoint_confidence = np.zeros(joints_world_m.shape[:3])
    box_px = np.full((*state.shape, 4), np.nan)
    box_camera_m = np.full((*state.shape, 6), np.nan)
    for number, person in enumerate(people):
        evidence = person.evidence
        keypoints_px[number, evidence.frames] = evidence.lifted.keypoints_px
        keypoint_confidence[number, evidence.frames] = evidence.lifted.keypoint_confidence
        box_px[number, evidence.frames] = evidence.box_px
        present = np.flatnonzero(state[number] != State.ABSENT)
        shown = np.zeros((len(view.time_s), GRID, GRID), dtype=bool)
        where = np.ones((len(view.time_s), 4))
        shown[evidence.frames], where[evidence.frames] = person.silhouettes, person.regions
        box_camera_m[number, present] = person_boxes(
            shown[present], where[present], joints_camera_m[number, present], view.intrinsics[present]
        )
    root_sigma_m = np.stack([s.root_sigma_m for s in solved]).astype(np.float32)
    return Take(
        source=source,
        frame_time_s=view.time_s,
        intrinsics=view.intrinsics,
        camera_to_world=camera_to_world,
        person_id=np.arange(1, len(people) + 1),
        state=state,
        keypoints_px=keypoints_px,
        keypoint_confidence=keypoint_confidence,
        joints_world_m=joints_world_m,
        joint_confidence=np.stack([s.joint_confidence for s in solved]),
        box_px=box_px,
        box_camera_m=box_camera_m,
        contact=np.stack([s.contact for s in solved]),
        rotations=np.stack([s.rotations for s in solved]),
        root_world_m=joints_world_m[:, :, 0],
        bone_length_m=np.stack([s.bone_length_m for s in solved]),
        extras={"root_sigma_m": root_sigma_m, **hand_fields([p.fingers for p in people])},
    )
