"""The panel "Clean Up" and its operators: on the selection, with the scene's settings, one undo step each."""

from __future__ import annotations

from math import radians

import bpy
import numpy as np
import pytest

from addon_tests.host.cleanup_rigs import FRAMES, chain, co, everything_of, key, turns
from addon_tests.host.retarget_rigs import animate, evaluated_matrices, make_rig, person_bones
from animepose_blender.core import quaternions as quat
from animepose_blender.core.reshape.other_side import flip_name
from animepose_blender.core.retarget import easing
from animepose_blender.host import compat

EVERY_FRAME = np.arange(1, FRAMES + 1)
TOOLS = ("smooth_motion", "remove_pops", "fill_gaps", "fix_rotations", "hold_still")


def _settings() -> bpy.types.PropertyGroup:
    return bpy.context.scene.animepose_cleanup


def _run(tool: str, **choices: object) -> set[str]:
    """Press the button."""
    return getattr(bpy.ops.animepose, tool)("EXEC_DEFAULT", True, **choices)


@pytest.fixture
def rig(rng) -> bpy.types.Object:
    """Two trembling bones, one of which leaps once."""
    rig = chain("QUATERNION", "XYZ")
    smooth = turns(step_rad=0.02)
    tremble = easing.from_vector(rng.normal(size=(FRAMES, 3)) * 0.01)
    rotations = quat.multiply(smooth, tremble)
    rotations[20] = quat.multiply(rotations[20], easing.from_vector(np.array([0.0, 1.2, 0.0])))
    key(rig.pose.bones["a"], "rotation_quaternion", EVERY_FRAME, rotations)
    places = np.linspace(0, 1, FRAMES)[:, None] + rng.normal(size=(FRAMES, 3)) * 0.003
    key(rig.pose.bones["b"], "location", EVERY_FRAME, places)
    return rig


def _roughness(rig: bpy.types.Object) -> np.ndarray:
    """(C,) how much each curve bends from frame to frame."""
    return np.array([np.abs(np.diff(co(curve)[:, 1], 2)).mean() for curve in compat.curves_of(rig)])


@pytest.mark.parametrize("method", ["HALF_LIFE", "BUTTERWORTH", "ONE_EURO", "SAVITZKY_GOLAY"])
def test_every_method_smooths(rig, method):
    before = _roughness(rig)
    _settings().method = method
    assert _run("smooth_motion") == {"FINISHED"}
    assert (_roughness(rig) < 0.7 * before).all()
    assert len(co(compat.curves_of(rig)[0])) == FRAMES


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_is_one_undo_step(rig, tool):
    for curve in compat.curves_of(rig):
        curve.keyframe_points.remove(curve.keyframe_points[12])
        if "quaternion" in curve.data_path:
            curve.keyframe_points[30].co[1] *= -1
    _settings().still_angle, _settings().still_length = radians(20), 0.2
    name, before = rig.name, everything_of(rig)
    bpy.ops.ed.undo_push(message="before")
    assert _run(tool) == {"FINISHED"}
    after = everything_of(rig)
    assert after != before
    bpy.ops.ed.undo()
    assert everything_of(bpy.data.objects[name]) == before
    bpy.ops.ed.redo()
    assert everything_of(bpy.data.objects[name]) == after


def test_pops_go_and_the_rest_stays(rig):
    before = {(c.data_path, c.array_index): co(c)[:, 1] for c in compat.curves_of(rig)}
    _run("remove_pops")
    for curve in compat.curves_of(rig):
        changed = np.flatnonzero(np.abs(co(curve)[:, 1] - before[curve.data_path, curve.array_index]) > 1e-6)
        assert changed.tolist() == ([20] if "quaternion" in curve.data_path else [])


def test_gaps_are_filled_with_marked_keys(rig):
    for curve in compat.curves_of(rig):
        for _ in range(6):
            curve.keyframe_points.remove(curve.keyframe_points[10])
    _settings().gap_longest = 0.2
    _run("fill_gaps")
    assert {len(curve.keyframe_points) for curve in compat.curves_of(rig)} == {FRAMES - 6}
    _settings().gap_longest = 0.5
    _run("fill_gaps")
    for curve in compat.curves_of(rig):
        assert [round(p.co[0]) for p in curve.keyframe_points if p.type == "JITTER"] == list(range(11, 17))


def test_an_operator_begins_with_the_scenes_settings_and_can_be_told_others(rig):
    _settings().half_life, _settings().frames = 0.001, "SCENE"
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 100, 120
    with pytest.raises(RuntimeError, match="scene's range"):
        _run("smooth_motion")
    before = _roughness(rig)
    _run("smooth_motion", frames="ACTION")
    assert (_roughness(rig) > 0.9 * before).all()
    _run("smooth_motion", frames="ACTION", half_life=0.2)
    assert (_roughness(rig) < 0.3 * before).all()


def test_the_old_action_may_be_kept(rig):
    old, before = rig.animation_data.action, everything_of(rig)
    _settings().result = "NEW"
    _run("smooth_motion")
    new = rig.animation_data.action
    assert new != old and new.name == f"{old.name} clean" and old.use_fake_user and everything_of(rig) != before
    compat.swap_action(rig.animation_data, old)
    assert everything_of(rig) == before


