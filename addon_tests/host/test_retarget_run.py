"""From a source onto a rig in Blender: limbs point as the source's, and nothing but animation changes."""

from __future__ import annotations

import dataclasses
from math import radians
from pathlib import Path

import bpy
import numpy as np

from addon_tests.host.retarget_rigs import (
    FRAMES,
    animate,
    error_of,
    evaluated_matrices,
    everything_but_animation,
    fresh_scene,
    make_rig,
    person_bones,
    person_map,
    pose_channels,
)
from animepose_blender import rigs
from animepose_blender.core.retarget.settings import Offset, Settings
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import compat, import_take
from animepose_blender.host.retarget import run
from animepose_blender.host.retarget.bvh import told_scale
from animepose_blender.host.retarget.run import ArmatureSource, Output, TakeSource

LIMBS = ("upper_arm.L", "forearm.L", "upper_arm.R", "forearm.R", "thigh.L", "shin.L", "thigh.R", "shin.R")
AS_IT_IS = Settings(pin_feet=False)


def source_rig() -> bpy.types.Object:
    source = make_rig("Source", person_bones(), prefix="src_")
    animate(source)
    return source


def from_source(source: bpy.types.Object) -> ArmatureSource:
    return ArmatureSource(source, person_map("src_"))


def target_rig(name: str = "Target") -> bpy.types.Object:
    """Arms down, other rolls, in centimetres, turned and parented."""
    bones = {
        bone: (tuple(100 * x for x in head), tuple(100 * x for x in tail), parent)
        for bone, (head, tail, parent) in person_bones(40.0).items()
    }
    rig = make_rig(name, bones, rolls_deg=41)
    above = bpy.data.objects.new("Above", None)
    bpy.context.scene.collection.objects.link(above)
    above.location, rig.parent = (1.0, 0.5, 0.0), above
    rig.scale, rig.rotation_euler = (0.01, 0.01, 0.01), (0, 0, radians(90))
    for number, bone in enumerate(rig.pose.bones):
        bone.rotation_mode = ("QUATERNION", "XYZ", "ZYX", "AXIS_ANGLE")[number % 4]
    bpy.context.view_layer.update()
    return rig


def directions(rig: bpy.types.Object, bones: tuple[str, ...]) -> np.ndarray:
    shown = evaluated_matrices(rig)
    return np.array([shown[bone][:3, 1] / np.linalg.norm(shown[bone][:3, 1]) for bone in bones])


def off_deg(source: bpy.types.Object, rig: bpy.types.Object, first: int = 1, last: int = FRAMES) -> float:
    """Mean angle between the limbs of both over the frames."""
    angles = []
    for frame in range(first, last + 1, 3):
        bpy.context.scene.frame_set(frame)
        theirs = directions(source, tuple(f"src_{bone}" for bone in LIMBS))
        ours = directions(rig, LIMBS)
        # The target looks another way at rest; the motion is in world axes all the same.
        angles.append(np.degrees(np.arccos(np.clip(np.sum(theirs * ours, axis=1), -1, 1))))
    return float(np.mean(angles))


def test_limbs_point_as_the_sources_and_nothing_else_changes():
    scene = fresh_scene()
    source, rig = source_rig(), target_rig()
    rig.rotation_euler = (0, 0, 0)
    rig.pose.bones["hand.L"]["own"] = 1.5
    scene.frame_set(3)
    before = everything_but_animation(rig), everything_but_animation(source), pose_channels(source)
    prepared = run.prepare(bpy.context, from_source(source), rig, person_map())
    assert (everything_but_animation(rig), everything_but_animation(source), pose_channels(source)) == before
    done = run.apply(prepared, AS_IT_IS, Output("Moved"))
    assert (everything_but_animation(rig), everything_but_animation(source), pose_channels(source)) == before
    assert done.rig == rig and rig.animation_data.action == done.action and done.action.name == "Moved"
    assert set(done.keyed_bones) == set(person_map().bones.values()) - {"root"}
    assert off_deg(source, rig) < 0.5


def test_offsets_change_the_same_action_and_back():
    fresh_scene()
    source, rig = source_rig(), target_rig()
    prepared = run.prepare(bpy.context, from_source(source), rig, person_map())
    done = run.apply(prepared, AS_IT_IS)
    first = [[point.co[1] for point in curve.keyframe_points] for curve in compat.curves_of(rig)]
    lifted = dataclasses.replace(AS_IT_IS, offsets={"arm.L": Offset(turn_deg=(0.0, 30.0, 0.0))})
    run.rewrite(prepared, lifted, done.action)
    assert any(
        abs(curve.keyframe_points[0].co[1] - values[0]) > 1e-3
        for curve, values in zip(compat.curves_of(rig), first, strict=True)
    )
    run.rewrite(prepared, AS_IT_IS, done.action)
    again = [[point.co[1] for point in curve.keyframe_points] for curve in compat.curves_of(rig)]
    assert all(np.allclose(a[: len(b)], b, atol=1e-5) for a, b in zip(again, first, strict=True))


