"""Sources other than takes: armatures that move by whatever means, and BVH files."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from retarget_bench import measure, sources

from addon_tests.rigs import catalogue
from animepose_blender.core.retarget.settings import Settings
from animepose_blender.host.retarget import run
from animepose_blender.host.retarget.run import ArmatureSource

from . import rigs_in_blender as rigs
from .onto import OWN_JOINTS, joints_of, onto, person_armature
from .rigs_in_blender import Rig

needs_mocap = pytest.mark.skipif(not (rigs.DATA / "mocap").is_dir(), reason=rigs.WITHOUT_DATA)


def from_rig(
    source: Rig,
    target: Rig,
    frames: np.ndarray,
    settings: Settings = Settings(),  # noqa: B008 frozen
    *,
    told: bool = True,
) -> tuple[measure.Figure, measure.Figure, run.Retargeted]:
    """Retarget one rig's motion to another, and measure both in Blender."""
    given = ArmatureSource(source.armature, source.rig_map if told else None, (int(frames[0]), int(frames[-1])))
    made = run.apply(run.prepare(bpy.context, given, target.armature, target.rig_map), settings)
    figures = [measure.figure_of_rig(rig.armature, joints_of(rig), frames, rig.foot_m) for rig in (source, target)]
    return figures[0], figures[1], made


def moving(name: str = "mixamo", variant: catalogue.Variant = catalogue.PLAIN) -> tuple[Rig, np.ndarray]:
    rig = rigs.catalogued(name, variant)
    done = onto(rig, sources.lively(48))
    return rig, done.frames


@pytest.mark.parametrize(
    "variant",
    [
        catalogue.PLAIN,
        catalogue.Variant(pose="A", rolls=2, unit_m=0.01, object_x_deg=90.0),
        catalogue.Variant(pose="A", stray_tails=True, facing_deg=180.0, place_m=(3.0, -1.0, 0.0)),
    ],
    ids=["T", "A, Y up", "A, stray tails, facing away"],
)
def test_a_rig_follows_another_rig(variant):
    source, frames = moving("unreal_4", variant)
    a, b, _ = from_rig(source, rigs.catalogued("mixamo", catalogue.Variant(pose="A", legs=1.1)), frames)
    assert measure.mean_of(measure.limb_errors_deg(a, b)) <= 2.0


def test_a_rig_follows_its_own_kind_exactly():
    source, frames = moving("mixamo")
    a, b, _ = from_rig(source, rigs.catalogued("mixamo"), frames, Settings(pin_feet=False))
    for slot, joint_m in a.joints_m.items():
        assert np.linalg.norm(b.joints_m[slot] - joint_m, axis=-1).max() < 0.005, slot


def test_the_project_s_own_armature_is_a_source_like_its_take():
    take = sources.lively(48)
    person = Rig(person_armature(take), OWN_JOINTS)
    rig = rigs.catalogued("mixamo")
    by_take = onto(rig, take)
    a, b, _ = from_rig(person, rig, by_take.frames, told=False)
    assert measure.mean_of(measure.limb_errors_deg(a, b)) <= 2.0
    assert measure.mean_of(measure.limb_errors_deg(by_take.target, b)) <= 2.0


def test_a_source_moved_by_constraints_and_by_its_object_is_followed(scene):
    # A rig whose own bones have no keys: it copies another one, and its object rides on an empty that turns.
    driver, frames = moving("mixamo")
    source = rigs.catalogued("mixamo")
    for bone in source.pose.bones:
        copied = bone.constraints.new("COPY_TRANSFORMS")
        copied.target, copied.subtarget = driver.armature, bone.name
        copied.owner_space = copied.target_space = "LOCAL"
    empty = bpy.data.objects.new("Carousel", None)
    scene.collection.objects.link(empty)
    source.armature.parent = empty
    for frame, turn in ((1, 0.0), (48, 2.0)):
        empty.rotation_euler.z = turn
        empty.keyframe_insert("rotation_euler", frame=frame)
    a, b, _ = from_rig(source, rigs.catalogued("unreal_5"), frames)
    assert measure.mean_of(measure.limb_errors_deg(a, b)) <= 2.0


@pytest.mark.slow
def test_a_rigify_rig_is_a_source_too():
    source = rigs.rigify()
    frames = onto(source, sources.lively(36)).frames
    a, b, _ = from_rig(source, rigs.catalogued("mixamo"), frames, told=False)
    assert measure.mean_of(measure.limb_errors_deg(a, b)) <= 2.0


