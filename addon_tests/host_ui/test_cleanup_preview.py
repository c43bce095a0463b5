"""The preview of "Clean Up": what it shows is what the tool then does, and nothing in the file knows of it."""

from __future__ import annotations

from math import radians
from pathlib import Path

import bpy
import numpy as np
import pytest

import animepose_blender
from addon_tests.host.cleanup_rigs import FRAMES, chain, everything_of, key, turns
from addon_tests.host.footstep_rigs import person
from addon_tests.host.retarget_rigs import animate, editing, make_rig, person_bones
from animepose_blender.core import quaternions as quat
from animepose_blender.core.retarget import easing
from animepose_blender.host import compat
from animepose_blender.host.cleanup import preview, preview_drawing
from animepose_blender.host.cleanup.preview_paths import paths_of
from animepose_blender.host.cleanup.preview_tools import AFTERWARDS, NOTHING_TO_SEE

EVERY_FRAME = np.arange(1, FRAMES + 1)
OPERATORS = {
    "SMOOTH": "smooth_motion",
    "POPS": "remove_pops",
    "GAPS": "fill_gaps",
    "ROTATIONS": "fix_rotations",
    "STILL": "hold_still",
    "MIRROR": "mirror_motion",
    "REDUCE": "reduce_keys",
    "STEADY": "stabilise_root",
}
WITHIN_M = 1e-4


@pytest.fixture(autouse=True)
def addon_off_at_the_end(addon):
    yield
    preview.turn_off()


@pytest.fixture
def rig(rng) -> bpy.types.Object:
    """A chain that trembles, leaps and has a gap; one bone moves too."""
    return _trembling(rng, "QUATERNION", "XYZ", "AXIS_ANGLE", "ZYX")


def _trembling(rng: np.random.Generator, *modes: str, every: int = 1) -> bpy.types.Object:
    from animepose_blender.core.retarget import euler

    rig = chain(*modes)
    rig.location, rig.scale = (0.3, -0.2, 0.1), (0.5, 0.5, 0.5)
    frames = EVERY_FRAME[::every]
    for number, bone in enumerate(rig.pose.bones):
        tremble = easing.from_vector(rng.normal(size=(FRAMES, 3)) * 0.02)
        rotations = quat.multiply(turns(seed=number, step_rad=0.02), tremble)
        rotations[20] = quat.multiply(rotations[20], easing.from_vector(np.array([0.0, 1.2, 0.0])))
        path = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(
            bone.rotation_mode, "rotation_euler"
        )
        key(bone, path, frames, euler.to_channels(rotations, bone.rotation_mode)[::every])
    places = np.linspace(0, 1, FRAMES)[:, None] + rng.normal(size=(FRAMES, 3)) * 0.01
    key(rig.pose.bones["a"], "location", frames, places[::every])
    return rig


def _settings() -> bpy.types.PropertyGroup:
    return bpy.context.scene.animepose_cleanup


def _choices() -> bpy.types.PropertyGroup:
    return bpy.context.window_manager.animepose_cleanup_preview


def _preview(tool: str, **settings: object) -> preview.Preview:
    """The preview of a tool, as it is after the timer."""
    _settings().tool = tool
    for name, value in settings.items():
        setattr(_settings(), name, value)
    bpy.context.view_layer.update()
    if not _choices().on:
        _choices().on = True
    preview.bring_up_to_date(bpy.context)
    shown = preview.current()
    assert shown is not None
    return shown


def _evaluated(rig: bpy.types.Object, frames: np.ndarray) -> np.ndarray:
    """(F, N, 2, 3) where Blender has the bones' ends."""
    points = []
    for frame in frames:
        bpy.context.scene.frame_set(int(frame))
        one = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
        ends = [[one.matrix_world @ bone.head, one.matrix_world @ bone.tail] for bone in one.pose.bones]
        points.append(ends)
    return np.array(points)


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max())


def _press(tool: str) -> None:
    assert getattr(bpy.ops.animepose, OPERATORS[tool])("EXEC_DEFAULT", True) == {"FINISHED"}


def _check_is_what_the_tool_does(rig: bpy.types.Object, tool: str, least_m: float, **settings: object) -> None:
    (shown,) = _preview(tool, **settings).rigs
    name, before = rig.name, _evaluated(rig, shown.before.frames)
    assert shown.shown.any()
    assert _apart(shown.before.points, before) < WITHIN_M
    _press(tool)
    after = _evaluated(bpy.data.objects[name], shown.after.frames)
    assert _apart(shown.after.points, after) < WITHIN_M
    assert _apart(before, after) > least_m