def test_a_takes_person_comes_with_gaps_and_predictions():
    scene = fresh_scene()
    take = walking_take(people=2, frames=60)
    rig = make_rig("Rig", person_bones())
    prepared = run.prepare(bpy.context, TakeSource(take, 1), rig, person_map())
    run.apply(prepared, Settings())
    present = np.flatnonzero(take.state[1] != 0)
    rate = scene.render.fps / scene.render.fps_base
    expected = 1 + take.frame_time_s[present] * rate
    keyed = [point.co[0] for point in max(compat.curves_of(rig), key=lambda c: len(c.keyframe_points)).keyframe_points]
    assert np.allclose(keyed, expected, atol=0.02)


def test_a_rig_that_is_mapped_by_itself_follows_an_imported_armature():
    scene = fresh_scene()
    take = walking_take(people=1, frames=30, gaps=False)
    scene.render.fps = 30
    armature = import_take.import_take(bpy.context, take, None).armatures[0]
    rig = make_rig("Rig", person_bones(30.0))
    done = run.apply(run.prepare(bpy.context, ArmatureSource(armature), rig), AS_IT_IS)
    assert set(done.keyed_bones) >= set(LIMBS)
    for frame in (1, 15, 30):
        scene.frame_set(frame)
        apart = np.sum(directions(armature, LIMBS) * directions(rig, LIMBS), axis=1)
        assert np.degrees(np.arccos(np.clip(apart, -1, 1))).max() < 3.0


def test_an_object_that_is_moved_by_its_own_action_stands_still_in_the_new_one():
    scene = fresh_scene()
    source, rig = source_rig(), make_rig("Target", person_bones(20.0))
    for frame, x in ((1, 0.0), (FRAMES, 5.0)):
        rig.location.x = x
        rig.keyframe_insert("location", frame=frame)
    scene.frame_set(1)
    run.apply(run.prepare(bpy.context, from_source(source), rig, person_map()), AS_IT_IS)
    assert off_deg(source, rig) < 0.5
    scene.frame_set(FRAMES)
    assert rig.matrix_world.translation.length < 1e-6


def test_a_rig_on_a_moving_parent_ends_up_where_the_source_is():
    scene = fresh_scene()
    source, rig = source_rig(), make_rig("Target", person_bones())
    cart = bpy.data.objects.new("Cart", None)
    scene.collection.objects.link(cart)
    rig.parent = cart
    for frame, angle in ((1, 0.0), (FRAMES, 1.0)):
        cart.rotation_euler.z, cart.location.x = angle, angle
        cart.keyframe_insert("rotation_euler", frame=frame)
        cart.keyframe_insert("location", frame=frame)
    scene.frame_set(1)
    run.apply(run.prepare(bpy.context, from_source(source), rig, person_map()), Settings(root="kept", pin_feet=False))
    assert off_deg(source, rig) < 0.5
    for frame in (1, 10, FRAMES):
        scene.frame_set(frame)
        apart = evaluated_matrices(rig)["pelvis"][:3, 3] - evaluated_matrices(source)["src_pelvis"][:3, 3]
        assert np.linalg.norm(apart) < 0.01


def test_a_rig_that_was_never_shown_has_its_pose_made():
    scene = fresh_scene()
    source, shown = source_rig(), make_rig("Shown", person_bones())
    rig = bpy.data.objects.new("Never shown", shown.data)
    assert rig.pose is None
    run.apply(run.prepare(bpy.context, from_source(source), rig, person_map()), AS_IT_IS)
    scene.collection.objects.link(rig)
    assert off_deg(source, rig) < 0.5


def test_what_cannot_be_done_is_refused_with_nothing_changed():
    scene = fresh_scene()
    source, rig = source_rig(), make_rig("Target", person_bones())
    box = make_rig("Box", {name: ((0, n, 0), (0, n, 1), "") for n, name in enumerate("abcdefgh")})
    mesh = bpy.data.objects.new("Mesh", bpy.data.meshes.new("Mesh"))
    animate(rig)
    scene.frame_set(2)
    before = everything_but_animation(rig), pose_channels(rig), len(bpy.data.actions)
    take = walking_take(people=1, frames=4)
    nobody = dataclasses.replace(take, state=np.zeros_like(take.state))
    good = from_source(source)
    attempts = {
        "same": lambda: run.prepare(bpy.context, from_source(rig), rig, person_map()),
        "no armature": lambda: run.prepare(bpy.context, good, mesh, person_map()),
        "no source": lambda: run.prepare(bpy.context, ArmatureSource(mesh), rig, person_map()),
        "no person": lambda: run.prepare(bpy.context, good, box),
        "nobody in the take": lambda: run.prepare(bpy.context, TakeSource(nobody, 0), rig, person_map()),
        "no such person": lambda: run.prepare(bpy.context, TakeSource(take, 3), rig, person_map()),
        "another rig's map": lambda: run.prepare(bpy.context, good, rig, person_map("other_")),
        "empty range": lambda: run.prepare(
            bpy.context, ArmatureSource(source, person_map("src_"), (9, 3)), rig, person_map()
        ),
    }
    for name, attempt in attempts.items():
        error = error_of(attempt)
        assert error.message and error.remedy, name
        assert (everything_but_animation(rig), pose_channels(rig), len(bpy.data.actions)) == before, name


