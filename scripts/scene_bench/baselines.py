"""What the benchmark compares us with, made from the same person-frames of the same estimator.

- `boxes_2d`: identity by boxes in the picture, moved on at constant velocity (SORT's way).
- `size_root`: the distance from the size of the box alone, k of 3DMPPE (Moon et al., 2019, eq. 2) without its
  network's correction.
- `raw`: MediaPipe's world landmarks as they come, on the root that fits them to the picture best, frame by frame.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from animepose_blender.core import boxes, cameras
from animepose_blender.core import quaternions as quat
from animepose_blender.estimate.detections import Seen
from animepose_blender.estimate.lift import complete
from animepose_blender.estimate.place import place_roots
from animepose_blender.skeleton import BONE_COUNT, JOINT_COUNT, from_keypoints
from animepose_blender.take import State, Take

MIN_IOU = 0.3
MAX_AGE_S = 1.0
PERSON_M = 2.0
"""Side of the square that 3DMPPE takes a person to fill."""


def boxes_2d(seen: Seen, time_s: np.ndarray) -> np.ndarray:
    """(N,) tracks by 2D IoU with boxes carried on at constant velocity."""
    label, count = np.full(len(seen), -1), 0
    active: list[dict] = []
    for frame in range(len(time_s)):
        own = np.flatnonzero(seen.frame == frame)
        active = [t for t in active if time_s[frame] - t["time"] <= MAX_AGE_S]
        partner: dict[int, int] = {}
        if len(own) and active:
            expected = np.stack([t["box"] + t["velocity"] * (time_s[frame] - t["time"]) for t in active])
            overlap = boxes.iou(expected, seen.box_px[own])
            for row, column in zip(*linear_sum_assignment(-overlap), strict=True):
                if overlap[row, column] >= MIN_IOU:
                    partner[column] = row
        for column, index in enumerate(own):
            box = seen.box_px[index]
            if column in partner:
                track = active[partner[column]]
                step_s = time_s[frame] - track["time"]
                track["velocity"] = 0.5 * track["velocity"] + 0.5 * (box - track["box"]) / step_s
                track.update(box=box, time=time_s[frame])
                label[index] = track["label"]
            else:
                active.append({"box": box, "velocity": np.zeros(4), "time": time_s[frame], "label": count})
                label[index], count = count, count + 1
    return label


def take_of(seen: Seen, label: np.ndarray, ours: Take, intrinsics: np.ndarray, *, size_root: bool) -> Take:
    """A take of single frames, with our camera and floor.

    Args:
        seen: person-frames.
        label: (N,) who they are.
        ours: for times, camera and floor.
        intrinsics: (F, 3, 3).
        size_root: the root's distance from the height of the box, instead of the best fit.
    """
    numbers = np.unique(label[label >= 0])
    shape = (len(numbers), len(ours.frame_time_s))
    own = intrinsics[seen.frame]
    points_px, sure = from_keypoints("blazepose_33", seen.landmarks_px, seen.confidence)
    relative_m, _ = complete(*from_keypoints("blazepose_33", seen.landmarks_m, seen.confidence))
    if size_root:
        side_px = (seen.box_px[:, 2:] - seen.box_px[:, :2]).max(axis=1)
        depth_m = own[:, 0, 0] * PERSON_M / np.maximum(side_px, 1.0)
        ray = np.concatenate([cameras.rays(points_px[:, :1], own)[:, 0], np.ones((len(own), 1))], axis=-1)
        root_m = ray * depth_m[:, None]
    else:
        root_m, _ = place_roots(relative_m, points_px, sure, own)
    joints_m = np.full((*shape, JOINT_COUNT, 3), np.nan)
    state = np.full(shape, State.ABSENT, dtype=np.uint8)
    for row, number in enumerate(numbers):
        mine = np.flatnonzero((label == number) & np.isfinite(root_m).all(axis=-1))
        frames = seen.frame[mine]
        state[row, frames] = State.OBSERVED
        joints_m[row, frames] = cameras.transform(ours.camera_to_world[frames], relative_m[mine] + root_m[mine, None])
    return replace(
        ours,
        person_id=np.arange(1, len(numbers) + 1),
        state=state,
        keypoints_px=np.full((*shape, JOINT_COUNT, 2), np.nan),
        keypoint_confidence=np.zeros((*shape, JOINT_COUNT)),
        joints_world_m=joints_m,
        joint_confidence=np.zeros((*shape, JOINT_COUNT)),
        box_px=np.full((*shape, 4), np.nan),
        box_camera_m=np.full((*shape, 6), np.nan),
        contact=np.zeros((*shape, 4)),
        rotations=np.broadcast_to(quat.IDENTITY, (*shape, BONE_COUNT, 4)),
        root_world_m=joints_m[:, :, 0],
        bone_length_m=np.zeros((len(numbers), BONE_COUNT)),
        extras={},
    )
