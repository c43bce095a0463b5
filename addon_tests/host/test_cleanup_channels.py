"""Any armature's channels are read as what they mean and written back as they were kept; nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np

from addon_tests.host.cleanup_rigs import EVERYTHING, FRAMES, chain, change, co, everything_of, key, moved_by, turns
from addon_tests.host.retarget_rigs import error_of, fresh_scene, rotation_path
from animepose_blender.core import quaternions as quat
from animepose_blender.core.retarget import easing, euler
from animepose_blender.host import compat
from animepose_blender.host.cleanup import changes
from animepose_blender.host.cleanup.channels import Kind, Wanted, batches, find_channels
from animepose_blender.host.cleanup.scope import Scope
from animepose_blender.host.cleanup.write_back import KeyOn

MODES = ("QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE")
EVERY_FRAME = np.arange(1, FRAMES + 1)


def same(batch, _):
    return batch.values


def in_mode(q: np.ndarray, mode: str) -> np.ndarray:
    if mode == "QUATERNION":
        return q
    return euler.to_axis_angle(q) if mode == "AXIS_ANGLE" else euler.from_quaternion(q, mode)


def rig_in_all_modes() -> tuple[bpy.types.Object, np.ndarray]:
    """An armature with a bone in each mode, and (F, N, 4) its rotations."""
    rig = chain(*MODES)
    rotations = np.stack([turns(seed=number) for number in range(len(MODES))], axis=1)
    for number, bone in enumerate(rig.pose.bones):
        key(bone, rotation_path(bone), EVERY_FRAME, in_mode(rotations[:, number], bone.rotation_mode))
    return rig, rotations


def shown(rig: bpy.types.Object, frame: float) -> np.ndarray:
    """(N, 4) the bones' own rotations at a frame, as Blender evaluates them."""
    bpy.context.scene.frame_set(int(frame), subframe=frame - int(frame))
    return euler.rotations_of(np.array([np.array(bone.matrix_basis) for bone in rig.pose.bones]))


def test_a_rotation_is_read_alike_in_every_mode():
    fresh_scene()
    rig, rotations = rig_in_all_modes()
    found = find_channels(rig, Wanted())
    assert [channel.kind for channel in found.channels] == [Kind.ROTATION] * len(MODES) and not found.left
    (batch,) = batches(found.channels)
    assert np.array_equal(batch.frames, EVERY_FRAME)
    assert euler.angle_between(batch.values, rotations).max() < 1e-4


def test_a_turn_arrives_in_every_mode_and_an_unchanged_motion_is_not_touched():
    fresh_scene()
    rig, rotations = rig_in_all_modes()
    before = everything_of(rig)
    change(rig, same)
    assert everything_of(rig) == before
    change(rig, moved_by(0.3))
    wanted = quat.multiply(easing.from_vector(np.array([0.3, 0.0, 0.0])), rotations)
    for frame in (1, 7, 23, FRAMES):
        assert euler.angle_between(shown(rig, frame), wanted[frame - 1]).max() < 1e-3


def test_between_frames_nothing_whirls():
    fresh_scene()
    rig, _ = rig_in_all_modes()
    change(rig, moved_by(0.3))
    for frame in np.arange(1, FRAMES):
        step = euler.angle_between(shown(rig, frame), shown(rig, frame + 1))
        half = euler.angle_between(shown(rig, frame), shown(rig, frame + 0.5))
        assert (half < step + 0.05).all()


def test_a_small_change_leaves_the_angles_in_the_turn_they_are_in():
    fresh_scene()
    rig = chain("XYZ", "YZX", "AXIS_ANGLE", "QUATERNION")
    steps = np.linspace(0.0, 1.0, FRAMES)[:, None]
    about_y = np.hstack([9 + steps, steps * 0, steps * 0 - 1, steps * 0])
    angles = np.array([0.2, 2.6, 0.1]) + 4 * np.pi + steps * [2.0, 0.3, 1.0]
    curves = [
        *key(rig.pose.bones["a"], "rotation_euler", EVERY_FRAME, angles),
        *key(rig.pose.bones["b"], "rotation_euler", EVERY_FRAME, angles),
        *key(rig.pose.bones["c"], "rotation_axis_angle", EVERY_FRAME, about_y),
        *key(rig.pose.bones["d"], "rotation_quaternion", EVERY_FRAME, -in_mode(turns(), "QUATERNION")),
    ]  # fmt: skip
    before = np.array([co(curve)[:, 1] for curve in curves])
    change(rig, moved_by(0.01))
    after = np.array([co(curve)[:, 1] for curve in curves])
    assert 0 < np.abs(after - before).max() < 0.1


