"""Mirror images: joints are where a mirror shows them, and twice mirrored is as before."""

from __future__ import annotations

import numpy as np
import pytest

from addon_tests.core.reshape.motions import angle_deg, walk
from animepose_blender.core import fingers, kinematics
from animepose_blender.core import quaternions as quat
from animepose_blender.core.reshape.mirror import (
    BoneChannels,
    Plane,
    mirror_channels,
    mirror_hands,
    mirror_poses,
    own_plane,
    plane_of_way,
)
from animepose_blender.core.retarget import euler
from animepose_blender.core.retarget.armature import Armature
from animepose_blender.skeleton import MIRROR, REST_LENGTHS_M

OBLIQUE = Plane(np.array([0.4, -1.0, 0.7]), np.array([0.3, -2.0, 0.5]))
MODES = ("QUATERNION", "XYZ", "ZYX", "YXZ", "AXIS_ANGLE")
ROLLED = {
    # name: parent, head, tail, roll in degrees
    "root": ("", (0, 0, 0), (0, 0.3, 0), 0.0),
    "hips": ("root", (0, 0.02, 0.9), (0, 0, 1.1), 20.0),
    "chest": ("hips", (0, 0, 1.1), (0, -0.05, 1.4), -35.0),
    "upper_arm.L": ("chest", (0.2, 0, 1.4), (0.45, 0.05, 1.35), 17.0),
    "upper_arm.R": ("chest", (-0.2, 0, 1.4), (-0.45, 0.05, 1.35), 111.0),
    "forearm.L": ("upper_arm.L", (0.45, 0.05, 1.35), (0.7, 0, 1.3), -80.0),
    "forearm.R": ("upper_arm.R", (-0.45, 0.05, 1.35), (-0.7, 0, 1.3), 3.0),
    "thigh.L": ("hips", (0.1, 0, 0.9), (0.12, -0.02, 0.5), 5.0),
    "thigh.R": ("hips", (-0.1, 0, 0.9), (-0.12, -0.02, 0.5), -5.0),
    "ik_foot.L": ("", (0.12, 0, 0.1), (0.14, -0.2, 0.0), 40.0),
    "ik_foot.R": ("", (-0.12, 0, 0.1), (-0.14, -0.2, 0.0), 0.0),
}
OBJECT = np.array([[0.0, -1.7, 0.0, 0.4], [1.7, 0.0, 0.0, -2.0], [0.0, 0.0, 1.7, 0.3], [0.0, 0.0, 0.0, 1.0]])


def random_turns(rng, *shape):
    return quat.normalize(rng.normal(size=(*shape, 4)) + [3.0, 0.0, 0.0, 0.0])


@pytest.mark.parametrize("plane", [OBLIQUE, Plane(np.array([1.0, 0, 0]), np.zeros(3)), None])
def test_joints_of_the_skeleton_are_their_mirror_images(plane):
    _, poses = walk()
    lengths_m = REST_LENGTHS_M * np.linspace(0.9, 1.1, len(MIRROR))
    plane = plane or own_plane(poses, 17)
    made = mirror_poses(poses, plane)
    before, _ = kinematics.forward(poses.rotations, poses.root_m, lengths_m)
    after, _ = kinematics.forward(made.rotations, made.root_m, lengths_m[MIRROR])
    assert after[:, MIRROR] == pytest.approx(plane.image(before), abs=1e-9)
    assert np.array_equal(made.contact[:, [2, 3, 0, 1]], poses.contact)
    again = mirror_poses(made, plane)
    assert np.abs(angle_deg(again.rotations, poses.rotations)).max() < 1e-5
    assert again.root_m == pytest.approx(poses.root_m, abs=1e-12)


def test_across_its_own_plane_a_figure_begins_where_it_was_and_looks_the_same_way():
    _, poses = walk()
    for frame in (0, 50):
        plane = own_plane(poses, frame)
        made = mirror_poses(poses, plane)
        assert made.root_m[frame] == pytest.approx(poses.root_m[frame])
        ahead = [quat.rotate(p.rotations[frame, 0], np.array([0.0, -1.0, 0.0]))[:2] for p in (poses, made)]
        assert ahead[0] @ ahead[1] / np.prod(np.linalg.norm(ahead, axis=-1)) > 0.998
        assert plane.image(own_plane(made, frame).point_m) == pytest.approx(plane.point_m)


