"""Which feet stand, which way people are upright, and when a foot is in contact."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.floor import StandingFeet, contacts, standing_feet, way_up_of_people
from animepose_blender.skeleton import CONTACT_JOINTS, JOINT_COUNT, REST_JOINTS_M, J

FRAMES = 60
UP = np.array([0.0, 0.0, 1.0])


def _feet(joints_m: np.ndarray, confidence: np.ndarray | None = None, motion: np.ndarray | None = None) -> StandingFeet:
    """Of joints (F, J, 3) in axes whose Z is up."""
    count = len(joints_m)
    sure = np.ones(joints_m.shape[:2]) if confidence is None else confidence
    still = np.tile(np.eye(4), (count, 1, 1)) if motion is None else motion
    return standing_feet(
        np.arange(count), joints_m - joints_m[:, :1], joints_m[:, 0], sure, np.arange(count) / 30, still, UP
    )


def _walk() -> np.ndarray:
    return walking_take(frames=FRAMES, gaps=False).joints_world_m[0].astype(float) + [0.0, 6.0, 0.0]


def test_the_lowest_foot_of_each_frame_is_taken():
    joints_m = _walk()
    feet = _feet(joints_m)
    points_m = joints_m[:, list(CONTACT_JOINTS)]
    np.testing.assert_array_equal(feet.joint, points_m[..., 2].argmin(axis=1))
    np.testing.assert_allclose(
        feet.centre_m + feet.ray_m + feet.root_to_foot_m, points_m[np.arange(FRAMES), feet.joint], atol=1e-12
    )


def test_the_ray_runs_from_a_camera_that_moves_and_its_depth_along_the_cameras_axis():
    motion = np.tile(np.eye(4), (FRAMES, 1, 1))
    motion[:, :3, :3] = Rotation.from_rotvec(np.radians(np.linspace(-90, -70, FRAMES))[:, None] * [1, 0, 0]).as_matrix()
    motion[:, :3, 3] = np.linspace(0, 1, FRAMES)[:, None] * [0.5, -1.0, 1.0]
    joints_m = _walk()
    feet = _feet(joints_m, motion=motion)
    np.testing.assert_array_equal(feet.centre_m, motion[:, :3, 3])
    in_camera_m = cameras.transform(cameras.invert(motion), joints_m)[:, 0]
    np.testing.assert_allclose(np.linalg.norm(feet.depth_axis_m, axis=1), np.abs(in_camera_m[:, 2]))
    np.testing.assert_allclose(
        np.einsum("nij,nj->ni", motion[:, :3, :3], in_camera_m * [0, 0, 1]), feet.depth_axis_m, atol=1e-12
    )


def test_a_foot_that_stands_counts_for_more_than_one_that_moves():
    joints_m = np.tile(REST_JOINTS_M, (FRAMES, 1, 1)) + [0.0, 6.0, 0.0]
    joints_m[30:, :, 0] += 2.0 * np.arange(30)[:, None] / 30
    weight = _feet(joints_m).weight
    assert weight[:28].min() > 3 * weight[32:].max()


def test_a_foot_that_is_hardly_seen_counts_little():
    joints_m = np.tile(REST_JOINTS_M, (FRAMES, 1, 1)) + [0.0, 6.0, 0.0]
    confidence = np.ones((FRAMES, JOINT_COUNT))
    confidence[20:40] = 0.01
    weight = _feet(joints_m, confidence).weight
    assert weight[20:40].max() < 0.1 * weight[:20].min()


def test_who_walks_about_says_more_of_the_floor_than_who_waits_however_long():
    waiting = np.tile(REST_JOINTS_M, (600, 1, 1)) + [0.0, 6.0, 0.0]
    short, long = _feet(waiting[:FRAMES]).weight.sum(), _feet(waiting).weight.sum()
    assert long == pytest.approx(short, rel=0.05)
    strolling = waiting + np.arange(600)[:, None, None] * [0.01, 0.0, 0.0]
    assert _feet(strolling).weight.sum() > 3 * long


@pytest.mark.parametrize("stride", [1, 3, 7])
def test_of_many_feet_some_stand_for_all(stride):
    feet = _feet(_walk())
    some = feet.every(stride)
    assert some.weight.sum() == pytest.approx(feet.weight.sum())
    for name, values in vars(some).items():
        assert len(values) == len(range(0, FRAMES, stride))
        if name != "weight":
            np.testing.assert_array_equal(values, getattr(feet, name)[::stride])


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_and_a_single_frame_have_feet_without_harm(count):
    feet = _feet(_walk()[:count])
    assert feet.weight.shape == (count,)
    assert feet.ray_m.shape == feet.centre_m.shape == feet.root_to_foot_m.shape == (count, 3)
    assert np.isfinite(feet.weight).all()


def _seen_from(pitch_deg: float, joints_world_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints in the axes of a camera that looks down, and the true way up there."""
    level = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    matrix = Rotation.from_euler("x", -pitch_deg, degrees=True).as_matrix() @ level
    return joints_world_m @ matrix, matrix.T @ UP


