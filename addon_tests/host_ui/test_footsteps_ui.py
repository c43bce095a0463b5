"""The panel "Footsteps" and its operators: on the active armature, one undo step each."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from addon_tests.host.footstep_rigs import curves, known, person, same, strays_mm
from addon_tests.retarget import rigs_in_blender
from addon_tests.rigs import catalogue
from animepose_blender.core.footsteps.spans import LEFT, RIGHT, Footstep
from animepose_blender.host import compat
from animepose_blender.host.footsteps import pins
from animepose_blender.host.footsteps.properties import footsteps_of

OPERATORS = ("add_footstep", "remove_footstep", "edit_footstep", "set_foot_lock", "forget_footsteps")


def _run(operator: str, **choices: object) -> set[str]:
    return getattr(bpy.ops.animepose, operator)("EXEC_DEFAULT", True, **choices)


@pytest.fixture
def rig() -> bpy.types.Object:
    """A person who walks, the active object."""
    return person()


@pytest.fixture
def found(rig) -> bpy.types.Object:
    """With footsteps."""
    assert _run("find_footsteps") == {"FINISHED"}
    return rig


def test_footsteps_are_added_at_the_current_frame_or_in_the_preview_range(found):
    scene, steps = bpy.context.scene, known(found)
    left = [step for step in steps if step.foot == LEFT]
    middle = (left[0].end + left[1].start) // 2
    scene.frame_set(middle)
    _run("add_footstep")
    (new,) = set(known(found)) - set(steps)
    assert new.foot == LEFT and new.start < middle < new.end and new.end - new.start == 8
    assert known(found)[footsteps_of(found).active] == new
    _run("remove_footstep")
    assert known(found) == steps
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, middle - 1, middle + 2
    _run("add_footstep", foot="LEFT")
    assert Footstep(middle - 1, middle + 2, LEFT) in known(found)
    _run("add_footstep", foot="RIGHT", start=1, end=70)
    assert [step for step in known(found) if step.foot == RIGHT] == [Footstep(1, 70, RIGHT)]


def test_a_footstep_is_dragged_and_the_foot_stands_in_it(found):
    index = [step.foot for step in known(found)].index(LEFT)
    step = known(found)[index]
    _run("edit_footstep", index=index, start=step.start, end=step.end + 6)
    after = known(found)
    assert Footstep(step.start, step.end + 6, LEFT) in after and len(after) == len(known(found))
    pins.forget()
    prepared = pins.prepare(bpy.context, found)
    inside = prepared.sole_m[step.end : step.end + 5, 0, 1]
    assert np.ptp(inside, axis=0).max() < 0.005


@pytest.mark.parametrize("operator", ["find_footsteps", *OPERATORS])
def test_every_operator_is_one_undo_step(rig, operator):
    choices = {"edit_footstep": {"index": 1, "start": 12, "end": 20}, "set_foot_lock": {"mode": "always"}}
    name = rig.name
    if operator != "find_footsteps":
        _run("find_footsteps")

    def told() -> tuple[object, ...]:
        rig = bpy.data.objects[name]
        kept = footsteps_of(rig)
        return (kept and (kept.mode, known(rig), kept.base.name), curves(rig))

    before = told()
    bpy.ops.ed.undo_push(message="before")
    assert _run(operator, **choices.get(operator, {})) == {"FINISHED"}
    after = told()
    assert after[0] != before[0]
    bpy.ops.ed.undo()
    assert told()[0] == before[0] and same(told()[1], before[1])
    bpy.ops.ed.redo()
    assert told()[0] == after[0] and same(told()[1], after[1])


def test_edits_after_an_undo_begin_from_what_is_there(found):
    name, steps, before = found.name, known(found), curves(found)
    bpy.ops.ed.undo_push(message="found")
    _run("set_foot_lock", mode="always")
    bpy.ops.ed.undo()
    rig = bpy.data.objects[name]
    bpy.context.view_layer.objects.active = rig
    _run("remove_footstep", index=0)
    _run("add_footstep", foot=("LEFT", "RIGHT")[steps[0].foot], start=steps[0].start, end=steps[0].end)
    assert known(rig) == steps
    for key, keys in curves(rig).items():
        assert np.abs(keys["co"] - before[key]["co"]).max() < 1e-5


def test_buttons_say_why_they_cannot_be_pressed(rig):
    assert not bpy.ops.animepose.add_footstep.poll()
    for operator in OPERATORS:
        with pytest.raises(RuntimeError, match="Use Find Footsteps first"):
            _run(operator)
    rig.animation_data.action = None
    with pytest.raises(RuntimeError, match="has no action"):
        _run("find_footsteps")
    bpy.context.view_layer.objects.active = None
    rig.select_set(False)
    with pytest.raises(RuntimeError, match="Select an armature"):
        _run("find_footsteps")


def test_bad_numbers_are_said_and_change_nothing(found):
    steps, before = known(found), curves(found)
    for operator, choices, message in (
        ("add_footstep", {"start": 9, "end": 5}, "is none"),
        ("add_footstep", {"start": 500, "end": 510}, "lies outside"),
        ("edit_footstep", {"index": 99, "start": 1, "end": 5}, "no such footstep"),
        ("edit_footstep", {"index": 1, "start": 30, "end": 20}, "would last no frame"),
        ("remove_footstep", {"index": 99}, "no such footstep"),
    ):
        with pytest.raises(RuntimeError, match=message):
            _run(operator, **choices)
        assert known(found) == steps and same(curves(found), before), operator


def test_a_strip_that_is_edited_is_left_alone(found):
    animation, before = found.animation_data, curves(found)
    track = animation.nla_tracks.new()
    track.strips.new("walk", 1, animation.action)
    animation.action = None
    animation.use_tweak_mode = True
    assert animation.use_tweak_mode and animation.action is not None
    for operator in ("find_footsteps", *OPERATORS):
        with pytest.raises(RuntimeError, match="tweak mode"):
            _run(operator)
    assert same(curves(found), before)


@pytest.mark.parametrize("reduced", [False, True])
def test_a_retargeted_motion_without_footsteps_is_one_without_pins(rig, reduced):
    target = rigs_in_blender.catalogued("mixamo", catalogue.Variant()).armature
    settings = bpy.context.scene.animepose_retarget
    settings.source, settings.target, settings.reduce_keys = rig, target, reduced
    settings.pin_feet = False
    assert bpy.ops.animepose.retarget() == {"FINISHED"}
    free = _values(target)
    settings.pin_feet = True
    assert bpy.ops.animepose.retarget() == {"FINISHED"}
    bpy.context.view_layer.objects.active = target
    pinned = curves(target)
    count = len(bpy.data.actions)
    _run("find_footsteps")
    assert len(known(target)) > 3 and len(bpy.data.actions) == count + 1
    step = known(target)[1]
    bone = target.animation_data and "mixamorig:LeftFoot" if step.foot == LEFT else "mixamorig:RightFoot"
    middle = (step.start + step.end) // 2
    assert strays_mm(target, bone, middle - 2, middle + 2) < 30
    _run("set_foot_lock", mode="never")
    for key, values in _values(target).items():
        if any(part in key[0] for part in ("Leg", "Foot", 'Hips"].location')):
            assert np.abs(values - free[key]).max() < 1e-4, key
    others = ("Leg", "Foot", "Toe", "Hips")
    assert same(curves(target, others), {k: v for k, v in pinned.items() if not any(part in k[0] for part in others)})


def _values(rig: bpy.types.Object) -> dict[tuple[str, int], np.ndarray]:
    """What curves say at every frame."""
    return {
        (c.data_path, c.array_index): np.array([c.evaluate(f) for f in range(1, 71)]) for c in compat.curves_of(rig)
    }


def test_a_retargeted_motion_that_was_edited_since_is_what_comes_back(rig):
    target = rigs_in_blender.catalogued("mixamo", catalogue.Variant()).armature
    settings = bpy.context.scene.animepose_retarget
    settings.source, settings.target = rig, target
    assert bpy.ops.animepose.retarget() == {"FINISHED"}
    bpy.context.view_layer.objects.active = target
    curve = next(c for c in compat.curves_of(target) if "LeftLeg" in c.data_path and len(c.keyframe_points) > 9)
    curve.keyframe_points[5].co[1] += 0.1
    curve.update()
    before = curves(target)
    _run("find_footsteps")
    _run("set_foot_lock", mode="never")
    assert same(curves(target), before)


def test_feet_stay_pinned_while_offsets_of_retarget_change(rig):
    target = rigs_in_blender.catalogued("mixamo", catalogue.Variant()).armature
    settings = bpy.context.scene.animepose_retarget
    settings.source, settings.target = rig, target
    assert bpy.ops.animepose.retarget() == {"FINISHED"}
    bpy.context.view_layer.objects.active = target
    _run("find_footsteps")
    steps = known(target)
    left = [step for step in steps if step.foot == LEFT]
    new = Footstep(left[0].end + 3, left[1].start - 3, LEFT)
    _run("add_footstep", foot="LEFT", start=new.start, end=new.end)
    heights_m = []
    offset = next(one for one in settings.recipe_of(target).offsets if one.name == "hips")
    for lower_cm in (0, 5):
        offset.move_cm = (0, 0, -lower_cm)
        assert not settings.recipe_of(target).problem
        assert strays_mm(target, "mixamorig:LeftFoot", new.start, new.end) < 5
        # What was pinned goes, what the offset did stays.
        _run("set_foot_lock", mode="never")
        assert strays_mm(target, "mixamorig:LeftFoot", new.start, new.end) > 50
        heights_m.append(_pelvis_height_m(target))
        _run("set_foot_lock", mode="auto")
    assert abs(heights_m[0] - heights_m[1] - 0.05) < 1e-3


def _pelvis_height_m(rig: bpy.types.Object) -> float:
    bpy.context.scene.frame_set(5)
    evaluated = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return (evaluated.matrix_world @ evaluated.pose.bones["mixamorig:Hips"].matrix).translation.z
