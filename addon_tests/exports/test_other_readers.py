"""What an export promises to programs that are not Blender: joints of the take within 1 mm in every frame, the clip's
rate and length, one root, no scale, names an engine accepts; read by `scripts/exports_bench/readers.py`."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np
import pytest

from animepose_blender.batch.order import ENGINES
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import exports, import_take
from animepose_blender.skeleton import J
from scripts.exports_bench.compare import of_person, plain
from scripts.exports_bench.readers import READERS, Contents, Skeleton

MILLIMETRE = 1e-3
FRAMES = 12
PEOPLE = ("Person 1", "Person 2")
HEADS = {"pelvis": "pelvis", "head": "neck"} | {
    f"{bone}.{side[0].upper()}": f"{side}_{joint}"
    for bone, joint in (
        ("upper_arm", "shoulder"), ("forearm", "elbow"), ("hand", "wrist"), ("thigh", "hip"), ("shin", "knee"),
        ("foot", "ankle"),
    )
    for side in ("left", "right")
}  # fmt: skip
"""Bone → the take's joint that it begins at."""
CASES = [(engine, file_format) for engine in ("", *ENGINES) for file_format in READERS]


def exported(folder: Path, engine: str, file_format: str, rate: Fraction = Fraction(30)) -> dict[str, Contents]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    imported = import_take.import_take(bpy.context, walking_take(people=2, frames=FRAMES, fps=rate, gaps=False), None)
    files = exports.export(file_format, folder / "walk", imported, engine)
    return {file: READERS[file_format](Path(file), FRAMES, float(rate)) for file in files}


@pytest.fixture(scope="module")
def contents(tmp_path_factory) -> dict[tuple[str, str], dict[str, Contents]]:
    folder = tmp_path_factory.mktemp("exports")
    for engine in ("", *ENGINES):
        (folder / (engine or "plain")).mkdir()
    return {case: exported(folder / (case[0] or "plain"), *case) for case in CASES}


def everybody(contents: dict[str, Contents]) -> list[Skeleton]:
    return [of_person(contents, person) for person in PEOPLE]


@pytest.mark.parametrize(("engine", "file_format"), CASES)
def test_joints_are_the_takes_in_every_frame(contents, engine, file_format):
    take = walking_take(people=2, frames=FRAMES, gaps=False)
    for person, skeleton in enumerate(everybody(contents[engine, file_format])):
        place = {plain(bone): number for number, bone in enumerate(skeleton.bones)}
        assert skeleton.joints_m.shape[0] == FRAMES
        for bone, joint in HEADS.items():
            off_m = skeleton.joints_m[:, place[plain(bone)]] - take.joints_world_m[person, :, J[joint]]
            assert np.linalg.norm(off_m, axis=-1).max() < MILLIMETRE, (bone, joint)


@pytest.mark.parametrize(("engine", "file_format"), CASES)
def test_every_skeleton_has_one_root_and_nothing_is_scaled(contents, engine, file_format):
    has_root = bool(engine) and file_format != "bvh"
    for skeleton in everybody(contents[engine, file_format]):
        assert [root.lower() for root in skeleton.roots] == (["root"] if has_root else ["pelvis"])
        assert skeleton.scale_off < 1e-5
        assert len(set(skeleton.bones)) == len(skeleton.bones)
        if has_root or file_format != "fbx":
            assert skeleton.object_turn_deg < 1e-3


@pytest.mark.parametrize(("engine", "file_format"), CASES)
def test_rate_and_length_are_the_clips(contents, engine, file_format):
    for content in contents[engine, file_format].values():
        assert content.rate == pytest.approx(30, abs=1e-4)
        assert content.last_s - content.first_s == pytest.approx((FRAMES - 1) / 30, abs=1e-6)
        if engine:
            assert content.first_s == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(25), Fraction(24000, 1001)])
@pytest.mark.parametrize("file_format", READERS)
def test_odd_rates_are_kept(tmp_path, file_format, rate):
    for content in exported(tmp_path, "unreal", file_format, rate).values():
        assert content.rate == pytest.approx(float(rate), rel=1e-5)
        assert content.last_s - content.first_s == pytest.approx((FRAMES - 1) / float(rate), abs=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("file_format", ["fbx", "glb", "usd"])
def test_the_root_bone_goes_along_the_floor_below_the_pelvis_and_turns_with_it(contents, engine, file_format):
    for skeleton in everybody(contents[engine, file_format]):
        root, pelvis = skeleton.joints_m[:, 0], skeleton.joints_m[:, list(map(plain, skeleton.bones)).index("pelvis")]
        np.testing.assert_allclose(root[:, 2], 0.0, atol=1e-5)
        np.testing.assert_allclose(root[:, :2], pelvis[:, :2], atol=1e-5)
        assert np.ptp(root[:, :2], axis=0).max() > 0.05


def test_unreal_gets_a_file_for_everybody_whose_armature_it_drops(contents):
    files = contents["unreal", "fbx"]
    assert [Path(file).name for file in files] == ["walk.person_1.fbx", "walk.person_2.fbx"]
    for content in files.values():
        assert content.armature_names == ("Armature",) and content.meshes == 1
        (skeleton,) = content.skeletons.values()
        assert all(re.fullmatch(r"[A-Za-z0-9_]+", bone) for bone in skeleton.bones)


@pytest.mark.parametrize(("engine", "file_format"), [case for case in CASES if case[1] in ("glb", "usd")])
def test_one_file_holds_everybody_with_their_meshes(contents, engine, file_format):
    (content,) = contents[engine, file_format].values()
    assert len(content.skeletons) == 2 and content.meshes == 2


@pytest.mark.parametrize("engine", ["", "unity", "godot"])
def test_one_fbx_holds_everybody_with_their_meshes(contents, engine):
    (content,) = contents[engine, "fbx"].values()
    assert sorted(content.armature_names) == [*PEOPLE] and content.meshes == 2