@pytest.mark.parametrize("turns_s", [0.0, 0.8])
@pytest.mark.parametrize("sways", [0.0, 1.0])
def test_a_way_is_mirrored_as_it_begins_however_the_body_sways_and_turns(turns_s, sways):
    time_s = np.arange(120) / 30
    heading = 0.4 + turns_s * time_s
    phase = 2 * np.pi * time_s / 1.1
    ahead = np.stack([np.cos(heading), np.sin(heading), 0 * heading], axis=-1)
    aside = np.stack([-np.sin(heading), np.cos(heading), 0 * heading], axis=-1)
    pelvis_m = 1.3 / 30 * np.cumsum(ahead, axis=0) + sways * 0.02 * np.sin(phase)[:, None] * aside
    yaw = heading + np.pi / 2 + sways * 0.15 * np.sin(phase + 1)
    left = np.stack([np.cos(yaw), np.sin(yaw), 0.1 + 0 * yaw], axis=-1)
    made = plane_of_way(pelvis_m, left, time_s)
    assert np.degrees(np.arccos(abs(made.normal @ ahead[0]))) == pytest.approx(90, abs=6)
    assert made.image(pelvis_m[0]) == pytest.approx(pelvis_m[0])
    standing = plane_of_way(np.zeros((120, 3)), left, time_s)
    assert np.degrees(np.arccos(abs(standing.normal @ ahead[0]))) == pytest.approx(90, abs=14)
    aside_goer = plane_of_way(np.cumsum(aside, axis=0) / 30, left, time_s)
    assert np.degrees(np.arccos(abs(aside_goer.normal @ ahead[0]))) == pytest.approx(90, abs=14)


def test_hands_are_their_mirror_images(rng):
    hands, palms = random_turns(rng, 9, 2, 15), random_turns(rng, 9, 2)
    wrists_m, lengths_m = rng.normal(size=(9, 2, 3)), rng.uniform(0.02, 0.1, (2, 20))
    before, _ = fingers.forward(hands, palms, wrists_m, lengths_m)
    flip = np.array([-1.0, 1.0, 1.0])
    mirrored_palms = palms[:, ::-1] * [1.0, 1.0, -1.0, -1.0]
    after, _ = fingers.forward(mirror_hands(hands), mirrored_palms, wrists_m[:, ::-1] * flip, lengths_m[::-1])
    assert after == pytest.approx(before[:, ::-1] * flip, abs=1e-12)


def channels_of(names, rng, frames=12, modes=MODES):
    """Smooth random channels; both sides have different modes."""
    made = {}
    time = np.linspace(0, 1, frames)[:, None]
    for number, name in enumerate(names):
        mode = modes[number % len(modes)]
        vector = rng.normal(size=3) * np.sin(3 * time + rng.uniform(0, 6)) * 0.8
        angle = np.linalg.norm(vector, axis=-1, keepdims=True)
        q = np.concatenate([np.cos(angle / 2), vector * np.sinc(angle / (2 * np.pi)) / 2], axis=-1)
        location = rng.normal(size=3) * 0.1 * np.cos(2 * time)
        made[name] = BoneChannels(mode, euler.to_channels(q, mode), location)
    return made


class Blender:
    """`ROLLED` in Blender."""

    def __init__(self, bpy, loose=()):
        self.bpy = bpy
        data = bpy.data.armatures.new("Rolled")
        self.rig = bpy.data.objects.new("Rolled", data)
        self.rig.matrix_world = OBJECT.T.tolist()
        bpy.context.scene.collection.objects.link(self.rig)
        bpy.context.view_layer.objects.active = self.rig
        bpy.ops.object.mode_set(mode="EDIT")
        for name, (parent, head, tail, roll) in ROLLED.items():
            bone = data.edit_bones.new(name)
            bone.head, bone.tail, bone.roll = head, tail, np.radians(roll)
            bone.parent = data.edit_bones[parent] if parent else None
            bone.use_local_location = name not in loose
        bpy.ops.object.mode_set(mode="OBJECT")
        names = tuple(ROLLED)
        bones = [data.bones[name] for name in names]
        self.armature = Armature(
            names,
            np.array([names.index(b.parent.name) if b.parent else -1 for b in bones]),
            np.array([b.matrix_local for b in bones]),
            np.array([b.length for b in bones]),
            np.array(self.rig.matrix_world),
            np.ones(len(names), bool),
        )

    def points(self, channels):
        """(F, N, 2, 3) heads and tails in the world."""
        found = []
        for frame in range(len(next(iter(channels.values())).rotation)):
            for name, own in channels.items():
                bone = self.rig.pose.bones[name]
                bone.rotation_mode = own.mode
                attribute = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}
                setattr(bone, attribute.get(own.mode, "rotation_euler"), own.rotation[frame])
                bone.location = own.location[frame]
            self.bpy.context.view_layer.update()
            world = self.rig.matrix_world
            posed = [self.rig.pose.bones[name] for name in self.armature.names]
            found.append([[world @ bone.head, world @ bone.tail] for bone in posed])
        return np.array(found)


