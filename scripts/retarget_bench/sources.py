"""Motions to retarget: a walk that is exact, a walk with wild arms, and the dancers of the demo clip.

The dancers' joints are known exactly; their rotations are what the project's own solve makes of the joints.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from animepose_blender.core import fingers
from animepose_blender.core import quaternions as quat
from animepose_blender.core.kinematics import forward
from animepose_blender.core.synthetic import FOOT_HEIGHT_M, walking_take
from animepose_blender.skeleton import CONTACT_JOINTS, J
from animepose_blender.take import State, Take

DEMO_TRUTH = Path(__file__).resolve().parents[1] / "demo_clip" / "salsa_truth.npz"

STILL_M = 0.002
"""A point of the foot that moves less from frame to frame, and is no higher above where it stands, stands."""


def _turn(axis: np.ndarray, angle_deg: np.ndarray) -> np.ndarray:
    half = np.radians(angle_deg) / 2
    return np.concatenate([np.cos(half)[:, None], np.sin(half)[:, None] * axis], axis=-1)


def walk(frames: int = 180, people: int = 1, gaps: bool = False) -> Take:
    """People who walk in circles: arms swing, and what is said to stand stands still."""
    take = walking_take(people, frames, gaps=gaps)
    feet_m = np.nan_to_num(take.joints_world_m[:, :, list(CONTACT_JOINTS)].astype(np.float64), nan=9.0)
    step_m = np.linalg.norm(np.diff(feet_m, axis=1), axis=-1)
    step_m = np.maximum(np.pad(step_m, ((0, 0), (1, 0), (0, 0))), np.pad(step_m, ((0, 0), (0, 1), (0, 0))))
    # The walk tells contacts by height alone, where a foot that swings low counts too.
    still = (step_m < STILL_M) & (feet_m[..., 2] < FOOT_HEIGHT_M + STILL_M)
    return replace(take, contact=np.where(still, 1.0, 0.0))


def with_fingers(take: Take) -> Take:
    """The take with hands that open and close."""
    people, frames = take.state.shape
    share = 0.5 - 0.5 * np.cos(2.0 * take.frame_time_s)
    low, high = fingers.REST_CURL_RAD * 0.0, fingers.REST_CURL_RAD * 2.0
    angles = low + share[:, None, None, None] * (high - low)
    turns = np.broadcast_to(fingers.rotations(np.repeat(angles, 2, axis=1)), (people, frames, 2, 15, 4))
    lengths_m = np.broadcast_to(fingers.REST_LENGTHS_M, (people, 2, 20))
    hands = {
        "hand_keypoints_px": np.full((people, frames, 2, 21, 2), np.nan, np.float32),
        "hand_confidence": np.zeros((people, frames, 2), np.float32),
        "hand_rotations": turns.astype(np.float32),
        "hand_bone_length_m": lengths_m.astype(np.float32),
    }
    return replace(take, extras=take.extras | hands)


def lively(frames: int = 220) -> Take:
    """The walker, who turns once about, raises the arms overhead, bends them and leans; the feet are the walk's."""
    take = walk(frames)
    time_s = take.frame_time_s
    rotations = take.rotations.astype(np.float64).copy()
    x, y, z = np.eye(3)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        lift = -sign * (10.0 + 75.0 * np.sin(1.3 * time_s + sign))
        swing = 55.0 * np.sin(1.9 * time_s + 0.7 * sign)
        rotations[0, :, J[f"{side}_elbow"]] = quat.multiply(_turn(z, sign * swing), _turn(y, lift))
        bend = 70.0 + 60.0 * np.sin(2.3 * time_s + sign)
        roll = 60.0 * np.sin(1.1 * time_s + 2.0 * sign)
        rotations[0, :, J[f"{side}_wrist"]] = quat.multiply(_turn(z, -sign * bend), _turn(x, roll))
        rotations[0, :, J[f"{side}_index_knuckle"]] = _turn(y, 35.0 * np.sin(3.1 * time_s + sign))
    lean = quat.multiply(_turn(x, 25.0 * np.sin(0.9 * time_s)), _turn(y, 15.0 * np.sin(1.4 * time_s)))
    rotations[0, :, J["chest"]] = quat.multiply(rotations[0, :, J["chest"]], lean)
    nod = quat.multiply(_turn(z, 40.0 * np.sin(time_s)), _turn(x, 20.0 * np.cos(0.8 * time_s)))
    rotations[0, :, J["head_top"]] = nod
    return _with_rotations(take, rotations)


def clapping(frames: int = 90) -> Take:
    """The walker, who brings both hands together before the chest, holds them there and lets go."""
    take = walk(frames)
    rotations = take.rotations.astype(np.float64).copy()
    share = np.clip(np.minimum((take.frame_time_s - 0.4) / 0.4, (2.4 - take.frame_time_s) / 0.4), 0.0, 1.0)
    share = share * share * (3.0 - 2.0 * share)
    z = np.array([0.0, 0.0, 1.0])
    for side, sign in (("left", 1.0), ("right", -1.0)):
        rotations[0, :, J[f"{side}_shoulder"]] = rotations[0, :, J[f"{side}_index_knuckle"]] = quat.IDENTITY
        rotations[0, :, J[f"{side}_elbow"]] = _turn(z, np.full(frames, -60.0 * sign))
        rotations[0, :, J[f"{side}_wrist"]] = _turn(z, -sign * (50.0 + 47.5 * share))
    return _with_rotations(take, rotations)


def _with_rotations(take: Take, rotations: np.ndarray) -> Take:
    root_m, lengths_m = take.root_world_m.astype(np.float64), take.bone_length_m[:, None].astype(np.float64)
    joints_m, _ = forward(rotations, root_m, lengths_m)
    return replace(take, rotations=rotations, joints_world_m=joints_m)


@lru_cache(maxsize=1)
def dancers() -> Take:
    """The two dancers of the demo clip, whose feet slide a little and whose arms do all that dancers' arms do."""
    from motion_bench.trips import _solved

    from animepose_blender.estimate.metrics.truth import Truth
    from animepose_blender.estimate.view import View

    truth = Truth.load(DEMO_TRUTH)
    view = View(truth.frame_time_s, truth.intrinsics, truth.camera_to_world)
    people = [_solved(truth, person, view) for person in range(len(truth.person_id))]
    assert all(people)
    blank = walking_take(len(people), len(truth.frame_time_s), gaps=False)
    fields = ("rotations", "root_world_m", "joints_world_m", "joint_confidence", "contact", "bone_length_m", "state")
    found = {name: np.stack([getattr(one, name) for one in people]) for name in fields}
    present = (found["state"] != State.ABSENT).all()
    assert present
    return replace(
        blank, **found, frame_time_s=truth.frame_time_s, intrinsics=truth.intrinsics,
        camera_to_world=truth.camera_to_world, person_id=np.arange(len(people)) + 1,
    )  # fmt: skip
