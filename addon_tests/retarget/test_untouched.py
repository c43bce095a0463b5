"""A retarget adds animation and changes nothing else: rest pose, constraints, drivers, properties, selection, mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from retarget_bench import measure, sources

from addon_tests.rigs import catalogue
from animepose_blender.core.retarget.settings import Settings
from animepose_blender.host import compat
from animepose_blender.host.retarget import run
from animepose_blender.host.retarget.run import Output, TakeSource

from . import rigs_in_blender as rigs
from .dump import differences, dump, surroundings
from .onto import Outcome, curves_by_bone, onto
from .rigs_in_blender import Rig


def take():
    return sources.with_fingers(sources.lively(24))


def dressed(rig: Rig) -> Rig:
    """With all that a user's rig may carry: properties, a driver, constraints on bones outside the map, a pose."""
    armature, mapped = rig.armature, set(rig.rig_map.bones.values()) if rig.rig_map else set()
    spare = next(bone for bone in rig.pose.bones if bone.name not in mapped)
    armature["mood"], armature.data["version"], spare["length"] = 0.5, [1, 2, 3], 1.25
    spare.location, spare.rotation_mode, spare.rotation_euler = (0.01, 0.02, 0.03), "YXZ", (0.1, 0.2, 0.3)
    limit = spare.constraints.new("LIMIT_SCALE")
    limit.name, limit.influence, limit.use_max_x, limit.max_x = "Mine", 0.25, True, 2.0
    copied = spare.constraints.new("COPY_LOCATION")
    copied.target, copied.subtarget, copied.mute = armature, rig.pose.bones[0].name, True
    driver = spare.driver_add("scale", 1).driver
    driver.expression = "1 + 0.5 * mood"
    variable = driver.variables.new()
    variable.name, variable.targets[0].id, variable.targets[0].data_path = "mood", armature, '["mood"]'
    rig.pose.bones[0].bone.color.palette = "THEME03"
    rig.pose.bones[0].lock_location = (True, False, True)
    armature.data.collections.new("Mine")
    armature.data.bones[spare.name].hide = True
    bpy.context.view_layer.update()
    return rig


RIGS: dict[str, Callable[[], Rig]] = {
    "mixamo": lambda: dressed(rigs.catalogued("mixamo")),
    "auto_rig_pro": lambda: dressed(rigs.catalogued("auto_rig_pro", catalogue.Variant(pose="A", unit_m=0.01))),
    "rigify": rigs.rigify,
}


def check_untouched(rig: Rig, retarget: Callable[[], Outcome | run.Retargeted]) -> None:
    """Run it and compare everything."""
    bpy.context.view_layer.update()
    before, around = dump(rig.armature), surroundings()
    names = [(bone.name, prop) for bone in rig.pose.bones for prop in bone.keys()]
    made = retarget()
    made = made.made if isinstance(made, Outcome) else made
    bpy.context.scene.frame_set(around["frame"][0], subframe=around["frame"][1])
    keyed = curves_by_bone(made.action, rig.armature)
    switches = [(bone, prop) for bone, prop in names if f'["{prop}"]' in keyed.get(bone, ())]
    after = dump(rig.armature, made.keyed_bones, switches)
    kept = dump_without(before, set(before) - set(after), made.keyed_bones, switches)
    assert not differences(kept, after)
    assert not differences(around, surroundings())


def dump_without(before: dict, gone: set[str], keyed: tuple[str, ...], switches: list[tuple[str, str]]) -> dict:
    """The dump without what a retarget may change; only that may be gone."""
    allowed = {f"object.pose.bones[{bone}]" for bone in keyed} | {
        f"object.pose.bones[{bone}][{prop}]" for bone, prop in switches
    }
    assert all(path.rpartition(".")[0] in allowed or path in allowed for path in gone), gone
    return {path: value for path, value in before.items() if path not in gone}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n == "rigify")) for n in RIGS])
def test_nothing_of_a_rig_changes_but_its_animation(name):
    rig = RIGS[name]()
    check_untouched(rig, lambda: onto(rig, take()))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rigify"])
def test_nor_does_it_by_ik(name):
    rig = RIGS[name]()
    check_untouched(rig, lambda: onto(rig, take(), settings=Settings(output="ik")))


@pytest.mark.parametrize("name", ["mixamo", pytest.param("rigify", marks=pytest.mark.slow)])
def test_trying_out_alone_changes_nothing_at_all(name):
    rig = RIGS[name]()
    before, around = dump(rig.armature), surroundings()
    actions = set(bpy.data.actions)
    run.prepare(bpy.context, TakeSource(take(), 0), rig.armature, rig.rig_map)
    assert not differences(before, dump(rig.armature))
    assert not differences(around, surroundings())
    assert set(bpy.data.actions) == actions


