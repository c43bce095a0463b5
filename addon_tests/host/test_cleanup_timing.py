"""Actions in other time: poses come when they should, an animator's keys stay few, and what follows comes later."""

from __future__ import annotations

import bpy
import numpy as np

from addon_tests.host.cleanup_rigs import EVERYTHING, chain, co, everything_of, key, turns
from addon_tests.host.footstep_rigs import FRAMES, curves, known, mixamo, person, registered, rigify, same, strays_mm
from addon_tests.host.retarget_rigs import animate, error_of, evaluated_matrices, fresh_scene, make_rig, person_bones
from animepose_blender.core.footsteps.spans import Footstep
from animepose_blender.core.retarget import euler
from animepose_blender.host import compat
from animepose_blender.host.cleanup.scope import Scope
from animepose_blender.host.cleanup.standing import standing_of
from animepose_blender.host.cleanup.time_warp import Pace, Warped, warp_motion
from animepose_blender.host.footsteps import session
from animepose_blender.host.retarget.read_rig import read_rig

STILL_MM = 5.0


def warp(rig: bpy.types.Object, scope: Scope = EVERYTHING, **pace: object) -> Warped:
    return warp_motion(bpy.context, [rig], scope, Pace(**pace))  # type: ignore[arg-type]


def shown(rig: bpy.types.Object, frames: np.ndarray) -> np.ndarray:
    """(F, N, 4, 4) where every bone is at frames, whole or not."""
    made = []
    for frame in frames:
        whole = int(np.floor(frame))
        bpy.context.scene.frame_set(whole, subframe=float(frame - whole))
        made.append(list(evaluated_matrices(rig).values()))
    return np.array(made)


def range_of_scene(first: int, last: int, border: int = 0) -> Scope:
    scene = bpy.context.scene
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, first, last
    return Scope("SCENE", border, EVERYTHING.kinds)


def sparse_rig(handles: str = "AUTO_CLAMPED") -> bpy.types.Object:
    """Three bones with keys far apart, as an animator sets them."""
    rig = chain("XYZ", "QUATERNION", "XYZ")
    random = np.random.default_rng(4)
    key(rig.pose.bones["a"], "location", [1, 11, 21, 41, 61], random.normal(size=(5, 3)))
    key(rig.pose.bones["a"], "rotation_euler", [1, 16, 31, 61], random.normal(size=(4, 3)))
    key(rig.pose.bones["b"], "rotation_quaternion", [1, 21, 31, 41, 61], turns(5))
    for curve in compat.curves_of(rig):
        for point in curve.keyframe_points:
            point.handle_left_type = point.handle_right_type = handles
            if handles == "FREE":
                point.handle_left[1] += 0.1
                point.handle_right[1] += 0.3
        curve.update()
    return rig


def slides_mm(rig: bpy.types.Object) -> float:
    """How far a standing foot gets from one frame to the next at most: of heel and toes, the one that stays counts."""
    ends = compat.curves_of(rig)[0].id_data.frame_range
    standing = standing_of(bpy.context, rig, read_rig(bpy.context, rig), (round(ends[0]), round(ends[1])))
    steps = np.linalg.norm(np.diff(standing.motion.sole_m, axis=0), axis=-1).min(axis=-1)
    stands = (standing.firm > 0.5).reshape(-1, 2, 2).any(axis=-1)
    return float(1000 * steps[stands[1:] & stands[:-1]].max())


def test_a_dense_motion_shows_at_every_new_frame_what_it_showed_at_the_mapped_one():
    with registered():
        for rig in (person(), mixamo()):
            before = shown(rig, np.arange(1, FRAMES + 1))
            done = warp(rig, speed=0.5)
            assert (done.before, done.after) == (FRAMES - 1, 2 * FRAMES - 2)
            after = shown(rig, np.arange(1, 2 * FRAMES))
            assert np.abs(after[::2] - before).max() < 1e-3
            between = (before[1:, :, :3, 3] + before[:-1, :, :3, 3]) / 2
            assert np.linalg.norm(after[1::2, :, :3, 3] - between, axis=-1).max() < 0.02
            warp(rig, speed=2.0)
            assert np.abs(shown(rig, np.arange(1, FRAMES + 1)) - before).max() < 2e-3


def test_standing_feet_of_a_slowed_motion_stand():
    with registered():
        rig = person()
        session.find(bpy.context, rig)
        steps = known(rig)
        session.forget(bpy.context, rig)
        before = max(strays_mm(rig, "foot.L", step.start, step.end) for step in steps if step.foot == 0)
        warp(rig, speed=0.3)
        shift = (FRAMES - 1) / 0.3 / (FRAMES - 1)
        for step in steps:
            if step.foot == 0:
                first, last = (round(1 + (frame - 1) * shift) for frame in (step.start + 1, step.end - 1))
                assert strays_mm(rig, "foot.L", first, last) < before + 1


