"""A motion on any rig: limbs point as in the source, from any rest pose, and only known bones get channels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from addon_tests.rigs.catalogue import Variant, families, rig
from animepose_blender.core import quaternions as quat
from animepose_blender.core.armature_space import SHOWN_NAMES, rest_bones
from animepose_blender.core.retarget.armature import Armature
from animepose_blender.core.retarget.plain_controls import plain_controls
from animepose_blender.core.retarget.rig_map import RigMap
from animepose_blender.core.retarget.settings import Offset, Settings
from animepose_blender.core.retarget.take_motion import motion_of
from animepose_blender.core.retarget.transfer import Target, transfer
from animepose_blender.core.synthetic import walking_take

from .posed import heads, limb_errors_deg, pose, retargeted, walk

FREE = Settings(pin_feet=False)
VARIANTS = {
    "T": Variant(),
    "A": Variant(pose="A"),
    "rolled, centimetres, Y up": Variant(pose="A", rolls=3, unit_m=0.01, object_x_deg=90),
    "a hundred times too small": Variant(unit_m=100.0),
    "arms down, stray tails, looking away, longer legs": Variant(
        pose="I", stray_tails=True, facing_deg=180, legs=1.2, place_m=(4.0, -2.0, 0.0)
    ),
}


def own_rig(take, person=0):
    """The armature that an import makes for a person."""
    rest = rest_bones(take.bone_length_m[person])
    matrices = np.tile(np.eye(4), (len(SHOWN_NAMES), 1, 1))
    matrices[:, :3, :3], matrices[:, :3, 3] = rest.orientation, rest.head_m
    lengths = np.linalg.norm(rest.tail_m - rest.head_m, axis=1)
    deform = np.ones(len(lengths), dtype=bool)
    spine = {"abdomen": "spine_1", "spine": "spine_2", "chest": "spine_3"}
    rig_map = RigMap({spine.get(name, name): name for name in SHOWN_NAMES})
    return Armature(SHOWN_NAMES, np.array(rest.parent), matrices, lengths, np.eye(4), deform), rig_map


def test_a_rig_of_the_persons_own_proportions_reproduces_the_joints():
    take = walking_take(2, 50)
    for person in range(2):
        armature, rig_map = own_rig(take, person)
        motion = motion_of(take, person)
        target = Target(armature, rig_map, plain_controls(armature, rig_map), armature.to_world)
        result = transfer(motion, target, FREE)
        heads_m = heads(pose(armature, result.keys, 50), dict(rig_map.bones))
        for slot, head_m in heads_m.items():
            assert np.abs(head_m - motion.head_m[:, motion.index[slot]]).max() < 1e-5, slot


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("family", [family for family in families() if family != "rigify"])
def test_limbs_point_as_in_the_source(family, variant):
    made, motion = rig(family, variant), walk()
    result = retargeted(made, motion)
    heads_m = heads(pose(made.armature, result.keys, len(motion.time_s)), made.truth)
    assert limb_errors_deg(motion, heads_m).max() < 0.01
    assert not result.warnings


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("family", ["mixamo", "unreal_5", "character_creator", "daz_genesis_8", "vroid"])
def test_palms_face_as_in_the_source(family, variant):
    made, motion = rig(family, variant), walk()
    heads_m = heads(pose(made.armature, retargeted(made, motion).keys, 40), made.truth)
    for number, side in enumerate("LR"):
        across_m = heads_m[f"pinky_1.{side}"] - heads_m[f"index_1.{side}"]
        rest_m = motion.rest_knuckle_m[number, 1] - motion.rest_knuckle_m[number, 0]
        theirs_m = quat.rotate(motion.turned[:, motion.index[f"hand.{side}"]], np.tile(rest_m, (40, 1)))
        cosine = np.sum(across_m * theirs_m, -1) / np.linalg.norm(across_m, axis=-1) / np.linalg.norm(theirs_m, axis=-1)
        assert np.degrees(np.arccos(cosine.min())) < 8


def test_channels_say_where_the_rig_stands():
    made, motion = rig("unreal_5", VARIANTS["rolled, centimetres, Y up"]), walk()
    result = retargeted(made, motion)
    heads_m = heads(pose(made.armature, result.keys, 40), made.truth)
    assert max(np.abs(heads_m[slot] - head_m).max() for slot, head_m in result.heads_m.items()) < 1e-6


def test_only_mapped_bones_get_channels_and_only_the_pelvis_moves():
    made = rig("unreal_5")
    result = retargeted(made, walk())
    assert {key.name for key in result.keys} <= set(made.truth.values()) - {made.truth["root"]}
    assert [key.name for key in result.keys if key.location is not None] == [made.truth["pelvis"]]


def test_fingers_that_the_source_does_not_tell_are_left_alone():
    made = rig("mixamo")
    names = {key.name for key in retargeted(made, walk()).keys}
    assert made.truth["hand.L"] in names and made.truth["index_1.L"] not in names


def test_unmapped_bones_between_keep_their_pose():
    made, motion = rig("daz_genesis_8"), walk()
    armature = made.armature
    mapped = set(made.truth.values())
    basis = np.tile(np.eye(4), (len(armature.names), 1, 1))
    for name in armature.names:
        if name not in mapped:
            basis[armature.index[name], :3, :3] = quat.to_matrix(quat.normalize(np.array([1.0, 0.0, 0.2, 0.0])))
    controls = plain_controls(armature, made.rig_map, basis)
    result = transfer(motion, Target(armature, made.rig_map, controls, armature.to_world), FREE)
    heads_m = heads(pose(armature, result.keys, 40, basis), made.truth)
    assert limb_errors_deg(motion, heads_m).max() < 0.01


def test_bones_that_do_not_inherit_rotation_are_turned_all_the_same():
    made, motion = rig("mixamo", Variant(pose="A", rolls=2)), walk()
    free = (made.truth["upper_arm.L"], made.truth["shin.R"])
    inherits = np.array([name not in free for name in made.armature.names])
    controls = plain_controls(made.armature, made.rig_map, inherit_rotation=inherits)
    result = transfer(motion, Target(made.armature, made.rig_map, controls, made.armature.to_world), FREE)
    heads_m = heads(pose(made.armature, result.keys, 40, free=free), made.truth)
    assert limb_errors_deg(motion, heads_m).max() < 0.01


def test_the_path_grows_with_the_legs_or_stays_or_is_left_out():
    made, motion = rig("mixamo", Variant(legs=1.3)), walk(60)
    hips_m = {}
    for mode in ("scaled", "kept", "in_place"):
        heads_m = retargeted(made, motion, replace(FREE, root=mode)).heads_m
        hips_m[mode] = (heads_m["thigh.L"] + heads_m["thigh.R"]) / 2
    theirs_m = (motion.head_m[:, motion.index["thigh.L"]] + motion.head_m[:, motion.index["thigh.R"]]) / 2
    way, theirs = (np.ptp(path[:, :2], axis=0) for path in (hips_m["scaled"], theirs_m))
    np.testing.assert_allclose(way / theirs, 1.3, atol=0.05)
    np.testing.assert_allclose(hips_m["scaled"][0, :2], theirs_m[0, :2], atol=1e-6)
    np.testing.assert_allclose(hips_m["kept"][:, :2], theirs_m[:, :2], atol=1e-6)
    np.testing.assert_allclose(hips_m["kept"][:, 2], hips_m["scaled"][:, 2], atol=1e-6)
    automatic = retargeted(made, motion).heads_m
    np.testing.assert_allclose(automatic["thigh.L"] + automatic["thigh.R"], 2 * hips_m["kept"], atol=1e-9)
    assert np.ptp(hips_m["in_place"][:, :2], axis=0).max() < 1e-6
    assert np.ptp(hips_m["in_place"][:, 2]) > 0.01


def test_who_stands_on_a_wall_stays_on_it_whatever_the_length_of_their_legs():
    made, motion = rig("mixamo", Variant(legs=1.3)), walk(60)
    raised = replace(motion, head_m=motion.head_m + [0.0, 0.0, 1.8])
    low = retargeted(made, motion, Settings()).heads_m
    high = retargeted(made, raised, Settings()).heads_m
    for foot in ("foot.L", "foot.R"):
        np.testing.assert_allclose(high[foot] - low[foot], np.tile([0.0, 0.0, 1.8], (60, 1)), atol=0.05)


@pytest.mark.parametrize("family", ["poser", "mixamo", "unreal_5", "daz_genesis_8"])
def test_a_spine_of_any_number_of_bones_ends_like_the_sources(family):
    made, motion = rig(family), walk()
    result = retargeted(made, motion)
    spine = [slot for slot in made.truth if slot.startswith("spine")]
    if len(spine) > 1:
        chest = result.turned[spine[-1]]
        theirs = motion.turned[:, motion.index["spine_3"]]
        assert np.abs(np.sum(chest * theirs, axis=-1)).min() > 1 - 1e-6


def test_offsets_turn_a_part_with_all_that_hangs_on_it_and_nothing_else():
    made, motion = rig("mixamo"), walk()
    plain = retargeted(made, motion)
    raised = retargeted(made, motion, replace(FREE, offsets={"arm.L": Offset(turn_deg=(0.0, -20.0, 0.0))}))
    for slot in plain.heads_m:
        moved = np.abs(raised.heads_m[slot] - plain.heads_m[slot]).max()
        below = slot.endswith(".L") and slot.partition("_")[0] in (
            "forearm",
            "hand",
            "thumb",
            "index",
            "middle",
            "ring",
            "pinky",
        )
        assert (moved > 0.02) if slot in ("forearm.L", "hand.L") else below or moved < 1e-9, slot
    assert (raised.heads_m["hand.L"][:, 2] > plain.heads_m["hand.L"][:, 2]).all()


def test_offsets_move_a_hand_by_centimetres_and_bend_the_arm_for_it():
    made, motion = rig("mixamo"), walk()
    plain = retargeted(made, motion)
    moved = retargeted(made, motion, replace(FREE, offsets={"hand.R": Offset(move_cm=(0.0, 0.0, 5.0))}))
    way_m = moved.heads_m["hand.R"] - plain.heads_m["hand.R"]
    np.testing.assert_allclose(np.linalg.norm(way_m, axis=-1), 0.05, atol=2e-3)
    assert (way_m[:, 2] > 0.04).all()
    np.testing.assert_allclose(moved.heads_m["upper_arm.R"], plain.heads_m["upper_arm.R"], atol=1e-9)


def test_exchanged_sides_are_told():
    made = rig("mixamo")
    swapped = {
        slot: made.truth[slot[:-1] + {"L": "R", "R": "L"}[slot[-1]] if "." in slot else slot] for slot in made.truth
    }
    target = Target(made.armature, RigMap(swapped), plain_controls(made.armature, RigMap(swapped)), np.eye(4))
    assert any("exchanged" in warning for warning in transfer(walk(), target, FREE).warnings)


def test_where_the_person_is_absent_the_nearest_pose_is_held():
    take = walking_take(2, 90)
    motion = motion_of(take, 1)
    assert not motion.present.all() and np.isfinite(motion.head_m).all() and np.isfinite(motion.turned).all()
    assert (motion.contact[~motion.present] == 0).all()
