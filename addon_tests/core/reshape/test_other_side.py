"""The other side's bone by its name: Blender's own rule, and marks within names where both bones are there."""

from __future__ import annotations

import pytest

from animepose_blender.core.reshape.other_side import NO_COUNTERPART, counterparts, flip_name

WORDS = ["L", "R", "l", "r", "left", "Left", "LEFT", "right", "Right", "RIGHT", "lEft", "arm", "a", "é", "bright", "1"]
SEPARATORS = [".", "_", "-", " ", "", ".001", ".1x2", ":"]


def test_names_are_flipped_to_the_letter_as_blender_does(rng):
    bpy = pytest.importorskip("bpy")
    names = {
        "".join(str(rng.choice(WORDS)) + str(rng.choice(SEPARATORS)) for _ in range(rng.integers(1, 4)))
        for _ in range(20_000)
    }
    assert len(names) > 5000
    for strip in (False, True):
        assert [n for n in names if flip_name(n, strip) != bpy.utils.flip_name(n, strip_digits=strip)] == []


@pytest.mark.parametrize(
    "left, right",
    [
        ("arm.L", "arm.R"),
        ("arm.L.001", "arm.R.001"),
        ("arm_l", "arm_r"),
        ("arm-R", "arm-L"),
        ("L_arm", "R_arm"),
        ("LeftArm", "RightArm"),
        ("mixamorig:LeftArm", "mixamorig:RightArm"),
        ("Bip01 L Thigh", "Bip01 R Thigh"),
        ("CC_Base_L_Calf", "CC_Base_R_Calf"),
        ("lfemur", "rfemur"),
        ("End_lthumb", "End_rthumb"),
        ("rShldr", "lShldr"),
        ("handL_01", "handR_01"),
    ],
)
def test_both_sides_find_each_other(left, right):
    assert counterparts(["spine", left, "head", right]).tolist() == [0, 3, 2, 1]


def test_bones_of_the_middle_are_their_own_and_lone_ones_have_none():
    assert counterparts(["root", "lower", "spine.001", "prop.L"]).tolist() == [0, 1, 2, NO_COUNTERPART]


def test_counterparts_lead_back(rng):
    names = sorted({str(rng.choice(WORDS)) + str(rng.choice(SEPARATORS)) + str(rng.choice(WORDS)) for _ in range(200)})
    found = counterparts(names)
    sure = found >= 0
    assert (found[found[sure]] == sure.nonzero()[0]).all()
