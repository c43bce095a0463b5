"""What is read of a rig: Blender's own numbers, whatever hides it; rigs that cannot be used are refused in words."""

from __future__ import annotations

from math import radians
from pathlib import Path

import bpy
import numpy as np

from addon_tests.host.retarget_rigs import (
    error_of,
    everything_but_animation,
    fresh_scene,
    make_rig,
    person_bones,
    pose_channels,
)
from animepose_blender.host.retarget.read_rig import read_rig, world_matrices


def test_bones_are_blenders_own():
    fresh_scene()
    rig = make_rig("Rig", person_bones(), rolls_deg=17)
    armature = read_rig(bpy.context, rig)
    assert set(armature.names) == {bone.name for bone in rig.data.bones}
    for index, name in enumerate(armature.names):
        bone = rig.data.bones[name]
        assert np.array_equal(armature.rest[index], np.array(bone.matrix_local))
        assert np.isclose(armature.lengths[index], bone.length)
        parent = armature.parents[index]
        assert (armature.names[parent] if parent >= 0 else None) == getattr(bone.parent, "name", None)


def test_a_rotated_scaled_and_parented_object_stands_where_it_is_shown():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    above = bpy.data.objects.new("Above", None)
    bpy.context.scene.collection.objects.link(above)
    above.scale, above.location, above.rotation_euler = (100, 100, 100), (1, 2, 3), (0, radians(30), 0)
    rig.parent, rig.rotation_euler, rig.scale = above, (radians(-90), 0, 0), (0.01, 0.01, 0.01)
    bpy.context.view_layer.update()
    armature = read_rig(bpy.context, rig)
    assert np.allclose(armature.to_world, np.array(rig.matrix_world), atol=1e-6)
    assert np.isclose(armature.scale, 1.0)


def test_hidden_excluded_and_unlinked_rigs_are_read_and_stay_hidden():
    scene = fresh_scene()
    away = bpy.data.collections.new("Away")
    scene.collection.children.link(away)
    rigs = [make_rig(name, person_bones()) for name in ("Hidden", "Excluded", "Nowhere")]
    for number, rig in enumerate(rigs):
        rig.location = (number + 1.0, 0, 0)
    rigs[0].hide_viewport = rigs[0].hide_select = True
    scene.collection.objects.unlink(rigs[1])
    away.objects.link(rigs[1])
    bpy.context.view_layer.layer_collection.children["Away"].exclude = True
    scene.collection.objects.unlink(rigs[2])
    for number, rig in enumerate(rigs):
        before = everything_but_animation(rig)
        assert np.isclose(read_rig(bpy.context, rig).to_world[0, 3], number + 1.0)
        assert everything_but_animation(rig) == before


def test_an_objects_own_motion_is_sampled_and_its_action_can_be_left_out():
    scene = fresh_scene()
    rig = make_rig("Rig", person_bones())
    frames = np.array([1.0, 5.5, 11.0])
    assert world_matrices(bpy.context, rig, frames).shape == (4, 4)
    for frame, x in ((1, 0.0), (11, 2.0)):
        rig.location.x = x
        rig.keyframe_insert("location", frame=frame)
    scene.frame_set(1)
    channels = pose_channels(rig)
    matrices = world_matrices(bpy.context, rig, frames)
    assert np.allclose(matrices[:, 0, 3], [0.0, 1.0, 2.0], atol=0.2) and matrices[2, 0, 3] > 1.99
    assert world_matrices(bpy.context, rig, frames, own_action=False).shape == (4, 4)
    assert pose_channels(rig) == channels and scene.frame_current == 1


def test_a_rig_on_what_moves_moves_with_it_hidden_or_not():
    scene = fresh_scene()
    rig = make_rig("Rig", person_bones())
    cart, saddle = (bpy.data.objects.new(name, None) for name in ("Cart", "Saddle"))
    for one in (cart, saddle):
        scene.collection.objects.link(one)
    rig.parent, saddle.parent = saddle, cart
    rig.location, rig.rotation_euler, saddle.location = (0.5, 0, 0), (0, 0, 0.3), (0, 0, 1)
    rig.matrix_parent_inverse.translation = (0, 0.25, 0)
    for frame, angle in ((1, 0.0), (11, 2.0)):
        cart.rotation_euler.z = angle
        cart.keyframe_insert("rotation_euler", frame=frame)
    frames = np.arange(1.0, 12.0)
    expected = []
    for frame in frames:
        scene.frame_set(int(frame))
        expected.append(np.array(rig.matrix_world))
    assert np.ptp(expected, axis=0).max() > 0.3
    for hidden in (False, True):
        rig.hide_viewport = cart.hide_viewport = hidden
        assert np.allclose(world_matrices(bpy.context, rig, frames), expected, atol=1e-6)
    rig.constraints.new("COPY_LOCATION").target = cart
    assert np.allclose(world_matrices(bpy.context, rig, frames)[:, :3, 3], 0, atol=1e-6)


def test_what_is_no_rig_is_refused():
    fresh_scene()
    assert "no armature" in error_of(lambda: read_rig(bpy.context, bpy.data.objects.new("Box", None))).message
    assert "chosen" in error_of(lambda: read_rig(bpy.context, None)).message
    empty = bpy.data.objects.new("Empty", bpy.data.armatures.new("Empty"))
    assert "no bones" in error_of(lambda: read_rig(bpy.context, empty)).message


def test_a_rig_in_edit_mode_is_refused_and_stays_in_it():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    bpy.ops.object.mode_set(mode="EDIT")
    error = error_of(lambda: read_rig(bpy.context, rig))
    assert "Edit Mode" in error.message and error.remedy
    assert rig.mode == "EDIT"
    bpy.ops.object.mode_set(mode="OBJECT")


def test_skewed_and_mirrored_rigs_are_refused():
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    for scale, said in (
        ((1, 1, 2), "uneven"),
        ((-1, -1, -1), "negative"),
        ((1, -1, 1), "negative"),
        ((0, 0, 0), "nothing"),
    ):
        rig.scale = scale
        bpy.context.view_layer.update()
        assert said in error_of(lambda: read_rig(bpy.context, rig)).message, scale
    above = bpy.data.objects.new("Above", None)
    bpy.context.scene.collection.objects.link(above)
    above.scale, rig.scale, rig.parent, rig.rotation_euler = (1, 1, 3), (1, 1, 1), above, (radians(45), 0, 0)
    bpy.context.view_layer.update()
    assert error_of(lambda: read_rig(bpy.context, rig)).remedy


def test_two_rigs_of_the_same_name_are_not_mixed_up(tmp_path: Path):
    fresh_scene()
    make_rig("Hero", person_bones())
    path = str(tmp_path / "hero.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    fresh_scene()
    own = make_rig("Hero", {"only": ((0, 0, 0), (0, 0, 1), "")})
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.objects = ["Hero"]
    linked = wanted.objects[0]
    assert linked.name == own.name
    assert read_rig(bpy.context, own).names == ("only",)
    assert len(read_rig(bpy.context, linked).names) == len(person_bones())
