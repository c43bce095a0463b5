"""What is written: curves that pose the bones as asked, in the mode they are in, and nothing else of the rig."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from addon_tests.host.retarget_rigs import (
    animate,
    error_of,
    everything_but_animation,
    fresh_scene,
    make_rig,
    person_bones,
    pose_channels,
)
from animepose_blender.core import quaternions as quat
from animepose_blender.core.retarget import euler
from animepose_blender.core.retarget.controls import Keys
from animepose_blender.host import compat
from animepose_blender.host.curves import FILLED_IN
from animepose_blender.host.retarget.write import KeyTimes, Output, rewrite_action, write_action
from animepose_blender.rigs.family import Property

MODES = ("QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE")
BONES = ("pelvis", "spine", "chest", "head", "upper_arm.L", "forearm.L", "thigh.L", "shin.L")
FRAMES = 40
PLAIN = Output()


def turning(seed: int = 3, frames: int = FRAMES) -> list[Keys]:
    random = np.random.default_rng(seed)
    made = []
    for name in BONES:
        steps = random.normal(size=(frames, 3)) * 0.2
        q = [quat.IDENTITY]
        for step in steps[1:]:
            q.append(quat.normalize(quat.multiply(q[-1], np.array([1.0, *step]))))
        location = random.normal(size=(frames, 3)) if name == "pelvis" else None
        made.append(Keys(name, -np.array(q) if name == "head" else np.array(q), location))
    return made


def all_times(frames: int = FRAMES) -> KeyTimes:
    return KeyTimes(np.arange(frames) + 1.0, np.ones(frames, dtype=bool), np.zeros(frames, dtype=bool))


def rig_in_all_modes() -> bpy.types.Object:
    rig = make_rig("Rig", person_bones(), rolls_deg=9)
    for name, mode in zip(BONES, MODES, strict=True):
        rig.pose.bones[name].rotation_mode = mode
    return rig


def assert_posed(rig: bpy.types.Object, keys: list[Keys], frames: range) -> None:
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        for key in keys:
            basis = np.array(rig.pose.bones[key.name].matrix_basis)
            apart = euler.angle_between(euler.rotations_of(basis), key.rotation[frame - 1])
            assert apart < 1e-3, (key.name, frame, apart)
            if key.location is not None:
                assert np.abs(basis[:3, 3] - key.location[frame - 1]).max() < 1e-5


def test_bones_turn_as_asked_in_the_mode_they_are_in():
    fresh_scene()
    rig = rig_in_all_modes()
    keys = turning()
    write_action(rig, keys, all_times(), (), PLAIN)
    assert [rig.pose.bones[name].rotation_mode for name in BONES] == list(MODES)
    assert_posed(rig, keys, range(1, FRAMES + 1))
    paths = {curve.data_path for curve in compat.curves_of(rig)}
    assert len(paths) == len(BONES) + 1
    assert {curve.group.name for curve in compat.curves_of(rig)} == set(BONES)


def test_nothing_but_the_action_changes():
    scene = fresh_scene()
    rig = rig_in_all_modes()
    rig.pose.bones["hand.L"].constraints.new("LIMIT_ROTATION")
    rig.pose.bones["hand.L"]["own"] = 0.25
    scene.frame_set(4)
    before = everything_but_animation(rig)
    write_action(rig, turning(), all_times(), (Property("hand.L", "own", 1.0),), PLAIN)
    assert everything_but_animation(rig) == before
    assert rig.pose.bones["hand.L"]["own"] == 0.25


def test_switches_are_keyed_once():
    scene = fresh_scene()
    rig = rig_in_all_modes()
    rig.pose.bones["hand.L"]['say "IK"'] = 0.0
    rig.pose.bones["hand.L"]["follow"] = False
    switches = (Property("hand.L", 'say "IK"', 1.0), Property("hand.L", "follow", 1.0))
    write_action(rig, turning(), all_times(), switches, PLAIN)
    curves = [curve for curve in compat.curves_of(rig) if "IK" in curve.data_path or "follow" in curve.data_path]
    assert [len(curve.keyframe_points) for curve in curves] == [1, 1]
    assert all(curve.keyframe_points[0].interpolation == "CONSTANT" for curve in curves)
    scene.frame_set(9)
    assert rig.pose.bones["hand.L"]['say "IK"'] == 1.0 and rig.pose.bones["hand.L"]["follow"] == 1


def test_gaps_have_no_keys_and_filled_frames_keys_of_their_own():
    fresh_scene()
    rig = rig_in_all_modes()
    present, predicted = np.ones(FRAMES, dtype=bool), np.zeros(FRAMES, dtype=bool)
    present[10:20] = present[:3] = False
    predicted[20:25] = True
    keys = turning()
    write_action(rig, keys, KeyTimes(np.arange(FRAMES) + 1.0, present, predicted), (), PLAIN)
    points = compat.curves_of(rig)[0].keyframe_points
    assert [round(point.co[0]) for point in points] == (np.flatnonzero(present) + 1).tolist()
    assert [point.type == FILLED_IN for point in points] == predicted[present].tolist()
    assert [point.interpolation == "CONSTANT" for point in points].index(True) == 6
    assert_posed(rig, keys, range(21, FRAMES + 1))
    bpy.context.scene.frame_set(15)
    held = np.array(rig.pose.bones["pelvis"].location)
    assert np.allclose(held, keys[0].location[9], atol=1e-5)


def test_channels_that_stand_still_have_one_key():
    fresh_scene()
    rig = rig_in_all_modes()
    still = [Keys(name, np.tile(quat.IDENTITY, (FRAMES, 1)), None) for name in BONES]
    write_action(rig, still, all_times(), (), PLAIN)
    assert {len(curve.keyframe_points) for curve in compat.curves_of(rig)} == {1}
    first = [curve.keyframe_points[0].co[1] for curve in compat.curves_of(rig) if "quaternion" in curve.data_path]
    assert first == [1.0, 0.0, 0.0, 0.0]


def test_a_quaternion_never_changes_its_side():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
    keys = turning()
    signs = np.where(np.arange(FRAMES) % 3 == 0, -1.0, 1.0)[:, None]
    write_action(rig, [Keys(key.name, key.rotation * signs, None) for key in keys], all_times(), (), PLAIN)
    for name in BONES:
        channels = [c for c in compat.curves_of(rig) if c.data_path == f'pose.bones["{name}"].rotation_quaternion']
        values = np.array([[c.evaluate(frame) for c in channels] for frame in range(1, FRAMES + 1)])
        assert (np.sum(values[1:] * values[:-1], axis=1) > 0).all() and values[0, 0] > 0


def test_the_action_that_was_there_outlives_saving(tmp_path: Path):
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    animate(rig)
    before = rig.animation_data.action
    name, count = before.name, len(compat.curves_of(rig))
    write_action(rig, turning(), all_times(), (), Output("New"))
    assert rig.animation_data.action.name == "New" and before.users == 1 and before.use_fake_user
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
    assert len(compat.curves_of_action(bpy.data.actions[name])) == count


def test_an_action_that_others_use_is_left_as_it_is():
    fresh_scene()
    rigs = [make_rig(name, person_bones()) for name in "AB"]
    animate(rigs[0])
    shared = rigs[0].animation_data.action
    compat.assign_action(rigs[1].animation_data_create(), shared)
    write_action(rigs[0], turning(), all_times(), (), PLAIN)
    assert rigs[1].animation_data.action == shared and not shared.use_fake_user


def test_a_strip_leaves_the_active_action_and_plays_where_that_has_no_keys():
    fresh_scene()
    rig = rig_in_all_modes()
    keys = turning()
    action = write_action(rig, keys, all_times(), (), Output("Strip", as_nla_strip=True))
    assert rig.animation_data.action is None
    strip = rig.animation_data.nla_tracks[0].strips[0]
    assert strip.action == action and (strip.frame_start, strip.frame_end) == (1.0, float(FRAMES))
    assert_posed(rig, keys, range(1, FRAMES + 1, 3))
    rig.pose.bones["head"].keyframe_insert("rotation_euler", frame=1)
    active = rig.animation_data.action
    channels = pose_channels(rig)["strips"]
    write_action(rig, turning(8), all_times(), (), Output("Second", as_nla_strip=True))
    assert rig.animation_data.action == active
    assert pose_channels(rig)["strips"][:1] == channels and len(rig.animation_data.nla_tracks) == 2
    assert_posed(rig, [key for key in turning(8) if key.name != "head"], range(1, FRAMES + 1, 3))


def test_new_values_are_those_of_a_new_action():
    scene = fresh_scene()
    rig = rig_in_all_modes()
    first, second = turning(1), turning(2)
    still = [Keys(key.name, np.tile(quat.IDENTITY, (FRAMES, 1)), key.location) for key in first]
    action = write_action(rig, still, all_times(), (), PLAIN)
    scene.frame_set(17)
    for keys in (first, second, still, first):
        rewrite_action(rig, action, keys, all_times())
        # What is shown follows at once, with the frame where it is.
        bpy.context.view_layer.update()
        shown = np.array(rig.pose.bones["chest"].matrix_basis)
        wanted = next(key.rotation[16] for key in keys if key.name == "chest")
        assert euler.angle_between(euler.rotations_of(shown), wanted) < 1e-3
        assert_posed(rig, keys, range(1, FRAMES + 1, 4))
        scene.frame_set(17)
    assert rig.animation_data.action == action and len(bpy.data.actions) == 1


def test_curves_that_the_user_deleted_stay_away():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    action = write_action(rig, turning(1), all_times(), (), PLAIN)
    home = action.fcurves if not compat.has_slots() else action.layers[0].strips[0].channelbag(action.slots[0]).fcurves
    count = len(home)
    home.remove(home[2])
    rewrite_action(rig, action, turning(2), all_times())
    assert len(home) == count - 1


def test_between_frames_a_strip_begins_where_its_keys_do():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    times = KeyTimes(1.0 + np.arange(FRAMES) * 0.8 + 0.4, np.ones(FRAMES, dtype=bool), np.zeros(FRAMES, dtype=bool))
    write_action(rig, turning(), times, (), Output("Between", as_nla_strip=True))
    strip = rig.animation_data.nla_tracks[0].strips[0]
    assert np.isclose(strip.frame_start, 1.4, atol=1e-3) and np.isclose(strip.scale, 1.0, atol=1e-3)


def test_a_rig_in_tweak_mode_is_refused():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    animate(rig)
    action = rig.animation_data.action
    track = rig.animation_data.nla_tracks.new()
    strip = track.strips.new("Strip", 1, action)
    rig.animation_data.action = None
    track.select = strip.select = True
    rig.animation_data.nla_tracks.active = track
    rig.animation_data.use_tweak_mode = True
    if not rig.animation_data.use_tweak_mode:
        return  # this Blender enters it from its editor only
    count = len(bpy.data.actions)
    assert "tweak" in error_of(lambda: write_action(rig, turning(), all_times(), (), PLAIN)).message
    assert len(bpy.data.actions) == count