def test_keys_that_are_far_apart_stay_where_they_are():
    fresh_scene()
    rig = chain("QUATERNION")
    bone, frames = rig.pose.bones["a"], np.array([1.0, 8.0, 9.5, 20.0, 33.0])
    places = key(bone, "location", frames, np.arange(15).reshape(5, 3))
    rotations = key(bone, "rotation_quaternion", frames, turns(5))
    change(rig, moved_by(0.5))
    for curve in (*places, *rotations):
        assert np.allclose(co(curve)[:, 0], frames)
    moved = np.array([co(curve)[:, 1] for curve in places]).T
    assert np.allclose(moved, np.arange(15).reshape(5, 3) + 0.5, atol=1e-5)


def test_keys_on_every_frame_are_added_where_they_are_asked_for():
    fresh_scene()
    rig = chain("XYZ")
    (curve, *_) = key(rig.pose.bones["a"], "location", [1, 11, 21], np.eye(3))
    smooth = np.array([curve.evaluate(frame) for frame in range(1, 22)])
    change(rig, moved_by(2.0), key_on=KeyOn.FRAMES)
    assert np.array_equal(co(curve)[:, 0], np.arange(1, 22)) and np.allclose(co(curve)[:, 1], smooth + 2.0, atol=1e-5)


def test_outside_the_range_nothing_moves_and_the_border_is_soft():
    scene = fresh_scene()
    rig = chain("QUATERNION")
    bone = rig.pose.bones["a"]
    (curve, *_) = key(bone, "location", EVERY_FRAME, np.zeros((FRAMES, 3)))
    turned = key(bone, "rotation_quaternion", EVERY_FRAME, turns())
    before = np.array([co(one)[:, 1] for one in turned])
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 10, 30
    change(rig, moved_by(1.0), Scope("SCENE", 4, EVERYTHING.kinds))
    values = co(curve)[:, 1]
    assert not values[:9].any() and not values[30:].any() and (values[13:26] == 1.0).all()
    assert (np.diff(values[8:14]) > 0).all() and np.abs(np.diff(values)).max() < 0.35
    after = np.array([co(one)[:, 1] for one in turned])
    assert np.array_equal(before[:, :9], after[:, :9]) and np.array_equal(before[:, 30:], after[:, 30:])
    steps = euler.angle_between(after.T[1:], after.T[:-1]) - euler.angle_between(before.T[1:], before.T[:-1])
    assert np.abs(steps).max() < 0.45


def test_added_keys_leave_what_is_outside_the_range_in_its_shape():
    for handles in ("AUTO_CLAMPED", "FREE"):
        scene = fresh_scene()
        rig = chain("XYZ")
        (curve, *_) = key(rig.pose.bones["a"], "location", [1, 12, 40], np.array([[2.0, 0, 0], [0, 0, 0], [4, 4, 4]]))
        for point in curve.keyframe_points:
            point.handle_left_type = point.handle_right_type = handles
        if handles == "FREE":
            curve.keyframe_points[1].handle_right = (45.0, 3.0)  # beyond the next key
        curve.update()
        before = np.array([curve.evaluate(frame) for frame in np.arange(1, 40.01, 0.5)])
        scene.frame_start, scene.frame_end = 15, 20
        change(rig, moved_by(1.0), Scope("SCENE", 1, EVERYTHING.kinds), key_on=KeyOn.FRAMES)
        after = np.array([curve.evaluate(frame) for frame in np.arange(1, 40.01, 0.5)])
        frames = np.arange(1, 40.01, 0.5)
        outside = (frames <= 14) | (frames >= 21)
        assert np.allclose(after[outside], before[outside], atol=1e-4)
        inside = (frames >= 16) & (frames <= 19) & (frames % 1 == 0)
        assert np.allclose(after[inside], before[inside] + 1.0, atol=1e-4)


