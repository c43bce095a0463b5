"""What the Rigify family says of controls and switches is so in rigs that this Blender's Rigify makes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy
from mathutils import Matrix, Quaternion

from addon_tests.retarget import rigs_in_blender
from animepose_blender.core.retarget.armature import Armature
from animepose_blender.core.retarget.slots import LIMB_SLOTS
from animepose_blender.rigs import FAMILIES, map_rig

FAMILY = FAMILIES["rigify"]
TURN = Quaternion((1.0, 0.3, 0.2), 0.6)


def armature_of(rig: bpy.types.Object, only_deforming: bool = False) -> Armature:
    bones = [bone for bone in rig.data.bones if bone.use_deform or not only_deforming]
    index = {bone.name: number for number, bone in enumerate(bones)}
    parents = [index.get(bone.parent.name, -1) if bone.parent else -1 for bone in bones]
    return Armature(
        tuple(index), np.array(parents), np.array([bone.matrix_local for bone in bones]),
        np.array([bone.length for bone in bones]), np.array(rig.matrix_world), np.array([b.use_deform for b in bones]),
    )  # fmt: skip


@pytest.fixture(params=[pytest.param(False, id="human", marks=pytest.mark.slow), pytest.param(True, id="basic human")])
def rig(request) -> bpy.types.Object:
    rigs_in_blender.fresh_scene()
    return rigs_in_blender.rigify(basic=request.param).armature


def set_switches(rig: bpy.types.Object, output: str) -> None:
    switches = [*FAMILY.properties, *(one for ik in FAMILY.ik.values() for one in getattr(ik, output))]
    for switch in switches:
        bone = rig.pose.bones[switch.bone]
        bone[switch.name] = type(bone[switch.name])(switch.value)
    update(rig)


def update(rig: bpy.types.Object) -> None:
    rig.update_tag()
    bpy.context.view_layer.update()


def moved_by(rig: bpy.types.Object, control: str, *watched: str, location: bool = False) -> list[float]:
    """How much bones turn (radians), or move (metres), with a control."""
    posed = rig.pose.bones[control]
    before = [rig.pose.bones[name].matrix.copy() for name in watched]
    if location:
        posed.location = (0.1, 0.05, 0.1)
    elif posed.rotation_mode == "QUATERNION":
        posed.rotation_quaternion = TURN
    else:
        posed.rotation_euler = TURN.to_euler(posed.rotation_mode)
    update(rig)
    after = [rig.pose.bones[name].matrix.copy() for name in watched]
    posed.matrix_basis = Matrix()
    update(rig)
    if location:
        return [(new.translation - old.translation).length for old, new in zip(before, after)]
    turns = [old.to_quaternion().rotation_difference(new.to_quaternion()) for old, new in zip(before, after)]
    return [min(turn.angle, 2 * np.pi - turn.angle) for turn in turns]


def test_a_generated_rig_is_known_and_has_every_control_and_switch_that_the_family_names(rig):
    rig_map = map_rig(armature_of(rig))
    with_fingers = "f_index.01.L" in rig.pose.bones
    assert rig_map.family == "rigify" and rig_map.doubtful == ()
    assert len(rig_map.bones) == (53 if with_fingers else 23)
    for ik in FAMILY.ik.values():
        assert {ik.end, ik.pole, *ik.also.values()} <= set(rig.pose.bones.keys())
    for switch in (*FAMILY.properties, *(one for ik in FAMILY.ik.values() for one in (*ik.fk, *ik.ik))):
        assert switch.name in rig.pose.bones[switch.bone]
    assert all(name in rig.pose.bones for followers in FAMILY.followers.values() for name in followers)


def test_its_switches_give_limbs_to_fk_or_to_ik(rig):
    rig_map = map_rig(armature_of(rig))
    for limb, slots in LIMB_SLOTS.items():
        bones = [f"ORG-{slot}" for slot in slots]
        set_switches(rig, "fk")
        assert np.allclose(moved_by(rig, rig_map.bones[slots[0]], *bones), 0.6, atol=1e-3), limb
        assert moved_by(rig, FAMILY.ik[limb].end, bones[2], location=True)[0] < 1e-5
        set_switches(rig, "ik")
        assert max(moved_by(rig, rig_map.bones[slots[0]], *bones)) < 1e-3
        assert moved_by(rig, FAMILY.ik[limb].end, bones[2], location=True)[0] > 0.05
        assert np.isclose(moved_by(rig, FAMILY.ik[limb].end, bones[2])[0], 0.6, atol=1e-3)
        assert moved_by(rig, FAMILY.ik[limb].pole, bones[1], location=True)[0] > 1e-3


def test_neck_and_head_follow_what_carries_them_and_the_pelvis_its_follower(rig):
    set_switches(rig, "fk")
    assert np.allclose(moved_by(rig, "spine_fk.003", "neck", "head", "ORG-spine.006"), 0.6, atol=1e-3)
    assert np.allclose(moved_by(rig, "neck", "head"), 0.6, atol=1e-3)
    assert np.allclose(moved_by(rig, "spine_fk", "ORG-spine", "thigh_fk.L"), 0.6, atol=1e-3)
    assert np.allclose(moved_by(rig, "torso", "ORG-spine", "spine_fk", "thigh_fk.L", "shoulder.R"), 0.6, atol=1e-3)


def test_toes_have_a_control_of_their_own_by_ik(rig):
    set_switches(rig, "ik")
    toe = FAMILY.ik["leg.L"].also["toe.L"]
    assert np.isclose(moved_by(rig, toe, "ORG-toe.L")[0], 0.6, atol=1e-3)
    assert moved_by(rig, "toe_fk.L", "ORG-toe.L")[0] < 1e-3


@pytest.mark.slow
def test_its_deforming_bones_alone_and_its_metarig_are_known():
    rigs_in_blender.fresh_scene()
    deforming = map_rig(armature_of(rigs_in_blender.rigify().armature, only_deforming=True))
    assert deforming.family == "rigify_deform"
    assert deforming.bones["forearm.L"] == "DEF-forearm.L" and deforming.bones["head"] == "DEF-spine.006"
    assert "upper_arm.L" in deforming.doubtful  # without the bones between it hangs on nothing
    meta = map_rig(armature_of(rigs_in_blender.metarig().armature))
    assert meta.family == "rigify_meta" and meta.doubtful == () and len(meta.bones) == 53
