"""What cannot be done is said clearly, and nothing has changed."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest
from retarget_bench import sources

from addon_tests.rigs import catalogue
from animepose_blender.core.retarget.rig_map import RigMap
from animepose_blender.core.retarget.settings import Settings
from animepose_blender.errors import AnimePoseError
from animepose_blender.host.retarget import run
from animepose_blender.host.retarget.run import ArmatureSource, Output, TakeSource
from animepose_blender.take import State

from . import rigs_in_blender as rigs
from .dump import differences, dump, surroundings


def refused(rig: bpy.types.Object | None, source: object = None, rig_map: RigMap | None = None) -> str:
    """The message; nothing may have changed."""
    source = source or TakeSource(sources.walk(12), 0)
    before = dump(rig) if rig is not None and rig.type == "ARMATURE" and rig.mode != "EDIT" else {}
    around, actions = surroundings(), {a.name for a in bpy.data.actions}
    with pytest.raises(AnimePoseError) as error:
        prepared = run.prepare(bpy.context, source, rig, rig_map)  # type: ignore[arg-type]
        run.apply(prepared, Settings())
    if before:
        assert not differences(before, dump(rig))
    assert not differences(around, surroundings())
    assert {a.name for a in bpy.data.actions} == actions
    assert error.value.message
    assert error.value.remedy
    return str(error.value)


def test_no_rig():
    assert "rig" in refused(None)


def test_an_object_that_is_no_armature(scene):
    mesh = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    scene.collection.objects.link(mesh)
    assert "Cube" in refused(mesh)


def test_an_armature_without_bones(scene):
    armature = bpy.data.objects.new("Empty rig", bpy.data.armatures.new("Empty rig"))
    scene.collection.objects.link(armature)
    assert "no bones" in refused(armature)


def chain(name: str, count: int, scene: bpy.types.Scene) -> bpy.types.Object:
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    scene.collection.objects.link(armature)
    with rigs.editing(armature) as bones:
        for number in range(count):
            bone = bones.new(f"Bone.{number:03d}")
            bone.head, bone.tail = (0.0, 0.2 * number, 0.5), (0.0, 0.2 * (number + 1), 0.5)
            bone.parent = bones[f"Bone.{number - 1:03d}"] if number else None
    return armature


@pytest.mark.parametrize("count", [1, 3, 12, 60])
def test_a_chain_is_no_person(count, scene):
    assert "Tail" in refused(chain("Tail", count, scene))


def test_an_animal_or_a_car_is_no_person(scene):
    car = chain("Car", 2, scene)
    with rigs.editing(car) as bones:
        for side, x in (("L", 0.8), ("R", -0.8)):
            for place, y in (("front", -1.3), ("back", 1.3)):
                wheel = bones.new(f"wheel_{place}.{side}")
                wheel.head, wheel.tail, wheel.parent = (x, y, 0.3), (x, y, 0.6), bones[0]
    assert "Car" in refused(car)


def test_a_rig_with_half_of_its_bones():
    rig = rigs.catalogued("mixamo")
    with rigs.editing(rig.armature) as bones:
        for bone in list(bones):
            if "Left" in bone.name or bone.name.endswith(("Hips", "Head")):
                bones.remove(bone)
    message = refused(rig.armature)
    assert rig.armature.name in message


def test_a_map_of_bones_that_the_rig_lacks():
    rig = rigs.catalogued("mixamo")
    wrong = RigMap({slot: f"{bone}_gone" for slot, bone in rig.rig_map.bones.items()})
    assert rig.armature.name in refused(rig.armature, rig_map=wrong)


def test_a_map_of_legs_alone_is_refused_or_moves_the_legs():
    rig = rigs.catalogued("mixamo")
    legs = {s: b for s, b in rig.rig_map.bones.items() if s.split(".")[0] in ("pelvis", "thigh", "shin", "foot")}
    prepared = None
    try:
        prepared = run.prepare(bpy.context, TakeSource(sources.walk(12), 0), rig.armature, RigMap(legs))
        made = run.apply(prepared, Settings())
    except AnimePoseError as error:
        assert error.remedy
    else:
        assert set(made.keyed_bones) <= set(legs.values())


def test_a_rig_in_edit_mode():
    rig = rigs.catalogued("mixamo")
    bpy.context.view_layer.objects.active = rig.armature
    bpy.ops.object.mode_set(mode="EDIT")
    assert "Edit Mode" in refused(rig.armature)
    assert bpy.context.mode == "EDIT_ARMATURE"


def test_a_source_in_edit_mode():
    rig, source = rigs.catalogued("mixamo"), rigs.catalogued("unreal_4")
    bpy.context.view_layer.objects.active = source.armature
    bpy.ops.object.mode_set(mode="EDIT")
    assert "Edit Mode" in refused(rig.armature, ArmatureSource(source.armature, source.rig_map))


def test_a_take_without_people():
    take = sources.walk(12)
    nobody = replace(
        take, person_id=take.person_id[:0], **{
            name: getattr(take, name)[:0] for name in (
                "state", "keypoints_px", "keypoint_confidence", "joints_world_m", "joint_confidence", "box_px",
                "box_camera_m", "contact", "rotations", "root_world_m", "bone_length_m",
            )
        },
    )  # fmt: skip
    assert "people" in refused(rigs.catalogued("mixamo").armature, TakeSource(nobody, 0))


def test_a_person_who_is_never_there():
    take = sources.walk(12, people=2)
    state = take.state.copy()
    state[1] = State.ABSENT
    message = refused(rigs.catalogued("mixamo").armature, TakeSource(replace(take, state=state), 1))
    assert "2" in message


def test_a_person_whom_the_take_does_not_have():
    for person in (1, -1, 7):
        refused(rigs.catalogued("mixamo").armature, TakeSource(sources.walk(12), person))


def test_source_and_target_are_one():
    rig = rigs.catalogued("mixamo")
    assert rig.armature.name in refused(rig.armature, ArmatureSource(rig.armature))


def test_a_source_that_is_no_person(scene):
    refused(rigs.catalogued("mixamo").armature, ArmatureSource(chain("Tail", 12, scene)))


def test_an_empty_range_of_frames():
    source = rigs.catalogued("unreal_4")
    rig = rigs.catalogued("mixamo")
    refused(rig.armature, ArmatureSource(source.armature, source.rig_map, (20, 10)))


@pytest.mark.parametrize("scale", [(1.0, 2.0, 1.0), (-1.0, 1.0, 1.0), (0.0, 0.0, 0.0)])
def test_a_rig_that_is_skewed_mirrored_or_flat(scale):
    rig = rigs.catalogued("mixamo")
    rig.armature.scale = scale
    bpy.context.view_layer.update()
    assert "scale" in refused(rig.armature)


def test_an_nla_strip_that_is_being_edited():
    rig = rigs.catalogued("mixamo")
    rig.pose.bones[0].keyframe_insert("location", frame=3)
    animation = rig.armature.animation_data
    track = animation.nla_tracks.new()
    track.strips.new("Old", 1, animation.action)
    animation.action = None
    animation.use_tweak_mode = True
    if animation.use_tweak_mode:
        assert "tweak" in refused(rig.armature)


def test_two_rigs_of_one_name_are_told_apart(tmp_path):
    # A local rig and a linked one may bear the same name.
    from .test_untouched import library_with, linked

    rig = rigs.catalogued("mixamo")
    rig_map, name = rig.rig_map, rig.armature.name
    collection = linked(library_with(rig, tmp_path))
    bpy.context.scene.collection.children.link(collection)
    local = rigs.catalogued("mixamo")
    local.armature.name = name
    theirs = collection.objects[0]
    assert theirs.name == local.armature.name
    take = sources.walk(12)
    made = run.apply(run.prepare(bpy.context, TakeSource(take, 0), local.armature, rig_map), Settings())
    assert made.rig == local.armature
    assert theirs.animation_data is None
    also = run.apply(run.prepare(bpy.context, TakeSource(take, 0), theirs, rig_map), Settings(), Output("Second"))
    assert also.rig.override_library.reference == theirs
    assert local.armature.animation_data.action == made.action


def test_two_rigs_that_share_one_armature_are_told_apart(scene):
    rig = rigs.catalogued("mixamo")
    twin = rig.armature.copy()
    scene.collection.objects.link(twin)
    made = run.apply(run.prepare(bpy.context, TakeSource(sources.walk(12), 0), twin, rig.rig_map), Settings())
    assert made.rig == twin
    assert rig.armature.animation_data is None or rig.armature.animation_data.action is None


def test_numbers_that_are_not_numbers_never_reach_a_curve():
    from animepose_blender.host import compat

    take = sources.walk(40, people=2, gaps=True)
    rig = rigs.catalogued("mixamo", catalogue.Variant(pose="A"))
    made = run.apply(run.prepare(bpy.context, TakeSource(take, 1), rig.armature, rig.rig_map), Settings())
    for curve in compat.curves_of_action(made.action):
        assert np.isfinite([point.co[1] for point in curve.keyframe_points]).all(), curve.data_path


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_takes(frames):
    rig = rigs.catalogued("mixamo")
    made = run.apply(
        run.prepare(bpy.context, TakeSource(sources.walk(frames), 0), rig.armature, rig.rig_map), Settings()
    )
    assert made.keyed_bones
