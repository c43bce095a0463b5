"""What names say: sides, parts of the body, numbers, helpers."""

from __future__ import annotations

import pytest

from animepose_blender.core.retarget.automap.tokens import pieces, read_names


def _read(name: str, *others: str):
    return read_names((name, *others))[0]


@pytest.mark.parametrize(
    ("name", "twin", "side", "part"),
    [
        ("mixamorig:LeftUpLeg", "mixamorig:RightUpLeg", "L", "thigh"),
        ("upperarm_r", "upperarm_l", "R", "upper_arm"),
        ("lThighBend", "rThighBend", "L", "thigh"),
        ("lfemur", "rfemur", "L", "thigh"),
        ("Arm_Lower.R", "Arm_Lower.L", "R", "forearm"),
        ("leftforearm", "rightforearm", "L", "forearm"),
        ("Oberschenkel_links", "Oberschenkel_rechts", "L", "thigh"),
        ("Épaule_D", "Épaule_G", "R", "shoulder"),
        ("pie_derecha", "pie_izquierda", "R", "foot"),
        ("mão.esq", "mão.dir", "L", "hand"),
        ("предплечье_прав", "предплечье_лев", "R", "forearm"),
        ("左ひじ", "右ひじ", "L", "forearm"),
        ("右足首", "左足首", "R", "foot"),
        ("zuo_datui", "you_datui", "L", "thigh"),
        ("오른손", "왼손", "R", "hand"),
    ],
)
def test_side_and_part_are_read(name, twin, side, part):
    reading = _read(name, twin)
    assert reading.side == side
    assert max(reading.parts, key=lambda p: reading.parts[p]) == part
    assert not reading.helper


def test_a_single_letter_is_a_side_only_where_the_rig_has_the_other():
    assert _read("hand_l", "hand_r").side == "L"
    assert _read("hand_l", "foot").side == ""


def test_what_all_names_begin_with_is_dropped():
    readings = read_names(("Hand_Rig_Hips", "Hand_Rig_Spine", "Hand_Rig_Head", "Hand_Rig_Neck"))
    assert [set(reading.parts) for reading in readings] == [{"pelvis"}, {"spine"}, {"head"}, {"neck"}]


@pytest.mark.parametrize(
    "name",
    ["hand_ik.L", "upperarm_twist_01_l", "MCH-foot_fk.L", "ORG-thigh.L", "CTRL_head", "hair_01", "Skirt_2", "tail.003",
     "CC_Base_L_ThighShareBone", "左足IK", "HeadTop_End", "weapon_hand_r"],
)  # fmt: skip
def test_helpers_are_known_by_their_words(name):
    assert _read(name).helper


def test_fk_controls_are_no_helpers():
    reading = _read("c_arm_fk_ctrl.l", "c_arm_fk_ctrl.r")
    assert reading.fk and not reading.helper


def test_full_width_letters_and_namespaces_are_read():
    assert pieces("hero:" + "".join(chr(ord(letter) + 0xFEE0) for letter in "Hand01")) == ["hand", "01"]