def test_keys_of_a_sparse_action_move_and_stay_as_many():
    for handles in ("AUTO_CLAMPED", "FREE", "ALIGNED", "VECTOR"):
        fresh_scene()
        rig = sparse_rig(handles)
        before = {(c.data_path, c.array_index): co(c) for c in compat.curves_of(rig)}
        frames = np.linspace(1, 61, 121)
        values = {path: [c.evaluate(f) for f in frames] for path, c in zip(before, compat.curves_of(rig), strict=True)}
        warp(rig, length=90)
        for curve in compat.curves_of(rig):
            old, new = before[curve.data_path, curve.array_index], co(curve)
            assert len(new) == len(old) and np.array_equal(new[:, 1], old[:, 1])
            assert np.allclose(new[:, 0], 1 + (old[:, 0] - 1) * 1.5, atol=1e-4)
            # At an even speed every moment, and not the keys alone, is as it was.
            now = [curve.evaluate(1 + (frame - 1) * 1.5) for frame in frames]
            assert np.allclose(now, values[curve.data_path, curve.array_index], atol=2e-4), handles


def test_sparse_curves_are_smooth_where_the_speed_changes_softly():
    fresh_scene()
    rig = chain("XYZ")
    frames = np.arange(1, 122, 8.0)
    (curve, *_) = key(rig.pose.bones["a"], "location", frames, np.stack([np.sin(frames / 12)] * 3, axis=1))
    for point in curve.keyframe_points:
        point.handle_left_type = point.handle_right_type = "FREE"
        for handle, away in ((point.handle_left, -8 / 3), (point.handle_right, 8 / 3)):
            handle[0], handle[1] = point.co[0] + away, point.co[1] + away * np.cos(point.co[0] / 12) / 12
    curve.update()
    warp(rig, range_of_scene(33, 89, 16), length=84)
    keys = co(curve)
    assert len(keys) == len(frames) and keys[-1, 0] == 149
    fine = np.arange(keys[0, 0], keys[-1, 0], 0.25)
    values = np.array([curve.evaluate(frame) for frame in fine])
    # Against the true course through the same moved keys.
    truth = np.sin(np.interp(fine, keys[:, 0], frames) / 12)
    assert np.abs(values - truth).max() < 0.12 and np.abs(np.diff(values, 2)).max() < 0.01


def test_outside_of_the_range_keys_keep_everything_and_shift_by_whole_frames():
    with registered():
        for rig in (person(), sparse_rig()):
            before = curves(rig)
            done = warp(rig, range_of_scene(20, 40, 4), speed=0.6)
            shift = round(done.after - done.before)
            assert shift > 5 and done.after == done.before + shift
            for path, after in curves(rig).items():
                old = before[path]
                if len(old["co"]) < 2:
                    continue
                early, late = old["co"][:, 0] <= 20, old["co"][:, 0] >= 40
                kept = after["co"][:, 0] <= 20
                assert np.array_equal(after["co"][kept], old["co"][early])
                behind = after["co"][:, 0] >= 40 + shift
                assert np.array_equal(after["co"][behind], old["co"][late] + [shift, 0])
                for name in ("interpolation", "type", "easing"):
                    assert np.array_equal(after[name][behind], old[name][late])


def test_the_speed_comes_and_goes_within_the_border():
    fresh_scene()
    rig = chain("XYZ")
    frames = np.arange(1.0, 101.0)
    (curve, *_) = key(rig.pose.bones["a"], "location", frames, np.repeat(frames[:, None], 3, axis=1))
    warp(rig, range_of_scene(20, 80, 10), length=120)
    steps = np.diff(co(curve)[:, 1])
    assert np.allclose(steps[:18], 1, atol=1e-4) and np.allclose(steps[-18:], 1, atol=1e-4)
    assert np.abs(np.diff(steps)).max() < 0.1 and steps.min() > 0.3
    assert len(np.unique(np.round(steps[45:110], 4))) == 1
    fresh_scene()
    rig = chain("XYZ")
    (curve, *_) = key(rig.pose.bones["a"], "location", frames, np.repeat(frames[:, None], 3, axis=1))
    warp(rig, range_of_scene(20, 80, 0), length=120)
    assert np.allclose(np.diff(co(curve)[:, 1])[21:135], 0.5, atol=1e-3)


