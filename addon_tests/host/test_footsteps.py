"""Footsteps on rigs: feet stand where they are said to, the rest stays, and what is taken back is as it was."""

from __future__ import annotations

import bpy
import numpy as np

from addon_tests.host.footstep_rigs import (
    FRAMES,
    PREFIX,
    curves,
    known,
    lowest_mm,
    mixamo,
    person,
    registered,
    rigify,
    same,
    strays_mm,
)
from addon_tests.host.retarget_rigs import error_of, everything_but_animation, make_rig, person_bones
from animepose_blender.core.footsteps.spans import LEFT, RIGHT, Footstep
from animepose_blender.host import compat
from animepose_blender.host.footsteps import pins, session
from animepose_blender.host.footsteps.properties import footsteps_of

LEG_PARTS = ("thigh", "shin", "foot", "toe", "pelvis", "torso")
STILL_MM = 5.0


def _swing(rig: bpy.types.Object) -> Footstep:
    """A span of frames in which the left foot is in the air."""
    left = [step for step in known(rig) if step.foot == LEFT]
    return Footstep(left[0].end + 3, left[1].start - 3, LEFT)


def _added_foot_stands(rig: bpy.types.Object, bone: str) -> None:
    context = bpy.context
    context.scene.frame_set(1)
    told, others = everything_but_animation(rig), curves(rig, LEG_PARTS)
    before = curves(rig)
    assert session.find(context, rig) == len(known(rig)) > 3
    new = _swing(rig)
    assert strays_mm(rig, bone, new.start, new.end) > 100
    session.change(context, rig, [new])
    assert strays_mm(rig, bone, new.start, new.end) < STILL_MM
    assert same(curves(rig, LEG_PARTS), others)
    session.change(context, rig, [])
    assert same(curves(rig), before)
    session.change(context, rig, [new])
    session.set_mode(context, rig, "never")
    assert same(curves(rig), before) and known(rig) == [new]
    context.scene.frame_set(1)
    assert everything_but_animation(rig) == told
    session.set_mode(context, rig, "auto")
    assert strays_mm(rig, bone, new.start, new.end) < STILL_MM


def test_an_added_foot_stands_on_an_imported_person_and_goes_again_without_a_trace():
    with registered():
        _added_foot_stands(person(), "foot.L")


def test_an_added_foot_stands_on_bones_in_all_rotation_modes():
    with registered():
        _added_foot_stands(mixamo(), f"{PREFIX}foot.L")


def test_an_added_foot_stands_on_rigify_by_fk():
    with registered():
        _added_foot_stands(rigify("fk"), "DEF-foot.L")


def test_an_added_foot_stands_on_rigify_by_ik():
    with registered():
        rig = rigify("ik")
        _added_foot_stands(rig, "DEF-foot.L")
        assert footsteps_of(rig).ik_legs == "leg.L,leg.R"


def test_a_foot_does_not_slide_in_the_footsteps_that_are_found():
    with registered() as context:
        rig = mixamo()
        for pinned in (False, True):
            session.find(context, rig)
            if not pinned:
                session.set_mode(context, rig, "never")
            pins.forget()
            prepared = pins.prepare(context, rig)
            stands = (prepared.motion.held > 0.5).reshape(-1, 2, 2)
            still = stands[1:] & stands[:-1]
            way_mm = 1000 * np.linalg.norm(np.diff(prepared.sole_m, axis=0), axis=-1)
            if pinned:
                assert np.median(way_mm[still]) < 0.1
            else:
                assert np.median(way_mm[still]) > 1.0


def test_the_lower_foot_stands_at_every_moment():
    with registered() as context:
        rig = mixamo()
        session.find(context, rig)
        session.change(context, rig, [])
        session.set_mode(context, rig, "always")
        pins.forget()
        prepared = pins.prepare(context, rig)
        way_mm = 1000 * np.linalg.norm(np.diff(prepared.sole_m, axis=0), axis=-1).min(axis=(1, 2))
        # Where the weight goes from one foot to the other neither need stand for both of two frames.
        assert np.quantile(way_mm, 0.9) < 0.5


def _grounded(rig: bpy.types.Object, prefix: str) -> None:
    context = bpy.context
    session.find(context, rig)
    session.set_mode(context, rig, "never")
    pins.forget()
    prepared = pins.prepare(context, rig)
    soles_m = prepared.motion.rest_sole_m - [0, 0, prepared.motion.sole_height_m]
    feet = {f"{prefix}foot.L": soles_m[0], f"{prefix}foot.R": soles_m[1]}
    for curve in compat.curves_of(rig):  # a jump
        if curve.data_path.endswith("location") and ("pelvis" in curve.data_path or "torso" in curve.data_path):
            for point in curve.keyframe_points:
                point.co[1] += 0.2 * np.sin(point.co[0] / 8)
            curve.update()
    legs = curves(rig, ("pelvis", "torso"))
    session.find(context, rig)
    floor_m = pins.prepare(context, rig).floor_m
    session.set_mode(context, rig, "never")
    floor_m = pins.prepare(context, rig).floor_m
    assert np.ptp(lowest_mm(rig, feet, range(1, FRAMES))) > 50
    session.set_mode(context, rig, "grounding")
    assert np.abs(lowest_mm(rig, feet, range(1, FRAMES)) - 1000 * floor_m).max() < STILL_MM
    assert same(curves(rig, ("pelvis", "torso")), legs)


