"""Spans that were solved again: their frames come from a file beside the take, all else stays what it was."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

from animepose_blender.core.review.edited import apply_edits, load_edited
from animepose_blender.core.review.edits import MarkWrong, Merge, Solved, Split, Swap
from animepose_blender.core.review.people import people_of
from animepose_blender.core.review.saved_edits import save_edits
from animepose_blender.core.review.solved import around, differing, save_solved
from animepose_blender.errors import AnimePoseError
from animepose_blender.take import State, Take

from .review_takes import arrays_of, assert_same, full_take

FIRST, LAST = 20, 34


@pytest.fixture
def path(tmp_path):
    return full_take().save(tmp_path / "a.take.npz")


@pytest.fixture
def take(path):
    return Take.load(path)


@pytest.fixture
def again(take):
    """Person 2 moved a little, and predicted in two frames."""
    arrays = {name: getattr(take, name).copy() for name in ("root_world_m", "joints_world_m", "state", "contact")}
    present = take.state[1] != State.ABSENT
    span = np.flatnonzero(present & (np.arange(60) >= FIRST) & (np.arange(60) <= LAST))
    arrays["root_world_m"][1, span] += 0.1
    arrays["joints_world_m"][1, span] += 0.1
    arrays["state"][1, span[:2]] = State.PREDICTED
    arrays["contact"][1, span] = 0.25
    return dataclasses.replace(take, **arrays)


@pytest.fixture
def edit(path, take, again):
    return save_solved(path, again, 2, FIRST, LAST)


def per_frame(take):
    people = (take.person_count, take.frame_count)
    return {name: values for name, values in arrays_of(take).items() if values.shape[:2] == people}


def test_the_frames_are_those_of_the_file_and_nothing_else_changes(path, take, again, edit):
    edited = apply_edits(take, [edit], path.parent)
    edited.validate()
    for name, values in per_frame(edited).items():
        assert values[1, FIRST : LAST + 1].tobytes() == per_frame(again)[name][1, FIRST : LAST + 1].tobytes(), name
        outside = np.r_[0:FIRST, LAST + 1 : 60]
        assert values[1, outside].tobytes() == per_frame(take)[name][1, outside].tobytes(), name
        assert values[[0, 2]].tobytes() == per_frame(take)[name][[0, 2]].tobytes(), name
    np.testing.assert_array_equal(edited.bone_length_m, take.bone_length_m)


def test_without_the_record_there_is_the_estimate_again(path, take, edit):
    assert_same(apply_edits(take, [edit][:-1], path.parent), take)


def test_it_is_saved_with_the_take_and_moves_with_it(path, take, again, edit, tmp_path):
    save_edits(path, [edit])
    assert edit.file.startswith("a.take.solved/")
    there = tmp_path / "there"
    there.mkdir()
    shutil.copytree(path.parent / "a.take.solved", there / "a.take.solved")
    shutil.copy(path, there / "renamed.npz")
    np.testing.assert_array_equal(load_edited(there / "renamed.npz").root_world_m[1], again.root_world_m[1])
    np.testing.assert_array_equal(Take.load(path).root_world_m, take.root_world_m)


def test_the_same_frames_are_one_file(path, again, edit):
    assert save_solved(path, again, 2, FIRST, LAST) == edit
    assert len(list((path.parent / "a.take.solved").iterdir())) == 1


def test_a_missing_file_is_named(path, take, edit):
    (path.parent / edit.file).unlink()
    with pytest.raises(AnimePoseError, match=edit.file) as refusal:
        apply_edits(take, [edit], path.parent)
    assert "missing" in refusal.value.message


@pytest.mark.parametrize("file", ["../other.npz", "/etc/x.npz", "C:/x.npz", "a\\..\\x.npz"])
def test_only_files_beside_the_take_are_read(path, take, file):
    with pytest.raises(AnimePoseError, match="no file beside"):
        apply_edits(take, [Solved(2, 0.1, 0.2, file)], path.parent)


def test_frames_of_another_estimate_are_refused(path, take, edit):
    for other in (dataclasses.replace(edit, start_s=edit.start_s + 0.2), dataclasses.replace(edit, end_s=0.9)):
        with pytest.raises(AnimePoseError, match="another estimate"):
            apply_edits(take, [other], path.parent)
    moved = take.camera_to_world.copy()
    moved[:, 0, 3] += 1
    with pytest.raises(AnimePoseError, match="another estimate"):
        apply_edits(dataclasses.replace(take, camera_to_world=moved), [edit], path.parent)


def test_later_edits_take_solved_frames_along(path, take, again, edit):
    at = float(take.frame_time_s[25])
    edits = [edit, Split(2, at, 9), Swap(1, 9, at), Merge(2, 1)]
    for count in range(1, 5):
        edited = apply_edits(take, edits[:count], path.parent)
        assert_same(dataclasses.replace(edited), edited)
    swapped = apply_edits(take, edits[:3], path.parent)
    np.testing.assert_array_equal(swapped.root_world_m[0, 25 : LAST + 1], again.root_world_m[1, 25 : LAST + 1])
    filled = [edit, MarkWrong(2, float(take.frame_time_s[24]), float(take.frame_time_s[28]), fill=True)]
    apply_edits(take, filled, path.parent).validate()


def test_bone_lengths_stay_where_a_person_of_two_is_solved(path, take):
    swap = [Swap(1, 2, float(take.frame_time_s[25]))]
    before = apply_edits(take, swap)
    again = dataclasses.replace(before)
    after = apply_edits(take, [*swap, save_solved(path, again, 2, FIRST, LAST)], path.parent)
    np.testing.assert_array_equal(after.bone_length_m, before.bone_length_m)


def test_the_list_shows_what_is_there_now(path, take, again, edit):
    person = people_of(take, [edit], path.parent)[1]
    runs = np.concatenate([np.full(stop - start, state) for start, stop, state in person.runs])
    np.testing.assert_array_equal(runs, again.state[1])


def test_a_part_for_the_solver_is_a_valid_take_and_tells_where_it_differs(take, again):
    part = around(take, FIRST, LAST)
    part.validate()
    first, last = differing(take, again, 2) or (-1, -1)
    assert FIRST <= first <= last <= LAST
    assert differing(take, again, 1) is None
