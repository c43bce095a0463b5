"""The take: everybody on one floor, and every field in its own axes."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import cameras, kinematics
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.assemble import assemble
from animepose_blender.estimate.backends import Hands
from animepose_blender.estimate.depth import GRID
from animepose_blender.estimate.finger_motion import move_fingers
from animepose_blender.estimate.person import Evidence, solve_person
from animepose_blender.estimate.reconstruct import Person
from animepose_blender.skeleton import CONTACT_JOINTS
from animepose_blender.take import State, Take

from .evidence import FLOOR, Lingers, Sight, see_walkers

FRAMES = 120
SOURCE = {"clip": "walk.mp4"}


def _person(number: int, evidence: Evidence, sight: Sight) -> Person:
    """Somebody whose silhouette fills the middle of their region."""
    others_m = np.delete(sight.joints_world_m[:, :, 0], number, axis=0)
    count = len(evidence.frames)
    silhouettes = np.zeros((count, GRID, GRID), bool)
    silhouettes[:, 4:28, 12:20] = True
    middle_px = (evidence.box_px[:, :2] + evidence.box_px[:, 2:]) / 2
    size_px = np.ptp(evidence.box_px[:, [1, 3]], axis=1) * 1.3
    regions = np.concatenate([middle_px, size_px[:, None], np.zeros((count, 1))], axis=1)
    solved = solve_person(evidence, sight.view, FLOOR, others_m, Lingers())
    unseen = Hands.unseen(count)
    fingers = move_fingers(unseen, evidence.frames, sight.view.time_s, solved.bone_length_m)
    return Person(number, evidence, solved, silhouettes, regions, fingers)


@pytest.fixture(scope="module")
def sight() -> Sight:
    return see_walkers(people=2, frames=FRAMES, moving_camera=True)


@pytest.fixture(scope="module")
def people(sight) -> list[Person]:
    """Two walkers; the second is away in the beginning and the end, and hidden for a moment."""
    second = sight.evidence[1].where(np.isin(sight.evidence[1].frames, np.r_[15:50, 58:80]))
    return [_person(0, sight.evidence[0], sight), _person(1, second, sight)]


@pytest.fixture(scope="module")
def solved_take(sight, people) -> Take:
    return assemble(people, sight.view, dict(SOURCE))


def test_the_take_survives_a_round_trip_through_its_file(solved_take, tmp_path):
    again = Take.load(solved_take.save(tmp_path / "take.npz"))
    np.testing.assert_array_equal(again.joints_world_m, solved_take.joints_world_m)
    assert again.source == SOURCE
    assert again.person_id.tolist() == [1, 2]


def test_states_say_who_is_there_and_nothing_else_is_filled(solved_take):
    take = solved_take
    assert (take.state[0] == State.OBSERVED).all()
    observed = np.zeros(FRAMES, bool)
    observed[15:50], observed[58:80] = True, True
    np.testing.assert_array_equal(take.state[1] == State.OBSERVED, observed)
    assert (take.state[1, 50:58] == State.PREDICTED).all()
    assert (take.state[1, :15] == State.ABSENT).all()
    # Whoever does not return is carried on for a second.
    assert (take.state[1, 80:100] == State.PREDICTED).all() and take.state[1, -1] == State.ABSENT
    absent, unseen = take.state == State.ABSENT, take.state != State.OBSERVED
    fields = {name: getattr(take, name) for name in ("joints_world_m", "rotations", "root_world_m", "box_camera_m")}
    for name, values in (fields | take.extras).items():
        assert np.isnan(values[absent]).all(), name
        assert np.isfinite(values[~absent]).all(), name
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
    assert np.abs(np.nanmedian(solved_take.root_world_m[..., :2], axis=(0, 1))).max() < 1e-5
    assert np.nanmedian(solved_take.root_world_m[..., 2]) == pytest.approx(0.9, abs=0.15)


def test_the_camera_keeps_its_path_and_is_only_moved_over_the_floor(solved_take, sight):
    given, found = sight.view.camera_to_world, solved_take.camera_to_world
    shift_m = found[0, :3, 3] - given[0, :3, 3]
    assert shift_m[2] == 0
    np.testing.assert_allclose(found[:, :3, 3], given[:, :3, 3] + shift_m, atol=1e-12)
    np.testing.assert_array_equal(found[:, :3, :3], given[:, :3, :3])
    np.testing.assert_array_equal(solved_take.intrinsics, sight.view.intrinsics)
    assert np.abs(np.diff(found[:, :3, 3], axis=0)).max() > 0


def test_people_are_moved_with_the_camera(solved_take, people, sight):
    shift_m = solved_take.camera_to_world[0, :3, 3] - sight.view.camera_to_world[0, :3, 3]
    for number, person in enumerate(people):
        np.testing.assert_allclose(
            solved_take.joints_world_m[number], person.solved.joints_world_m + shift_m, atol=1e-5
        )


def test_how_sure_the_roots_are_is_in_the_take(solved_take, people):
    for number, person in enumerate(people):
        np.testing.assert_allclose(solved_take.extras["root_sigma_m"][number], person.solved.root_sigma_m, rtol=1e-6)
    assert solved_take.extras["root_sigma_m"].shape == (2, FRAMES, 2)


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


def test_the_box_of_somebody_hidden_is_that_of_their_joints(solved_take, people):
    shown = solved_take.state == State.OBSERVED
    hidden = solved_take.state == State.PREDICTED
    extent_m = solved_take.box_camera_m[..., 3:] - solved_take.box_camera_m[..., :3]
    assert hidden.any()
    for boxes in (extent_m[shown], extent_m[hidden]):
        assert ((boxes > 0.1) & (boxes < 2.5)).all()


def test_the_views_own_arrays_are_left_as_they_were(people, sight):
    before = sight.view.camera_to_world.copy()
    assemble(people, sight.view, dict(SOURCE))
    np.testing.assert_array_equal(sight.view.camera_to_world, before)


def test_one_frame_of_one_person_is_a_take(sight):
    one = walking_take(people=1, frames=1, gaps=False)
    alone = see_walkers(people=1, frames=1)
    take = assemble([_person(0, alone.evidence[0], alone)], alone.view, dict(SOURCE))
    assert take.frame_count == one.frame_count == 1
    np.testing.assert_allclose(take.root_world_m[0, 0, :2], 0, atol=1e-6)