@pytest.mark.parametrize("loose", [(), ("hips", "forearm.L", "forearm.R", "ik_foot.L", "ik_foot.R", "root")])
@pytest.mark.parametrize("plane", [None, OBLIQUE])
def test_joints_of_a_rig_with_odd_rolls_are_their_mirror_images_in_blender(plane, loose, rng):
    bpy = pytest.importorskip("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    blender = Blender(bpy, loose)
    names = blender.armature.names
    channels = channels_of(names, rng)
    local = np.array([name not in loose for name in names])
    made = mirror_channels(blender.armature, channels, plane, local)
    assert made.alone == ()
    before, after = blender.points(channels), blender.points(made.bones)
    to_world = blender.armature.to_world
    world = plane or Plane(to_world[:3, 0], to_world[:3, 3])
    other = [names.index(name.replace(".L", ".x").replace(".R", ".L").replace(".x", ".R")) for name in names]
    assert np.ptp(before, axis=0).max() > 0.2
    assert np.abs(after[:, other] - world.image(before)).max() < 1e-5
    again = mirror_channels(blender.armature, made.bones, plane, local)
    for name, own in channels.items():
        assert again.bones[name].mode == own.mode
        assert again.bones[name].location == pytest.approx(own.location, abs=1e-5)
        q = [euler.from_channels(np.asarray(c.rotation), c.mode) for c in (again.bones[name], own)]
        assert angle_deg(*q).max() < 1e-3


def symmetric_armature():
    """Bones with the axes that Blender's own symmetrize gives, straight from their definition."""
    names = ("spine", "arm.L", "arm.R", "prop.L")
    rest = np.tile(np.eye(4), (4, 1, 1))
    turn = quat.to_matrix(quat.normalize(np.array([0.8, 0.3, -0.4, 0.2])))
    rest[1, :3, :3] = turn
    rest[2, :3, :3] = np.diag([-1.0, 1, 1]) @ turn @ np.diag([-1.0, 1, 1])
    rest[1, :3, 3], rest[2, :3, 3] = (0.2, 0, 1), (-0.2, 0, 1)
    return Armature(names, np.array([-1, 0, 0, 1]), rest, np.ones(4), np.eye(4), np.ones(4, bool))


def test_on_a_symmetrized_rig_channels_change_signs_alone_as_in_blenders_flipped_paste(rng):
    armature = symmetric_armature()
    turns, q, scale = rng.normal(size=(5, 3)) * 9, rng.normal(size=(5, 4)), rng.uniform(0.5, 2, (5, 3))
    location = rng.normal(size=(5, 3))
    channels = {
        "arm.L": BoneChannels("XZY", turns, location, scale),
        "arm.R": BoneChannels("XZY", turns + 1),
        "spine": BoneChannels("QUATERNION", q),
    }
    made = mirror_channels(armature, channels).bones
    assert made["arm.R"].rotation == pytest.approx(turns * [1, -1, -1])
    assert made["arm.R"].location == pytest.approx(location * [-1, 1, 1])
    assert made["arm.R"].scale == pytest.approx(scale)
    assert made["spine"].rotation == pytest.approx(q * [1, 1, -1, -1])
    again = mirror_channels(armature, made).bones
    assert np.asarray(again["arm.L"].rotation).tolist() == turns.tolist()
    assert np.asarray(again["spine"].rotation).tolist() == q.tolist()


def test_bones_without_a_counterpart_stay_as_they_are_and_are_told():
    armature = symmetric_armature()
    own = BoneChannels("XYZ", np.ones((2, 3)))
    made = mirror_channels(armature, {"prop.L": own, "arm.L": own})
    assert made.alone == ("prop.L",)
    assert made.bones["prop.L"] is own
    assert set(made.bones) == {"prop.L", "arm.R"}


def test_wrong_names_and_missing_roots_are_refused():
    armature = symmetric_armature()
    with pytest.raises(ValueError, match="no bones"):
        mirror_channels(armature, {"leg": BoneChannels("XYZ")})
    with pytest.raises(ValueError, match="spine"):
        mirror_channels(armature, {"arm.L": BoneChannels("XYZ", np.ones((2, 3)))}, OBLIQUE)