def test_only_selected_keys_change():
    fresh_scene()
    rig = chain("XYZ")
    curves = key(rig.pose.bones["a"], "location", EVERY_FRAME, np.zeros((FRAMES, 3)))
    for curve in curves:
        for point in curve.keyframe_points:
            point.select_control_point = curve is curves[1] and (10 <= point.co[0] <= 20 or point.co[0] == 30)
    change(rig, moved_by(1.0), Scope("KEYS", 0, EVERYTHING.kinds))
    chosen = np.isin(EVERY_FRAME, [*range(10, 21), 30])
    for curve in curves:
        assert np.array_equal(co(curve)[:, 1] == 1.0, chosen)  # a place is one thing
    for point in (point for curve in curves for point in curve.keyframe_points):
        point.select_control_point = False
    assert "selected" in error_of(lambda: change(rig, moved_by(1.0), Scope("KEYS"))).message


def test_only_selected_bones_change_and_all_if_none_is():
    fresh_scene()
    rig = chain("XYZ", "XYZ")
    ours, other = (key(rig.pose.bones[name], "location", [1, 2, 3], np.zeros((3, 3)))[0] for name in "ab")
    (own, *_) = key(rig, "location", [1, 2, 3], np.zeros((3, 3)))
    bpy.ops.object.mode_set(mode="POSE")
    select(rig, "a")
    change(rig, moved_by(1.0))
    assert (co(ours)[:, 1] == 1).all() and not co(other)[:, 1].any() and not co(own)[:, 1].any()
    select(rig)
    change(rig, moved_by(1.0))
    assert (co(ours)[:, 1] == 2).all() and (co(other)[:, 1] == 1).all() and (co(own)[:, 1] == 1).all()
    select(rig, "b")
    bpy.ops.object.mode_set(mode="OBJECT")
    change(rig, moved_by(1.0))
    assert (co(ours)[:, 1] == 3).all()


def select(rig: bpy.types.Object, *names: str) -> None:
    in_pose = "select" in bpy.types.PoseBone.bl_rna.properties
    for posed in rig.pose.bones:
        (posed if in_pose else posed.bone).select = posed.name in names


def test_what_is_protected_stays_and_is_named():
    fresh_scene()
    rig = chain("QUATERNION", "QUATERNION", "XYZ", "XYZ")
    places = {bone.name: key(bone, "location", EVERY_FRAME, np.zeros((FRAMES, 3))) for bone in rig.pose.bones}
    turned = key(rig.pose.bones["b"], "rotation_quaternion", EVERY_FRAME, turns())
    places["a"][1].lock = True
    turned[2].lock = True
    places["b"][0].mute = True
    rig.pose.bones["c"].driver_add("location", 2)
    places["d"][0].group.lock = True
    before = everything_of(rig)
    done = change(rig, moved_by(1.0))
    (note,) = done.notes
    assert "1 driven, 5 locked, 1 muted curves were left as they are" in note
    assert all((co(places["a"][index])[:, 1] == (index != 1)).all() for index in range(3))
    assert (co(places["b"][0])[:, 1] == 0).all() and (co(places["b"][2])[:, 1] == 1).all()
    assert (co(places["c"][2])[:, 1] == 0).all() and (co(places["c"][0])[:, 1] == 1).all()
    assert not any(co(curve)[:, 1].any() for curve in places["d"])
    assert len(before) == len(everything_of(rig))
    assert np.allclose([co(curve)[:, 1] for curve in turned], turns().T, atol=1e-6)  # one locked part locks them all


def test_interpolation_handles_types_groups_and_modifiers_are_kept():
    fresh_scene()
    rig = chain("XYZ")
    (curve, *_) = key(rig.pose.bones["a"], "location", [1, 5, 9, 14, 20], np.arange(15).reshape(5, 3) % 4)
    kinds = ("BEZIER", "LINEAR", "CONSTANT", "ELASTIC", "BEZIER")
    for point, interpolation in zip(curve.keyframe_points, kinds, strict=True):
        point.interpolation, point.type = interpolation, "EXTREME"
        point.handle_left_type = point.handle_right_type = "FREE"
        point.handle_right = (point.co[0] + 1.5, point.co[1] + 0.7)
    curve.modifiers.new("CYCLES")
    curve.update()
    handles = np.array([tuple(point.handle_right) for point in curve.keyframe_points])
    values = co(curve)
    change(rig, moved_by(1.0))
    assert tuple(point.interpolation for point in curve.keyframe_points) == kinds
    assert {point.type for point in curve.keyframe_points} == {"EXTREME"} and len(curve.modifiers) == 1
    assert np.allclose(co(curve), values + [0, 1.0], atol=1e-5) and curve.group.name == "a"
    assert np.allclose([tuple(point.handle_right) for point in curve.keyframe_points], handles + [0, 1.0], atol=1e-5)
    change(rig, moved_by(1.0), key_on=KeyOn.FRAMES)
    kept = [point for point in curve.keyframe_points if round(point.co[0]) in (1, 5, 14, 20)]
    assert [point.interpolation for point in kept] == ["BEZIER", "LINEAR", "ELASTIC", "BEZIER"]
    assert not curve.modifiers[0].mute and len(curve.keyframe_points) == 20


