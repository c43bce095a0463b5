"""Tracks looked over and mended in Blender: every edit is one undo step, and nothing is estimated again."""

from __future__ import annotations

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from animepose_blender.core.review.edited import load_edited  # noqa: E402
from animepose_blender.core.synthetic import walking_take  # noqa: E402
from animepose_blender.take import State, Take  # noqa: E402


@pytest.fixture
def scene(addon, tmp_path):
    """A scene with two people of a take, which is being reviewed; the current frame is 31."""
    path = walking_take(2, 60, gaps=False).save(tmp_path / "walk.take.npz")
    assert bpy.ops.animepose.import_take(filepath=str(path)) == {"FINISHED"}
    assert bpy.ops.animepose.review_take() == {"FINISHED"}
    bpy.context.scene.frame_set(31)
    bpy.ops.ed.undo_push(message="ready")
    return bpy.context.scene


def review():
    return bpy.context.scene.animepose_review


def names():
    return [one.name for one in review().people]


def edited():
    from animepose_blender.host.review import session

    return session.reviewed(bpy.context.scene).take


def test_the_list_has_everybody_with_span_and_confidence(scene):
    assert names() == ["Person 1", "Person 2"]
    assert all(one.span.startswith("0.0") and 0 < one.confidence <= 1 for one in review().people)


def test_a_new_name_is_an_edit_and_the_imported_person_has_it(scene):
    review().people[0].name = "Anna"
    assert names()[0] == "Anna" and "Anna" in review().edits
    assert bpy.ops.animepose.import_reviewed() == {"FINISHED"}
    assert "Anna" in bpy.data.objects and bpy.data.objects["Anna"].type == "ARMATURE"


def test_who_was_imported_before_is_kept_but_hidden(scene):
    before = bpy.data.objects["Person 1"]
    assert before.visible_get()
    assert bpy.ops.animepose.import_reviewed() == {"FINISHED"}
    now = [one for one in bpy.data.objects if one.get("animepose_person_id") == 1]
    assert len(now) == 2 and not before.visible_get()
    assert [one.visible_get() for one in now if one != before] == [True]


def test_who_is_ignored_is_not_imported_and_can_come_back(scene):
    review().active = 1
    assert bpy.ops.animepose.ignore_person() == {"FINISHED"}
    assert review().people[1].ignored and edited().person_count == 1
    assert bpy.ops.animepose.ignore_person() == {"FINISHED"}
    assert edited().person_count == 2


def test_split_and_merge_give_the_person_back(scene):
    before = edited().joints_world_m[0].copy()
    review().active = 0
    assert bpy.ops.animepose.split_person() == {"FINISHED"}
    assert len(review().people) == 3
    assert (edited().state[0, 30:] == State.ABSENT).all() and (edited().state[0, :30] != State.ABSENT).all()
    review().other = str(review().people[2].person)
    assert bpy.ops.animepose.merge_people() == {"FINISHED"}
    assert names() == ["Person 1", "Person 2"]
    np.testing.assert_array_equal(edited().joints_world_m[0], before)


def test_the_other_person_stays_the_same_one_whoever_is_chosen_and_is_somebody_after_a_merge(scene):
    scene.frame_set(40)
    bpy.ops.animepose.split_person()
    new = str(review().people[2].person)
    review().active, review().other = 0, new
    review().active = 1
    assert review().other == new
    review().active = 2
    assert review().other == str(review().people[0].person)
    review().active, review().other = 0, new
    assert bpy.ops.animepose.merge_people() == {"FINISHED"}
    assert review().other == str(review().people[1].person)
    assert bpy.ops.animepose.swap_people() == {"FINISHED"}


def test_swap_from_here_on_exchanges_the_rest(scene):
    before = edited().joints_world_m.copy()
    review().active, review().other = 0, "2"
    assert bpy.ops.animepose.swap_people() == {"FINISHED"}
    np.testing.assert_array_equal(edited().joints_world_m[0, 30:], before[1, 30:])
    np.testing.assert_array_equal(edited().joints_world_m[0, :30], before[0, :30])


@pytest.mark.parametrize(("fill", "state"), [(False, State.ABSENT), (True, State.PREDICTED)])
def test_a_wrong_span_is_that_of_the_preview_range(scene, fill, state):
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 21, 25
    assert bpy.ops.animepose.mark_wrong(fill=fill) == {"FINISHED"}
    assert (edited().state[0, 20:25] == state).all()
    assert edited().state[0, 19] == edited().state[0, 25] == State.OBSERVED


def test_the_last_edit_can_be_dropped_and_nothing_is_left_of_it(scene):
    before = review().edits
    bpy.ops.animepose.split_person()
    assert bpy.ops.animepose.drop_edit() == {"FINISHED"}
    assert review().edits == before and names() == ["Person 1", "Person 2"]


def test_one_undo_takes_one_edit_back_and_redo_brings_it_again(scene):
    bpy.ops.animepose.split_person()
    bpy.ops.ed.undo_push(message="split")
    after = review().edits
    bpy.ops.ed.undo()
    assert review().edits == "[]" and len(review().people) == 2
    bpy.ops.ed.redo()
    assert review().edits == after and len(review().people) == 3


def test_saved_edits_are_there_when_the_take_is_imported_again(scene):
    path = review().take
    review().people[1].name = "Ben"
    bpy.ops.animepose.split_person()
    assert bpy.ops.animepose.save_edits() == {"FINISHED"}
    assert load_edited(path).person_count == 3 and Take.load(path).person_count == 2
    assert bpy.ops.animepose.import_take(filepath=path) == {"FINISHED"}
    assert "Ben" in bpy.data.objects and "Person 3" in bpy.data.objects
    bpy.context.scene.animepose_review.edits = "[]"
    assert bpy.ops.animepose.review_take() == {"FINISHED"}
    assert len(review().people) == 3 and "Ben" in names()


def test_an_edit_that_does_not_fit_is_told_and_changes_nothing(scene):
    scene.frame_set(1)
    with pytest.raises(RuntimeError, match="Error"):
        bpy.ops.animepose.split_person()
    assert review().edits == "[]" and len(review().people) == 2


def test_the_estimate_in_the_file_is_never_changed(scene):
    path = review().take
    before = Take.load(path).joints_world_m.tobytes()
    review().active, review().other = 0, "2"
    bpy.ops.animepose.swap_people()
    bpy.ops.animepose.save_edits()
    assert Take.load(path).joints_world_m.tobytes() == before


def test_without_a_take_nothing_can_be_reviewed(addon):
    with pytest.raises(RuntimeError, match="no take"):
        bpy.ops.animepose.review_take()
    assert not bpy.ops.animepose.split_person.poll()


def test_tracks_are_shown_and_hidden_and_gone_with_the_add_on(scene):
    from animepose_blender.host.review import overlay

    assert overlay.is_shown()
    bpy.ops.animepose.show_tracks()
    assert not overlay.is_shown()
    bpy.ops.animepose.show_tracks()
    assert overlay.is_shown()
    overlay.hide()