def test_only_mapped_bones_get_keys():
    rig = rigs.catalogued("mixamo")
    done = onto(rig, take())
    keyed = curves_by_bone(done.made.action, rig.armature)
    assert set(keyed) <= set(rig.rig_map.bones.values())
    hips = rig.rig_map.bones["pelvis"]
    assert keyed[hips] == {"location", "rotation_quaternion"}
    assert all(properties == {"rotation_quaternion"} for bone, properties in keyed.items() if bone != hips)


@pytest.mark.slow
def test_a_rigify_rig_gets_keys_on_controls_and_switches_alone():
    rig = rigs.rigify()
    for output in ("fk", "ik"):
        done = onto(rig, take(), settings=Settings(output=output))
        for bone, properties in curves_by_bone(done.made.action, rig.armature).items():
            assert bone
            assert not bone.startswith(("DEF-", "MCH-", "ORG-")), bone
            assert all(
                p in ("location", "rotation_quaternion", "rotation_euler") or p.startswith("[") for p in properties
            )


def test_poses_of_unmapped_bones_stay_under_a_retarget():
    # A shrugging clavicle that the map leaves out stays as the animator has it, and so does a bent tail.
    rig = rigs.catalogued("mixamo")
    bones = {slot: bone for slot, bone in rig.rig_map.bones.items() if not slot.startswith("shoulder")}
    rig = replace(rig, rig_map=replace(rig.rig_map, bones=bones))
    clavicle = rig.pose.bones["mixamorig:LeftShoulder"]
    clavicle.rotation_quaternion = (0.98, 0.1, 0.0, 0.17)
    clavicle.keyframe_insert("rotation_quaternion", frame=1)
    bpy.context.view_layer.update()
    kept = tuple(clavicle.rotation_quaternion)
    done = onto(rig, take())
    assert tuple(clavicle.rotation_quaternion) == kept
    assert measure.mean_of(done.limbs_deg) <= 2.0


def test_the_old_action_is_kept():
    rig = rigs.catalogued("mixamo")
    rig.pose.bones[0].keyframe_insert("location", frame=3)
    old = rig.armature.animation_data.action
    curves = [(c.data_path, c.array_index, len(c.keyframe_points)) for c in compat.curves_of_action(old)]
    done = onto(rig, take())
    assert done.made.action != old
    assert old.name in bpy.data.actions
    assert old.use_fake_user or old.users
    assert [(c.data_path, c.array_index, len(c.keyframe_points)) for c in compat.curves_of_action(old)] == curves


def test_a_strip_plays_the_same_as_an_action():
    rig = rigs.catalogued("mixamo")
    as_action = onto(rig, take())
    rig.armature.animation_data.action = None
    as_strip = onto(rig, take(), where=Output("Mine", as_nla_strip=True))
    assert rig.armature.animation_data.action is None
    assert [strip.name for track in rig.armature.animation_data.nla_tracks for strip in track.strips] == ["Mine"]
    for slot, joint_m in as_action.target.joints_m.items():
        assert np.abs(as_strip.target.joints_m[slot] - joint_m).max() < 1e-4, slot


@pytest.mark.parametrize("how", ["hidden", "off in viewports", "hidden collection", "excluded", "not in the scene"])
def test_rigs_that_are_hidden_or_excluded_get_the_motion(how, scene):
    rig = rigs.catalogued("mixamo")
    collection = bpy.data.collections.new("Rigs")
    scene.collection.children.link(collection)
    collection.objects.link(rig.armature)
    scene.collection.objects.unlink(rig.armature)
    layer = bpy.context.view_layer.layer_collection.children["Rigs"]
    if how == "hidden":
        rig.armature.hide_set(True)
    elif how == "off in viewports":
        rig.armature.hide_viewport = True
    elif how == "hidden collection":
        layer.hide_viewport = collection.hide_viewport = True
    elif how == "excluded":
        layer.exclude = True
    else:
        scene.collection.children.unlink(collection)
    before, around = dump(rig.armature), surroundings()
    prepared = run.prepare(bpy.context, TakeSource(take(), 0), rig.armature, rig.rig_map)
    made = run.apply(prepared, Settings())
    after = dump(rig.armature, made.keyed_bones)
    kept = dump_without(before, set(before) - set(after), made.keyed_bones, [])
    assert not differences(kept, after)
    assert not differences(around, surroundings())
    shown = bpy.data.scenes.new("Look")
    shown.render.fps = 30
    rig.armature.hide_viewport = False
    shown.collection.objects.link(rig.armature)
    poses = measure.sample(rig.armature, np.arange(1, 25), shown)
    rest = measure.rest_world(rig.armature)
    assert np.abs(poses - rest).max() > 0.1
    assert np.abs(np.diff(poses[:, 0, :3, 3], axis=0)).max() > 1e-3


