"""Curves stay light: what stands still has one key, nothing is scaled or empty, and keys are left out where asked for.

Plain functions and asserts, so that `run_in_blender.py` can run the same tests inside any Blender.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import bpy
import numpy as np

from addon_tests.host.retarget_rigs import error_of, fresh_scene, make_rig, person_bones
from animepose_blender.core.footsteps.spans import from_contact
from animepose_blender.core.retarget.settings import Offset, Settings
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import compat
from animepose_blender.host.cleanup import changes
from animepose_blender.host.cleanup.reduce import Baked, reduce_baked, reduce_keys
from animepose_blender.host.cleanup.run import clean
from animepose_blender.host.cleanup.scope import Scope
from animepose_blender.host.curves import CONSTANT_TOLERANCE, FILLED_IN
from animepose_blender.host.import_plan import ImportOptions
from animepose_blender.host.import_take import ImportedTake, import_take
from animepose_blender.host.key_options import Within
from animepose_blender.host.retarget import run
from animepose_blender.take import State, Take

WITHIN = Within()
FEWER = ImportOptions(reduce=WITHIN)
ROUNDING = 1.01
FRAMES = 120


def imported(take: Take, options: ImportOptions = ImportOptions()) -> ImportedTake:  # noqa: B008 frozen
    return import_take(bpy.context, take, None, options)


def keys_of(curves: Iterable[bpy.types.FCurve]) -> int:
    return sum(len(curve.keyframe_points) for curve in curves)


def values_of(curve: bpy.types.FCurve) -> np.ndarray:
    return np.array([point.co[1] for point in curve.keyframe_points])


def groups_of(action: bpy.types.Action) -> list[bpy.types.ActionGroup]:
    if not compat.has_slots():
        return list(action.groups)
    bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
    return [group for bag in bags for group in bag.groups]


def assert_light(action: bpy.types.Action) -> None:
    curves = compat.curves_of_action(action)
    assert curves
    for curve in curves:
        where = f"{action.name}: {curve.data_path}[{curve.array_index}]"
        values = values_of(curve)
        assert len(values), f"{where} is empty"
        assert not curve.data_path.endswith("scale"), f"{where} is scaled"
        assert len(values) == 1 or np.ptp(values) > CONSTANT_TOLERANCE, f"{where} stands still on {len(values)} keys"
        assert not curve.keyframe_points[0].select_control_point, where
    assert all(len(group.channels) for group in groups_of(action)), f"{action.name} has empty groups"


def ends_of(rig: bpy.types.Object, frames: Iterable[int]) -> np.ndarray:
    """(F, N, 2, 3) heads and tails in the world, as Blender evaluates them."""
    made = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        posed = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
        world = np.array(posed.matrix_world)
        ends = np.array([[bone.head, bone.tail] for bone in posed.pose.bones])
        made.append(ends @ world[:3, :3].T + world[:3, 3])
    return np.array(made)


def apart_mm(rig: bpy.types.Object, other: bpy.types.Object, frames: Iterable[int]) -> float:
    frames = list(frames)
    return 1000 * float(np.linalg.norm(ends_of(rig, frames) - ends_of(other, frames), axis=-1).max())


def test_an_import_is_light_with_all_keys_and_with_fewer():
    fresh_scene()
    take = walking_take(people=2, frames=FRAMES, gaps=False)
    for options in (ImportOptions(), FEWER):
        made = imported(take, options)
        for armature in made.armatures:
            assert_light(armature.animation_data.action)
        assert made.camera.animation_data is None


def test_fewer_keys_move_people_the_same():
    fresh_scene()
    take = walking_take(people=2, frames=FRAMES, gaps=False)
    dense, fewer = imported(take), imported(take, FEWER)
    for one, other in zip(dense.armatures, fewer.armatures, strict=True):
        assert 4 * keys_of(compat.curves_of(other)) < keys_of(compat.curves_of(one))
        assert apart_mm(one, other, range(1, FRAMES + 1)) < WITHIN.mm * ROUNDING
    strict = imported(take, ImportOptions(reduce=Within(0.5, 0.2)))
    assert apart_mm(dense.armatures[0], strict.armatures[0], range(1, FRAMES + 1)) < 0.5 * ROUNDING
    assert keys_of(compat.curves_of(strict.armatures[0])) > keys_of(compat.curves_of(fewer.armatures[0]))


def test_feet_keep_a_key_where_they_begin_and_end_to_stand():
    fresh_scene()
    take = walking_take(people=1, frames=FRAMES, gaps=False)
    (armature,) = imported(take, FEWER).armatures
    steps = from_contact(take.contact[0], np.arange(1, FRAMES + 1))
    assert len(steps) > 4
    for foot, side in enumerate("LR"):
        curves = [c for c in compat.curves_of(armature) if f'"foot.{side}"' in c.data_path]
        keyed = {point.co[0] for curve in curves for point in curve.keyframe_points}
        assert {end for step in steps if step.foot == foot for end in (step.start, step.end)} <= keyed
    arm = [c for c in compat.curves_of(armature) if '"forearm.L"' in c.data_path]
    assert not {step.start for step in steps} <= {point.co[0] for curve in arm for point in curve.keyframe_points}


def test_gaps_stay_gaps_and_predicted_keys_keep_their_type():
    fresh_scene()
    take = walking_take(people=2, frames=200)
    dense, fewer = imported(take), imported(take, FEWER)
    for person, (one, other) in enumerate(zip(dense.armatures, fewer.armatures, strict=True)):
        assert apart_mm(one, other, range(1, 201)) < WITHIN.mm * ROUNDING
        predicted = take.state[person] == State.PREDICTED
        absent = take.state[person] == State.ABSENT
        for curve in compat.curves_of(other):
            if len(curve.keyframe_points) < 2:
                continue
            for point in curve.keyframe_points:
                frame = round(point.co[0]) - 1
                assert (point.type == FILLED_IN) == predicted[frame] and not absent[frame]
        moving = [curve for curve in compat.curves_of(other) if len(curve.keyframe_points) > 1]
        first, last = np.flatnonzero(np.diff(predicted.astype(int)))
        for curve in moving:  # both sides of each change have their keys
            keyed = {round(point.co[0]) - 1 for point in curve.keyframe_points}
            assert {first, first + 1, last, last + 1} <= keyed


def test_boxes_and_a_moving_camera_are_reduced_too():
    fresh_scene()
    take = walking_take(people=1, frames=200, moving_camera=True)
    dense, fewer = imported(take), imported(take, FEWER)
    frames = range(1, 201)
    blocks = [(dense.boxes[0], fewer.boxes[0], 3 * WITHIN.mm / 1000), (dense.camera, fewer.camera, 1e-3)]
    blocks.append((dense.camera.data, fewer.camera.data, 0.02))
    for one, other, most in blocks:
        theirs = {(c.data_path, c.array_index): c for c in compat.curves_of(other)}
        for curve in compat.curves_of(one):
            reduced = theirs[curve.data_path, curve.array_index]
            away = [abs(curve.evaluate(frame) - reduced.evaluate(frame)) for frame in frames]
            assert max(away) <= (0.0 if "hide" in curve.data_path else most), curve.data_path
        assert 4 * keys_of(theirs.values()) < keys_of(compat.curves_of(one))


def test_a_take_at_another_rate_is_right_on_every_frame():
    scene = fresh_scene()
    scene.render.fps = 24
    take = walking_take(people=1, frames=FRAMES, gaps=False)
    own_rate = {"set_frame_rate": False, "set_frame_range": False}
    (one,), (other,) = (imported(take, ImportOptions(**own_rate, reduce=r)).armatures for r in (None, WITHIN))
    assert apart_mm(one, other, range(1, round(FRAMES * 24 / 30))) < WITHIN.mm * ROUNDING


def test_short_takes_and_people_who_stand_still():
    for frames in (1, 2, 3):
        fresh_scene()
        take = walking_take(people=1, frames=frames, gaps=False)
        (one,), (other,) = (imported(take, options).armatures for options in (ImportOptions(), FEWER))
        assert apart_mm(one, other, range(1, frames + 1)) < WITHIN.mm * ROUNDING
    fresh_scene()
    walk = walking_take(people=1, frames=20, gaps=False)
    names = ("rotations", "root_world_m", "joints_world_m", "box_camera_m", "contact")
    frozen = {name: np.repeat(getattr(walk, name)[:, :1], 20, axis=1) for name in names}
    made = imported(dataclasses.replace(walk, **frozen), FEWER)
    assert {len(curve.keyframe_points) for curve in compat.curves_of(made.armatures[0])} == {1}
    assert {len(curve.keyframe_points) for curve in compat.curves_of(made.boxes[0])} == {1}


def test_bounds_that_allow_nothing_are_refused():
    for mm, deg in ((0.0, 2.0), (-1.0, 2.0), (5.0, 0.0), (float("nan"), 2.0), (5.0, float("inf"))):
        assert "cannot be reduced" in error_of(lambda mm=mm, deg=deg: Within(mm, deg)).message


def on_rig(take: Take, where: run.Output) -> tuple[run.Prepared, run.Retargeted]:
    bpy.context.scene.render.fps = 30
    rig = make_rig("Rig", person_bones(), rolls_deg=9)
    prepared = run.prepare(bpy.context, run.TakeSource(take, 0), rig)
    return prepared, run.apply(prepared, Settings(), where)


def test_a_retargeted_cleaned_and_reduced_action_is_light():
    fresh_scene()
    take = walking_take(people=1, frames=FRAMES, gaps=False)
    prepared, made = on_rig(take, run.Output("Walk"))
    assert_light(made.action)
    clean(bpy.context, [prepared.rig], Scope(), changes.smooth(changes.Smoothing(half_life_s=0.02)))
    assert_light(made.action)
    clean(bpy.context, [prepared.rig], Scope(), changes.still(0.02, 0.01, 0.3))
    done = reduce_keys(bpy.context, [prepared.rig], Scope(), WITHIN)
    assert_light(made.action)
    assert 3 * done.after < done.before


def test_a_rig_gets_fewer_keys_at_once_in_an_action_or_a_strip():
    fresh_scene()
    take = walking_take(people=1, frames=FRAMES, gaps=False)
    dense, all_keys = on_rig(take, run.Output("Dense"))
    for as_strip in (False, True):
        prepared, made = on_rig(take, run.Output("Fewer", as_strip, WITHIN))
        assert_light(made.action)
        assert 3 * keys_of(compat.curves_of_action(made.action)) < keys_of(compat.curves_of_action(all_keys.action))
        assert apart_mm(dense.rig, prepared.rig, range(1, FRAMES + 1)) < WITHIN.mm * ROUNDING
        foot = [c for c in compat.curves_of_action(made.action) if '"foot.L"' in c.data_path]
        keyed = {point.co[0] for curve in foot for point in curve.keyframe_points}
        steps = [one for one in from_contact(take.contact[0], np.arange(1, FRAMES + 1)) if one.foot == 0]
        assert {end for step in steps for end in (step.start, step.end)} <= keyed


def test_other_settings_are_written_into_curves_with_fewer_keys():
    fresh_scene()
    for frames in (2, FRAMES):
        take = walking_take(people=1, frames=frames, gaps=False)
        turned = Settings(offsets={"arm.L": Offset((0.0, 25.0, 0.0)), "head": Offset((10.0, 0.0, 0.0))})
        dense, all_keys = on_rig(take, run.Output("Dense"))
        fewer, few_keys = on_rig(take, run.Output("Fewer", reduce=WITHIN))
        for prepared, made in ((dense, all_keys), (fewer, few_keys)):
            run.rewrite(prepared, turned, made.action)
        assert apart_mm(dense.rig, fewer.rig, range(1, frames + 1)) < 0.01
        assert_light(few_keys.action)
        run.reduce(bpy.context, fewer, few_keys.action, WITHIN)
        assert apart_mm(dense.rig, fewer.rig, range(1, frames + 1)) < WITHIN.mm * ROUNDING
        assert keys_of(compat.curves_of_action(few_keys.action)) <= keys_of(compat.curves_of_action(all_keys.action))
        run.rewrite(fewer, Settings(), few_keys.action)
        run.rewrite(dense, Settings(), all_keys.action)
        assert apart_mm(dense.rig, fewer.rig, range(1, frames + 1)) < 0.01


def test_an_action_without_anything_to_reduce_stays_as_it_is():
    fresh_scene()
    rig = make_rig("Rig", person_bones(), rolls_deg=9)
    rig.pose.bones["spine"].keyframe_insert("rotation_quaternion", frame=5)
    rig.pose.bones["spine"].keyframe_insert("rotation_quaternion", frame=6)
    assert reduce_baked(bpy.context, [Baked(rig)], WITHIN).before == 0
    assert keys_of(compat.curves_of(rig)) == 8
    assert reduce_baked(bpy.context, [], WITHIN).after == 0


def test_channels_that_are_keyed_on_their_own_have_fewer_keys_within_the_same_bound():
    fresh_scene()
    take = walking_take(people=1, frames=FRAMES, gaps=False)
    (dense,), (shared,) = imported(take).armatures, imported(take, FEWER).armatures
    (alone,) = imported(take, ImportOptions(reduce=Within(shared=False))).armatures
    assert apart_mm(dense, alone, range(1, FRAMES + 1)) < WITHIN.mm * ROUNDING
    assert keys_of(compat.curves_of(alone)) < 0.8 * keys_of(compat.curves_of(shared))
