"""Which bones are exported, on what they hang, and what they are called."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.retarget.armature import Armature
from animepose_blender.host.exports.bones import exported_tree
from animepose_blender.host.exports.laid_out import usable_names


def armature(*bones: tuple[str, str, float, bool]) -> Armature:
    """Bones of (name, parent, height, deforms), upright, 0.1 long."""
    names = tuple(bone[0] for bone in bones)
    rest = np.tile(np.eye(4), (len(bones), 1, 1))
    rest[:, :3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    rest[:, 2, 3] = [bone[2] for bone in bones]
    parents = np.array([names.index(bone[1]) if bone[1] else -1 for bone in bones])
    return Armature(
        names, parents, rest, np.full(len(bones), 0.1), np.eye(4), np.array([bone[3] for bone in bones], dtype=bool)
    )


def tree_of(rig: Armature, also: frozenset[str] = frozenset()) -> dict[str, str]:
    tree = exported_tree(rig, also)
    names = [rig.names[bone] for bone in tree.bones]
    assert (tree.parents < np.arange(len(names))).all()
    return {name: names[parent] if parent >= 0 else "" for name, parent in zip(names, tree.parents, strict=True)}


CONTROL_RIG = armature(
    ("root", "", 0.0, False),
    ("torso", "root", 1.0, False),
    ("ORG-spine", "torso", 1.0, False),
    ("DEF-spine", "ORG-spine", 1.0, True),
    ("ORG-chest", "ORG-spine", 1.2, False),
    ("DEF-chest", "ORG-chest", 1.2, True),
    ("ORG-head", "ORG-chest", 1.5, False),
    ("DEF-head", "ORG-head", 1.5, True),
    ("DEF-eye", "root", 1.6, True),
)
PLAIN_RIG = armature(("Hips", "", 1.0, True), ("Spine", "Hips", 1.2, True), ("Head", "Spine", 1.5, True))


def test_a_control_rig_gives_its_deforming_bones_as_one_tree():
    assert tree_of(CONTROL_RIG) == {
        "DEF-spine": "", "DEF-chest": "DEF-spine", "DEF-head": "DEF-chest", "DEF-eye": "DEF-spine",
    }  # fmt: skip


def test_a_plain_rig_gives_all_its_bones_as_they_hang():
    assert tree_of(PLAIN_RIG) == {"Hips": "", "Spine": "Hips", "Head": "Spine"}


def test_a_bone_that_does_not_deform_is_left_out_of_the_middle():
    rig = armature(("Hips", "", 1.0, True), ("Twist", "Hips", 1.1, False), ("Head", "Twist", 1.5, True))
    assert tree_of(rig) == {"Hips": "", "Head": "Hips"}


def test_a_bone_that_something_hangs_on_is_kept():
    rig = armature(("Hips", "", 1.0, True), ("Socket", "Hips", 1.1, False))
    assert tree_of(rig, frozenset({"Socket"})) == {"Hips": "", "Socket": "Hips"}


def test_a_rig_without_deforming_bones_gives_all():
    rig = armature(("Hips", "", 1.0, False), ("Head", "Hips", 1.5, False))
    assert tree_of(rig) == {"Hips": "", "Head": "Hips"}


@pytest.mark.parametrize(
    ("names", "unusable", "expected"),
    [
        (("thigh.L", "thigh_L"), r"^A-Za-z0-9_:\-", ("thigh_L", "thigh_L_2")),
        (("mixamorig:Hips",), r"^A-Za-z0-9_:\-", ("mixamorig:Hips",)),
        (("mixamorig:Hips", "a/b"), ":/", ("mixamorig_Hips", "a_b")),
        (("Bip01 L Thigh",), r"\s{}", ("Bip01_L_Thigh",)),
        (("Hüfte", "腰"), r"^A-Za-z0-9_:\-", ("H_fte", "_")),
        (("thigh.L", "Thigh.L"), "", ("thigh.L", "Thigh.L")),
    ],
)
def test_names_are_made_usable_and_stay_different(names, unusable, expected):
    made = usable_names(names, unusable)
    assert tuple(made[name] for name in names) == expected