def test_on_the_ground_the_lowest_sole_is_on_the_floor_and_legs_stay():
    with registered():
        _grounded(person(), "")
    with registered():
        _grounded(mixamo(), PREFIX)


def test_keys_of_other_bones_that_were_changed_since_stay():
    with registered() as context:
        rig = person()
        session.find(context, rig)
        for curve in compat.curves_of(rig):
            if "forearm.L" in curve.data_path:
                curve.keyframe_points[0].co[1] += 0.2
                curve.update()
        before = curves(rig, LEG_PARTS)
        session.change(context, rig, known(rig)[1:])
        assert same(curves(rig, LEG_PARTS), before)


def test_legs_stand_under_a_pelvis_that_was_turned_since():
    with registered() as context:
        rig = person()
        session.find(context, rig)
        new = _swing(rig)
        path = 'pose.bones["pelvis"].rotation_quaternion'
        for curve in compat.curves_of(rig):
            if curve.data_path == path and curve.array_index == 1:
                for point in curve.keyframe_points:
                    point.co[1] += 0.1
                curve.update()
        session.change(context, rig, [new])
        assert strays_mm(rig, "foot.L", new.start, new.end) < STILL_MM


def test_few_bent_keys_come_back_as_they_were_with_their_handles():
    with registered() as context:
        rig = make_rig("Sparse", person_bones())
        for frame in (1, 14, 30):
            for name, angle in (("thigh.L", 0.4), ("thigh.R", -0.4), ("shin.L", 0.3)):
                bone = rig.pose.bones[name]
                bone.rotation_mode = "XYZ"
                bone.rotation_euler = (angle * np.sin(frame), 0.05 * frame, 0)
                bone.keyframe_insert("rotation_euler", frame=frame)
        for curve in compat.curves_of(rig):
            for point in curve.keyframe_points:
                point.interpolation, point.handle_left_type, point.handle_right_type = "BEZIER", "FREE", "FREE"
                point.handle_right = (point.co[0] + 3.5, point.co[1] + 0.1)
        before = curves(rig)
        session.find(context, rig)
        session.change(context, rig, [Footstep(10, 20, RIGHT)])
        assert strays_mm(rig, "foot.R", 10, 20) < STILL_MM
        # What had no keys got some, and loses them again.
        assert any("pelvis" in path for path, _ in curves(rig))
        session.change(context, rig, [])
        assert same(curves(rig), before)
        assert error_of(lambda: session.change(context, rig, [Footstep(40, 50, LEFT)]))
        assert same(curves(rig), before) and known(rig) == []


def test_the_motion_stays_when_footsteps_are_forgotten_and_can_be_found_again():
    with registered() as context:
        rig = person()
        session.find(context, rig)
        session.change(context, rig, [_swing(rig)])
        after, count = curves(rig), len(bpy.data.actions)
        session.forget(context, rig)
        assert same(curves(rig), after) and footsteps_of(rig) is None and len(bpy.data.actions) == count - 1
        session.find(context, rig)
        session.find(context, rig)
        assert len(bpy.data.actions) == count


def test_found_again_footsteps_begin_from_the_motion_before_pins_unless_it_was_edited():
    with registered() as context:
        rig = mixamo()
        before = curves(rig)
        session.find(context, rig)
        steps = known(rig)
        session.change(context, rig, [_swing(rig)])
        session.find(context, rig)
        assert known(rig) == steps
        session.set_mode(context, rig, "never")
        assert same(curves(rig), before)
        session.set_mode(context, rig, "always")
        thigh = next(c for c in compat.curves_of(rig) if "thigh.L" in c.data_path)
        thigh.keyframe_points[7].co[1] += 0.1
        thigh.update()
        edited = curves(rig)
        session.find(context, rig)
        session.set_mode(context, rig, "never")
        assert same(curves(rig), edited)


def test_keys_that_were_moved_in_time_are_noticed_before_the_legs_go_back():
    with registered():
        rig, context = person(), bpy.context
        session.find(context, rig)
        steps = known(rig)
        for curve in compat.curves_of(rig):
            for point in curve.keyframe_points:
                point.co[0] += 4
                point.handle_left[0] += 4
                point.handle_right[0] += 4
        moved = curves(rig)
        for change in (
            lambda: session.set_mode(context, rig, "always"),
            lambda: session.change(context, rig, steps[:-1]),
        ):
            assert "moved in time" in str(error_of(change))
        assert same(curves(rig), moved) and known(rig) == steps
        session.find(context, rig)
        assert known(rig)[1].start == steps[1].start + 4
        session.change(context, rig, [])
        assert same(curves(rig), moved)


