"""Import from Video: the job in the background, its outcome in the scene, and everything that can go wrong with it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import bpy
import pytest

from animepose_blender.errors import AnimePoseError
from animepose_blender.host import addon_state, jobs
from animepose_blender.host.environment import State, Status
from animepose_blender.host.jobs import Phase
from animepose_blender.protocol import DEVICES, FLOORS, FOOT_LOCKS, PRESETS, STAGES, JobRequest

LONG_S = 60.0


def _objects() -> set[str]:
    return {o.name for o in bpy.data.objects}


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_operator_estimates_and_imports(settings, follow):
    assert bpy.ops.animepose.import_video() == {"FINISHED"}
    assert jobs.job.active
    follow()
    assert jobs.job.phase is Phase.DONE, jobs.job
    assert {"Person 1", "Person 1 mannequin"} <= _objects()
    assert bpy.context.scene.frame_end == 60 and bpy.context.scene.camera is not None
    assert Path(jobs.job.take).parent == Path(settings.take_folder)


def test_the_import_is_one_undo_step(start, follow):
    bpy.ops.ed.undo_push(message="before")
    start(people=2)
    follow()
    made = _objects()
    assert {"Person 1", "Person 2"} <= made
    bpy.ops.ed.undo()
    assert not _objects() and not bpy.data.actions and not bpy.data.cameras
    assert bpy.context.scene.frame_end == 250
    bpy.ops.ed.redo()
    assert _objects() == made


def test_what_is_ticked_off_is_not_made(settings, start, follow):
    settings.make_camera = settings.make_mannequins = settings.set_frame_range = settings.set_frame_rate = False
    settings.make_floor = False
    start()
    follow()
    assert bpy.context.scene.camera is None and "Person 1 mannequin" not in _objects()
    assert not any("floor" in name for name in _objects())
    assert (bpy.context.scene.render.fps, bpy.context.scene.frame_end) == (24, 250)


def test_only_one_job_runs_at_a_time(start, follow):
    start(seconds_per_stage=LONG_S)
    with pytest.raises(RuntimeError, match="imported already"):
        bpy.ops.animepose.import_video()
    with pytest.raises(AnimePoseError, match="imported already"):
        start()
    bpy.ops.animepose.cancel_job()
    follow()


@pytest.mark.parametrize("stage", STAGES)
def test_cancel_at_each_stage_changes_nothing(start, follow, stage, tmp_path):
    start(seconds_per_stage=0.2)
    follow(lambda: jobs.job.phase is Phase.RUNNING and jobs.job.stage == stage)
    assert bpy.ops.animepose.cancel_job() == {"FINISHED"}
    follow()
    assert jobs.job.phase is Phase.STOPPED and "Nothing was changed" in jobs.job.headline
    assert not _objects() and not list(tmp_path.glob("takes/*"))


def test_a_killed_worker_leaves_blender_unharmed_and_says_what_happened(start, follow):
    start(seconds_per_stage=LONG_S)
    follow(lambda: jobs.job.phase is Phase.RUNNING)
    os.kill(jobs._client.pid, signal.SIGKILL)
    follow()
    assert jobs.job.phase is Phase.FAILED and "signal 9" in jobs.job.headline and jobs.job.remedy
    assert not _objects()
    start()
    follow()
    assert jobs.job.phase is Phase.DONE


def test_a_failure_shows_message_and_remedy(start, follow):
    start(fail_at="place", warn="A warning.")
    follow()
    assert (jobs.job.phase, jobs.job.warnings) == (Phase.FAILED, ["A warning."])
    assert jobs.job.headline and jobs.job.remedy
    bpy.ops.animepose.dismiss_message()
    assert jobs.job.phase is Phase.IDLE


def test_a_take_that_cannot_be_imported_is_kept_and_named(start, follow, monkeypatch):
    def fail(*_: object) -> None:
        raise AnimePoseError("Nobody is there.", "Film somebody.")

    monkeypatch.setattr("animepose_blender.host.operators.import_take", fail)
    start()
    follow()
    assert jobs.job.phase is Phase.FAILED and "Nobody is there." in jobs.job.headline
    assert jobs.job.take in jobs.job.remedy and Path(jobs.job.take).exists()


def test_a_bug_in_the_import_is_one_line_and_leaves_the_panel_usable(start, follow, monkeypatch):
    monkeypatch.setattr("animepose_blender.host.operators.import_take", lambda *_: 1 / 0)
    start()
    follow()
    assert jobs.job.phase is Phase.FAILED
    assert jobs.job.headline == "The take could not be imported: ZeroDivisionError: division by zero"


def test_a_bug_in_following_the_job_ends_it_with_a_message(start, monkeypatch):
    start(seconds_per_stage=LONG_S)
    pid = jobs._client.pid
    monkeypatch.setattr(jobs, "_take_in", lambda message: 1 / 0)
    while jobs.job.active:
        jobs._tick()
    assert jobs.job.phase is Phase.FAILED and "ZeroDivisionError" in jobs.job.headline
    assert not _is_running(pid)


def test_the_import_waits_while_a_mesh_is_edited(start, follow, monkeypatch):
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    start()
    follow(lambda: jobs.job.phase is Phase.READY and jobs._client is None)
    jobs.advance()
    assert jobs.job.phase is Phase.READY and "Person 1" not in _objects()
    bpy.ops.object.mode_set(mode="OBJECT")
    jobs.advance()
    assert jobs.job.phase is Phase.DONE and "Person 1" in _objects()


def test_the_take_goes_into_the_scene_the_job_was_started_from_once_that_is_shown(start, follow):
    first, window = bpy.context.scene, bpy.context.window_manager.windows[0]
    start()
    window.scene = bpy.data.scenes.new("Another")
    follow(lambda: jobs.job.phase is Phase.READY and jobs._client is None)
    jobs.advance()
    assert jobs.job.phase is Phase.READY and "Person 1" not in _objects()
    window.scene = first
    follow()
    assert "Person 1" in first.objects and jobs.job.phase is Phase.DONE


def test_a_scene_that_is_gone_is_said(start, follow):
    bpy.data.scenes.new("Another")
    start()
    bpy.data.scenes.remove(bpy.context.scene)
    follow()
    assert jobs.job.phase is Phase.FAILED and "is gone" in jobs.job.headline and "Import Take" in jobs.job.remedy


def test_the_scene_may_be_renamed_and_steps_undone_while_the_job_goes_on(start, follow):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="cube")
    start()
    bpy.ops.ed.undo()
    bpy.context.scene.name = "Shot 7"
    follow()
    assert jobs.job.phase is Phase.DONE and "Person 1" in bpy.data.scenes["Shot 7"].objects


def test_what_was_imported_is_not_told_in_another_file(start, follow):
    start(frames=3)
    follow()
    assert jobs.job.phase is Phase.DONE
    bpy.ops.wm.read_homefile(use_empty=True)
    assert jobs.job.phase is Phase.IDLE


def test_loading_another_file_stops_the_job(start, follow):
    start(seconds_per_stage=LONG_S)
    follow(lambda: jobs.job.phase is Phase.RUNNING)
    pid = jobs._client.pid
    bpy.ops.wm.read_homefile(use_empty=True)
    follow()
    assert jobs.job.phase is Phase.STOPPED and "another file" in jobs.job.headline
    assert not _is_running(pid) and not _objects()


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        (lambda: bpy.ops.animepose.cancel_job(), "before the import"),
        (lambda: bpy.ops.wm.read_homefile(use_empty=True), "another file"),
    ],
)
def test_a_take_that_was_done_when_the_job_was_stopped_is_named_and_not_imported(start, follow, stop, said):
    start()
    take = Path(jobs._client.job.take)
    while jobs._client._process.poll() is None:  # it ends, and Blender has not looked yet
        time.sleep(0.01)
    stop()
    follow()
    assert jobs.job.phase is Phase.STOPPED and said in jobs.job.headline and str(take) in jobs.job.remedy
    assert take.exists() and not _objects()


def test_disabling_the_addon_ends_the_worker(start, follow):
    import animepose_blender

    start(hang_at="detect")
    follow(lambda: jobs.job.phase is Phase.RUNNING)
    pid = jobs._client.pid
    animepose_blender.unregister()
    assert not _is_running(pid)
    animepose_blender.register()
    assert jobs.job.phase is Phase.IDLE


def test_without_an_environment_the_operator_says_where_to_make_one(settings, monkeypatch):
    monkeypatch.setattr(addon_state, "refresh_status", lambda: Status(State.MISSING))
    monkeypatch.setattr(addon_state, "status", lambda: Status(State.MISSING))
    with pytest.raises(RuntimeError, match="environment is not ready; see the add-on's preferences"):
        bpy.ops.animepose.import_video()
    with pytest.raises(AnimePoseError, match="Create or repair it"):
        addon_state.worker_python()


def test_a_missing_clip_is_refused_before_anything_starts(settings):
    settings.preset, settings.clip = "offline", "/no/such/clip.mp4"
    with pytest.raises(RuntimeError, match="There is no file /no/such/clip"):
        bpy.ops.animepose.import_video()
    settings.clip = ""
    with pytest.raises(RuntimeError, match="Choose a clip"):
        bpy.ops.animepose.import_video()
    assert jobs.job.phase is Phase.IDLE


@pytest.mark.parametrize("name", ["clip", "take_folder"])
def test_a_path_relative_to_an_unsaved_file_is_refused(settings, name):
    setattr(settings, name, "//here")
    with pytest.raises(RuntimeError, match=r"//here is relative to the .* which is not saved"):
        bpy.ops.animepose.import_video()
    assert jobs.job.phase is Phase.IDLE


def test_paths_relative_to_a_saved_file_are_those_of_its_folder(settings, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    settings.clip, settings.take_folder = "//clips/../walk.mp4", "//takes"
    job = settings.job_request()
    assert (job.clip, job.take) == (str(tmp_path / "walk.mp4"), str(tmp_path / "takes" / "walk.take.npz"))


def test_a_folder_for_takes_is_never_taken_as_relative_to_the_workers(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings.take_folder = "here"
    assert settings.job_request().take == str(tmp_path / "here" / "walk.take.npz")


def test_a_linked_scene_is_refused_with_a_remedy(start, follow, tmp_path):
    start(frames=3)
    follow()
    take = jobs.job.take
    library = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(library), link=True) as (there, here):
        here.scenes = there.scenes
    bpy.context.window.scene = next(scene for scene in bpy.data.scenes if scene.library)
    with pytest.raises(RuntimeError, match=r"is linked from .* Make it local"):
        bpy.ops.animepose.import_take(filepath=take)
    with pytest.raises(RuntimeError, match="linked from another file"):
        bpy.ops.animepose.import_video()


def test_a_folder_that_cannot_be_written_to_is_said(settings, follow):
    settings.take_folder = "/proc/animepose"
    bpy.ops.animepose.import_video()
    follow()
    assert jobs.job.phase is Phase.FAILED and "/proc/animepose" in jobs.job.headline


def test_the_settings_become_the_job(settings, tmp_path):
    settings.whole_clip, settings.start_s, settings.end_s = False, 1.0, 2.5
    settings.max_people, settings.device, settings.focal_source, settings.focal_mm = 3, "cpu", "MM", 50.0
    job = settings.job_request()
    assert (job.start_s, job.end_s, job.max_people, job.device, job.focal_mm) == (1.0, 2.5, 3, "cpu", 50.0)
    settings.whole_clip, settings.focal_source = True, "AUTO"
    job = settings.job_request()
    assert (job.start_s, job.end_s, job.focal_mm) == (None, None, None)


def test_a_height_counts_only_if_it_is_known_and_is_metres_whatever_the_scenes_units_are(settings):
    settings.height, settings.height_of = 1.12, 3
    job = settings.job_request()
    assert (job.height_m, job.height_of, job.camera) == (None, 1, "auto")
    settings.size_source, settings.camera_motion = "HEIGHT", "still"
    job = settings.job_request()
    assert (job.height_m, job.height_of, job.camera) == (1.12, 3, "still")
    bpy.context.scene.unit_settings.scale_length = 0.01
    settings.height = 185.0
    assert settings.job_request().height_m == 1.85


def test_a_height_that_nobody_has_is_refused_before_anything_starts(settings):
    settings.size_source, settings.height = "HEIGHT", 17.0
    with pytest.raises(RuntimeError, match=r"the height is 17\.0 m"):
        bpy.ops.animepose.import_video()
    assert jobs.job.phase is Phase.IDLE


def test_motion_is_made_as_the_settings_say_in_seconds_and_metres_whatever_the_scenes_units_are(settings):
    plain = JobRequest("a.mp4", "a.npz")
    job = settings.job_request()
    for name in ("smoothness_s", "foot_lock", "floor", "hold_still_m", "hands"):
        assert getattr(job, name) == getattr(plain, name)
    settings.smoothness, settings.foot_lock, settings.floor, settings.hands = 0.2, "always", "none", False
    bpy.context.scene.unit_settings.scale_length = 0.01
    settings.hold_still = 3.0
    job = settings.job_request()
    assert (job.smoothness_s, job.hold_still_m) == (0.2, 0.03)
    assert (job.foot_lock, job.floor, job.hands) == ("always", "none", False)


def test_every_preset_device_foot_lock_and_floor_of_the_job_can_be_chosen(settings):
    properties = settings.bl_rna.properties
    assert tuple(properties["preset"].enum_items.keys()) == PRESETS
    assert tuple(properties["device"].enum_items.keys()) == DEVICES
    assert tuple(properties["foot_lock"].enum_items.keys()) == FOOT_LOCKS
    assert tuple(properties["floor"].enum_items.keys()) == FLOORS


def test_grounding_without_a_floor_is_refused_before_anything_starts(settings):
    settings.foot_lock, settings.floor = "grounding", "none"
    with pytest.raises(RuntimeError, match="grounding needs a floor"):
        bpy.ops.animepose.import_video()
    assert jobs.job.phase is Phase.IDLE


def test_a_range_that_ends_before_it_starts_is_refused(settings):
    settings.whole_clip, settings.start_s, settings.end_s = False, 3.0, 2.0
    with pytest.raises(RuntimeError, match="end after its start"):
        bpy.ops.animepose.import_video()


def test_takes_are_never_overwritten(start, follow, settings):
    paths = []
    for _ in range(2):
        start(frames=3)
        follow()
        paths.append(Path(jobs.job.take))
    assert [p.name for p in paths] == ["walk.take.npz", "walk.take.002.npz"] and all(p.exists() for p in paths)


def test_a_take_can_be_imported_again_without_estimating(start, follow):
    start(frames=5)
    follow()
    take = jobs.job.take
    bpy.ops.wm.read_homefile(use_empty=True)
    assert bpy.ops.animepose.import_take(filepath=take, make_camera=False) == {"FINISHED"}
    assert "Person 1" in _objects() and bpy.context.scene.camera is None


def test_a_file_that_is_no_take_is_refused(tmp_path):
    path = tmp_path / "text.npz"
    path.write_text("not a take")
    with pytest.raises(RuntimeError, match="not a take"):
        bpy.ops.animepose.import_take(filepath=str(path))


def test_registering_twice_in_a_row_works():
    import animepose_blender

    for _ in range(2):
        animepose_blender.unregister()
        assert not hasattr(bpy.types.Scene, "animepose")
        animepose_blender.register()
    assert bpy.context.scene.animepose.max_people == 8


def test_every_import_option_has_a_property():
    from animepose_blender.host.import_take import ImportOptions
    from animepose_blender.host.key_options import Within
    from animepose_blender.host.properties import OPTION_NAMES

    settings = bpy.context.scene.animepose
    options = settings.import_options()
    assert ImportOptions(**options) == ImportOptions() and tuple(options) == (*OPTION_NAMES, "reduce")
    settings.reduce_keys = True
    assert settings.import_options()["reduce"] == Within()