def test_between_selected_keys():
    fresh_scene()
    rig = sparse_rig()
    for curve in compat.curves_of(rig):
        for point in curve.keyframe_points:
            point.select_control_point = point.co[0] in (21, 41)
    done = warp(rig, Scope("KEYS"), speed=2.0)
    assert (done.before, done.after) == (20, 10)
    assert sorted({float(frame) for c in compat.curves_of(rig) for frame in co(c)[:, 0]}) == [1, 11, 16, 21, 26, 31, 51]
    for curve in compat.curves_of(rig):
        for point in curve.keyframe_points:
            point.select_control_point = point.co[0] == 31
    assert "no length" in str(error_of(lambda: warp(rig, Scope("KEYS"), speed=2.0)))
    for curve in compat.curves_of(rig):
        for point in curve.keyframe_points:
            point.select_control_point = False
    assert "No key is selected" in str(error_of(lambda: warp(rig, Scope("KEYS"), speed=2.0)))


def test_gaps_holds_types_and_interpolations_stay_what_they_are():
    fresh_scene()
    rig = chain("QUATERNION")
    frames = np.concatenate([np.arange(1.0, 31.0), np.arange(60.0, 91.0)])
    made = key(rig.pose.bones["a"], "rotation_quaternion", frames, turns(len(frames)))
    for curve in made:
        for point in curve.keyframe_points:
            point.interpolation = "CONSTANT" if point.co[0] == 30 else "LINEAR"
            point.type = "JITTER" if 10 <= point.co[0] <= 19 else "KEYFRAME"
    held = [curve.evaluate(45) for curve in made]
    warp(rig, speed=0.5)
    for curve, value in zip(made, held, strict=True):
        points = {round(p.co[0]): p for p in curve.keyframe_points}
        assert sorted(points) == [*range(1, 60), *range(119, 180)]
        assert [f for f, p in points.items() if p.interpolation == "CONSTANT"] == [59]
        filled = [frame for frame, point in points.items() if point.type == "JITTER"]
        assert filled == list(range(filled[0], filled[-1] + 1))
        assert abs(filled[0] - 19) <= 1 and abs(filled[-1] - 37) <= 1
        assert abs(curve.evaluate(90) - value) < 1e-6


def test_angles_that_flip_turn_no_further_than_before():
    fresh_scene()
    rig = chain("XYZ", "AXIS_ANGLE", "ZYX")
    frames = np.arange(1, 41)
    q = turns()
    for bone, mode in zip(rig.pose.bones, ("XYZ", "AXIS_ANGLE", "ZYX"), strict=True):
        angles = euler.to_axis_angle(q) if mode == "AXIS_ANGLE" else euler.from_quaternion(q, mode)
        if mode != "AXIS_ANGLE":
            angles[20:] = np.array([np.pi, np.pi, np.pi]) + angles[20:] * [1, -1, 1]
        key(bone, "rotation_axis_angle" if mode == "AXIS_ANGLE" else "rotation_euler", frames, angles)
    before = shown(rig, frames)
    warp(rig, speed=0.25)
    after = shown(rig, np.arange(1, 158))
    assert np.abs(after[::4] - before).max() < 1e-3
    steps = np.abs(np.diff(after, axis=0))[:, :, :3, :3].max(axis=(1, 2, 3))
    assert np.median(steps) < 0.1 and (steps > 0.6).sum() == 0


def test_everything_of_the_action_comes_along():
    fresh_scene()
    rig = chain("XYZ", "QUATERNION")
    rig.pose.bones["a"]["number"], rig.pose.bones["a"]["switch"] = 0.5, 1
    key(rig, "location", [1, 21, 41], np.eye(3))
    (number,) = key(rig.pose.bones["a"], '["number"]', np.arange(1, 42), np.linspace(0, 1, 41))
    (switch,) = key(rig.pose.bones["a"], '["switch"]', [1, 21], [0, 1])
    quaternion = key(rig.pose.bones["b"], "rotation_quaternion", np.arange(1, 42), turns(41))
    (alone,) = key(rig.pose.bones["b"], "scale", [31], np.ones((1, 3)))[:1]
    quaternion[0].mute = True
    rig.pose.bones["b"].driver_add("scale", 0)
    action = rig.animation_data.action
    action.use_frame_range, action.frame_start, action.frame_end = True, 1, 41
    warp(rig, speed=0.5)
    assert co(number)[-1, 0] == 81 and len(co(number)) == 81 and np.allclose(np.diff(co(number)[:, 1]), 0.0125)
    assert co(switch)[:, 0].tolist() == [1, 41] and co(alone)[:, 0].tolist() == [61]
    assert {float(co(curve)[-1, 0]) for curve in quaternion} == {81} and quaternion[0].mute
    location = [curve for curve in compat.curves_of(rig) if curve.data_path == "location"]
    assert [co(curve)[:, 0].tolist() for curve in location] == [[1, 41, 81]] * 3
    assert (action.frame_start, action.frame_end) == (1, 81)