def test_free_numbers_are_cleaned_and_switches_are_not():
    fresh_scene()
    rig = chain("XYZ")
    bone = rig.pose.bones["a"]
    (number,) = key(bone, '["smile"]', EVERY_FRAME, np.zeros(FRAMES))
    bone["count"], bone["on"] = 1, True
    bone.keyframe_insert('["count"]', frame=1)
    bone.keyframe_insert('["count"]', frame=9)
    bone.keyframe_insert('["on"]', frame=1)
    bone.keyframe_insert('["on"]', frame=9)
    bone.keyframe_insert("rotation_euler", frame=1, index=1)
    bone.rotation_euler[1] = 0.5
    bone.keyframe_insert("rotation_euler", frame=9, index=1)
    found = find_channels(rig, Wanted())
    paths = {channel.path for channel in found.channels}
    assert paths == {'pose.bones["a"]["smile"]', 'pose.bones["a"].rotation_euler'}
    change(rig, moved_by(1.0), Scope(kinds=frozenset((Kind.LOCATION, Kind.SCALAR))))
    assert (co(number)[:, 1] == 1.0).all()


def test_a_component_with_fewer_keys_follows_its_rotation():
    fresh_scene()
    rig = chain("QUATERNION")
    vectors = np.zeros((FRAMES, 3))
    vectors[:, 1] = np.linspace(0, 1.5, FRAMES)
    curves = key(rig.pose.bones["a"], "rotation_quaternion", EVERY_FRAME, easing.from_vector(vectors))
    while len(curves[1].keyframe_points) > 1:
        curves[1].keyframe_points.remove(curves[1].keyframe_points[1])
    change(rig, moved_by(0.4))
    wanted = quat.multiply(easing.from_vector(np.array([0.4, 0, 0])), easing.from_vector(vectors))
    for frame in (1, 13, FRAMES):
        assert euler.angle_between(shown(rig, frame)[0], wanted[frame - 1]) < 1e-3


def test_broken_keys_stay_broken_and_their_neighbours_are_cleaned():
    fresh_scene()
    rig = chain("QUATERNION")
    bone = rig.pose.bones["a"]
    (curve, *_) = key(bone, "location", EVERY_FRAME, np.zeros((FRAMES, 3)))
    turned = key(bone, "rotation_quaternion", EVERY_FRAME, turns())
    curve.keyframe_points[10].co[1] = np.nan
    turned[0].keyframe_points[20].co[1] = np.nan
    change(rig, moved_by(1.0))
    values = co(curve)[:, 1]
    assert np.isnan(values[10]) and (np.delete(values, 10) == 1.0).all()
    after = np.array([co(one)[:, 1] for one in turned]).T
    wanted = quat.multiply(easing.from_vector(np.array([1.0, 0, 0])), turns())
    good = np.delete(np.arange(FRAMES), 20)
    assert euler.angle_between(after[good], wanted[good]).max() < 1e-3 and np.isnan(after[20, 0])


def test_unknown_frames_can_be_filled_and_are_marked():
    fresh_scene()
    rig = chain("XYZ")
    keyed = [*range(1, 11), *range(21, 31)]
    (curve, *_) = key(rig.pose.bones["a"], "location", keyed, np.ones((20, 3)))
    curve.keyframe_points[9].interpolation = "CONSTANT"

    def hide(batch):
        hidden = (batch.frames > 10) & (batch.frames < 21)
        return replace(batch, values=np.where(hidden[:, None, None], np.nan, batch.values))

    change(rig, lambda batch, _: np.nan_to_num(batch.values, nan=5.0), key_on=KeyOn.GAPS, prepare=hide)
    assert np.array_equal(co(curve)[:, 0], np.arange(1, 31))
    assert [point.type == "JITTER" for point in curve.keyframe_points] == [10 <= index < 20 for index in range(30)]
    assert (co(curve)[10:20, 1] == 5.0).all() and curve.keyframe_points[9].interpolation == "LINEAR"