def test_a_failure_with_a_new_action_leaves_nothing_behind(rig):
    old = rig.animation_data.action
    for curve in compat.curves_of(rig):
        curve.lock = True
    _settings().result = "NEW"
    with pytest.raises(RuntimeError, match="7 locked curves were left as they are"):
        _run("smooth_motion")
    assert rig.animation_data.action == old and list(bpy.data.actions) == [old] and not old.use_fake_user


def test_the_selected_bones_are_cleaned(rig):
    bpy.ops.object.mode_set(mode="POSE")
    for posed in rig.pose.bones:
        (posed if hasattr(posed, "select") else posed.bone).select = posed.name == "b"
    before = _roughness(rig)
    _run("smooth_motion")
    changed = {c.data_path for c, old, new in zip(compat.curves_of(rig), before, _roughness(rig)) if old != new}
    assert changed == {'pose.bones["b"].location'}


def test_what_cannot_be_done_is_said(rig):
    _settings().rotations = _settings().locations = False
    with pytest.raises(RuntimeError, match="Neither rotations"):
        _run("smooth_motion")
    for curve in compat.curves_of(rig):
        while len(curve.keyframe_points) > 1:
            curve.keyframe_points.remove(curve.keyframe_points[1])
    _settings().rotations = _settings().locations = True
    with pytest.raises(RuntimeError, match="no channel with two keys"):
        _run("smooth_motion")
    home = rig.animation_data.action
    home = home.layers[0].strips[0].channelbag(home.slots[0]) if compat.has_slots() else home
    while len(home.fcurves):
        home.fcurves.remove(home.fcurves[0])
    with pytest.raises(RuntimeError, match="moves nothing"):
        _run("smooth_motion")
    rig.animation_data.action = None
    with pytest.raises(RuntimeError, match="has no action"):
        _run("smooth_motion")
    rig.select_set(False)
    bpy.context.view_layer.objects.active = None
    with pytest.raises(RuntimeError, match="Select an armature"):
        _run("smooth_motion")


def test_a_linked_action_becomes_a_new_one(rig, tmp_path):
    library, name = str(tmp_path / "library.blend"), rig.animation_data.action.name
    bpy.data.libraries.write(library, {rig.animation_data.action})
    with bpy.data.libraries.load(library, link=True) as (_, here):
        here.actions = [name]
    (linked,) = here.actions
    compat.swap_action(rig.animation_data, linked)
    with pytest.raises(RuntimeError, match="linked from another file"):
        _run("smooth_motion")
    _settings().result = "NEW"
    _run("smooth_motion")
    assert rig.animation_data.action.library is None and len(compat.curves_of(rig)) == 7


def test_two_armatures_with_one_action_are_cleaned_once(rig):
    other = bpy.data.objects.new("Other", rig.data)
    bpy.context.scene.collection.objects.link(other)
    other.animation_data_create()
    other.animation_data.action = rig.animation_data.action
    if compat.has_slots():
        other.animation_data.action_slot = rig.animation_data.action_slot
    for one in (rig, other):
        one.select_set(True)
    for curve in compat.curves_of(rig):
        curve.keyframe_points.remove(curve.keyframe_points[12])
    _run("fill_gaps")
    assert {len(curve.keyframe_points) for curve in compat.curves_of(rig)} == {FRAMES}


def test_settings_outlive_saving(tmp_path):
    _settings().method, _settings().cutoff, _settings().tool = "BUTTERWORTH", 3.0, "STILL"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
    assert (_settings().method, _settings().cutoff, _settings().tool) == ("BUTTERWORTH", 3.0, "STILL")


# Fewer keys, and the mirror


def _person() -> bpy.types.Object:
    rig = make_rig("Person", person_bones())
    for number, bone in enumerate(rig.pose.bones):
        bone.rotation_mode = ("QUATERNION", "XYZ", "YZX", "AXIS_ANGLE")[number % 4]
    return rig


def _shown(rig: bpy.types.Object, frames: range) -> dict[str, np.ndarray]:
    """Bone → (F, 4, 4) where it is in the world."""
    shown = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        shown.append(evaluated_matrices(rig))
    return {name: np.array([one[name] for one in shown]) for name in shown[0]}


def test_fewer_keys_stay_within_what_was_allowed():
    rig = _person()
    animate(rig)
    before, count = _shown(rig, range(1, 25)), sum(len(c.keyframe_points) for c in compat.curves_of(rig))
    _settings().within_mm, _settings().within_angle = 5.0, radians(2)
    _run("reduce_keys")
    after = _shown(rig, range(1, 25))
    worst_m = max(np.linalg.norm(after[name][:, :3, 3] - before[name][:, :3, 3], axis=-1).max() for name in before)
    assert 0 < worst_m <= 0.0051
    assert sum(len(c.keyframe_points) for c in compat.curves_of(rig)) < count / 2


