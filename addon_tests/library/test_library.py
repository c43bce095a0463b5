"""AnimePose as a library, with Blender and without."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import animepose_blender as animepose
from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import Cancelled
from animepose_blender.host.worker_client import worker_environment

DUMMY = {"preset": "dummy", "settings": {"frames": 9}}


def test_a_clip_becomes_a_take_and_tells_how_far_it_is(tmp_path):
    told = []
    path = tmp_path / "walk.take.npz"
    take = animepose.estimate("walk.mp4", path, on_progress=lambda *now: told.append(now), **DUMMY)
    assert take.frame_count == 9
    assert {stage for stage, _ in told} >= {"open", "solve"} and all(0 <= part <= 1 for _, part in told)
    assert animepose.load_take(path).frame_count == 9


def test_a_take_need_not_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert animepose.estimate("walk.mp4", **DUMMY).person_count == 1
    assert list(tmp_path.iterdir()) == []


def test_progress_may_cancel(tmp_path):
    settings = {"preset": "dummy", "settings": {"seconds_per_stage": 60}}
    with pytest.raises(Cancelled):
        animepose.estimate("walk.mp4", tmp_path / "t.npz", on_progress=lambda *_: False, **settings)
    assert not (tmp_path / "t.npz").exists()


def test_what_is_wrong_is_told_before_anything_is_done(tmp_path):
    with pytest.raises(TypeError, match="smothness"):
        animepose.estimate("walk.mp4", smothness_s=0.1)
    with pytest.raises(animepose.AnimePoseError, match="no file"):
        animepose.estimate(tmp_path / "gone.mp4")


def test_it_answers_without_bpy_and_the_estimators_until_they_are_needed():
    blocked = "import sys; sys.modules.update(dict.fromkeys(('bpy','torch','cv2','scipy','mediapipe','av')))"
    code = f"{blocked}; import animepose_blender as a; a.load_take; a.estimate; import animepose_blender.estimate; "
    code += "print(callable(a.estimate))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=worker_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"


def test_a_take_is_measured_against_a_truth(tmp_path):
    from animepose_blender.estimate.metrics.truth import Truth

    take = walking_take(people=1, frames=20, gaps=False)
    names = np.array(__import__("animepose_blender.skeleton", fromlist=["JOINTS"]).JOINTS)
    np.savez(
        tmp_path / "truth.npz", frame_time_s=take.frame_time_s, intrinsics=take.intrinsics,
        camera_to_world=take.camera_to_world, person_id=take.person_id, joints_world_m=take.joints_world_m,
        joint_names=names,
    )  # fmt: skip
    assert Truth.load(tmp_path / "truth.npz")
    path = take.save(tmp_path / "t.npz")
    assert animepose.evaluate(take, tmp_path / "truth.npz") == animepose.evaluate(path, tmp_path / "truth.npz")
    assert animepose.evaluate(path, tmp_path / "truth.npz")["mpjpe_mm"] < 1


def test_people_are_imported_and_put_onto_a_rig(tmp_path):
    bpy = pytest.importorskip("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    take = walking_take(people=2, frames=12)
    made = animepose.import_take(take, show_plate=False)
    assert [rig.name for rig in made.armatures] == ["Person 1", "Person 2"]
    first, second = made.armatures
    second.animation_data_clear()
    assert animepose.retarget(take, second, person=1).action is second.animation_data.action
    assert animepose.retarget(first, second, name="Copied").action.name == "Copied"
    with pytest.raises(animepose.AnimePoseError, match="nobody is named"):
        animepose.retarget(take, second)