def test_a_copy_of_an_action_has_footsteps_of_its_own():
    with registered() as context:
        rig = person()
        session.find(context, rig)
        old, steps = rig.animation_data.action, known(rig)
        compat.swap_action(rig.animation_data, old.copy())
        session.change(context, rig, [])
        assert known(rig) == []
        compat.swap_action(rig.animation_data, old)
        assert known(rig) == steps
        session.change(context, rig, steps[1:])


def test_footsteps_outlive_saving(tmp_path):
    with registered() as context:
        rig = person()
        before = curves(rig)
        session.find(context, rig)
        new = _swing(rig)
        session.change(context, rig, [new])
        name, after = rig.name, curves(rig)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "walk.blend"))
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "walk.blend"))
        rig = bpy.data.objects[name]
        assert known(rig) == [new] and same(curves(rig), after)
        session.change(bpy.context, rig, [])
        assert same(curves(rig), before)


# Bad input


def _refused(rig: bpy.types.Object, part: str) -> None:
    before, actions = curves(rig), len(bpy.data.actions)
    error = error_of(lambda: session.find(bpy.context, rig))
    assert part in str(error), str(error)
    assert same(curves(rig), before) and len(bpy.data.actions) == actions and footsteps_of(rig) is None


def test_what_cannot_be_read_or_changed_is_said_and_nothing_changes(tmp_path):
    with registered():
        rig = person(20)
        animation, action = rig.animation_data, rig.animation_data.action
        thigh = next(c for c in compat.curves_of(rig) if 'thigh.L"].rotation' in c.data_path)
        for name in ("lock", "mute"):
            setattr(thigh, name, True)
            _refused(rig, f"is {name}")
            setattr(thigh, name, False)
        modifier = thigh.modifiers.new("NOISE")
        _refused(rig, "modifiers")
        thigh.modifiers.remove(modifier)
        driver = rig.driver_add('pose.bones["shin.L"].rotation_quaternion', 0)
        _refused(rig, "driven")
        rig.driver_remove('pose.bones["shin.L"].rotation_quaternion', 0)
        del driver
        rig.data.pose_position = "REST"
        _refused(rig, "Rest Position")
        rig.data.pose_position = "POSE"
        held = rig.pose.bones["foot.L"].constraints.new("LIMIT_ROTATION")
        held.use_limit_x = True
        _refused(rig, "constraints hold foot.L")
        rig.pose.bones["foot.L"].constraints.remove(held)
        value = thigh.keyframe_points[3].co[1]
        thigh.keyframe_points[3].co[1] = float("nan")
        error = error_of(lambda: session.find(bpy.context, rig))
        assert "broken keys" in str(error) and footsteps_of(rig) is None
        thigh.keyframe_points[3].co[1] = value
        track = animation.nla_tracks.new()
        strip = track.strips.new("strip", 1, action)
        _refused(rig, "More than its action")
        animation.nla_tracks.remove(track)
        del strip
        animation.action = None
        assert "has no action" in str(error_of(lambda: session.find(bpy.context, rig)))


def test_a_linked_action_is_left_alone(tmp_path):
    with registered():
        rig = person(20)
        library, name = str(tmp_path / "library.blend"), rig.animation_data.action.name
        bpy.data.libraries.write(library, {rig.animation_data.action})
        with bpy.data.libraries.load(library, link=True) as (_, here):
            here.actions = [name]
        compat.swap_action(rig.animation_data, here.actions[0])
        _refused(rig, "linked from another file")


def test_short_and_empty_actions_and_rigs_without_legs_are_refused():
    with registered():
        rig = make_rig("One", person_bones())
        rig.pose.bones["thigh.L"].keyframe_insert("rotation_quaternion", frame=5)
        _refused(rig, "moves no bone")
        chain = make_rig("Chain", {"a": ((0, 0, 0), (0, 0, 1), ""), "b": ((0, 0, 1), (0, 0, 2), "a")})
        for frame in (1, 9):
            chain.pose.bones["a"].keyframe_insert("location", frame=frame)
        _refused(chain, "not known")
        assert "armature" in str(error_of(lambda: session.find(bpy.context, bpy.data.objects.new("Cube", None))))


def test_what_fails_in_the_middle_leaves_the_curves_as_they_were():
    with registered() as context:
        rig = person()
        session.find(context, rig)
        steps, before = known(rig), curves(rig)
        write = pins.write
        pins.write = lambda *_: 1 / 0
        try:
            session.change(context, rig, steps[2:])
        except ZeroDivisionError:
            pass
        finally:
            pins.write = write
        assert known(rig) == steps and same(curves(rig), before)
