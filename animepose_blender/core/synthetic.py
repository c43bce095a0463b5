"""A made-up take of walking people: exact, cheap, and with every kind of gap, for tests and for the preset `dummy`."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..skeleton import BONE_COUNT, CONTACT_JOINTS, MIRROR, REST_JOINTS_M, REST_LENGTHS_M, J
from ..take import State, Take
from . import quaternions as quat
from .kinematics import forward

STEP_HZ = 0.85
"""Full gait cycles a second of an unhurried walk."""
TURN_DEG_S = 50.0
"""Everybody walks in a circle, about 3 m wide, so that the longest clip stays before the camera."""
PERSON_SCALE = (1.0, 0.92, 1.07)
"""Heights of the first people, as parts of the rest skeleton's 1.70 m; further people repeat them."""
CAMERA_TILT_DEG = (-9.0, 2.5)
"""The camera looks down and leans a little, so that nothing works by accident of an upright camera."""

FOOT_HEIGHT_M = float(REST_JOINTS_M[list(CONTACT_JOINTS), 2].min())
"""Height of a standing heel or toe: the joints lie inside the foot, as in the rest pose."""

_X, _Y, _Z = np.eye(3)


def walking_take(
    people: int = 1,
    frames: int = 60,
    fps: int | Fraction = 30,
    *,
    size: tuple[int, int] = (640, 360),
    gaps: bool = True,
    moving_camera: bool = False,
    clip: str = "walk.mp4",
) -> Take:
    """A take of `people` who walk in circles before a tilted camera.

    The joints are those of `kinematics.forward`, the lowest foot stands on the floor, and the standing foot does not
    slide.

    Args:
        people: P, at least 1.
        frames: F, at least 1.
        fps: frames a second; a fraction for rates such as 30000/1001.
        size: width and height of the picture, pixels.
        gaps: whether people have a predicted and an absent span; every second one also comes late.
        moving_camera: whether the camera drifts and zooms.
        clip: what `source["clip"]` says.
    """
    rate = Fraction(fps)
    time_s = np.arange(frames) * float(1 / rate)
    index = np.arange(people)
    rotations = _walk(time_s[None, :] + 0.37 * index[:, None], index)
    lengths_m = _lengths(people)
    root_m = _root_on_floor(rotations, lengths_m, index)
    joints_m, _ = forward(rotations, root_m, lengths_m[:, None, :])
    state = _states(people, frames, gaps)

    intrinsics, camera_to_world = _camera(time_s, size, moving_camera)
    world_to_camera = np.linalg.inv(camera_to_world)
    joints_camera_m = np.einsum("fij,pfkj->pfki", world_to_camera[:, :3, :3], joints_m)
    joints_camera_m += world_to_camera[:, None, :3, 3]
    image = np.einsum("fij,pfkj->pfki", intrinsics, joints_camera_m)
    keypoints_px = image[..., :2] / image[..., 2:]
    heights_m = joints_m[..., list(CONTACT_JOINTS), 2]
    contact = np.clip(1.0 - (heights_m - FOOT_HEIGHT_M - 0.015) / 0.04, 0.0, 1.0)

    present = state != State.ABSENT
    observed = state == State.OBSERVED
    nan = np.nan
    margin_m, margin_px = 0.08, 6.0
    return Take(
        source=_source(clip, size, rate),
        frame_time_s=time_s,
        intrinsics=intrinsics,
        camera_to_world=camera_to_world,
        person_id=index + 1,
        state=state,
        keypoints_px=np.where(observed[..., None, None], keypoints_px, nan),
        keypoint_confidence=np.where(observed[..., None], np.full(keypoints_px.shape[:-1], 0.95), 0.0),
        joints_world_m=np.where(present[..., None, None], joints_m, nan),
        joint_confidence=np.where(present[..., None], np.where(observed[..., None], 0.95, 0.4), 0.0)
        * np.ones(keypoints_px.shape[:-1]),
        box_px=np.where(
            observed[..., None],
            np.concatenate([keypoints_px.min(-2) - margin_px, keypoints_px.max(-2) + margin_px], -1),
            nan,
        ),
        box_camera_m=np.where(
            present[..., None],
            np.concatenate([joints_camera_m.min(-2) - margin_m, joints_camera_m.max(-2) + margin_m], -1),
            nan,
        ),
        contact=np.where(present[..., None], contact, 0.0),
        rotations=np.where(present[..., None, None], rotations, nan),
        root_world_m=np.where(present[..., None], root_m, nan),
        bone_length_m=lengths_m,
    )


def _source(clip: str, size: tuple[int, int], rate: Fraction) -> dict[str, Any]:
    return {
        "clip": clip,
        "size": list(size),
        "frame_rate": [rate.numerator, rate.denominator],
        "rotation": 0,
        "start_frame": 0,
        "preset": "dummy",
    }


def _turn(axis: np.ndarray, angle_deg: np.ndarray) -> np.ndarray:
    """(..., 4) the rotation about `axis` by (...) degrees."""
    half = np.radians(angle_deg) / 2
    return np.concatenate([np.cos(half)[..., None], np.sin(half)[..., None] * axis], axis=-1)


def _lengths(people: int) -> np.ndarray:
    """(P, B) bone lengths of people of different height and build; the same left and right."""
    scale = np.array([PERSON_SCALE[i % len(PERSON_SCALE)] for i in range(people)])
    build = 1.0 + 0.06 * np.sin(1.7 * np.arange(BONE_COUNT)[None, :] + 2.1 * np.arange(people)[:, None])
    build = (build + build[:, MIRROR]) / 2
    return scale[:, None] * build * REST_LENGTHS_M