TOOLS = {
    "SMOOTH": {"half_life": 0.1},
    "POPS": {},
    "GAPS": {},
    "STILL": {"still_angle": radians(10), "still_length": 0.1, "still_shortest": 0.1},
    "MIRROR": {},
}


@pytest.mark.parametrize("tool", TOOLS)
def test_after_is_what_the_tool_then_does(rig, tool):
    if tool == "GAPS":
        for curve in compat.curves_of(rig):
            for frame in range(25, 30):
                points = curve.keyframe_points
                points.remove(next(one for one in points if one.co[0] == frame))
            curve.keyframe_points[10].co[1] += 0.2
    if tool == "MIRROR":
        bpy.data.objects.remove(rig)
        rig = make_rig("Person", person_bones(30.0))
        animate(rig)
    _check_is_what_the_tool_does(rig, tool, 1e-4 if tool == "GAPS" else 0.01, **TOOLS[tool])


def test_across_the_middle_of_a_figure_and_with_steady_feet(rng):
    rig = person()
    bpy.context.view_layer.objects.active = rig
    for curve in compat.curves_of(rig):
        if curve.data_path == 'pose.bones["pelvis"].location':
            for point in curve.keyframe_points:
                point.co[1] += rng.normal() * 0.004
            curve.update()
    _check_is_what_the_tool_does(rig, "STEADY", 0.002)
    _check_is_what_the_tool_does(rig, "MIRROR", 0.01, plane="FIGURE")


@pytest.mark.parametrize("tool", ["SMOOTH", "STILL"])
@pytest.mark.parametrize("keys", ["KEYS", "FRAMES"])
def test_between_far_keys_it_is_still_what_the_tool_does(rng, tool, keys):
    rig = _trembling(rng, "QUATERNION", "XYZ", every=4)
    for point in compat.curves_of(rig)[0].keyframe_points:
        point.handle_left_type = point.handle_right_type = "FREE"
    _check_is_what_the_tool_does(rig, tool, 0.001, keys=keys, **TOOLS[tool])


def test_within_a_range_and_of_selected_bones(rig):
    bpy.context.view_layer.objects.active = rig
    rig.select_set(True)
    bpy.ops.object.mode_set(mode="POSE")
    compat.select_bones(rig)
    in_pose = "select" in bpy.types.PoseBone.bl_rna.properties
    for bone in rig.pose.bones if in_pose else rig.data.bones:
        bone.select = bone.name == "b"
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 10, 30
    (shown,) = _preview("SMOOTH", frames="SCENE", border=4).rigs
    assert shown.paths.tolist() == [1]
    changed = np.abs(shown.before.points - shown.after.points).max(axis=(2, 3))
    assert not changed[:9].any() and not changed[30:].any()
    assert not changed[:, 0].any() and changed[15, 1] > 1e-3
    _check_is_what_the_tool_does(rig, "SMOOTH", 1e-3)


