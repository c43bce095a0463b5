"""The take after edits: valid, undone by leaving out the last, and every frame as it was estimated."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest

from animepose_blender.core.kinematics import forward
from animepose_blender.core.review.edited import apply_edits
from animepose_blender.core.review.edits import Ignore, MarkWrong, Merge, Rename, Split, Swap
from animepose_blender.errors import AnimePoseError
from animepose_blender.take import State, Take

from .review_takes import arrays_of, assert_same, full_take, random_edits

PER_PERSON = ("person_id", "bone_length_m", "hand_bone_length_m", "thumbnails")


@pytest.fixture
def take():
    return full_take()


def times(take, *frames):
    return [float(take.frame_time_s[frame]) for frame in frames]


def assert_frames(edited, row, take, origin, frames):
    """Everything of a person in some frames is what another had in the estimate."""
    for name, values in arrays_of(edited).items():
        if name not in PER_PERSON and values.shape[:2] == (edited.person_count, edited.frame_count):
            expected = arrays_of(take)[name][origin, frames]
            assert values[row, frames].tobytes() == expected.tobytes(), name


@pytest.mark.parametrize("seed", range(40))
def test_any_edits_make_a_valid_take_and_leave_the_estimate_alone(take, seed):
    before = copy.deepcopy(take)
    rng = np.random.default_rng(seed)
    edits = random_edits(take, int(rng.integers(1, 12)), rng)
    edited = apply_edits(take, edits, with_ignored=bool(seed % 2))
    edited.validate()
    assert len(set(edited.person_id.tolist())) == edited.person_count
    # As the contract's own constructor sees it.
    assert_same(dataclasses.replace(edited), edited)
    assert_same(take, before)


@pytest.mark.parametrize("seed", range(15))
def test_dropping_the_last_edit_restores_every_byte(take, seed):
    rng = np.random.default_rng(100 + seed)
    edits = random_edits(take, 6, rng)
    before = apply_edits(take, edits[:-1])
    kept = {name: values.copy() for name, values in arrays_of(before).items()}
    arrays_of(apply_edits(take, edits))
    again = apply_edits(take, edits[:-1])
    for name, values in arrays_of(again).items():
        assert values.tobytes() == kept[name].tobytes(), name


def test_no_edits_are_the_estimate_itself(take):
    assert_same(apply_edits(take, []), take)


@pytest.mark.parametrize("frame", [8, 24, 26, 45, 59])
@pytest.mark.parametrize("row", range(3))
def test_a_split_merged_again_is_the_original(take, row, frame):
    person = int(take.person_id[row])
    (at,) = times(take, frame)
    split = [Split(person, at, 9)]
    assert apply_edits(take, split).person_count == 4
    assert_same(apply_edits(take, [*split, Merge(person, 9)]), take)


@pytest.mark.parametrize("frame", [0, 7, 30, 59])
def test_a_swap_made_twice_is_no_swap(take, frame):
    (at,) = times(take, frame)
    assert_same(apply_edits(take, [Swap(1, 3, at), Swap(3, 1, at)]), take)


def test_a_swap_exchanges_everything_from_its_frame_on(take):
    edited = apply_edits(take, [Swap(1, 2, *times(take, 25))])
    for row, other in ((0, 1), (1, 0)):
        assert_frames(edited, row, take, row, slice(0, 25))
        assert_frames(edited, row, take, other, slice(25, None))
    assert_frames(edited, 2, take, 2, slice(None))
    assert edited.person_id.tolist() == [1, 2, 3]


def test_bone_lengths_after_a_swap_are_means_by_frames_and_thumbnails_of_whom_most_frames_come(take):
    edited = apply_edits(take, [Swap(1, 2, *times(take, 20))])
    present = take.state != State.ABSENT
    own, other = present[0, :20].sum(), present[1, 20:].sum()
    for name in ("bone_length_m", "hand_bone_length_m"):
        lengths = arrays_of(take)[name].astype(np.float64)
        expected = (own * lengths[0] + other * lengths[1]) / (own + other)
        np.testing.assert_allclose(arrays_of(edited)[name][0], expected, rtol=1e-6)
    assert other > own
    np.testing.assert_array_equal(edited.extras["thumbnails"][0], take.extras["thumbnails"][1])
    # The whole of somebody else's track brings the exact lengths along.
    whole = apply_edits(take, [Swap(1, 2, *times(take, 0))])
    np.testing.assert_array_equal(whole.bone_length_m[:2], take.bone_length_m[[1, 0]])


def test_a_split_gives_the_later_part_to_a_new_person_with_the_same_lengths(take):
    edited = apply_edits(take, [Split(1, *times(take, 30), 7)])
    assert edited.person_id.tolist() == [1, 2, 3, 7]
    assert_frames(edited, 0, take, 0, slice(0, 30))
    assert_frames(edited, 3, take, 0, slice(30, None))
    assert (edited.state[0, 30:] == State.ABSENT).all() and (edited.state[3, :30] == State.ABSENT).all()
    assert np.isnan(edited.joints_world_m[0, 30:]).all() and (edited.keypoint_confidence[0, 30:] == 0).all()
    np.testing.assert_array_equal(edited.bone_length_m[3], take.bone_length_m[0])
    np.testing.assert_array_equal(edited.extras["thumbnails"][3], take.extras["thumbnails"][0])


def test_merging_prefers_the_observed_then_the_more_confident_a_stretch_at_a_time(take):
    take.state[:2] = [[State.OBSERVED] * 60, [State.OBSERVED] * 60]
    for name in ("joints_world_m", "rotations", "root_world_m"):
        values = getattr(take, name)
        values[~np.isfinite(values)] = 0.5
    take.state[0, 10:20], take.state[1, 30:40] = State.PREDICTED, State.PREDICTED
    take.state[0, 50:] = State.ABSENT
    # The second is the more confident in the first stretch on the whole, though not in each frame of it.
    take.joint_confidence[0], take.joint_confidence[1] = 0.7, 0.6
    take.joint_confidence[1, :10:2] = 1.0
    edited = apply_edits(take, [Merge(1, 2)])
    assert edited.person_id.tolist() == [1, 3]
    for frames, origin in ((slice(0, 10), 1), (slice(10, 20), 1), (slice(20, 50), 0), (slice(50, 60), 1)):
        assert_frames(edited, 0, take, origin, frames)
    assert_frames(edited, 1, take, 2, slice(None))


def test_who_is_ignored_is_left_out_until_asked_for(take):
    edits = [Ignore(2)]
    assert apply_edits(take, edits).person_id.tolist() == [1, 3]
    assert_same(apply_edits(take, edits, with_ignored=True), take)
    assert_same(apply_edits(take, [*edits, Ignore(2, False)]), take)
    nobody = apply_edits(take, [Ignore(1), Ignore(2), Ignore(3)])
    nobody.validate()
    assert nobody.person_count == 0


def test_names_go_into_the_source_and_edits_out_of_it(take):
    take.source["edits"] = [{"kind": "rename", "person": 1, "name": "Anna"}]
    edited = apply_edits(take, [Rename(1, " Anna ")])
    assert edited.source["person_names"] == {"1": "Anna"}
    assert "edits" not in edited.source and "edits" in take.source


def test_a_wrong_span_becomes_absent(take):
    edited = apply_edits(take, [MarkWrong(1, *times(take, 5, 12))])
    assert (edited.state[0, 5:13] == State.ABSENT).all()
    assert np.isnan(edited.joints_world_m[0, 5:13]).all() and (edited.contact[0, 5:13] == 0).all()
    assert_frames(edited, 0, take, 0, slice(0, 5))
    assert_frames(edited, 0, take, 0, slice(13, None))


def test_a_filled_span_is_predicted_without_contacts_or_evidence_and_keeps_its_bones(take):
    edited = apply_edits(take, [MarkWrong(1, *times(take, 5, 12), fill=True)])
    filled = slice(5, 13)
    assert (edited.state[0, filled] == State.PREDICTED).all()
    assert (edited.contact[0, filled] == 0).all() and (edited.joint_confidence[0, filled] == 0).all()
    assert np.isnan(edited.keypoints_px[0, filled]).all() and np.isnan(edited.box_px[0, filled]).all()
    joints_m, _ = forward(edited.rotations[0], edited.root_world_m[0], edited.bone_length_m[0])
    np.testing.assert_allclose(edited.joints_world_m[0, filled], joints_m[filled], atol=1e-5)
    step_m = np.linalg.norm(np.diff(edited.joints_world_m[0, 3:16], axis=0), axis=-1)
    assert step_m.max() < 0.15
    np.testing.assert_array_equal(edited.bone_length_m, take.bone_length_m)


def test_filled_frames_go_along_with_later_edits(take):
    edits = [MarkWrong(1, *times(take, 5, 12), fill=True)]
    alone = apply_edits(take, edits)
    later = apply_edits(take, [*edits, Swap(1, 3, *times(take, 8)), MarkWrong(3, *times(take, 10, 11), fill=True)])
    later.validate()
    np.testing.assert_array_equal(later.joints_world_m[0, :8], alone.joints_world_m[0, :8])
    np.testing.assert_array_equal(later.joints_world_m[2, 8:10], alone.joints_world_m[0, 8:10])
    np.testing.assert_allclose(later.joints_world_m[2, 10:12], alone.joints_world_m[0, 10:12], atol=0.05)


def test_an_edited_take_can_be_saved_and_copied(take, tmp_path):
    edits = [Swap(1, 2, *times(take, 20)), MarkWrong(1, *times(take, 5, 12), fill=True), Rename(3, "Bo")]
    edited = apply_edits(take, edits)
    assert_same(Take.load(edited.save(tmp_path / "edited.take.npz")), edited)
    for made in (copy.deepcopy(apply_edits(take, edits)), copy.copy(apply_edits(take, edits))):
        assert_same(made, edited)
    with pytest.raises(AttributeError, match="no such"):
        _ = edited.such


def test_a_take_of_one_frame_and_one_without_people_can_be_edited():
    single = full_take(2, 1)
    single.state[:] = State.OBSERVED
    for name in ("joints_world_m", "rotations", "root_world_m"):
        getattr(single, name)[:] = getattr(single, name)[:1]
    edited = apply_edits(single, [Swap(1, 2, 0.0), Merge(2, 1)])
    edited.validate()
    assert edited.person_id.tolist() == [2]
    nobody = apply_edits(single, [Ignore(1), Ignore(2)])
    again = dataclasses.replace(nobody)
    assert apply_edits(again, []).person_count == 0
    with pytest.raises(AnimePoseError, match="no person 1; there is nobody"):
        apply_edits(again, [Rename(1, "x")])
