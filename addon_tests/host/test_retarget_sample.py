"""An armature as a source: its motion as Blender shows it, by whatever means it moves."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import bpy
import numpy as np

from addon_tests.host.retarget_rigs import (
    FRAMES,
    animate,
    error_of,
    evaluated_matrices,
    fresh_scene,
    make_rig,
    person_bones,
    person_map,
    pose_channels,
)
from animepose_blender.core import quaternions as quat
from animepose_blender.core.retarget import euler
from animepose_blender.core.retarget.motion import Motion
from animepose_blender.core.retarget.rig_map import RigMap
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import import_take
from animepose_blender.host.retarget import read_curves
from animepose_blender.host.retarget.sample import sample_armature
from animepose_blender.take import State

MODES = ("QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE")


def assert_moves_as_shown(rig: bpy.types.Object, motion: Motion, rig_map: RigMap, first: int = 1) -> None:
    scene = bpy.context.scene
    rest = {bone.name: np.array(rig.data.bones[bone.name].matrix_local) for bone in rig.pose.bones}
    scene.frame_set(first)
    begin = np.array(rig.matrix_world)
    for index in range(0, len(motion.time_s), 5):
        scene.frame_set(first + index)
        shown = evaluated_matrices(rig)
        for number, slot in enumerate(motion.slots):
            bone = rig_map.bones[slot]
            assert np.abs(motion.head_m[index, number] - shown[bone][:3, 3]).max() < 1e-4, slot
            turned = quat.multiply(
                euler.rotations_of(shown[bone]), quat.conjugate(euler.rotations_of(begin @ rest[bone]))
            )
            assert euler.angle_between(motion.turned[index, number], turned) < 1e-3, slot


def test_all_rotation_modes_move_as_shown():
    fresh_scene()
    rig = make_rig("Rig", person_bones(), rolls_deg=23)
    for number, bone in enumerate(rig.pose.bones):
        bone.rotation_mode = MODES[number % len(MODES)]
    animate(rig)
    rig.pose.bones["shin.L"].scale = (1.0, 1.3, 1.0)
    rig.location, rig.rotation_euler, rig.scale = (1, 2, 0), (0, 0, 0.5), (0.5, 0.5, 0.5)
    channels = pose_channels(rig)
    sampled = sample_armature(bpy.context, rig, person_map())
    assert pose_channels(rig) == channels
    assert len(sampled.frames) == FRAMES and sampled.motion.present.all()
    assert_moves_as_shown(rig, sampled.motion, person_map())


def test_curves_between_keys_are_blenders_own():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    animate(rig, every=6)
    motion = sample_armature(bpy.context, rig, person_map(), (-3, 30)).motion
    assert_moves_as_shown(rig, motion, person_map(), first=-3)


def test_constraints_drivers_and_layers_are_evaluated():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    animate(rig)
    rig.pose.bones["hand.L"].constraints.new("COPY_ROTATION").target = rig
    rig.pose.bones["hand.L"].constraints[0].subtarget = "head"
    driven = rig.pose.bones["chest"].driver_add("location", 1).driver
    driven.expression = "0.01 * frame"
    assert_moves_as_shown(rig, sample_armature(bpy.context, rig, person_map()).motion, person_map())
    track = rig.animation_data.nla_tracks.new()
    track.strips.new("Strip", 1, rig.animation_data.action)
    rig.animation_data.action = None
    motion = sample_armature(bpy.context, rig, person_map(), (1, FRAMES)).motion
    assert np.ptp(motion.head_m[:, 0], axis=0).max() > 0.05
    assert_moves_as_shown(rig, motion, person_map())
    rig.hide_viewport = True
    hidden = sample_armature(bpy.context, rig, person_map(), (1, FRAMES)).motion
    assert np.array_equal(hidden.head_m, motion.head_m) and np.array_equal(hidden.turned, motion.turned)


def test_an_object_that_moves_takes_its_bones_with_it():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    animate(rig)
    for frame, x in ((1, 0.0), (FRAMES, 3.0)):
        rig.location.x = x
        rig.keyframe_insert("location", frame=frame)
    motion = sample_armature(bpy.context, rig, person_map()).motion
    assert motion.head_m[-1, 0, 0] > 2.5
    assert_moves_as_shown(rig, motion, person_map())


def test_rest_ends_are_the_next_joints_and_soles_lie_on_the_floor():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    animate(rig)
    motion = sample_armature(bpy.context, rig, person_map()).motion
    ends = dict(zip(motion.slots, motion.rest_tail_m, strict=True))
    heads = dict(zip(motion.slots, motion.rest_head_m, strict=True))
    for slot, following in (
        ("pelvis", "spine_1"),
        ("spine_2", "neck_1"),
        ("upper_arm.L", "forearm.L"),
        ("foot.R", "toe.R"),
    ):
        assert np.allclose(ends[slot], heads[following])
    assert np.allclose(ends["hand.L"], np.array(rig.data.bones["hand.L"].tail_local))
    assert np.abs(motion.rest_sole_m[..., 2]).max() < 0.03
    heel, toe = motion.rest_sole_m[0]
    assert heel[1] > heads["foot.L"][1] > toe[1]


def test_an_armature_of_a_take_has_its_contacts_and_gaps(tmp_path: Path):
    fresh_scene()
    take = walking_take(people=2, frames=60)
    path = tmp_path / "walk.npz"
    take.save(path)
    armature = import_take.import_take(bpy.context, take, str(path)).armatures[1]
    slots = {"abdomen": "spine_1", "spine": "spine_2", "chest": "spine_3"}
    rig_map = RigMap({slots.get(bone.name, bone.name): bone.name for bone in armature.data.bones})
    sampled = sample_armature(bpy.context, armature, rig_map, (1, 60))
    present = take.state[1] != State.ABSENT
    assert not present.all() and np.array_equal(sampled.motion.present, present)
    assert np.array_equal(sampled.predicted, take.state[1] == State.PREDICTED)
    assert np.allclose(sampled.motion.contact[present], take.contact[1, present], atol=1e-6)
    away = np.flatnonzero(~present)
    nowhere = sample_armature(bpy.context, armature, rig_map, (int(away[0]) + 1, int(away[0]) + 2))
    assert nowhere.motion.present.all()
    path.unlink()
    alone = sample_armature(bpy.context, armature, rig_map, (1, 60))
    assert alone.motion.present.all() and alone.motion.contact.max() > 0.5
    gap = sample_armature(bpy.context, armature, rig_map, (200, 210))
    assert gap.motion.present.all()


def test_keys_on_every_frame_are_read_in_bulk_and_give_the_same():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    animate(rig)
    frames = np.arange(1.0, FRAMES + 1)
    for curve in read_curves.compat.curves_of(rig)[:12]:
        expected = [curve.evaluate(frame) for frame in frames]
        assert np.array_equal(read_curves.values_at(curve, frames), expected)


def test_a_source_without_pelvis_or_range_is_refused():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    bones = {slot: bone for slot, bone in person_map().bones.items() if slot != "pelvis"}
    assert "pelvis" in error_of(lambda: sample_armature(bpy.context, rig, RigMap(bones))).message
    assert error_of(lambda: sample_armature(bpy.context, rig, person_map(), (10, 5))).remedy
    legless = dataclasses.replace(person_map(), bones={"pelvis": "pelvis", "head": "head"})
    assert "person" in error_of(lambda: sample_armature(bpy.context, rig, legless)).message