def test_footsteps_come_along_and_feet_stand_in_them():
    with registered():
        for made in (person, mixamo):
            rig = made()
            session.find(bpy.context, rig)
            steps, before = known(rig), shown(rig, np.array([1, 5, 60, FRAMES]))
            warp(rig, range_of_scene(10, 50), speed=0.5)
            # Pinned poses stay as they are, and are not worked out anew.
            assert np.abs(shown(rig, np.array([1, 5, 100, FRAMES + 40])) - before).max() < 1e-4
            assert len(known(rig)) == len(steps)
            assert slides_mm(rig) < STILL_MM
            # The motion without pins is in the new time as well.
            session.set_mode(bpy.context, rig, "never")
            ends = [c.keyframe_points[-1].co[0] for c in compat.curves_of(rig) if len(c.keyframe_points) > 1]
            assert set(ends) == {FRAMES + 40}


def test_at_its_own_pace_nothing_changes_not_even_the_pins():
    with registered():
        rig = person()
        session.find(bpy.context, rig)
        before, steps = curves(rig), known(rig)
        assert warp(rig, speed=1.0).curves == 0
        assert same(curves(rig), before) and known(rig) == steps


def test_a_control_rigs_channels_are_warped():
    with registered():
        rig = rigify("ik")
        frames = np.arange(1, FRAMES + 1, 6)
        before = shown(rig, frames)
        warp(rig, speed=0.5)
        assert np.abs(shown(rig, 2 * frames - 1) - before).max() < 5e-3


def test_while_a_foot_stands_time_is_kept():
    with registered():
        rig = person()
        session.find(bpy.context, rig)
        (left, *_), first = [step for step in known(rig) if step.foot == 0], known(rig)[0].start
        session.change(bpy.context, rig, [Footstep(1, FRAMES, 1)])
        before = everything_of(rig)
        said = str(error_of(lambda: warp(rig, speed=2.0, keep_steps=True)))
        assert "stands all the time" in said and everything_of(rig) == before
        session.change(bpy.context, rig, [left])
        done = warp(rig, speed=2.0, keep_steps=True)
        (now,) = known(rig)
        assert now.end - now.start == left.end - left.start and done.after < done.before and first >= 1
        assert error_of(lambda: warp(rig, length=3, keep_steps=True))


def test_a_new_action_leaves_the_old_one_and_what_lies_under_its_pins():
    with registered():
        rig = person()
        session.find(bpy.context, rig)
        old, before = rig.animation_data.action, curves(rig)
        base = old.animepose_footsteps.base
        told = [co(curve).tolist() for curve in compat.curves_of_action(base)]
        warp(rig, Scope(kinds=EVERYTHING.kinds, to_new_action=True), speed=0.5)
        new = rig.animation_data.action
        assert new != old and new.animepose_footsteps.base not in (None, base)
        assert [co(curve).tolist() for curve in compat.curves_of_action(base)] == told
        compat.swap_action(rig.animation_data, old)
        assert same(curves(rig), before)


def test_what_cannot_be_warped_is_said_and_stays():
    fresh_scene()
    rig = make_rig("Person", person_bones())
    animate(rig)
    locked = compat.curves_of(rig)[4]
    locked.lock = True
    before = everything_of(rig)
    assert "locked" in str(error_of(lambda: warp(rig, speed=2.0)))
    locked.lock = False
    points = compat.curves_of(rig)[4].keyframe_points
    kept, points[5].co[1] = points[5].co[1], float("nan")
    assert "broken" in str(error_of(lambda: warp(rig, speed=2.0)))
    points[5].co[1] = kept
    assert "out of bounds" in str(error_of(lambda: warp(rig, speed=1000.0)))
    assert "cannot be made" in str(error_of(lambda: warp(rig, range_of_scene(2, 20, 9), length=500)))
    assert "scene's range" in str(error_of(lambda: warp(rig, range_of_scene(200, 220), speed=2.0)))
    locked.lock = True
    assert everything_of(rig) == before
    fresh_scene()
    rig = chain("XYZ")
    key(rig.pose.bones["a"], "location", [5], np.zeros((1, 3)))
    assert "no length" in str(error_of(lambda: warp(rig, speed=2.0)))