def _walk(time_s: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(P, F, B, 4) local rotations at (P, F) moments of each person's own walk."""
    phase = 2 * np.pi * STEP_HZ * time_s
    rotations = np.tile(quat.IDENTITY, (*time_s.shape, BONE_COUNT, 1))

    heading_deg = 35.0 - 110.0 * (index % 2)[:, None] + TURN_DEG_S * (time_s - time_s[:, :1])
    swing = np.sin(phase)
    rotations[..., J["pelvis"], :] = quat.multiply(_turn(_Z, heading_deg + 6.0 * swing), _turn(_Y, 2.5 * np.cos(phase)))
    rotations[..., J["spine"], :] = _turn(_Z, -4.0 * swing)
    rotations[..., J["chest"], :] = quat.multiply(_turn(_Z, -5.0 * swing), _turn(_X, np.full_like(phase, 3.0)))
    rotations[..., J["neck"], :] = _turn(_Z, -4.0 * swing)
    rotations[..., J["head_top"], :] = _turn(_Z, 7.0 * swing + 8.0 * np.sin(0.7 * time_s))

    for side, sign in (("left", 1.0), ("right", -1.0)):
        leg = phase if side == "left" else phase + np.pi
        # A positive turn about X takes what hangs down to the back: the thigh swings, the knee only bends.
        rotations[..., J[f"{side}_knee"], :] = _turn(_X, -5.0 - 18.0 * np.sin(leg))
        rotations[..., J[f"{side}_ankle"], :] = _turn(_X, 6.0 + 22.0 * (1.0 + np.cos(leg + 0.35)))
        rotations[..., J[f"{side}_heel"], :] = _turn(_X, -6.0 + 10.0 * np.sin(leg - 2.0))
        # From the T-pose the arms come down by about 75 degrees, then swing against the leg of their side.
        down = _turn(_Y, np.full_like(phase, sign * 74.0))
        rotations[..., J[f"{side}_elbow"], :] = quat.multiply(_turn(_X, 24.0 * np.sin(leg)), down)
        rotations[..., J[f"{side}_wrist"], :] = _turn(_Z, -sign * (28.0 - 14.0 * np.sin(leg)))
        rotations[..., J[f"{side}_index_knuckle"], :] = _turn(_Y, sign * (8.0 + 5.0 * np.sin(leg)))
        rotations[..., J[f"{side}_shoulder"], :] = _turn(_Z, sign * 4.0 * np.sin(leg))
    return rotations


def _root_on_floor(rotations: np.ndarray, lengths_m: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(P, F, 3) pelvis positions that keep the lowest point of the feet on the floor and in its place.

    From frame to frame the pelvis moves against the foot that stands, which therefore does not slide.
    """
    joints_m, _ = forward(rotations, np.zeros((*rotations.shape[:2], 3)), lengths_m[:, None, :])
    feet_m = joints_m[..., list(CONTACT_JOINTS), :]
    standing = np.argmin(feet_m[..., 2], axis=-1)
    here = np.take_along_axis(feet_m, standing[..., None, None], axis=-2)[..., 0, :]
    # Where the foot that stands in a frame was in the frame before.
    before = np.take_along_axis(feet_m[:, :-1], standing[:, 1:, None, None], axis=-2)[..., 0, :]
    step_m = np.concatenate([np.zeros_like(here[:, :1]), before - here[:, 1:]], axis=1)
    root_m = np.cumsum(step_m, axis=1)
    root_m -= root_m.mean(axis=1, keepdims=True)
    root_m[..., 0] += 1.2 * (index - (len(index) - 1) / 2)[:, None]
    root_m[..., 1] += 0.5 * (index % 2)[:, None]
    root_m[..., 2] = FOOT_HEIGHT_M - here[..., 2]
    return root_m


def _states(people: int, frames: int, gaps: bool) -> np.ndarray:
    """(P, F) uint8; spans are shares of the clip, shifted from person to person."""
    state = np.full((people, frames), State.OBSERVED, dtype=np.uint8)
    if not gaps:
        return state
    share = np.arange(frames) / frames
    for person in range(people):
        shift = 0.07 * (person % 3)
        state[person, (share >= 0.40 - shift) & (share < 0.50 - shift)] = State.PREDICTED
        state[person, (share >= 0.72 - shift) & (share < 0.80 - shift)] = State.ABSENT
        if person % 2:
            state[person, share < 0.10] = State.ABSENT
    return state


def _camera(time_s: np.ndarray, size: tuple[int, int], moving: bool) -> tuple[np.ndarray, np.ndarray]:
    """(F, 3, 3) intrinsics and (F, 4, 4) camera to world of a camera in front of the people (at -Y)."""
    width, height = size
    # Blender's front view: x right stays, picture down is -Z, and the view goes along +Y.
    upright = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    drift = (time_s - time_s[0]) * float(moving)
    pitch, roll = CAMERA_TILT_DEG
    turn = quat.multiply(_turn(_Z, -4.0 * drift), _turn(_X, np.full_like(drift, pitch)))
    turn = quat.multiply(turn, _turn(_Y, np.full_like(drift, roll)))
    camera_to_world = np.tile(np.eye(4), (len(time_s), 1, 1))
    camera_to_world[:, :3, :3] = quat.to_matrix(turn) @ upright
    camera_to_world[:, :3, 3] = np.stack([0.2 + 0.15 * drift, -6.8 + 0.1 * drift, 1.9 + 0.05 * drift], axis=-1)
    intrinsics = np.tile(np.eye(3), (len(time_s), 1, 1))
    focal_px = 0.95 * max(width, height) * (1.0 + 0.04 * drift)
    intrinsics[:, 0, 0] = intrinsics[:, 1, 1] = focal_px
    intrinsics[:, 0, 2], intrinsics[:, 1, 2] = width / 2, height / 2
    return intrinsics, camera_to_world
