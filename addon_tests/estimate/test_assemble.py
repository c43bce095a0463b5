"""The take: everybody on one floor, and every field in its own axes."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import cameras, kinematics
from animepose_blender.estimate.assemble import assemble
from animepose_blender.estimate.person import select, solve_person
from animepose_blender.skeleton import CONTACT_JOINTS
from animepose_blender.take import State, Take

from .evidence import see_walkers

FRAMES = 120
SOURCE = {"clip": "walk.mp4"}


@pytest.fixture(scope="module")
def solved_take() -> Take:
    """Two walkers; the second is away in the beginning and the end, and hidden for a moment."""
    seen = see_walkers(people=2, frames=FRAMES)
    sight = np.r_[15:50, 58:100]
    evidence = [seen.evidence[0], select(seen.evidence[1], np.isin(seen.evidence[1].frames, sight))]
    time_s, intrinsics = seen.take.frame_time_s, seen.take.intrinsics
    return assemble(evidence, [solve_person(e, time_s, intrinsics) for e in evidence], time_s, intrinsics, dict(SOURCE))


def test_the_take_survives_a_round_trip_through_its_file(solved_take, tmp_path):
    again = Take.load(solved_take.save(tmp_path / "take.npz"))
    np.testing.assert_array_equal(again.joints_world_m, solved_take.joints_world_m)
    assert again.source == SOURCE
    assert again.person_id.tolist() == [1, 2]


def test_states_say_who_is_there_and_nothing_else_is_filled(solved_take):
    take = solved_take
    assert (take.state[0] == State.OBSERVED).all()
    expected = np.full(FRAMES, State.ABSENT)
    expected[15:100], expected[50:58] = State.OBSERVED, State.PREDICTED
    assert (take.state[1] == expected).all()
    absent, unseen = take.state == State.ABSENT, take.state != State.OBSERVED
    for name in ("joints_world_m", "rotations", "root_world_m", "box_camera_m"):
        assert np.isnan(getattr(take, name)[absent]).all(), name
        assert np.isfinite(getattr(take, name)[~absent]).all(), name
    for name in ("keypoints_px", "box_px"):
        assert np.isnan(getattr(take, name)[unseen]).all(), name
    assert (take.keypoint_confidence[unseen] == 0).all()
    assert (take.joint_confidence[unseen] == 0).all()
    assert (take.contact[absent] == 0).all()


def test_world_joints_lie_on_the_keypoints_through_the_takes_own_camera(solved_take):
    take = solved_take
    joints_camera_m = cameras.transform(cameras.invert(take.camera_to_world)[None], take.joints_world_m.astype(float))
    projected_px = cameras.project(joints_camera_m, np.broadcast_to(take.intrinsics, (2, FRAMES, 3, 3)))
    distance_px = np.linalg.norm(projected_px - take.keypoints_px, axis=-1)
    assert np.nanmedian(distance_px) < 0.02 * np.nanmedian(take.box_px[..., 3] - take.box_px[..., 1])


def test_world_joints_are_those_of_the_world_rotations(solved_take):
    take = solved_take
    joints_m, _ = kinematics.forward(
        take.rotations.astype(float), take.root_world_m.astype(float), take.bone_length_m[:, None].astype(float)
    )
    present = take.state != State.ABSENT
    np.testing.assert_allclose(joints_m[present], take.joints_world_m[present], atol=1e-4)


def test_rotations_stay_on_one_side_of_the_sphere(solved_take):
    for person in range(2):
        present = np.flatnonzero(solved_take.state[person] != State.ABSENT)
        rotations = solved_take.rotations[person, present]
        assert np.sum(rotations[1:] * rotations[:-1], axis=-1).min() > 0.5


def test_the_feet_stand_on_the_floor_and_people_about_the_origin(solved_take):
    present = solved_take.state != State.ABSENT
    lowest_m = solved_take.joints_world_m[present][:, list(CONTACT_JOINTS), 2].min(axis=-1)
    assert np.median(np.abs(lowest_m)) < 0.04
    assert np.abs(np.nanmedian(solved_take.root_world_m[..., :2], axis=(0, 1))).max() < 0.05
    assert np.nanmedian(solved_take.root_world_m[..., 2]) == pytest.approx(0.9, abs=0.15)


def test_the_camera_of_the_walk_is_found_again(solved_take):
    truth = see_walkers(people=2, frames=2).take.camera_to_world[0]
    found = solved_take.camera_to_world[0]
    assert np.degrees(np.arccos(found[2, :3] @ truth[2, :3])) < 1.5
    assert found[2, 3] == pytest.approx(truth[2, 3], abs=0.2)
    np.testing.assert_array_equal(solved_take.camera_to_world, np.tile(found, (FRAMES, 1, 1)))


def test_the_box_before_the_camera_holds_the_joints_with_a_margin(solved_take):
    take = solved_take
    joints_m = cameras.transform(cameras.invert(take.camera_to_world)[None], take.joints_world_m.astype(float))
    present = take.state != State.ABSENT
    low, high = take.box_camera_m[present, :3], take.box_camera_m[present, 3:]
    assert (joints_m[present].min(axis=1) > low + 0.05).all()
    assert (joints_m[present].max(axis=1) < high - 0.05).all()


def test_somebody_who_walks_touches_the_floor_again_and_again(solved_take):
    contact = solved_take.contact[0] > 0.5
    assert 0.05 < contact.mean() < 0.9
    assert (np.diff(contact.astype(int), axis=0) != 0).any(axis=0).all()
