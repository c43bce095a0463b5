"""What the retargeting promises, on real armatures of every family, as Blender evaluates them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from retarget_bench import measure, sources

from addon_tests.rigs import catalogue
from animepose_blender.core.retarget.settings import Settings
from animepose_blender.skeleton import J
from animepose_blender.take import Take

from . import rigs_in_blender as rigs
from .onto import MEASURED, OWN_JOINTS, joints_of, onto, person_armature
from .rigs_in_blender import Rig

LIMBS_DEG, FEET_MM, JOINTS_MM, BELOW_MM = 2.0, 5.0, 5.0, 10.0
AS_BROUGHT = catalogue.Variant(pose="A", rolls=4, unit_m=0.01, object_x_deg=90.0)
"""In an A-pose, Y up and in centimetres, rolled: as files of other programs bring rigs."""
VARIANTS = {
    "T": catalogue.PLAIN,
    "arms down, facing away, long legs": catalogue.Variant(
        pose="I", facing_deg=180.0, legs=1.15, place_m=(2.0, 1.0, 0.0)
    ),
    "T, hundredths": catalogue.Variant(unit_m=100.0),
    "A, stray tails": catalogue.Variant(pose="A", stray_tails=True, rolls=2),
    "A, short legs, long arms": catalogue.Variant(pose="A", legs=0.8, arms=1.2),
    "A, stray tails, Y up": catalogue.Variant(pose="A", stray_tails=True, unit_m=0.01, object_x_deg=90.0),
}
needs_humans = pytest.mark.skipif(not (rigs.DATA / "humans").is_dir(), reason=rigs.WITHOUT_DATA)


@cache
def lively() -> Take:
    return sources.with_fingers(sources.lively(90))


def check(
    rig: Rig,
    take: Take,
    settings: Settings = Settings(),  # noqa: B008 frozen
    *,
    known: bool = True,
    feet_mm: float = FEET_MM,
    below_mm: float = BELOW_MM,
) -> None:
    done = onto(rig, take, 0, settings, rig.rig_map if known else None)
    limbs = done.limbs_deg
    assert measure.mean_of(limbs) <= LIMBS_DEG, {limb: round(float(e.mean()), 2) for limb, e in limbs.items()}
    assert done.feet.drift_mm <= feet_mm, done.feet
    assert done.feet.below_worst_mm <= below_mm, done.feet


@pytest.mark.parametrize("family", catalogue.families())
def test_limbs_point_as_the_source_s_and_standing_feet_stay(family):
    check(rigs.catalogued(family, AS_BROUGHT), lively())


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("family", catalogue.families())
def test_so_they_do_on_rigs_of_other_poses_units_and_tails(family, variant):
    # Where no bone tells how long the foot is, it can only be guessed, and the tip of the toes is a little off.
    guessed = "stray" in variant or family in ("poser", "animepose")
    feet_mm, below_mm = (2 * FEET_MM, 2 * BELOW_MM) if guessed else (FEET_MM, BELOW_MM)
    check(rigs.catalogued(family, VARIANTS[variant]), lively(), feet_mm=feet_mm, below_mm=below_mm)


@pytest.mark.slow
@pytest.mark.parametrize("person", [0, 1])
@pytest.mark.parametrize("family", catalogue.families())
def test_dancers_limbs_point_as_the_source_s(family, person):
    done = onto(rigs.catalogued(family), sources.dancers(), person)
    assert measure.mean_of(done.limbs_deg) <= LIMBS_DEG
    assert done.feet.drift_mm <= FEET_MM


@needs_humans
@pytest.mark.parametrize("name", rigs.MAKEHUMAN)
def test_makehuman_s_rigs_are_found_and_follow(name):
    check(rigs.makehuman(name), lively(), known=False)


@pytest.mark.parametrize("output", ["fk", "ik"])
def test_a_generated_rigify_rig_follows_by_fk_and_by_ik(output):
    check(rigs.rigify(), lively(), settings=Settings(output=output), known=False)


@pytest.mark.slow
@pytest.mark.parametrize("output", ["fk", "ik"])
def test_a_rigify_rig_in_other_units_on_a_turned_parent_follows(output):
    rig = rigs.on_a_turned_empty(rigs.rigify())
    rig.armature.scale = (0.5, 0.5, 0.5)
    rig = replace(rig, foot_m=(rig.foot_m[0] / 2, rig.foot_m[1] / 2))
    check(rig, lively(), settings=Settings(root="scaled", output=output), known=False)


@pytest.mark.slow
def test_rigify_s_metarig_is_found_and_follows():
    check(rigs.metarig(), lively(), known=False)


@pytest.mark.parametrize(
    "change",
    [
        lambda rig: rigs.on_a_turned_empty(rig),
        lambda rig: rigs.on_a_turned_empty(rig, (0.0, 90.0, 30.0)),
        lambda rig: rigs.with_eulers(rig),
        lambda rig: rigs.renamed(rig),
        lambda rig: rigs.scaled(rig, 100.0),
        lambda rig: rigs.scaled(rig, 0.01),
        lambda rig: rigs.lying_data(rigs.rolled(rig)),
    ],
    ids=["turned parent", "lying parent", "Euler angles", "renamed", "centimetres", "hundreds", "Y up, rolled"],
)
def test_what_files_do_to_a_rig_does_not_matter(change):
    check(change(rigs.catalogued("mixamo", catalogue.Variant(pose="A"))), lively())


@pytest.mark.parametrize("change", [lambda r: r, rigs.rolled, lambda r: rigs.lying_data(rigs.scaled(r, 100.0))])
@pytest.mark.parametrize("pose", [{}, rigs.A_POSE_FROM_T], ids=["T", "A"])
def test_a_rig_of_the_person_s_own_proportions_has_the_person_s_joints(pose, change):
    take = sources.lively(60)
    rig = Rig(person_armature(take, moving=False), OWN_JOINTS)
    rig = change(rigs.posed(rig, pose) if pose else rig)
    done = onto(rig, take)
    for slot in OWN_JOINTS:
        off_mm = 1000 * np.linalg.norm(done.target.joints_m[slot] - done.source.joints_m[slot], axis=-1)
        assert off_mm.max() <= JOINTS_MM, (slot, off_mm.max())
    assert measure.mean_of(measure.twist_errors_deg(done.source, done.target)) < 1.0
    assert measure.foot_errors_deg(done.source, done.target).max() < 1.0


def test_limbs_are_not_turned_about_themselves():
    for variant in (catalogue.PLAIN, catalogue.Variant(pose="A", rolls=5)):
        done = onto(rigs.catalogued("mixamo", variant), lively())
        assert measure.mean_of(measure.twist_errors_deg(done.source, done.target)) < 5.0
        assert measure.foot_errors_deg(done.source, done.target).mean() < 3.0


def test_euler_curves_do_not_flip():
    rig = rigs.with_eulers(rigs.catalogued("mixamo", catalogue.Variant(pose="A", rolls=6)))
    take = sources.lively(220)  # turns about once
    quaternions = onto(rigs.catalogued("mixamo", catalogue.Variant(pose="A", rolls=6)), take)
    done = onto(rig, take)
    from animepose_blender.host import compat

    for curve in compat.curves_of_action(done.made.action):
        if "rotation_euler" not in curve.data_path:
            continue
        values = np.array([point.co[1] for point in curve.keyframe_points])
        assert np.abs(np.diff(values)).max(initial=0.0) < np.radians(90), curve.data_path
    for slot in MEASURED:
        if slot in done.target.joints_m:
            off = np.abs(done.target.joints_m[slot] - quaternions.target.joints_m[slot]).max()
            assert off < 1e-3, slot


def test_the_pose_between_the_frames_is_that_of_the_motion():
    # Quaternions on two sides of the sphere, or Euler angles that jump, go wild between two keys.
    take = sources.lively(120)
    for change in (lambda r: r, rigs.with_eulers):
        rig = change(rigs.catalogued("unreal_5", catalogue.Variant(pose="A", rolls=3)))
        done = onto(rig, take)
        halves = measure.figure_of_rig(rig.armature, joints_of(rig), done.frames[:-1] + 0.5)
        for slot, joint_m in halves.joints_m.items():
            middle_m = (done.target.joints_m[slot][1:] + done.target.joints_m[slot][:-1]) / 2
            assert np.linalg.norm(joint_m - middle_m, axis=-1).max() < 0.02, slot


def test_scenes_of_another_rate_play_at_the_right_speed(scene):
    scene.render.fps = 24
    take = sources.walk(60)
    done = onto(rigs.catalogued("mixamo"), take)
    assert done.frames[-1] == pytest.approx(1 + 59 * 24 / 30)
    assert measure.mean_of(done.limbs_deg) <= LIMBS_DEG


def test_the_path_can_be_scaled_kept_or_left_out():
    take = sources.walk(60)
    ways = {}
    for root in ("scaled", "kept", "in_place"):
        done = onto(rigs.catalogued("mixamo", catalogue.Variant(legs=1.3)), take, settings=Settings(root=root))
        hips = (done.target.joints_m["thigh.L"] + done.target.joints_m["thigh.R"]) / 2
        ways[root] = np.linalg.norm(hips[-1, :2] - hips[0, :2])
    source = take.joints_world_m[0, [0, -1], J["pelvis"], :2]
    way = np.linalg.norm(source[1] - source[0])
    assert ways["scaled"] == pytest.approx(1.3 * way, rel=0.1)
    assert ways["kept"] == pytest.approx(way, rel=0.1)
    assert ways["in_place"] < 0.1


def test_a_person_who_leaves_and_comes_back_has_keys_only_while_there():
    take = sources.walk(100, people=2, gaps=True)
    rig = rigs.catalogued("mixamo")
    import bpy

    from animepose_blender.host import compat
    from animepose_blender.host.retarget import run

    prepared = run.prepare(bpy.context, run.TakeSource(take, 1), rig.armature, rig.rig_map)
    made = run.apply(prepared, Settings())
    present = np.flatnonzero(take.state[1] != 0) + 1
    keyed = {round(p.co[0]) for curve in compat.curves_of_action(made.action) for p in curve.keyframe_points}
    assert keyed == set(present.tolist())


def test_offsets_move_what_they_name_and_nothing_else():
    from animepose_blender.core.retarget.settings import Offset

    take = sources.walk(40)
    rig = rigs.catalogued("mixamo")
    plain = onto(rig, take)
    moved = onto(rig, take, settings=Settings(offsets={"hand.L": Offset(move_cm=(0.0, -10.0, 5.0))}))
    off_m = {
        slot: np.linalg.norm(moved.target.joints_m[slot] - plain.target.joints_m[slot], axis=-1) for slot in MEASURED
    }
    assert off_m["hand.L"] == pytest.approx(np.full(40, np.hypot(0.1, 0.05)), abs=0.01)
    assert max(off_m[slot].max() for slot in ("head", "hand.R", "foot.L", "foot.R", "upper_arm.L")) < 1e-4


def test_a_missing_toe_or_clavicle_or_neck_does_not_matter():
    rig = rigs.catalogued("mixamo", catalogue.Variant(pose="A"))
    for gone in (("toe.L", "toe.R"), ("shoulder.L", "shoulder.R"), ("neck_1",), ("spine_2", "spine_3")):
        bones = {slot: bone for slot, bone in rig.rig_map.bones.items() if slot not in gone}
        fewer = replace(rig, rig_map=replace(rig.rig_map, bones=bones))
        check(fewer, lively())


@pytest.mark.parametrize("arms", [0.85, 1.0, 1.2])
def test_hands_that_touch_touch_on_arms_of_other_lengths(arms):
    take = sources.clapping()
    held = slice(28, 60)
    gaps = {}
    for keep in (False, True):
        rig = rigs.catalogued("mixamo", catalogue.Variant(arms=arms))
        onto(rig, take, settings=Settings(keep_hands=keep))
        bones = [rig.rig_map.bones[f"index_1.{side}"] for side in "LR"]
        poses = measure.sample(rig.armature, np.arange(1, 91))
        left, right = (poses[held, rig.pose.bones.find(bone), :3, 3] for bone in bones)
        gaps[keep] = np.linalg.norm(left - right, axis=-1)
    knuckles = take.joints_world_m[0, held][:, [J["left_index_knuckle"], J["right_index_knuckle"]]]
    wanted = arms * np.linalg.norm(knuckles[:, 0] - knuckles[:, 1], axis=-1)
    assert np.abs(gaps[True] - wanted).max() < 0.03
    if arms > 1.0:  # without it they go through each other
        assert np.abs(gaps[False] - wanted).max() > 0.05
