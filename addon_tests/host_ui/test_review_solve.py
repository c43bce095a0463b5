"""A span solved again in Blender, by a worker of its own: an edit like others, with its frames beside the take."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from animepose_blender.core.review.edited import load_edited  # noqa: E402
from animepose_blender.core.synthetic import walking_take  # noqa: E402
from animepose_blender.host import addon_state  # noqa: E402
from animepose_blender.host.environment import State as Environment  # noqa: E402
from animepose_blender.host.environment import Status  # noqa: E402
from animepose_blender.host.review import session, solving  # noqa: E402
from animepose_blender.take import State, Take  # noqa: E402


@pytest.fixture
def scene(addon, tmp_path, monkeypatch):
    """Two people of a take being reviewed; the preview range is the frames 31 to 40; an empty temporary folder."""
    path = walking_take(2, 90, gaps=False).save(tmp_path / "walk.take.npz")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(solving, "runtime_folder", lambda: tmp_path / "runtime")
    assert bpy.ops.animepose.import_take(filepath=str(path)) == {"FINISHED"}
    assert bpy.ops.animepose.review_take() == {"FINISHED"}
    scene = bpy.context.scene
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 31, 40
    bpy.ops.ed.undo_push(message="ready")
    return scene


def review():
    return bpy.context.scene.animepose_review


def edited():
    return session.reviewed(bpy.context.scene).take


def follow():
    end = time.monotonic() + 120
    while solving.solving is not None and time.monotonic() < end:
        solving.advance()
        time.sleep(0.01)
    assert solving.solving is None


def left_behind(tmp_path):
    return sorted(path.name for path in (tmp_path / "temporary").iterdir())


def test_a_wrong_span_is_solved_again_saved_and_undone_in_one_step(scene, tmp_path):
    path = Path(review().take)
    before = Take.load(path)
    assert bpy.ops.animepose.solve_again(wrong=True) == {"FINISHED"}
    assert not bpy.ops.animepose.solve_again.poll()
    follow()
    assert solving.problem == "" and '"solved"' in review().edits
    after = edited()
    assert (after.state[0, 30:40] == State.PREDICTED).all() and np.isnan(after.keypoints_px[0, 30:40]).all()
    assert (after.state[0, :30] == State.OBSERVED).all()
    np.testing.assert_array_equal(after.joints_world_m[1], before.joints_world_m[1])
    assert left_behind(tmp_path) == []

    edits = review().edits
    bpy.ops.ed.undo()
    assert review().edits == "[]"
    np.testing.assert_array_equal(edited().joints_world_m, before.joints_world_m)
    bpy.ops.ed.redo()
    assert review().edits == edits

    assert bpy.ops.animepose.save_edits() == {"FINISHED"}
    np.testing.assert_array_equal(load_edited(path).joints_world_m, after.joints_world_m)
    np.testing.assert_array_equal(Take.load(path).joints_world_m, before.joints_world_m)
    assert bpy.ops.animepose.drop_edit() == {"FINISHED"} and review().edits == "[]"


def test_without_a_preview_range_the_whole_person_is_solved(scene):
    scene.use_preview_range = False
    assert bpy.ops.animepose.solve_again() == {"FINISHED"}
    follow()
    (edit,) = session.edits_in(bpy.context.scene)
    times_s = edited().frame_time_s
    assert (edit.person, edit.start_s, edit.end_s) == (1, times_s[0], times_s[-1])


def test_feet_are_let_go_where_the_user_wishes_it(scene):
    review().solve_foot_lock = "never"
    assert bpy.ops.animepose.solve_again(foot_lock=review().solve_foot_lock, smoothness=0.1) == {"FINISHED"}
    follow()
    assert solving.problem == ""
    before = Take.load(review().take)
    assert (before.contact[0, 30:40] > 0.5).any() and (edited().contact[0, 30:40] < 0.3).all()
    np.testing.assert_array_equal(edited().contact[0, 40:], before.contact[0, 40:])


def test_a_cancelled_one_changes_nothing_and_leaves_nothing(scene, tmp_path):
    bpy.ops.animepose.solve_again()
    assert bpy.ops.animepose.cancel_solving() == {"FINISHED"}
    assert not bpy.ops.animepose.cancel_solving.poll()
    follow()
    assert review().edits == "[]" and solving.problem == "" and left_behind(tmp_path) == []
    assert not Path(review().take).with_suffix(".solved").exists()


def test_a_track_that_was_changed_meanwhile_is_not_overwritten(scene, tmp_path):
    bpy.ops.animepose.solve_again()
    assert bpy.ops.animepose.mark_wrong() == {"FINISHED"}
    edits = review().edits
    follow()
    assert review().edits == edits and "changed while" in solving.problem and left_behind(tmp_path) == []


def test_another_file_ends_it(scene, tmp_path):
    bpy.ops.animepose.solve_again()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert solving.solving is None and left_behind(tmp_path) == []


def test_without_an_environment_it_is_not_offered(scene, monkeypatch):
    monkeypatch.setattr(addon_state, "_status", Status(Environment.MISSING, ""))
    assert not bpy.ops.animepose.solve_again.poll()


def test_a_take_whose_solved_frames_are_missing_can_still_be_mended(scene, tmp_path):
    bpy.ops.animepose.solve_again(wrong=True)
    follow()
    bpy.ops.animepose.save_edits()
    (file,) = (tmp_path / "walk.take.solved").iterdir()
    file.unlink()
    assert bpy.ops.animepose.review_take() == {"FINISHED"}
    assert file.name in review().problem
    assert bpy.ops.animepose.drop_edit() == {"FINISHED"}
    assert review().problem == "" and len(review().people) == 2