def test_a_target_that_rides_on_a_moving_parent_stays_where_the_source_is(scene):
    take = sources.lively(48)
    rig = rigs.on_a_turned_empty(rigs.catalogued("mixamo"))
    empty = rig.armature.parent
    for frame, place in ((1, 0.0), (48, 1.0)):
        empty.location.x, empty.rotation_euler.z = place, 2.0 * place
        empty.keyframe_insert("location", frame=frame)
        empty.keyframe_insert("rotation_euler", frame=frame)
    done = onto(rig, take)
    limbs = measure.limb_errors_deg(done.source, done.target)
    assert measure.mean_of(limbs) <= 2.0
    assert done.feet.drift_mm <= 5.0


def exported(armature: bpy.types.Object, frames: np.ndarray, path: Path, **options: object) -> Path:
    """The armature as a BVH file, by Blender's own exporter."""
    for one in bpy.context.view_layer.objects:
        one.select_set(one == armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.export_anim.bvh(filepath=str(path), frame_start=int(frames[0]), frame_end=int(frames[-1]), **options)
    return path


@pytest.mark.parametrize("up", ["Y", "Z"])
@pytest.mark.parametrize("scale", [1.0, 100.0, 39.37])
def test_a_bvh_file_is_a_source(scale, up, tmp_path):
    # Blender writes a rig's own axes; other programs' have Y up, as Blender's importer expects.
    source, frames = moving("cmu_mb", catalogue.Variant(object_x_deg=90.0 if up == "Y" else 0.0))
    path = exported(source.armature, frames, tmp_path / "walk.bvh", global_scale=scale)
    bvh = Rig(run.source_from_bvh(bpy.context, path), source.joints)
    target = rigs.catalogued("mixamo", catalogue.Variant(pose="A"))
    made = run.apply(run.prepare(bpy.context, ArmatureSource(bvh.armature), target.armature), Settings())
    assert made.keyed_bones
    a = measure.figure_of_rig(source.armature, joints_of(source), frames)
    b = measure.figure_of_rig(target.armature, joints_of(target), frames)
    turned = measure.mean_of(measure.limb_errors_deg(a, b))
    assert turned <= 2.0
    way = [np.ptp(f.joints_m["pelvis"][:, :2], axis=0).max() for f in (a, b)]
    assert way[1] == pytest.approx(way[0], rel=0.15)


def test_a_bvh_of_another_rate_plays_at_its_own_speed(tmp_path, scene):
    source, frames = moving("cmu_mb")
    path = exported(source.armature, frames, tmp_path / "walk.bvh")
    text = path.read_text().replace("Frame Time: 0.033333", "Frame Time: 0.008333")
    assert "0.008333" in text
    path.write_text(text)
    armature = run.source_from_bvh(bpy.context, path)
    target = rigs.catalogued("mixamo")
    made = run.apply(run.prepare(bpy.context, ArmatureSource(armature), target.armature), Settings())
    first, last = made.action.frame_range
    assert last - first == pytest.approx(47 / 120 * 30, abs=1.1)


@pytest.mark.parametrize("text", ["", "HIERARCHY", "MOTION\nFrames: 3\n", "{}", "HIERARCHY\nROOT a\n{\n OFFSET 0 0"])
def test_a_file_that_is_no_bvh_is_refused(text, tmp_path):
    from animepose_blender.errors import AnimePoseError

    from .dump import differences, surroundings

    path = tmp_path / "bad.bvh"
    path.write_text(text)
    around = surroundings()
    with pytest.raises(AnimePoseError):
        run.source_from_bvh(bpy.context, path)
    assert not differences(around, surroundings())


@needs_mocap
@pytest.mark.slow
@pytest.mark.parametrize("name", ["cmu_salsa_07", "cmu_002_04", "cmu_walking_1"])
def test_real_recordings_as_bvh_files(name, tmp_path):
    from retarget_bench.recordings import write_bvh

    path = write_bvh(rigs.DATA / "mocap" / f"{name}.npz", tmp_path / f"{name}.bvh", seconds=5.0)
    armature = run.source_from_bvh(bpy.context, path)
    target = rigs.catalogued("mixamo")
    prepared = run.prepare(bpy.context, ArmatureSource(armature), target.armature)
    made = run.apply(prepared, Settings())
    assert made.keyed_bones
    from animepose_blender.host.retarget.read_rig import read_rig
    from animepose_blender.rigs import map_rig

    bones = dict(map_rig(read_rig(bpy.context, armature)).bones)
    source = Rig(armature, {slot: bone for slot, bone in bones.items() if slot in target.joints})
    frames = prepared.times.frames
    a = measure.figure_of_rig(armature, joints_of(source), frames)
    b = measure.figure_of_rig(target.armature, joints_of(target), frames)
    assert measure.mean_of(measure.limb_errors_deg(a, b)) <= 2.0