@pytest.mark.parametrize("pitch_deg", [-15, 0, 20, 50])
def test_people_who_walk_are_upright_on_the_whole(pitch_deg):
    joints_m, up = _seen_from(pitch_deg, _walk())
    found = way_up_of_people(joints_m)
    # This walk leans by six degrees on the mean of its two seconds.
    assert np.linalg.norm(found) == pytest.approx(1)
    assert np.degrees(np.arccos(found @ up)) < 9


def test_who_lies_or_does_a_handstand_is_not_asked():
    joints_m, up = _seen_from(10, _walk())
    joints_m = joints_m - joints_m[:, :1]
    lying = joints_m[:25] @ Rotation.from_euler("z", 90, degrees=True).as_matrix()
    standing_on_hands = -joints_m[:20]
    found = way_up_of_people(np.concatenate([joints_m, lying, standing_on_hands]))
    assert np.degrees(np.arccos(found @ up)) < 9
    assert way_up_of_people(lying) is None


def test_nobody_is_upright_where_nobody_is():
    assert way_up_of_people(np.zeros((0, JOINT_COUNT, 3))) is None
    assert way_up_of_people(np.full((5, JOINT_COUNT, 3), np.nan)) is None


CAMERA_M = np.array([[0.0, -5.0, 1.5]])


def _in_place(frames: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """(F, J, 3) of somebody who stands still in the world, and (F,) times."""
    return np.tile(REST_JOINTS_M, (frames, 1, 1)), np.arange(frames) / 30


def test_feet_that_stand_are_in_contact():
    assert contacts(*_in_place(), CAMERA_M).min() > 0.9


def test_a_lifted_foot_is_not_in_contact_and_the_other_is():
    joints_m, time_s = _in_place()
    joints_m[20:40, [J["left_heel"], J["left_toe"]], 2] += 0.15
    probability = contacts(joints_m, time_s, CAMERA_M)
    assert probability.shape == (60, 4)
    assert probability[22:38, :2].max() < 0.1
    assert probability[:, 2:].min() > 0.9
    assert probability[:15, :2].min() > 0.9


def test_a_lifted_heel_leaves_its_toe_in_contact():
    joints_m, time_s = _in_place()
    joints_m[20:40, J["right_heel"], 2] += 0.12
    probability = contacts(joints_m, time_s, CAMERA_M)
    assert probability[22:38, 2].max() < 0.1
    assert probability[22:38, 3].min() > 0.9


def test_a_foot_that_slides_fast_across_the_view_is_not_in_contact():
    joints_m, time_s = _in_place()
    joints_m[:, [J["left_heel"], J["left_toe"]], 0] += 1.0 * time_s[:, None]
    probability = contacts(joints_m, time_s, CAMERA_M)
    assert probability[:, :2].max() < 0.1
    assert probability[:, 2:].min() > 0.9


def test_depth_that_wavers_does_not_end_a_contact():
    joints_m, time_s = _in_place()
    ray = joints_m - CAMERA_M
    wavering = joints_m + ray * (0.01 * np.sin(2 * np.pi * 2 * time_s))[:, None, None] * [1, 1, 0]
    assert contacts(wavering, time_s, CAMERA_M).min() > 0.5


def test_the_contacts_of_a_walk_are_those_of_its_making():
    take = walking_take(people=2, frames=120, gaps=False)
    for person in range(2):
        found = contacts(take.joints_world_m[person].astype(float), take.frame_time_s, take.camera_to_world[:, :3, 3])
        assert ((found > 0.5) == (take.contact[person] > 0.5)).mean() > 0.85


def test_a_camera_that_drives_along_changes_no_contact():
    joints_m, time_s = _in_place()
    path = CAMERA_M + time_s[:, None] * [1.0, 0.5, 0.0]
    assert contacts(joints_m, time_s, path).min() > 0.9


def test_the_contact_of_one_frame_is_a_probability():
    probability = contacts(np.zeros((1, JOINT_COUNT, 3)), np.zeros(1), CAMERA_M)
    assert probability.shape == (1, 4)
    assert ((probability >= 0) & (probability <= 1)).all()