def test_an_object_that_moves_itself(rig, rng):
    rig.rotation_mode = "QUATERNION"
    parent = bpy.data.objects.new("Cart", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.location, parent.rotation_euler = (1, 2, 3), (0.1, 0.2, 0.3)
    rig.parent = parent
    key(rig, "location", EVERY_FRAME, np.cumsum(rng.normal(size=(FRAMES, 3)), axis=0) * 0.02)
    key(rig, "rotation_quaternion", EVERY_FRAME, turns(seed=8))
    _check_is_what_the_tool_does(rig, "SMOOTH", 0.01, half_life=0.1)


def test_curves_with_modifiers_and_muted_ones(rig):
    curves = compat.curves_of(rig)
    curves[1].modifiers.new("NOISE").strength = 0.2
    curves[-1].mute = True
    _check_is_what_the_tool_does(rig, "SMOOTH", 0.005, half_life=0.1)


def test_two_armatures_at_once(rng):
    rigs = [_trembling(rng, "QUATERNION", "XYZ"), _trembling(rng, "XYZ", "XYZ")]
    for rig in rigs:
        rig.select_set(True)
    shown = _preview("SMOOTH", half_life=0.1).rigs
    assert [one.rig for one in shown] == [rig.name for rig in rigs]
    _press("SMOOTH")
    for one, rig in zip(shown, rigs, strict=True):
        assert _apart(one.after.points, _evaluated(rig, one.after.frames)) < WITHIN_M


def _state_of_file(rig: bpy.types.Object) -> list[object]:
    animation = rig.animation_data
    actions = [(one.name, one.users, one.use_fake_user) for one in bpy.data.actions]
    return [*everything_of(rig), actions, animation.action.name, len(bpy.data.objects), len(bpy.data.scenes)]


@pytest.mark.parametrize("every", [1, 3])
def test_nothing_in_the_file_changes(rng, every):
    rig = _trembling(rng, "QUATERNION", "XYZ", every=every)
    before = _state_of_file(rig)
    for tool in OPERATORS:
        _preview(tool)
    assert _state_of_file(rig) == before
    _choices().on = False
    assert _state_of_file(rig) == before


def test_once_off_nothing_is_left(rig):
    handlers = [bpy.app.handlers.depsgraph_update_post, bpy.app.handlers.undo_post, bpy.app.handlers.redo_post]
    before = [len(one) for one in handlers]
    assert not _choices().on
    _preview("SMOOTH")
    assert [len(one) for one in handlers] == [count + 1 for count in before]
    assert preview_drawing.is_drawing() and bpy.app.timers.is_registered(preview._look)
    _choices().on = False
    assert [len(one) for one in handlers] == before
    assert not preview_drawing.is_drawing() and not bpy.app.timers.is_registered(preview._look)
    assert preview.current() is None


def test_unregistering_while_it_is_on_leaves_nothing(rig):
    _preview("SMOOTH")
    animepose_blender.unregister()
    try:
        names = [one.__module__ for one in bpy.app.handlers.depsgraph_update_post]
        assert not [name for name in names if "preview" in name]
        assert not preview_drawing.is_drawing() and preview.current() is None
        assert not hasattr(bpy.types.WindowManager, "animepose_cleanup_preview")
    finally:
        animepose_blender.register()


def test_it_is_found_anew_only_if_something_has_changed(rig):
    first = _preview("SMOOTH")
    assert _preview("SMOOTH") is first
    second = _preview("SMOOTH", half_life=0.3)
    assert second is not first
    assert _apart(first.rigs[0].after.points, second.rigs[0].after.points) > 1e-3
    compat.curves_of(rig)[0].keyframe_points[5].co[1] += 0.1
    rig.animation_data.action.update_tag()
    third = _preview("SMOOTH")
    assert _apart(second.rigs[0].before.points, third.rigs[0].before.points) > 1e-3


def test_what_was_before_is_shown_after_the_button(rig):
    (planned,) = _preview("SMOOTH", half_life=0.2).rigs
    bpy.ops.ed.undo_push(message="before")
    _press("SMOOTH")
    (done,) = _preview("SMOOTH").rigs
    assert done.done and not planned.done
    assert _apart(done.before.points, planned.before.points) < 1e-6
    assert _apart(done.after.points, planned.after.points) < WITHIN_M
    _settings().half_life = 0.1
    (again,) = _preview("SMOOTH").rigs
    assert not again.done
    assert _apart(again.before.points, done.after.points) < 1e-6


def test_a_tool_without_a_plan_is_shown_once_it_was_used(rig):
    shown = _preview("REDUCE")
    assert not shown.rigs and shown.said == AFTERWARDS
    _press("REDUCE")
    (done,) = _preview("REDUCE").rigs
    assert done.done and 0 < _apart(done.before.points, done.after.points) < 0.05


def test_fixing_rotations_has_nothing_to_show(rig):
    shown = _preview("ROTATIONS")
    assert not shown.rigs and shown.said == NOTHING_TO_SEE["ROTATIONS"]


def test_undo_and_redo_while_it_is_on(rig):
    name = rig.name
    bpy.ops.ed.undo_push(message="before")
    (planned,) = _preview("SMOOTH", half_life=0.2).rigs
    bpy.ops.ed.undo_push(message="settings")
    _press("SMOOTH")
    assert _preview("SMOOTH").rigs[0].done
    bpy.ops.ed.undo()
    (undone,) = _preview("SMOOTH").rigs
    assert not undone.done
    assert _apart(undone.after.points, planned.after.points) < 1e-6
    bpy.ops.ed.redo()
    (redone,) = _preview("SMOOTH").rigs
    assert not redone.done
    assert _apart(redone.before.points, planned.after.points) < WITHIN_M
    assert bpy.data.objects.get(name) is not None


def test_what_is_shown_may_go(rig):
    assert _preview("SMOOTH").rigs
    bpy.data.actions.remove(rig.animation_data.action)
    shown = _preview("SMOOTH")
    assert not shown.rigs and shown.said
    bpy.data.objects.remove(rig)
    shown = _preview("SMOOTH")
    assert not shown.rigs and shown.said


def test_bones_may_go_after_the_button_was_pressed(rig):
    _preview("SMOOTH")
    _press("SMOOTH")
    assert _preview("SMOOTH").rigs[0].done
    with editing(rig):
        rig.data.edit_bones.remove(rig.data.edit_bones["d"])
    (shown,) = _preview("SMOOTH").rigs
    assert not shown.done and shown.before.points.shape == shown.after.points.shape == (FRAMES, 3, 2, 3)


def test_in_tweak_mode_it_runs_in_the_strip_s_time(rig):
    action = rig.animation_data.action
    track = rig.animation_data.nla_tracks.new()
    strip = track.strips.new("strip", 20, action)
    strip.scale = 2.0
    rig.animation_data.action = None
    track.select = strip.select = True
    bpy.context.view_layer.objects.active = rig
    rig.animation_data.use_tweak_mode = True
    (shown,) = _preview("SMOOTH").rigs
    frame = preview_drawing.own_frame(rig, 40.0)
    assert frame == 11.0
    assert _apart(shown.before.at(np.array([frame])), _evaluated(rig, np.array([40]))) < WITHIN_M


def test_an_action_without_end_is_not_looked_at(rig):
    compat.curves_of(rig)[0].keyframe_points.insert(1_000_000, 1.0)
    shown = _preview("SMOOTH")
    assert not shown.rigs and "too long" in shown.said


def test_another_file_ends_it(rig, tmp_path: Path):
    _preview("SMOOTH")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "on.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "on.blend"))
    assert not _choices().on and preview.current() is None and not preview_drawing.is_drawing()


def test_bad_input_is_said_and_not_raised(rig):
    shown = _preview("SMOOTH", rotations=False, locations=False)
    assert not shown.rigs and "Nothing is chosen" in shown.said
    _settings().rotations = True
    bpy.context.view_layer.update()
    for curve in compat.curves_of(rig):
        curve.lock = True
    shown = _preview("SMOOTH")
    assert not shown.rigs and "locked" in shown.said


def test_bones_that_constraints_move_are_left_out(rig):
    target = bpy.data.objects.new("Target", None)
    bpy.context.scene.collection.objects.link(target)
    target.location = (5, 0, 0)
    constraint = rig.pose.bones["c"].constraints.new("DAMPED_TRACK")
    constraint.target = target
    shown = _preview("SMOOTH")
    assert shown.rigs[0].shown.tolist() == [True, True, False, False]
    assert "2 bones" in shown.said
    constraint.mute = True
    rig.animation_data.action.update_tag()
    _settings().half_life = 0.09
    assert _preview("SMOOTH").rigs[0].shown.all()


def test_paths_are_those_of_the_selection_or_of_telling_bones():
    names = ["root", "hips", "head", "hand_ik.L", "hand_ik.R", "DEF-hand.L", "thumb.L", "foot.L", "foot.R"]
    parents, all_shown = np.array([-1, 0, 1, 1, 1, 3, 3, 1, 1]), np.ones(9, dtype=bool)
    assert paths_of(names, parents, [], all_shown).tolist() == [1, 2, 3, 4, 7, 8]
    assert paths_of(names, parents, ["thumb.L", "root"], all_shown).tolist() == [0, 6]
    some = all_shown.copy()
    some[[2, 7]] = False
    assert paths_of(names, parents, [], some).tolist() == [1, 3, 4, 8]
    assert paths_of(["a", "b", "c"], np.array([-1, 0, 0]), [], np.ones(3, dtype=bool)).tolist() == [1, 2]


def test_both_draws_the_ghost_that_the_armature_does_not_show(rig):
    (shown,) = _preview("SMOOTH").rigs
    sides = {show: preview_drawing.sides_of(shown, show) for show in ("BEFORE", "AFTER", "BOTH")}
    assert [len(one) for one in sides.values()] == [1, 1, 2]
    assert sides["BEFORE"][0].with_ghost and sides["AFTER"][0].with_ghost
    assert [side.with_ghost for side in sides["BOTH"]] == [False, True]
    after = sides["BOTH"][1]
    ghost, tints = preview_drawing.ghost_of(shown, after, 10.0)
    assert np.allclose(ghost, shown.after.points[9]) and np.allclose(tints, preview_drawing.AFTER)
    path, tints = preview_drawing.path_of(shown, after, 10.0, 5.0)
    assert shown.paths.tolist() == [3] and path.shape == (10, 2, 3) and tints.shape == (len(path), 4)
