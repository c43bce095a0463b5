"""Rigs as they come: odd flags, odd names, constraints and drivers on mapped bones, layers of animation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import bpy
import pytest
from retarget_bench import measure, sources

from addon_tests.rigs import catalogue
from animepose_blender.core.retarget.rig_map import RigMap
from animepose_blender.core.retarget.settings import Settings

from . import rigs_in_blender as rigs
from .onto import onto
from .rigs_in_blender import Rig


def mixamo() -> Rig:
    return rigs.catalogued("mixamo", catalogue.Variant(pose="A", rolls=2))


def check(rig: Rig, settings: Settings = Settings()) -> None:  # noqa: B008
    done = onto(rig, sources.lively(36), settings=settings)
    limbs = done.limbs_deg
    assert measure.mean_of(limbs) <= 2.0, {limb: round(float(e.mean()), 1) for limb, e in limbs.items()}
    assert done.feet.drift_mm <= 5.0


def no_inherited_rotation(rig: Rig) -> None:
    for slot in ("upper_arm.L", "shin.R", "head", "hand.L"):
        rig.armature.data.bones[rig.joints[slot]].use_inherit_rotation = False


def no_local_location(rig: Rig) -> None:
    rig.armature.data.bones[rig.joints["pelvis"]].use_local_location = False


def no_inherited_scale(rig: Rig) -> None:
    for bone in rig.armature.data.bones:
        bone.inherit_scale = "NONE"


def a_scaled_hand(rig: Rig) -> None:
    rig.pose.bones[rig.joints["hand.L"]].scale = (1.5, 1.5, 1.5)


def a_larger_head_and_thinner_arms(rig: Rig) -> None:
    rig.pose.bones[rig.joints["head"]].scale = (1.3, 1.3, 1.3)
    rig.pose.bones[rig.joints["upper_arm.R"]].scale = (0.8, 1.0, 0.8)


def in_some_pose(rig: Rig) -> None:
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
        bone.rotation_quaternion = (0.9, 0.2, -0.3, 0.2)
    rig.pose.bones[rig.joints["pelvis"]].location = (0.3, 0.1, -0.2)


def locked_channels(rig: Rig) -> None:
    for bone in rig.pose.bones:
        bone.lock_rotation = bone.lock_location = (True, True, True)


def axis_angles(rig: Rig) -> None:
    for bone in rig.pose.bones:
        bone.rotation_mode = "AXIS_ANGLE"


def connected_bones(rig: Rig) -> None:
    with rigs.editing(rig.armature) as bones:
        for bone in bones:
            if bone.parent is not None and (bone.head - bone.parent.tail).length < 1e-4:
                bone.use_connect = True


def another_object_origin(rig: Rig) -> None:
    # The object's origin is at the hips, as in many scans; its bones go down to -0.9.
    from mathutils import Matrix

    rig.armature.data.transform(Matrix.Translation((0.0, 0.0, -0.92)))
    rig.armature.location.z = 0.92
    bpy.context.view_layer.update()


def hidden_bones(rig: Rig) -> None:
    for bone in rig.armature.data.bones:
        bone.hide = True
    for collection in rig.armature.data.collections:
        collection.is_visible = False


def delta_transforms(rig: Rig) -> None:
    rig.armature.delta_location = (0.4, 0.0, 0.0)
    rig.armature.delta_rotation_euler = (0.0, 0.0, 0.7)
    bpy.context.view_layer.update()


@pytest.mark.parametrize(
    "change",
    [
        no_inherited_rotation, no_local_location, no_inherited_scale, a_scaled_hand, a_larger_head_and_thinner_arms,
        in_some_pose, locked_channels, axis_angles, connected_bones, another_object_origin, hidden_bones,
        delta_transforms,
    ],
)  # fmt: skip
def test_odd_flags_do_not_matter(change: Callable[[Rig], None]):
    rig = mixamo()
    change(rig)
    check(rig)


@pytest.mark.parametrize("odd", ['a"b', "a]b", "a\\b", 'x"]["y', "名前", "é ü", "a.b:c|d", "%s{}"])
def test_names_with_odd_signs(odd):
    rig = mixamo()
    names = {bone.name: f"{odd}{number}" for number, bone in enumerate(rig.armature.data.bones)}
    for old, new in names.items():
        rig.armature.data.bones[old].name = new
    rig_map = RigMap({slot: names[bone] for slot, bone in rig.rig_map.bones.items()})
    check(replace(rig, joints={s: names[b] for s, b in rig.joints.items()}, rig_map=rig_map))


def test_rest_position_is_a_way_to_look_and_does_not_matter():
    rig = mixamo()
    rig.armature.data.pose_position = "REST"
    done = onto(rig, sources.lively(36))
    assert rig.armature.data.pose_position == "REST"
    rig.armature.data.pose_position = "POSE"
    target = measure.figure_of_rig(rig.armature, {s: rig.joints[s] for s in done.target.joints_m}, done.frames)
    assert measure.mean_of(measure.limb_errors_deg(done.source, target)) <= 2.0


@pytest.mark.slow
def test_nor_does_it_for_a_control_rig():
    rig = rigs.rigify()
    rig.armature.data.pose_position = "REST"
    done = onto(rig, sources.lively(24))
    assert rig.armature.data.pose_position == "REST"
    rig.armature.data.pose_position = "POSE"
    target = measure.figure_of_rig(rig.armature, {s: rig.joints[s] for s in done.target.joints_m}, done.frames)
    assert measure.mean_of(measure.limb_errors_deg(done.source, target)) <= 2.0


def a_leg_on_ik(rig: Rig) -> None:
    holder = bpy.data.objects.new("Foot target", None)
    bpy.context.scene.collection.objects.link(holder)
    ik = rig.pose.bones[rig.joints["shin.L"]].constraints.new("IK")
    ik.target, ik.chain_count = holder, 2


def a_limited_elbow(rig: Rig) -> None:
    limit = rig.pose.bones[rig.joints["forearm.L"]].constraints.new("LIMIT_ROTATION")
    limit.use_limit_x = limit.use_limit_y = limit.use_limit_z = True
    limit.owner_space = "LOCAL"


def a_head_that_looks_at_something(rig: Rig) -> None:
    holder = bpy.data.objects.new("Look", None)
    bpy.context.scene.collection.objects.link(holder)
    track = rig.pose.bones[rig.joints["head"]].constraints.new("DAMPED_TRACK")
    track.target = holder


def a_driven_knee(rig: Rig) -> None:
    bone = rig.pose.bones[rig.joints["shin.R"]]
    for index in range(4):
        bone.driver_add("rotation_quaternion", index).driver.expression = str(float(index == 0))


@pytest.mark.parametrize("change", [a_leg_on_ik, a_limited_elbow, a_head_that_looks_at_something, a_driven_knee])
def test_what_holds_a_mapped_bone_is_told_and_left_alone(change: Callable[[Rig], None]):
    from .dump import differences, dump

    rig = mixamo()
    change(rig)
    before = dump(rig.armature)
    done = onto(rig, sources.lively(24))
    after = dump(rig.armature, done.made.keyed_bones)
    assert not differences({path: before[path] for path in after.keys() & before.keys()}, after)
    assert done.made.warnings


def test_muted_constraints_hold_nothing():
    rig = mixamo()
    a_leg_on_ik(rig)
    a_head_that_looks_at_something(rig)
    for bone in rig.pose.bones:
        for constraint in bone.constraints:
            constraint.mute = True
    check(rig)


def test_layers_below_do_not_shine_through():
    rig = mixamo()
    bone = rig.pose.bones[rig.joints["upper_arm.L"]]
    bone.rotation_quaternion = (0.7, 0.7, 0.0, 0.0)
    bone.keyframe_insert("rotation_quaternion", frame=1)
    animation = rig.armature.animation_data
    track = animation.nla_tracks.new()
    track.strips.new("Old", 1, animation.action)
    animation.action = None
    check(rig)


def test_a_rig_moved_by_its_own_action_stands_where_its_object_is():
    # The new action does not move the object; the figure is where the source is all the same.
    rig = mixamo()
    for frame, place in ((1, 0.0), (30, 5.0)):
        rig.armature.location.x = place
        rig.armature.keyframe_insert("location", frame=frame)
    bpy.context.scene.frame_set(10)
    check(rig)


def test_a_rig_that_hangs_on_another_rig_s_bone():
    horse = rigs.catalogued("unreal_4")
    onto(horse, sources.walk(36))
    rig = mixamo()
    rig.armature.parent, rig.armature.parent_type = horse.armature, "BONE"
    rig.armature.parent_bone = horse.joints["pelvis"]
    bpy.context.view_layer.update()
    check(rig)


def test_a_local_rig_with_linked_bones(tmp_path):
    rig = mixamo()
    path = tmp_path / "bones.blend"
    bpy.data.libraries.write(str(path), {rig.armature.data}, fake_user=True)
    name = rig.armature.data.name
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 30
    with bpy.data.libraries.load(str(path), link=True) as (_, ours):
        ours.armatures = [name]
    local = bpy.data.objects.new("Local", ours.armatures[0])
    bpy.context.scene.collection.objects.link(local)
    variant = catalogue.Variant(pose="A", rolls=2)
    local.matrix_world = catalogue.rig("mixamo", variant).armature.to_world.T.tolist()
    bpy.context.view_layer.update()
    check(replace(rig, armature=local))


def test_a_rig_in_another_scene_gets_the_motion_of_this_one(scene):
    rig = mixamo()
    other = bpy.data.scenes.new("Elsewhere")
    other.render.fps = 30
    other.collection.objects.link(rig.armature)
    scene.collection.objects.unlink(rig.armature)
    from animepose_blender.host.retarget import run

    take = sources.lively(24)
    made = run.apply(run.prepare(bpy.context, run.TakeSource(take, 0), rig.armature, rig.rig_map), Settings())
    assert made.warnings
    poses = measure.sample(rig.armature, [1.0, 12.0, 24.0], other)
    assert abs(poses[0] - poses[1]).max() > 0.05
    assert bpy.context.scene == scene


def test_a_shared_action_with_slots_is_left_to_its_other_users():
    if "slots" not in bpy.types.Action.bl_rna.properties:
        pytest.skip("actions have no slots in this Blender")
    first, second = mixamo(), rigs.catalogued("unreal_4")
    for rig in (first, second):
        rig.pose.bones[0].keyframe_insert("location", frame=2)
    shared = first.armature.animation_data.action
    second.armature.animation_data.action = shared
    slot = shared.slots.new(id_type="OBJECT", name="Second")
    second.armature.animation_data.action_slot = slot
    check(first)
    assert second.armature.animation_data.action == shared
    assert second.armature.animation_data.action_slot == slot


def test_results_of_the_same_name_do_not_overwrite_each_other():
    from animepose_blender.host.retarget.run import Output

    rig = mixamo()
    names = [onto(rig, sources.walk(8), where=Output("Take one")).made.action.name for _ in range(3)]
    assert len(set(names)) == 3
    assert all(name in bpy.data.actions for name in names)
