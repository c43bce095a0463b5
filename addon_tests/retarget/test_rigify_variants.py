"""Rigify's rigs in the ways that animators have them: without a face, linked, posed, with Euler angles, scaled."""

from __future__ import annotations

from dataclasses import replace

import bpy
import pytest
from retarget_bench import measure, sources

from animepose_blender.core.retarget.settings import Settings

from . import rigs_in_blender as rigs
from .onto import onto
from .rigs_in_blender import Rig

pytestmark = pytest.mark.slow


def check(rig: Rig, output: str = "fk") -> None:
    done = onto(rig, sources.lively(36), settings=Settings(root="scaled", output=output))
    limbs = done.limbs_deg
    assert measure.mean_of(limbs) <= 2.0, {limb: round(float(e.mean()), 1) for limb, e in limbs.items()}
    assert done.feet.drift_mm <= 5.0, done.feet
    assert not done.made.warnings


@pytest.mark.parametrize("output", ["fk", "ik"])
def test_a_rig_without_face_and_fingers(output):
    check(rigs.rigify(basic=True), output)


@pytest.mark.parametrize("output", ["fk", "ik"])
def test_a_rig_whose_limbs_are_mixed_and_posed(output):
    rig = rigs.rigify()
    for bone in rig.pose.bones:
        if "IK_FK" in bone:
            bone["IK_FK"] = 1.0 if bone.name.endswith(".L") else 0.0
    rig.pose.bones["hand_ik.R"].location = (0.2, 0.3, -0.1)
    rig.pose.bones["upper_arm_fk.L"].rotation_quaternion = (0.8, 0.3, 0.4, 0.1)
    rig.pose.bones["torso"].location = (0.1, 0.0, -0.2)
    rig.armature.update_tag()
    bpy.context.view_layer.update()
    check(rig, output)


def test_a_rig_whose_root_the_animator_has_moved():
    rig = rigs.rigify()
    rig.pose.bones["root"].location = (1.0, 0.5, 0.0)
    rig.pose.bones["root"].rotation_mode = "QUATERNION"
    rig.pose.bones["root"].rotation_quaternion = (0.8, 0.0, 0.0, 0.6)
    bpy.context.view_layer.update()
    check(rig)


@pytest.mark.parametrize("output", ["fk", "ik"])
def test_a_rig_that_is_scaled(output):
    rig = rigs.rigify()
    rig.armature.scale = (0.9, 0.9, 0.9)
    bpy.context.view_layer.update()
    check(replace(rig, foot_m=tuple(0.9 * v for v in rig.foot_m)), output)


def test_controls_with_euler_angles():
    rig = rigs.rigify()
    for index, bone in enumerate(rig.pose.bones):
        bone.rotation_mode = rigs.EULERS[index % 6]
    check(rig)


def test_a_linked_character_with_its_mesh(tmp_path):
    rig = rigs.rigify()
    mesh = bpy.data.objects.new("Body", bpy.data.meshes.new("Body"))
    mesh.parent = rig.armature
    mesh.modifiers.new("Armature", "ARMATURE").object = rig.armature
    collection = bpy.data.collections.new("Character")
    collection.objects.link(rig.armature)
    collection.objects.link(mesh)
    path = tmp_path / "hero.blend"
    bpy.data.libraries.write(str(path), {collection}, fake_user=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 30
    with bpy.data.libraries.load(str(path), link=True) as (_, ours):
        ours.collections = ["Character"]
    holder = bpy.data.objects.new("Character", None)
    holder.instance_type, holder.instance_collection = "COLLECTION", ours.collections[0]
    bpy.context.scene.collection.objects.link(holder)
    linked = next(o for o in ours.collections[0].objects if o.type == "ARMATURE")
    done = onto(replace(rig, armature=linked), sources.lively(24))
    assert measure.mean_of(done.limbs_deg) <= 2.0
    bodies = [o for o in bpy.data.objects if o.type == "MESH" and o.override_library and o.name.startswith("Body")]
    assert bodies
    assert all(m.object == done.made.rig for body in bodies for m in body.modifiers if m.type == "ARMATURE")


def test_two_rigify_rigs_in_one_scene_move_each_by_itself():
    first, second = rigs.rigify(), rigs.rigify()
    second.armature.location.x = 3.0
    a = onto(first, sources.lively(24))
    b = onto(second, sources.walk(24))
    assert measure.mean_of(a.limbs_deg) <= 2.0
    assert measure.mean_of(b.limbs_deg) <= 2.0
    again = measure.figure_of_rig(first.armature, {s: first.joints[s] for s in a.target.joints_m}, a.frames)
    assert measure.mean_of(measure.limb_errors_deg(a.target, again)) < 0.01