def test_a_reduced_range_leaves_keys_outside_alone():
    rig = _person()
    animate(rig)
    outside = {(c.data_path, c.array_index): co(c)[[*range(7), *range(18, 24)]] for c in compat.curves_of(rig)}
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 8, 18
    _run("reduce_keys", frames="SCENE")
    for curve in compat.curves_of(rig):
        keys = co(curve)
        kept = keys[(keys[:, 0] < 8) | (keys[:, 0] > 18)]
        assert np.array_equal(kept, outside[curve.data_path, curve.array_index])


def test_in_the_mirror_left_is_right():
    rig = _person()
    animate(rig)
    before = _shown(rig, range(1, 25, 3))
    _run("mirror_motion")
    after = _shown(rig, range(1, 25, 3))
    for name in before:
        other = flip_name(name)
        assert np.abs(after[other][:, :3, 3] - before[name][:, :3, 3] * [-1, 1, 1]).max() < 1e-3, name
    _run("mirror_motion")
    again = _shown(rig, range(1, 25, 3))
    assert max(np.abs(again[name][:, :3, 3] - before[name][:, :3, 3]).max() for name in before) < 1e-3


def test_what_one_side_alone_has_keys_for_changes_places():
    rig = _person()
    key(rig.pose.bones["hand.L"], "location", [1, 5, 11], np.outer([0.1, 0.2, 0.3], [1, 0, 0]))
    before = _shown(rig, range(1, 12, 5))
    _run("mirror_motion")
    after = _shown(rig, range(1, 12, 5))
    assert np.abs(after["hand.R"][:, :3, 3] - before["hand.L"][:, :3, 3] * [-1, 1, 1]).max() < 1e-4
    assert np.abs(after["hand.L"][:, :3, 3] - before["hand.R"][:, :3, 3] * [-1, 1, 1]).max() < 1e-4
    moved = [c for c in compat.curves_of(rig) if "hand.R" in c.data_path and len(c.keyframe_points) == 3]
    assert moved and co(moved[0])[:, 0].tolist() == [1, 5, 11] and moved[0].group.name == "hand.R"


def test_a_locked_side_is_not_mirrored():
    rig = _person()
    animate(rig)
    next(c for c in compat.curves_of(rig) if "hand.L" in c.data_path).lock = True
    before = everything_of(rig)
    with pytest.raises(RuntimeError, match="is locked"):
        _run("mirror_motion")
    assert everything_of(rig) == before


# Loops


def _walker() -> bpy.types.Object:
    """Four cycles of 20 frames forwards along Y, whose end differs a little from the beginning."""
    rig = _person()
    frames = np.arange(1, 82)
    phase = 2 * np.pi * frames / 20
    drift = 1 + 0.002 * frames
    for side, sign in (("L", 1), ("R", -1)):
        for name, size in (("thigh", 0.5), ("upper_arm", -0.4), ("shin", 0.3)):
            bone = rig.pose.bones[f"{name}.{side}"]
            bone.rotation_mode = "XYZ"
            angles = np.outer(sign * size * drift * np.sin(phase), [1, 0, 0])
            key(bone, "rotation_euler", frames, angles)
    pelvis = rig.pose.bones["pelvis"]
    key(pelvis, "location", frames, np.stack([0 * phase, 0.02 * np.cos(2 * phase), -0.05 * frames], axis=1))
    return rig


def test_a_loop_is_a_new_action_whose_end_is_its_beginning():
    rig = _walker()
    old, before = rig.animation_data.action, everything_of(rig)
    _run("make_loop", in_place=True)
    new = rig.animation_data.action
    assert new != old and old.use_fake_user and new.use_cyclic and new.frame_start == 1
    assert abs(new.frame_end - 21) <= 1
    for curve in compat.curves_of(rig):
        values = co(curve)[:, 1]
        assert abs(values[0] - values[-1]) < 1e-3
        if len(values) == 1:
            continue
        steps = np.diff(np.concatenate([values[-4:], values[1:4]]))
        assert np.abs(np.diff(steps)).max() < 0.1
    compat.swap_action(rig.animation_data, old) if not compat.has_slots() else compat.assign_action(
        rig.animation_data, old
    )
    assert everything_of(rig) == before


def test_a_loop_on_its_way_gets_on_by_a_stride_each_cycle():
    rig = _walker()
    _run("make_loop")
    shown = _shown(rig, range(1, int(rig.animation_data.action.frame_end) + 1))["pelvis"][:, :3, 3]
    assert abs(np.linalg.norm(shown[-1, :2] - shown[0, :2]) - 0.05 * (len(shown) - 1)) < 0.02
    assert abs(shown[-1, 2] - shown[0, 2]) < 1e-3


def test_what_is_no_figure_is_not_looped():
    rig = _walker()
    count = len(bpy.data.actions)
    with pytest.raises(RuntimeError, match="less than the shortest cycle"):
        _run("make_loop", cycle_shortest=9.0)
    key(rig.pose.bones["hand.L"], "location", [1, 9], np.array([[0.0, 0, 0], [1, 0, 0]]))
    with pytest.raises(RuntimeError, match="changes its place"):
        _run("make_loop")
    assert len(bpy.data.actions) == count
