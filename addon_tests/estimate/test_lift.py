"""MediaPipe's landmarks in our skeleton: turned into the axes of the real camera, and moved onto their rays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.lift import Lifted, lift_blazepose, onto_rays
from animepose_blender.skeleton import BLAZEPOSE_33, JOINTS, KEYPOINT_MAPS, REST_JOINTS_M, J

FRAMES = 12
WIDTH, HEIGHT, FOCAL_PX = 1280, 720, 900.0
INTRINSICS = np.tile(cameras.intrinsics_of(FOCAL_PX, WIDTH, HEIGHT), (FRAMES, 1, 1))
DIRECT = [J[name] for name, of in KEYPOINT_MAPS["blazepose_33"][1].items() if len(of) == 1]
"""Joints that are one landmark of BlazePose."""
DERIVED = [index for index in range(len(JOINTS)) if index not in DIRECT]


@pytest.fixture
def body(rng) -> np.ndarray:
    """(n, 33, 3) landmarks relative to the middle of the hips, in the axes of some camera."""
    points_m = rng.normal(0, 0.3, (FRAMES, 33, 3))
    hips = [BLAZEPOSE_33.index(f"{side}_hip") for side in ("left", "right")]
    return points_m - points_m[:, hips].mean(axis=1, keepdims=True)


def _lift(landmarks_m: np.ndarray, center_px: np.ndarray, confidence: np.ndarray | None = None) -> Lifted:
    region = np.concatenate([np.broadcast_to(center_px, (FRAMES, 2)), np.full((FRAMES, 2), [300.0, 0.2])], axis=-1)
    confidence = np.ones((FRAMES, 33)) if confidence is None else confidence
    return lift_blazepose(np.full((FRAMES, 33, 2), 100.0), confidence, landmarks_m, region, INTRINSICS)


def _ours(landmarks_m: np.ndarray) -> np.ndarray:
    """(n, len(DIRECT), 3) the landmarks that are joints of ours, written out by name."""
    of = KEYPOINT_MAPS["blazepose_33"][1]
    return landmarks_m[:, [BLAZEPOSE_33.index(of[JOINTS[joint]][0]) for joint in DIRECT]]


def test_somebody_in_the_middle_of_the_picture_is_taken_as_seen(body):
    lifted = _lift(body, np.array([WIDTH / 2, HEIGHT / 2]))
    np.testing.assert_allclose(lifted.joints_m[:, DIRECT], _ours(body), atol=1e-12)


@pytest.mark.parametrize("center_px", [(1200.0, 360.0), (100.0, 650.0), (640.0, 20.0)])
def test_somebody_off_the_axis_is_turned_into_the_axes_of_the_real_camera(body, center_px):
    # A camera that looks straight at the person differs from ours by the least rotation that takes the axis there.
    toward = np.array([*(np.array(center_px) - [WIDTH / 2, HEIGHT / 2]) / FOCAL_PX, 1.0])
    axis = np.cross([0.0, 0.0, 1.0], toward)
    angle = np.arctan2(np.linalg.norm(axis), 1.0)
    turn = Rotation.from_rotvec(angle * axis / np.linalg.norm(axis))
    seen_straight_on = turn.inv().apply(body.reshape(-1, 3)).reshape(body.shape)
    lifted = _lift(seen_straight_on, np.array(center_px))
    np.testing.assert_allclose(lifted.joints_m[:, DIRECT], _ours(body), atol=1e-9)


def test_what_lay_along_the_view_lies_along_the_ray_after():
    landmarks_m = np.zeros((FRAMES, 33, 3))
    landmarks_m[:, BLAZEPOSE_33.index("left_wrist")] = [0.0, 0.0, 0.5]
    lifted = _lift(landmarks_m, np.array([1200.0, 600.0]))
    ray = np.array([(1200 - 640) / FOCAL_PX, (600 - 360) / FOCAL_PX, 1.0])
    np.testing.assert_allclose(
        lifted.joints_m[:, J["left_wrist"]], np.tile(0.5 * ray / np.linalg.norm(ray), (FRAMES, 1)), atol=1e-9
    )


def test_distances_within_the_body_stay(body):
    lifted = _lift(body, np.array([60.0, 60.0]))
    wrists = lifted.joints_m[:, J["left_wrist"]] - lifted.joints_m[:, J["right_ankle"]]
    of = [BLAZEPOSE_33.index(name) for name in ("left_wrist", "right_ankle")]
    np.testing.assert_allclose(
        np.linalg.norm(wrists, axis=-1), np.linalg.norm(body[:, of[0]] - body[:, of[1]], axis=-1), atol=1e-12
    )


def test_every_joint_is_there_with_a_confidence_and_the_pelvis_at_the_origin(body, rng):
    confidence = rng.uniform(size=(FRAMES, 33))
    lifted = _lift(body, np.array([900.0, 300.0]), confidence)
    assert np.isfinite(lifted.joints_m).all()
    np.testing.assert_allclose(lifted.joints_m[:, J["pelvis"]], 0, atol=1e-12)
    assert ((lifted.joint_confidence >= 0) & (lifted.joint_confidence <= 1)).all()
    assert (lifted.joint_confidence > 0).all()


def test_points_that_blazepose_lacks_are_no_keypoints(body):
    lifted = _lift(body, np.array([900.0, 300.0]))
    for name in ("spine", "chest", "head_top"):
        assert np.isnan(lifted.keypoints_px[:, J[name]]).all()
        assert (lifted.keypoint_confidence[:, J[name]] == 0).all()


def test_the_joints_that_are_worked_out_lie_where_they_are_in_the_rest_pose():
    # Camera axes: x right, y down, z forward; the rest pose looks at the camera.
    rest_m = REST_JOINTS_M @ np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    landmarks_m = np.zeros((FRAMES, 33, 3))
    for joint, of in KEYPOINT_MAPS["blazepose_33"][1].items():
        if len(of) == 1:
            landmarks_m[:, BLAZEPOSE_33.index(of[0])] = rest_m[J[joint]] - rest_m[J["pelvis"]]
    joints_m = _lift(landmarks_m, np.array([WIDTH / 2, HEIGHT / 2])).joints_m
    error_m = np.linalg.norm(joints_m - (rest_m - rest_m[J["pelvis"]]), axis=-1)
    assert error_m[:, [J[n] for n in ("spine", "chest", "neck")]].max() < 1e-9
    assert error_m[:, J["head_top"]].max() < 0.02


@pytest.fixture
def seen() -> tuple[Lifted, np.ndarray]:
    """A walker as keypoints of our camera, with metric joints that are off, and the true (n, 3) roots.

    Hips, ears and nose are right, so that the pelvis stays where it is.
    """
    take = walking_take(people=1, frames=FRAMES, gaps=False)
    joints_m = cameras.transform(cameras.invert(take.camera_to_world), take.joints_world_m[0].astype(float))
    keypoints_px = cameras.project(joints_m, INTRINSICS)
    keypoints_px[:, [J[n] for n in ("spine", "chest", "head_top")]] = np.nan
    roots_m = joints_m[:, J["pelvis"]]
    off_m = joints_m - roots_m[:, None]
    wrong = [J[f"{side}_{n}"] for side in ("left", "right") for n in ("elbow", "wrist", "knee", "ankle", "heel", "toe")]
    off_m[:, wrong] += np.random.default_rng(2).normal(0, 0.08, (FRAMES, len(wrong), 3))
    confidence = np.where(np.isfinite(keypoints_px).all(axis=-1), 1.0, 0.0)
    return Lifted.of(keypoints_px, confidence, off_m, np.ones((FRAMES, len(JOINTS)))), roots_m


def test_sure_keypoints_are_met_exactly(seen):
    lifted, roots_m = seen
    moved = onto_rays(lifted, roots_m, INTRINSICS)
    projected_px = cameras.project(moved.joints_m + roots_m[:, None], INTRINSICS)
    before_px = cameras.project(lifted.joints_m + roots_m[:, None], INTRINSICS)
    assert np.abs(before_px - lifted.keypoints_px)[:, DIRECT].max() > 5
    np.testing.assert_allclose(projected_px[:, DIRECT], lifted.keypoints_px[:, DIRECT], atol=1e-3)


def test_the_depth_stays(seen):
    lifted, roots_m = seen
    moved = onto_rays(lifted, roots_m, INTRINSICS)
    np.testing.assert_allclose(moved.joints_m[:, DIRECT, 2], lifted.joints_m[:, DIRECT, 2], atol=1e-6)


def test_keypoints_without_confidence_move_nothing(seen):
    lifted, roots_m = seen
    wrist = J["left_wrist"]
    lifted.keypoint_confidence[:, wrist] = 0
    moved = onto_rays(lifted, roots_m, INTRINSICS)
    np.testing.assert_allclose(moved.joints_m[:, wrist], lifted.joints_m[:, wrist], atol=1e-6)
    unsure = replace(lifted, keypoint_confidence=np.zeros_like(lifted.keypoint_confidence))
    np.testing.assert_allclose(
        onto_rays(unsure, roots_m, INTRINSICS).joints_m[:, DIRECT], lifted.joints_m[:, DIRECT], atol=1e-6
    )


def test_half_sure_keypoints_are_met_half_way(seen):
    lifted, roots_m = seen
    knee = J["right_knee"]
    whole = onto_rays(lifted, roots_m, INTRINSICS).joints_m[:, knee]
    lifted.keypoint_confidence[:, knee] = 0.5
    half = onto_rays(lifted, roots_m, INTRINSICS).joints_m[:, knee]
    np.testing.assert_allclose(half, (lifted.joints_m[:, knee] + whole) / 2, atol=1e-6)


def test_missing_keypoints_leave_finite_joints_and_the_input_is_not_changed(seen):
    lifted, roots_m = seen
    lifted.keypoints_px[:, J["left_toe"]] = np.nan
    before = lifted.joints_m.copy()
    assert np.isfinite(onto_rays(lifted, roots_m, INTRINSICS).joints_m).all()
    np.testing.assert_array_equal(lifted.joints_m, before)
