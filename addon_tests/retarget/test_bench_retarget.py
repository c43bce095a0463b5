"""The retargeting benchmark's parts: its measures, its way by hand, its tables, and the rigged people."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import bpy
import numpy as np
import pytest
from retarget_bench import by_hand, compare, measure, report, sources
from retarget_bench.maps import Mapped, total
from retarget_bench.speed import Times

from addon_tests.rigs import catalogue
from animepose_blender.host.retarget.read_rig import read_rig

from . import rigs_in_blender as rigs
from .onto import OWN_JOINTS, frames_of, joints_of, person_armature

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def test_a_take_and_its_own_armature_measure_the_same():
    take = sources.lively(24)
    source = measure.figure_of_take(take, 0)
    target = measure.figure_of_rig(person_armature(take), dict(OWN_JOINTS), frames_of(take))
    for slot in OWN_JOINTS:
        assert np.abs(source.joints_m[slot] - target.joints_m[slot]).max() < 1e-4, slot
    assert measure.worst_of(measure.limb_errors_deg(source, target)) < 0.01
    assert measure.worst_of(measure.twist_errors_deg(source, target)) < 0.01
    assert np.abs(source.feet_m - target.feet_m).max() < 0.02  # its proportions are not quite the skeleton's


def test_a_turn_is_measured_as_what_it_is():
    take = sources.walk(8)
    source = measure.figure_of_take(take, 0)
    joints = {slot: joint.copy() for slot, joint in source.joints_m.items()}
    upper = joints["hand.L"] - joints["forearm.L"]
    across = np.cross(upper, [0.3, 0.2, 0.9])
    across *= np.linalg.norm(upper, axis=-1, keepdims=True) / np.linalg.norm(across, axis=-1, keepdims=True)
    joints["hand.L"] = joints["forearm.L"] + np.cos(0.3) * upper + np.sin(0.3) * across
    bent = measure.Figure(
        joints, source.turned, source.rest_m, source.forward, source.headings, source.feet_m, source.soles_m
    )
    errors = measure.limb_errors_deg(source, bent)
    assert errors["forearm.L"] == pytest.approx(np.full(8, np.degrees(0.3)))
    assert errors["forearm.R"].max() == 0.0


def test_feet_that_slide_and_sink_are_told():
    take = sources.walk(40)
    source = measure.figure_of_take(take, 0)
    still = measure.foot_figures(source, take.contact[0])
    assert still.slide_mm_frame < 0.01
    assert still.below_worst_mm < 0.01
    shift = np.zeros((40, 4, 3))
    shift[:, :, 0], shift[:, :, 2] = 0.001 * np.arange(40)[:, None], -0.03
    sliding = measure.Figure(
        source.joints_m, source.turned, source.rest_m, source.forward, source.headings, source.feet_m + shift,
        source.soles_m + shift,
    )  # fmt: skip
    moved = measure.foot_figures(sliding, take.contact[0])
    assert moved.slide_mm_frame == pytest.approx(1.0, abs=0.01)
    assert moved.below_worst_mm == pytest.approx(30.0, abs=1.0)


def test_the_way_by_hand_points_limbs_and_leaves_no_constraint():
    take = sources.lively(16)
    rig = rigs.catalogued("mixamo")
    compare.baked(rig, take, 0, by_hand.WORLD)
    assert not any(bone.constraints for bone in rig.pose.bones)
    target = measure.figure_of_rig(rig.armature, joints_of(rig), frames_of(take), rig.foot_m)
    assert measure.worst_of(measure.limb_errors_deg(measure.figure_of_take(take, 0), target)) < 0.01


def test_by_hand_every_bone_has_a_counterpart():
    rig = rigs.catalogued("unreal_5", catalogue.Variant(pose="A"))
    person = person_armature(sources.with_fingers(sources.walk(4)))
    assert rig.rig_map is not None
    pairs = compare.pairs_of(rig.rig_map, person)
    assert set(pairs.values()) == {bone.name for bone in person.pose.bones}
    assert set(pairs) <= set(read_rig(bpy.context, rig.armature).names)


def test_the_tables_hold_what_was_measured():
    ours, hand = compare.Figures(1, 2, 3, 4, 5, 6, 7), compare.Figures(11, 12, 13, 14, 15, 16, 17)
    results = {
        ("a", "T", "walk"): {compare.OURS: ours, compare.HAND: hand},
        ("a", "T", "dance"): {compare.OURS: compare.Figures(3, 4, 5, 6, 7, 8, 9), compare.HAND: hand},
    }
    assert "| T | ours | 2.00 | 4.00 | 4.00 | 5.00 | 6.00 | 7.00 | 8.00 |" in report.by_method(results)
    assert "| a | 2.00 | 11 | 4.00 | 13 | 6.00 | 15 | 7.00 | 16 |" in report.by_rig(results)
    times = [Times(600, 5, 100, 0.1, 0.2, 0.05, 1.0), Times(1800, 5, 300, 0.3, 0.6, 0.15, 3.0)]
    assert "| 1800 | 5 | 300 | 0.100 | 0.200 | 0.050 | 1.00 |" in report.of_speed(times)
    maps = {"x": Mapped(1, 50, 49, 15, 15, 0), "y": Mapped(1, 50, 45, 15, 14, 1)}
    assert total(maps.values()) == Mapped(2, 100, 94, 30, 29, 1)
    lines = "\n".join(report.aims(results, {"own": {compare.OURS: (1.0, 2.5)}}, times, maps))
    assert "2.00° at most (a)" in lines
    assert "8.00 mm at most (a)" in lines
    assert "1 of 30 silently wrong" in lines


@pytest.mark.slow
@pytest.mark.skipif(not (rigs.DATA / "humans").is_dir(), reason=rigs.WITHOUT_DATA)
@pytest.mark.parametrize(("rig", "bone"), [("mixamo", "mixamorig:LeftForeArm"), ("rigify", "forearm_fk.L")])
def test_a_rigged_person_comes_with_its_mesh(rig, bone, tmp_path):
    spec = importlib.util.spec_from_file_location("make_rigged_human", SCRIPTS / "make_rigged_human.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path = tmp_path / "person.blend"
    assert module.main(["--data", str(rigs.DATA), "--rig", rig, "-o", str(path)]) == 0
    bpy.ops.wm.open_mainfile(filepath=str(path))
    armature = next(o for o in bpy.data.objects if o.type == "ARMATURE")
    body = next(o for o in bpy.data.objects if o.type == "MESH" and o.parent == armature)
    rest = _vertices(body)
    for posed in armature.pose.bones:
        if "IK_FK" in posed:
            posed["IK_FK"] = 1.0
    armature.pose.bones[bone].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    armature.update_tag()
    moved = np.linalg.norm(_vertices(body) - rest, axis=-1) > 0.01
    assert 0.02 < moved.mean() < 0.25
    assert (rest[moved, 0] > 0.1).all()


def _vertices(body: bpy.types.Object) -> np.ndarray:
    bpy.context.view_layer.update()
    mesh = body.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    flat = np.empty(3 * len(mesh.vertices))
    mesh.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def test_missing_data_end_the_script_with_a_message(tmp_path, capfd):
    spec = importlib.util.spec_from_file_location("make_rigged_human", SCRIPTS / "make_rigged_human.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main(["--data", str(tmp_path), "--rig", "mixamo", "-o", str(tmp_path / "x.blend")]) != 0
    assert "--data" in capfd.readouterr().err
    assert not (tmp_path / "x.blend").exists()