def test_flips_are_taken_out_of_every_kind_of_rotation():
    fresh_scene()
    rig, rotations = rig_in_all_modes()
    for curve in compat.curves_of(rig):
        for number, point in enumerate(curve.keyframe_points):
            if "quaternion" in curve.data_path and number % 3 == 0:
                point.co[1] *= -1
            elif "euler" in curve.data_path and number % 4 == 1:
                point.co[1] += 2 * np.pi
        curve.update()
    change(rig, same, on_keys=True, abrupt=True)
    for curve in compat.curves_of(rig):
        assert np.abs(np.diff(co(curve)[:, 1])).max() < 2.0, curve.data_path
    for frame in (1, 9, 30):
        assert euler.angle_between(shown(rig, frame), rotations[frame - 1]).max() < 1e-3


def tweaked(rig: bpy.types.Object, start: int) -> bool:
    """Put the action in a strip that begins at a frame, and enter tweak mode, if this Blender does so by script."""
    animation = rig.animation_data
    action = animation.action
    slot = compat.slot_name(animation)
    track = animation.nla_tracks.new()
    strip = track.strips.new("Strip", start, action)
    if slot:
        strip.action_slot = action.slots[slot]
    animation.action = None
    track.select = strip.select = True
    animation.nla_tracks.active = track
    animation.use_tweak_mode = True
    return animation.use_tweak_mode


def test_the_scenes_range_counts_in_a_strips_own_time():
    scene = fresh_scene()
    rig = chain("XYZ")
    key(rig.pose.bones["a"], "location", EVERY_FRAME, np.zeros((FRAMES, 3)))
    if not tweaked(rig, 101):
        return
    scene.frame_start, scene.frame_end = 111, 120
    change(rig, moved_by(1.0), Scope("SCENE", 0, EVERYTHING.kinds))
    (curve, *_) = compat.curves_of(rig)
    assert np.array_equal(np.flatnonzero(co(curve)[:, 1]), np.arange(10, 20))
    said = error_of(lambda: change(rig, moved_by(1.0), Scope(to_new_action=True)))
    assert "tweak" in said.message and len(bpy.data.actions) == 1


def test_strips_without_an_action_are_told_apart_from_nothing():
    fresh_scene()
    rig = chain("XYZ")
    assert "has no action" in error_of(lambda: change(rig, moved_by(1.0))).message
    key(rig.pose.bones["a"], "location", EVERY_FRAME, np.zeros((FRAMES, 3)))
    action = rig.animation_data.action
    rig.animation_data.nla_tracks.new().strips.new("Strip", 1, action)
    rig.animation_data.action = None
    assert "NLA strips" in error_of(lambda: change(rig, moved_by(1.0))).message


def test_bones_that_are_gone_and_curves_without_keys_do_not_matter():
    fresh_scene()
    rig = chain("XYZ", "XYZ")
    for bone in rig.pose.bones:
        key(bone, "location", EVERY_FRAME, np.zeros((FRAMES, 3)))
    rig.data.bones["b"].name = "c"  # renamed, its curves follow; what is left behind is made here
    curves = [compat.new_curve(rig, path, 0, "b") for path in ('pose.bones["b"].location', 'pose.bones["a"].scale')]
    change(rig, moved_by(1.0))
    assert not any(len(curve.keyframe_points) for curve in curves)
    assert sum((co(curve)[:, 1] == 1).all() for curve in compat.curves_of(rig) if len(curve.keyframe_points)) == 6


def test_a_scaled_armature_counts_in_the_worlds_units():
    fresh_scene()
    rig = chain("XYZ")
    rig.scale = (0.01, 0.01, 0.01)
    tremble = np.random.default_rng(1).uniform(-0.4, 0.4, (FRAMES, 3))
    (curve, *_) = key(rig.pose.bones["a"], "location", EVERY_FRAME, tremble)
    bpy.context.view_layer.update()
    held = changes.still(0.01, 0.01, 0.3)
    change(rig, held.apply)
    assert np.ptp(co(curve)[:, 1]) < 1e-4
    rig.scale = (1, 1, 1)
    (curve, *_) = key(rig.pose.bones["a"], "location", EVERY_FRAME, tremble)
    bpy.context.view_layer.update()
    before = co(curve)
    change(rig, held.apply)
    assert np.array_equal(co(curve), before)
