"""Exports of people's rigs: in other units, turned, with things in their hands, and control rigs."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from addon_tests.retarget import rigs_in_blender as rigs
from animepose_blender.core.retarget.settings import Settings
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import exports
from animepose_blender.host.retarget.run import TakeSource, apply, prepare
from scripts.exports_bench.compare import compare, evaluated_joints, of_person
from scripts.exports_bench.readers import READERS, Skeleton

FRAMES = 8
MILLIMETRE = 1e-3


def walking(rig: rigs.Rig) -> bpy.types.Object:
    """The rig, walking from frame 1 on."""
    take = walking_take(people=1, frames=FRAMES, gaps=False)
    bpy.context.scene.render.fps = 30
    prepared = prepare(bpy.context, TakeSource(take, 0), rig.armature, rig.rig_map, "fk")
    apply(prepared, Settings())
    rig.armature.name = "Person 1"
    return rig.armature


def skeleton_of(
    folder: Path, armature: bpy.types.Object, file_format: str, engine: str, meshes: tuple[bpy.types.Object, ...] = ()
) -> tuple[Skeleton, dict[str, np.ndarray], list[str]]:
    """What a file holds, the joints it should hold, and the files."""
    people = exports.read_people(bpy.context, [armature], meshes, (1, FRAMES))
    joints = evaluated_joints(armature, range(1, FRAMES + 1))
    files = exports.write_people(bpy.context, file_format, folder / "walk", people, engine)
    contents = {file: READERS[file_format](Path(file), FRAMES, 30.0) for file in files}
    return of_person(contents, "Person 1"), {name: joints[name] for name in people[0].names}, files


@pytest.mark.parametrize("file_format", READERS)
@pytest.mark.parametrize("engine", ["", "unity"])
def test_a_rig_in_centimetres_on_a_turned_empty_stands_where_it_did(tmp_path, file_format, engine):
    rigs.fresh_scene()
    armature = walking(rigs.on_a_turned_empty(rigs.scaled(rigs.catalogued("mixamo"), 100.0)))
    skeleton, joints, _ = skeleton_of(tmp_path, armature, file_format, engine)
    found = compare(skeleton, "Person 1", joints)
    assert found.furthest_mm < 1 and found.scale_off < 1e-4 and len(found.roots) == 1


def test_names_with_a_colon_are_kept_for_unreal_and_not_for_godot(tmp_path):
    rigs.fresh_scene()
    armature = walking(rigs.catalogued("mixamo"))
    for bone in armature.data.bones:
        bone.name = f"mixamorig:{bone.name.rpartition(':')[2]}"
    assert "mixamorig:Hips" in skeleton_of(tmp_path, armature, "fbx", "unreal")[0].bones
    assert "mixamorig_Hips" in skeleton_of(tmp_path, armature, "glb", "godot")[0].bones


def test_an_engines_own_root_bone_carries_the_path(tmp_path):
    rigs.fresh_scene()
    armature = walking(rigs.catalogued("unreal_4"))
    assert "root" in armature.data.bones
    skeleton, joints, _ = skeleton_of(tmp_path, armature, "fbx", "unreal")
    assert skeleton.roots == ["root"] and skeleton.bones.count("root") == 1
    pelvis = skeleton.bones.index("pelvis")
    np.testing.assert_allclose(skeleton.joints_m[:, 0, :2], skeleton.joints_m[:, pelvis, :2], atol=MILLIMETRE)
    del joints["root"]
    assert compare(skeleton, "Person 1", joints).furthest_mm < 1


def prop_in_hand(armature: bpy.types.Object, bone: str) -> bpy.types.Object:
    mesh = bpy.data.meshes.new("Sword")
    mesh.from_pydata([(0, 0, 0), (0.1, 0, 0), (0, 0.7, 0)], [], [(0, 1, 2)])
    prop = bpy.data.objects.new("Sword", mesh)
    bpy.context.scene.collection.objects.link(prop)
    prop.parent, prop.parent_type, prop.parent_bone = armature, "BONE", bone
    prop.location = (0.02, -0.1, 0.01)
    return prop


def corners_m(one: bpy.types.Object, frame: int) -> np.ndarray:
    """(V, 3) where a mesh is seen."""
    bpy.context.scene.frame_set(frame)
    evaluated = one.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([(evaluated.matrix_world @ vertex.co)[:] for vertex in evaluated.to_mesh().vertices])


def reopened(file: str) -> None:
    rigs.fresh_scene()
    bpy.context.scene.render.fps = 30
    bpy.ops.import_scene.fbx(filepath=file, anim_offset=0.0)


def test_what_is_held_in_a_hand_goes_with_it(tmp_path):
    rigs.fresh_scene()
    rig = rigs.catalogued("mixamo")
    armature = walking(rig)
    prop = prop_in_hand(armature, rig.joints["hand.R"])
    expected = [corners_m(prop, frame) for frame in (2, FRAMES)]
    bpy.context.scene.frame_set(3)
    _, _, (file,) = skeleton_of(tmp_path, armature, "fbx", "", (prop,))
    reopened(file)
    found = [corners_m(bpy.data.objects["Sword"], frame) for frame in (2, FRAMES)]
    np.testing.assert_allclose(found, expected, atol=MILLIMETRE)


@pytest.mark.parametrize("engine", ["", "unreal"])
def test_a_rig_and_its_skin_on_a_moving_cart_go_where_the_cart_takes_them(tmp_path, engine):
    rigs.fresh_scene()
    rig = rigs.catalogued("mixamo")
    armature = walking(rig)
    cart = bpy.data.objects.new("cart", None)
    armature.parent = cart
    for frame, place, turn_rad in ((1, (1, 2, 0), 0.0), (FRAMES, (3, 2, 0.5), 1.0)):
        cart.location, cart.rotation_euler = place, (0, 0, turn_rad)
        cart.keyframe_insert("location", frame=frame)
        cart.keyframe_insert("rotation_euler", frame=frame)
    mesh = bpy.data.meshes.new("Skin")
    mesh.from_pydata([(0, 0, 1), (0.1, 0, 1), (0, 0, 1.1)], [], [(0, 1, 2)])
    skin = bpy.data.objects.new("Skin", mesh)
    for one in (cart, skin):
        bpy.context.scene.collection.objects.link(one)
    skin.parent = armature
    skin.modifiers.new("Armature", "ARMATURE").object = armature
    skin.vertex_groups.new(name=rig.joints["hand.R"]).add([0, 1, 2], 1.0, "REPLACE")
    expected = [corners_m(skin, frame) for frame in (2, FRAMES)]
    skeleton, joints, (file,) = skeleton_of(tmp_path, armature, "fbx", engine, (skin,))
    assert compare(skeleton, "Person 1", joints).furthest_mm < 1
    reopened(file)
    first = 1 if engine else 0
    found = [corners_m(bpy.data.objects["Skin"], frame - first) for frame in (2, FRAMES)]
    np.testing.assert_allclose(found, expected, atol=MILLIMETRE)


def test_what_is_never_rendered_is_left_out_and_what_is_hidden_in_the_viewport_is_not():
    rigs.fresh_scene()
    rig = rigs.catalogued("mixamo")
    armature = walking(rig)
    prop = prop_in_hand(armature, rig.joints["hand.R"])
    prop.hide_viewport = True
    (person,) = exports.read_people(bpy.context, [armature], [prop], (1, FRAMES))
    assert [skin.source for skin in person.skins] == [prop]
    prop.hide_render = True
    (person,) = exports.read_people(bpy.context, [armature], [prop], (1, FRAMES))
    assert not person.skins


@pytest.mark.slow
@pytest.mark.parametrize("file_format", READERS)
@pytest.mark.parametrize("engine", ["", "unreal", "godot"])
def test_of_rigify_only_what_deforms_is_exported_as_one_tree(tmp_path, file_format, engine):
    rigs.fresh_scene()
    armature = walking(rigs.rigify(basic=True))
    skeleton, joints, _ = skeleton_of(tmp_path, armature, file_format, engine)
    found = compare(skeleton, "Person 1", joints)
    assert found.furthest_mm < 1 and found.scale_off < 1e-3 and len(found.roots) == 1
    deforming = [bone.name for bone in armature.data.bones if bone.use_deform]
    assert found.bones == len(deforming) + len(found.added) and len(found.added) == (
        1 if engine and file_format != "bvh" else 0
    )