def test_a_failure_while_writing_leaves_nothing_behind():
    fresh_scene()
    source, rig = source_rig(), make_rig("Target", person_bones())
    animate(rig)
    before = everything_but_animation(rig), pose_channels(rig), len(bpy.data.actions)
    prepared = run.prepare(bpy.context, from_source(source), rig, person_map())
    original, calls = run.write_action, []

    def fail(*arguments: object) -> None:
        calls.append(original(*arguments))
        raise RuntimeError("disk full")

    run.write_action = fail
    try:
        run.apply(prepared, AS_IT_IS)
    except RuntimeError:
        pass
    finally:
        run.write_action = original
    assert calls and len(bpy.data.actions) == before[2]
    assert everything_but_animation(rig) == before[0] and pose_channels(rig) == before[1]


def test_every_family_has_an_id_of_its_own():
    assert all(family.id == name for name, family in rigs.FAMILIES.items())


BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Chest
  {
    OFFSET 0 20 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT Head
    {
      OFFSET 0 40 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 0 20 0
      }
    }
  }
  JOINT LeftUpLeg
  {
    OFFSET 10 -5 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT LeftLeg
    {
      OFFSET 0 -40 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 0 -45 0
      }
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.0333333
0 90 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
0 91 0 0 5 0 0 0 0 0 0 0 0 0 0 0 0 0
0 92 0 0 9 0 0 0 0 0 0 0 0 0 0 0 0 0
"""


def test_bvh_files_stand_in_metres_and_selection_stays(tmp_path: Path):
    fresh_scene()
    rig = make_rig("Rig", person_bones())
    bpy.context.view_layer.objects.active = rig
    rig.select_set(True)
    for unit in (1.0, 0.01, 1 / 2.54):
        path = tmp_path / "walk.bvh"
        lines = []
        for line in BVH.splitlines():
            words = line.split()
            if words and words[0] == "OFFSET":
                line = " ".join(["OFFSET", *(str(float(x) * unit) for x in words[1:])])
            elif line.startswith("0 9"):
                line = " ".join([*(str(float(x) * unit) for x in words[:3]), *words[3:]])
            lines.append(line)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        source = run.source_from_bvh(bpy.context, path)
        bpy.context.view_layer.update()
        heights = [(source.matrix_world @ bone.head_local).z for bone in source.data.bones]
        heights += [(source.matrix_world @ bone.tail_local).z for bone in source.data.bones]
        assert np.isclose(max(heights) - min(heights), 1.7, atol=0.01), unit
        assert rig.select_get() and not source.select_get()
        assert bpy.context.view_layer.objects.active == rig
        name = {1.0: "centimetres", 0.01: "metres", 1 / 2.54: "inches"}[unit]
        assert name in told_scale(source)
    count = len(bpy.data.objects)
    path.write_text("no bvh", encoding="utf-8")
    assert "BVH" in error_of(lambda: run.source_from_bvh(bpy.context, path)).message
    assert "no BVH" in error_of(lambda: run.source_from_bvh(bpy.context, tmp_path / "none.bvh")).message
    assert len(bpy.data.objects) == count


def test_a_bvh_file_moves_a_rig(tmp_path: Path):
    scene = fresh_scene()
    source, rig = source_rig(), target_rig()
    rig.rotation_euler = (0, 0, 0)
    for one in scene.objects:
        one.select_set(one == source)
    bpy.context.view_layer.objects.active = source
    bpy.ops.preferences.addon_enable(module="io_anim_bvh")
    path = str(tmp_path / "dance.bvh")
    bpy.ops.export_anim.bvh(filepath=path, frame_start=1, frame_end=FRAMES, global_scale=100.0)
    imported = run.source_from_bvh(bpy.context, path)
    # Blender writes Z up, other programs Y, and Blender reads Y.
    assert np.isclose(imported.scale[0], 0.01)
    run.apply(run.prepare(bpy.context, from_source(imported), rig, person_map()), AS_IT_IS)
    assert off_deg(source, rig) < 0.5
