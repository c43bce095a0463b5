"""Every family knows its own rigs, whatever files do to names and axes, and doubts names that bones contradict."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from addon_tests.rigs import names
from addon_tests.rigs.catalogue import Catalogued, Variant, families, rig
from animepose_blender import rigs
from animepose_blender.core import armature_space, finger_space
from animepose_blender.core.retarget.armature import Armature
from animepose_blender.core.retarget.rig_map import DOUBTFUL_BELOW, RigMap
from animepose_blender.core.retarget.slots import LIMBS, MAIN, SLOTS
from animepose_blender.rigs import FAMILIES, map_rig, recognise

FOLDER = Path(rigs.__file__).parent
CODE = ("__init__", "family", "recognition", "sides")
UNTOLD = {"unreal_4", "game_engine"}
"""Differ by the capital of one bone; with other capitals or separators they are one and the same."""

VARIANTS = [
    *(Variant(renaming=renaming) for renaming in names.RENAMINGS),
    Variant(pose="A", rolls=2),
    Variant(pose="I", stray_tails=True),
    Variant(unit_m=0.01, object_x_deg=90.0),
    Variant(unit_m=100.0, object_x_deg=-90.0, facing_deg=180.0),
]


def told(variant: Variant) -> str:
    return variant.renaming or f"{variant.pose}-{variant.unit_m:g}-{variant.facing_deg:g}"


def known(armature: Armature) -> tuple[str, RigMap]:
    found = recognise(armature)
    assert found is not None
    return found[0].id, found[1]


def changed(made: Catalogued, **fields: Any) -> Armature:
    return dataclasses.replace(made.armature, **fields)


def without(made: Catalogued, unwanted: Callable[[str], bool]) -> Armature:
    """The rig without some bones; their children hang on what is above."""
    old = made.armature
    kept = [index for index, name in enumerate(old.names) if not unwanted(name)]
    new = {index: number for number, index in enumerate(kept)}
    parents = []
    for index in kept:
        parent = int(old.parents[index])
        while parent >= 0 and parent not in new:
            parent = int(old.parents[parent])
        parents.append(new.get(parent, -1))
    return Armature(
        tuple(old.names[index] for index in kept), np.array(parents), old.rest[kept], old.lengths[kept], old.to_world,
        old.deform[kept],
    )  # fmt: skip


@pytest.mark.parametrize("family", families())
def test_a_family_knows_its_own_rig_and_takes_no_helper_for_a_limb(family):
    made = rig(family)
    found, rig_map = known(made.armature)
    assert found == family == rig_map.family
    assert dict(rig_map.bones) == made.truth
    assert all(rig_map.score(slot) == 1.0 for slot in rig_map.bones)
    assert dict(map_rig(made.armature).bones) == made.truth


@pytest.mark.parametrize("variant", VARIANTS, ids=told)
def test_what_a_file_does_to_a_rig_leaves_its_map_right(variant):
    for family in families():
        made = rig(family, variant)
        found, rig_map = known(made.armature)
        assert found == family or {found, family} == UNTOLD
        assert dict(rig_map.bones) == made.truth, family
        assert rig_map.doubtful == ()
        assert dict(map_rig(made.armature).bones) == made.truth, family


@pytest.mark.parametrize(
    "prefix", ["mixamorig:", "mixamorig1:", "mixamorig_", "mixamorig", "mixamorig.", "", "Armature|mixamorig:", "guy:"]
)
def test_mixamo_s_names_are_known_with_any_prefix_or_none(prefix):
    made = rig("mixamo")
    renamed = changed(made, names=tuple(name.replace("mixamorig:", prefix) for name in made.armature.names))
    found, rig_map = known(renamed)
    assert found == "mixamo"
    assert set(rig_map.bones) == set(made.truth) and rig_map.bones["hand.L"] == f"{prefix}LeftHand"


def test_the_extension_s_own_armature_is_known():
    made = rig("animepose")
    assert set(made.armature.names) == {*armature_space.SHOWN_NAMES, *finger_space.NAMES}
    found, rig_map = known(without(made, lambda name: "_1." in name or "_2." in name or "_3." in name))
    assert found == "animepose" and set(rig_map.bones.values()) == set(armature_space.SHOWN_NAMES)


def test_sides_that_are_named_the_wrong_way_round_are_doubted():
    made = rig("unreal_4")
    other = {"l": "r", "r": "l"}
    swapped = changed(
        made, names=tuple(re.sub(r"_([lr])$", lambda m: f"_{other[m[1]]}", name) for name in made.armature.names)
    )
    rig_map = map_rig(swapped)
    assert {"upper_arm.L", "shin.R", "hand.L", "foot.R"} <= set(rig_map.doubtful)
    assert not {"pelvis", "spine_1", "head"} & set(rig_map.doubtful)


def test_a_bone_that_hangs_on_the_wrong_one_is_doubted():
    made = rig("mixamo")
    at = made.armature.index
    parents = made.armature.parents.copy()
    parents[at["mixamorig:LeftForeArm"]] = at["mixamorig:Spine"]
    _, rig_map = known(changed(made, parents=parents))
    assert set(rig_map.doubtful) == {"forearm.L"}
    assert rig_map.score("forearm.L") < DOUBTFUL_BELOW <= rig_map.score("forearm.R")


@pytest.mark.parametrize("family", [family for family in families() if family != "rigify"])
def test_missing_fingers_toes_and_necks_leave_the_rest_known(family):
    made = rig(family)
    lost = {
        b
        for s, b in made.truth.items()
        if s.split("_")[0] in ("thumb", "index", "middle", "ring", "pinky", "neck", "toe")
    }
    lost |= {bone for slot, bone in made.truth.items() if slot.startswith("toe.")}
    found, rig_map = known(without(made, lambda name: name in lost.difference(FAMILIES[family].evidence)))
    assert found == family or {found, family} <= UNTOLD or found.startswith(("vrm", "daz", "poser", "unreal"))
    assert {slot: rig_map.bones.get(slot) for slot in MAIN} == made.main_truth


def test_names_of_a_family_that_mean_something_else_are_doubted_or_put_right():
    made = rig("mixamo")
    other = {"UpLeg": "Leg", "Leg": "Knee"}  # Mixamo's shin is a thigh here
    renamed = changed(
        made, names=tuple(re.sub(r"(UpLeg|Leg)$", lambda m: other[m[1]], name) for name in made.armature.names)
    )
    rig_map = map_rig(renamed)
    for side, word in (("L", "Left"), ("R", "Right")):
        for slot, bone in ((f"thigh.{side}", f"mixamorig:{word}Leg"), (f"shin.{side}", f"mixamorig:{word}Knee")):
            assert rig_map.bones.get(slot) == bone or slot in rig_map.doubtful


def test_a_main_bone_that_the_family_misses_is_found_automatically():
    made = rig("mixamo")
    renamed = changed(made, names=tuple(name.replace("LeftForeArm", "LeftElbow") for name in made.armature.names))
    found, rig_map = known(renamed)
    assert found == "mixamo" and "forearm.L" not in rig_map.bones
    assert map_rig(renamed).bones["forearm.L"] == "mixamorig:LeftElbow"


def test_too_few_known_names_are_no_family():
    made = rig("mixamo")
    legs_only = without(
        made, lambda name: any(part in name for part in ("Arm", "Hand", "Shoulder", "Spine", "Neck", "Head"))
    )
    assert recognise(legs_only) is None
    cat = changed(made, names=tuple(f"tentacle.{number}" for number in range(len(made.armature.names))))
    assert recognise(cat) is None
    assert recognise(without(made, lambda _: True)) is None


def test_a_control_rig_gets_its_own_controls_and_nothing_that_merely_fits():
    for family in ("rigify", "auto_rig_pro"):
        made = rig(family)
        fingers = {bone for slot, bone in made.truth.items() if slot.startswith("index")}
        rig_map = map_rig(without(made, lambda name, lost=fingers: name in lost))
        assert rig_map.family == family
        assert not [slot for slot in rig_map.bones if slot.startswith("index")]


def test_families_name_slots_limbs_and_patterns_that_exist():
    assert set(families()) <= set(FAMILIES)
    for family in FAMILIES.values():
        assert set(family.bones) <= set(SLOTS) and set(MAIN) <= set(family.bones)
        assert all(family.bones.values()) and all(isinstance(known, tuple) for known in family.bones.values())
        assert set(family.ik) <= set(LIMBS)
        assert {*family.followers, *(slot for ik in family.ik.values() for slot in ik.also)} <= set(SLOTS)
        for pattern in (*family.prefixes, *family.ignore):
            re.compile(pattern)
        mapped = [name for found in family.bones.values() for name in found]
        assert len(set(mapped)) == len(mapped), family.id


def test_the_families_files_hold_data_only():
    for file in FOLDER.glob("*.py"):
        if file.stem in CODE:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        code = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If, ast.With, ast.Try)
        assert not [node for node in ast.walk(tree) if isinstance(node, code)], file.name
        assert all(isinstance(node, (ast.Expr, ast.ImportFrom, ast.Assign)) for node in tree.body), file.name
        assert ast.get_docstring(tree), file.name


# Real rigs.


def from_points(bones: dict[str, tuple[str | None, np.ndarray, np.ndarray]]) -> Armature:
    """Bones of name → parent, head, tail; in any order."""
    order: list[str] = []
    while len(order) < len(bones):
        order += [n for n, (parent, _, _) in bones.items() if n not in order and (not parent or parent in order)]
    rest, lengths = [], []
    for name in order:
        _, head, tail = bones[name]
        along = tail - head if np.linalg.norm(tail - head) > 1e-6 else np.array([0.0, 0.0, 1.0])
        y = along / np.linalg.norm(along)
        x = np.cross(y, np.eye(3)[int(np.argmin(np.abs(y)))])
        x /= np.linalg.norm(x)
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = np.stack([x, y, np.cross(x, y)], axis=1), head
        rest.append(matrix)
        lengths.append(np.linalg.norm(along))
    parents = [order.index(parent) if (parent := bones[name][0]) else -1 for name in order]
    count = len(order)
    return Armature(tuple(order), np.array(parents), np.stack(rest), np.array(lengths), np.eye(4), np.ones(count, bool))


@pytest.fixture
def data() -> Path:
    folder = os.environ.get("ANIMEPOSE_DATA")
    if not folder:
        pytest.skip("set ANIMEPOSE_DATA to the folder with `humans` and `mocap`")
    return Path(folder)


@pytest.mark.parametrize(
    ("file", "family", "slots"),
    [
        ("standard/rig.mixamo.json", "mixamo", 52),
        ("standard/rig.game_engine.json", "game_engine", 53),
        ("standard/rig.cmu_mb.json", "cmu_mb", 25),
        ("rigify/rig.human.json", "rigify_meta_mpfb", 53),
        ("rigify/rig.human_toes.json", "rigify_meta_mpfb", 53),
    ],
)
def test_makehuman_s_rigs_are_known(data, file, family, slots):
    content = json.loads((data / "humans" / "rigs" / file).read_text())
    listed = content.get("bones", content)
    armature = from_points(
        {
            name: (
                b["parent"] or None,
                np.array(b["head"]["default_position"]),
                np.array(b["tail"]["default_position"]),
            )
            for name, b in listed.items()
        }
    )
    found, rig_map = known(armature)
    assert (found, len(rig_map.bones), rig_map.doubtful) == (family, slots, ())
    assert map_rig(armature).bones == rig_map.bones


@pytest.mark.parametrize(
    ("file", "family", "slots"),
    [("cmu_001_01", "character_creator", 53), ("cmu_basketball_1", "cmu_asf", 25), ("cmu_indian_04", "poser", 39)],
)
def test_the_skeletons_of_recordings_are_known(data, file, family, slots):
    recording = np.load(data / "mocap" / f"{file}.npz", allow_pickle=False)
    joints, parents = [str(name) for name in recording["joint_names"]], recording["parents"].tolist()
    heads = recording["offsets"].astype(float)
    for joint, parent in enumerate(parents):
        heads[joint] += heads[parent] if parent >= 0 else 0.0
    heads = heads[:, [0, 2, 1]] * [1.0, -1.0, 1.0]  # Y up to Z up
    tails = [heads[parents.index(joint)] if joint in parents else heads[joint] for joint in range(len(joints))]
    armature = from_points(
        {name: (joints[p] if p >= 0 else None, heads[j], tails[j]) for j, (name, p) in enumerate(zip(joints, parents))}
    )
    found, rig_map = known(armature)
    assert (found, len(rig_map.bones), rig_map.doubtful) == (family, slots, ())
