"""Evidence of the made-up walkers, as a perfect estimator would give it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.lift import Lifted
from animepose_blender.estimate.person import Evidence
from animepose_blender.skeleton import JOINT_COUNT, J
from animepose_blender.take import Take

NO_KEYPOINT = [J[name] for name in ("spine", "chest", "head_top")]
"""Joints that BlazePose does not show."""


@dataclass(frozen=True, eq=False)
class Seen:
    """The truth, and what is seen of it."""

    take: Take
    joints_camera_m: np.ndarray
    """(P, F, J, 3)."""
    evidence: list[Evidence]


def see_walkers(people: int = 1, frames: int = 90, fps: int = 30) -> Seen:
    """Everybody seen in every frame, without error."""
    take = walking_take(people=people, frames=frames, fps=fps, gaps=False)
    joints_m = cameras.transform(cameras.invert(take.camera_to_world)[None], take.joints_world_m.astype(float))
    evidence = []
    for person in range(people):
        keypoints_px = take.keypoints_px[person].astype(float)
        keypoints_px[:, NO_KEYPOINT] = np.nan
        confidence = np.full((frames, JOINT_COUNT), 0.95)
        keypoint_confidence = confidence.copy()
        keypoint_confidence[:, NO_KEYPOINT] = 0
        relative_m = joints_m[person] - joints_m[person, :, :1]
        lifted = Lifted(keypoints_px, keypoint_confidence, relative_m, confidence)
        evidence.append(Evidence(np.arange(frames), lifted, take.box_px[person].astype(float)))
    return Seen(take, joints_m, evidence)