@pytest.mark.parametrize("mode", ["POSE", "OBJECT", "EDIT on another object", "POSE on another rig"])
def test_the_mode_the_user_is_in_stays(mode, scene):
    rig = rigs.catalogued("mixamo")
    other = rigs.catalogued("unreal_4")
    active = other.armature if "another" in mode else rig.armature
    for one in (rig.armature, other.armature):
        one.select_set(one == active)
    bpy.context.view_layer.objects.active = active
    bpy.ops.object.mode_set(mode=mode.partition(" ")[0])
    if mode.startswith("POSE"):
        compat.select_bones(active)
    scene.frame_set(17, subframe=0.25)
    check_untouched(rig, lambda: run.apply(
        run.prepare(bpy.context, TakeSource(take(), 0), rig.armature, rig.rig_map), Settings()
    ))  # fmt: skip


def library_with(rig: Rig, folder: Path, collection_name: str = "Character") -> Path:
    """The rig in a file of its own, within a collection."""
    collection = bpy.data.collections.new(collection_name)
    collection.objects.link(rig.armature)
    path = folder / "character.blend"
    bpy.data.libraries.write(str(path), {collection}, fake_user=True)
    return path


def linked(path: Path) -> bpy.types.Collection:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 30
    with bpy.data.libraries.load(str(path), link=True) as (_, ours):
        ours.collections = ["Character"]
    return ours.collections[0]


@pytest.mark.parametrize("how", ["instance", "collection", "override", "override of an instance"])
def test_linked_rigs_get_the_motion_by_an_override(how, tmp_path):
    rig = rigs.catalogued("mixamo")
    rig_map, joints, name = rig.rig_map, rig.joints, rig.armature.name
    path = library_with(rig, tmp_path)
    stamp = path.read_bytes()
    collection = linked(path)
    scene = bpy.context.scene
    if "instance" in how:
        holder = bpy.data.objects.new("Instance", None)
        holder.instance_type, holder.instance_collection = "COLLECTION", collection
        scene.collection.objects.link(holder)
    else:
        scene.collection.children.link(collection)
    target = collection.objects[name]
    if how == "override":
        target = collection.override_hierarchy_create(scene, bpy.context.view_layer).objects[0]
    elif how == "override of an instance":
        made = collection.override_hierarchy_create(scene, bpy.context.view_layer, reference=holder)
        target = next(o for o in made.all_objects if o.type == "ARMATURE")
    done = onto(Rig(target, joints, rig_map), sources.lively(40))
    assert done.made.rig.override_library is not None
    assert done.made.rig.animation_data.action == done.made.action
    assert measure.mean_of(done.limbs_deg) <= 2.0
    assert path.read_bytes() == stamp
    # It survives saving and opening, as a user's file must.
    saved, shot = tmp_path / "shot.blend", done.made.rig.name
    bpy.ops.wm.save_as_mainfile(filepath=str(saved))
    bpy.ops.wm.open_mainfile(filepath=str(saved))
    reopened = next(o for o in bpy.data.objects if o.name == shot and o.override_library is not None)
    assert reopened.animation_data.action is not None
    again = measure.figure_of_rig(reopened, {s: joints[s] for s in done.target.joints_m}, done.frames)
    for slot, joint_m in done.target.joints_m.items():
        assert np.abs(again.joints_m[slot] - joint_m).max() < 1e-3, slot


@pytest.mark.slow
def test_a_second_retarget_does_not_build_on_the_first():
    # Present poses of mapped bones, and those the first result leaves behind, must not leak into the second.
    for rig in (rigs.catalogued("mixamo", catalogue.Variant(pose="A", rolls=2)), rigs.rigify()):
        first = onto(rig, take())
        bpy.context.scene.frame_set(13)
        second = onto(rig, take())
        for slot, joint_m in first.target.joints_m.items():
            assert np.abs(second.target.joints_m[slot] - joint_m).max() < 1e-4, (rig.armature.name, slot)


@pytest.mark.slow
def test_live_changes_give_what_a_new_retarget_gives():
    from animepose_blender.core.retarget.settings import Offset

    settings = Settings(offsets={"arm.L": Offset(turn_deg=(0.0, 20.0, 0.0)), "hips": Offset(move_cm=(0.0, 0.0, -5.0))})
    for make in (lambda: rigs.catalogued("mixamo"), rigs.rigify):
        rig = make()
        prepared = run.prepare(bpy.context, TakeSource(take(), 0), rig.armature, rig.rig_map)
        made = run.apply(prepared, Settings())
        run.rewrite(prepared, settings, made.action)
        live = measure.sample(rig.armature, np.arange(1, 25))
        onto(rig, take(), settings=settings)
        fresh = measure.sample(rig.armature, np.arange(1, 25))
        assert np.abs(live - fresh).max() < 1e-4
        run.rewrite(prepared, Settings(), made.action)
        rig.armature.animation_data.action = made.action
