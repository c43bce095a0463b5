"""Figures: our skeleton and any armature stand where their own kinematics have them."""

from __future__ import annotations

import numpy as np
import pytest

from addon_tests.core.reshape.motions import angle_deg, walk
from animepose_blender.core import kinematics
from animepose_blender.core import quaternions as quat
from animepose_blender.core.reshape.poses import Figure, LegBones, Poses
from animepose_blender.core.retarget.armature import Armature
from animepose_blender.skeleton import CONTACT_JOINTS, REST_LENGTHS_M

BONES = {
    "root": ("", (0, 0, 0), (0, 0.3, 0), 0.0),
    "hips": ("root", (0, 0.02, 0.9), (0, 0, 1.1), 20.0),
    "chest": ("hips", (0, 0, 1.1), (0, -0.05, 1.4), -35.0),
    "thigh.L": ("hips", (0.1, 0, 0.9), (0.12, -0.02, 0.5), 5.0),
    "shin.L": ("thigh.L", (0.12, -0.02, 0.5), (0.12, 0.02, 0.1), 50.0),
    "foot.L": ("shin.L", (0.12, 0.02, 0.1), (0.13, -0.15, 0.02), -5.0),
    "thigh.R": ("hips", (-0.1, 0, 0.9), (-0.12, -0.02, 0.5), 25.0),
    "shin.R": ("thigh.R", (-0.12, -0.02, 0.5), (-0.12, 0.02, 0.1), 0.0),
    "foot.R": ("shin.R", (-0.12, 0.02, 0.1), (-0.13, -0.15, 0.02), 5.0),
}
LEGS = (("thigh.L", "shin.L", "foot.L"), ("thigh.R", "shin.R", "foot.R"))
IN_WORLD = np.array([[0.0, -2.0, 0.0, 0.4], [2.0, 0.0, 0.0, -2.0], [0.0, 0.0, 2.0, 0.3], [0.0, 0.0, 0.0, 1.0]])


def test_our_skeleton_stands_where_its_kinematics_have_it():
    figure, poses = walk()
    figure = Figure.of_skeleton(REST_LENGTHS_M)
    joints_m, turned = kinematics.forward(poses.rotations, poses.root_m, REST_LENGTHS_M)
    assert figure.tails(poses) == pytest.approx(joints_m, abs=1e-12)
    assert figure.forward(poses.rotations, poses.root_m)[0] == pytest.approx(turned, abs=1e-12)
    assert figure.soles(poses).reshape(-1, 4, 3) == pytest.approx(joints_m[:, list(CONTACT_JOINTS)], abs=1e-12)


def test_legs_that_are_put_back_change_nothing():
    figure, poses = walk()
    same = figure.with_legs(poses, figure.legs_of(poses).turned)
    assert same == pytest.approx(poses.rotations, abs=1e-9)


def test_an_armature_stands_where_blender_has_it(rng):
    bpy = pytest.importorskip("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    data = bpy.data.armatures.new("Figure")
    rig = bpy.data.objects.new("Figure", data)
    rig.matrix_world = IN_WORLD.T.tolist()
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for name, (parent, head, tail, roll) in BONES.items():
        bone = data.edit_bones.new(name)
        bone.head, bone.tail, bone.roll = head, tail, np.radians(roll)
        bone.parent = data.edit_bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    bones = [data.bones[name] for name in BONES]
    armature = Armature(
        tuple(BONES),
        np.array([list(BONES).index(b.parent.name) if b.parent else -1 for b in bones]),
        np.array([b.matrix_local for b in bones]),
        np.array([b.length for b in bones]),
        np.array(rig.matrix_world),
        np.ones(len(BONES), bool),
    )
    figure, names = Figure.of_armature(armature, "hips", LEGS)
    assert names == tuple(BONES)[1:]
    rotations = quat.normalize(rng.normal(size=(1, len(names), 4)) + [2, 0, 0, 0])
    for name, q in zip(names, rotations[0], strict=True):
        rig.pose.bones[name].rotation_quaternion = q
    rig.pose.bones["hips"].location = (0.3, -0.2, 0.1)
    bpy.context.view_layer.update()
    posed = [rig.pose.bones[name] for name in names]
    poses = Poses(rotations, np.array([rig.matrix_world @ posed[0].head]), np.zeros(1), np.zeros((1, 4)))
    tails_m = np.array([rig.matrix_world @ bone.tail for bone in posed])
    assert figure.tails(poses)[0] == pytest.approx(tails_m, abs=1e-5)
    feet = [rig.pose.bones[leg[2]].matrix for leg in LEGS]
    ends = [
        rig.matrix_world @ (m @ data.bones[leg[2]].matrix_local.inverted() @ data.bones[leg[2]].tail_local)
        for m, leg in zip(feet, LEGS, strict=True)
    ]
    assert figure.soles(poses)[0, :, 1] == pytest.approx(np.array(ends), abs=1e-5)
    same = figure.with_legs(poses, figure.legs_of(poses).turned)
    assert angle_deg(same, rotations).max() < 1e-4


def test_what_does_not_fit_is_refused():
    figure, poses = walk(frames=5)
    with pytest.raises(ValueError, match="root_m is"):
        Poses(poses.rotations, poses.root_m[:3], poses.time_s, poses.contact)
    with pytest.raises(ValueError, match="time_s"):
        Poses(poses.rotations, poses.root_m, poses.time_s[::-1], poses.contact)
    assert figure.legs is not None
    wrong = LegBones(0, 2, 5, figure.legs[0].sole_m)
    with pytest.raises(ValueError, match="hang on"):
        Figure(figure.parents, figure.offset_m, figure.tail_m, figure.rest_turn, (figure.legs[0], wrong))
    loose = Figure(figure.parents, figure.offset_m, figure.tail_m, figure.rest_turn)
    with pytest.raises(ValueError, match="no legs"):
        loose.soles(poses)


def test_legs_alone_stand_where_those_of_the_whole_figure_do():
    figure, poses = walk()
    alone, part, bones = figure.legs_alone(poses)
    assert 7 <= len(bones) < len(figure.parents)
    assert alone.soles(part) == pytest.approx(figure.soles(poses), abs=1e-12)
    assert np.array_equal(part.rotations, poses.rotations[:, bones])
