"""What an export promises: opened again by Blender's own importers, everybody is there and moves as before, for any
engine, and the scene is as it was.

Plain functions and asserts, so that `addon_tests/host/run_in_blender.py` can run the same tests inside any Blender.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

from animepose_blender.batch.order import ENGINES
from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError
from animepose_blender.host import exports, import_take

PEOPLE, FRAMES = ("Person 1", "Person 2"), (22, 35)
MILLIMETRE = 1e-3
FORMATS = ("fbx", "glb", "bvh", "usd") if bpy.app.build_options.usd else ("fbx", "glb", "bvh")
"""Distributions build Blender without USD."""
FIRST = 1
"""Frame of the scene that engines get as frame 0."""


def imported_late_comer() -> import_take.ImportedTake:
    """Two people, of whom the second is absent in the first frame, which is the current one."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    imported = import_take.import_take(bpy.context, walking_take(people=2, frames=40), None)
    bpy.context.scene.frame_set(1)
    assert imported.mannequins[1].hide_viewport and imported.mannequins[1].hide_render
    return imported


def plain(name: str) -> str:
    return name.replace(".", "_").lower()


def heads_m(armatures: list[bpy.types.Object], offset: int = 0) -> list[dict[str, np.ndarray]]:
    """For each armature bone → (frames, 3) its head in the world; frames are `FRAMES` moved by an offset."""
    found: list[dict[str, list]] = [{} for _ in armatures]
    for frame in FRAMES:
        bpy.context.scene.frame_set(frame + offset)
        for armature, heads in zip(armatures, found, strict=True):
            for bone in armature.pose.bones:
                heads.setdefault(plain(bone.name), []).append((armature.matrix_world @ bone.head)[:])
    return [{name: np.array(at) for name, at in heads.items()} for heads in found]


def vertices_m(mesh: bpy.types.Object, frame: int) -> np.ndarray:
    """(V, 3) where a mesh is seen."""
    bpy.context.scene.frame_set(frame)
    evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(evaluated.data.vertices), dtype=np.float32)
    evaluated.data.vertices.foreach_get("co", flat)
    world = np.array(evaluated.matrix_world)
    return flat.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]


def reopened(file: str, addon: str, load: Callable[[str], object]) -> list[bpy.types.Object]:
    """The armatures of a file in an empty scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module=addon)
    bpy.context.scene.render.fps = 30
    load(file)
    return sorted((o for o in bpy.data.objects if o.type == "ARMATURE"), key=lambda one: one.name)


def assert_same(found: list[dict[str, np.ndarray]], expected: list[dict[str, np.ndarray]]) -> None:
    assert len(found) == len(expected)
    for theirs, ours in zip(found, expected, strict=True):
        assert set(ours) <= set(theirs)
        for name, at in ours.items():
            np.testing.assert_allclose(theirs[name], at, atol=MILLIMETRE, err_msg=name)


def load_fbx(file: str) -> None:
    bpy.ops.import_scene.fbx(filepath=file, anim_offset=0.0)


def load_glb(file: str) -> None:
    bpy.ops.import_scene.gltf(filepath=file)


def load_bvh(file: str) -> None:
    bpy.ops.import_anim.bvh(filepath=file)


def meshes() -> list[bpy.types.Object]:
    return sorted((o for o in bpy.data.objects if o.type == "MESH" and "mannequin" in o.name), key=lambda one: one.name)


def test_fbx_opens_again_with_everybody_in_place(tmp_path: Path) -> None:
    imported = imported_late_comer()
    expected, skin_m = heads_m(imported.armatures), vertices_m(imported.mannequins[0], FRAMES[0])
    bpy.context.scene.frame_set(1)
    (file,) = exports.export("fbx", tmp_path / "walk", imported)
    armatures = reopened(file, "io_scene_fbx", load_fbx)
    assert [one.name for one in armatures] == list(PEOPLE)
    assert_same(heads_m(armatures), expected)
    assert len(meshes()) == 2
    np.testing.assert_allclose(vertices_m(meshes()[0], FRAMES[0]), skin_m, atol=MILLIMETRE)


def test_glb_opens_again_with_everybody_in_one_animation(tmp_path: Path) -> None:
    imported = imported_late_comer()
    expected = heads_m(imported.armatures)
    bpy.context.scene.frame_set(1)
    (file,) = exports.export("glb", tmp_path / "walk", imported)
    armatures = reopened(file, "io_scene_gltf2", load_glb)
    assert [one.name for one in armatures] == list(PEOPLE)
    assert_same(heads_m(armatures), expected)
    assert len(meshes()) == 2


def test_bvh_opens_again_with_one_skeleton_a_file_and_usual_settings(tmp_path: Path) -> None:
    imported = imported_late_comer()
    expected = heads_m(imported.armatures)
    files = exports.export("bvh", tmp_path / "walk", imported)
    assert [Path(file).name for file in files] == ["walk.person_1.bvh", "walk.person_2.bvh"]
    for file, ours in zip(files, expected, strict=True):
        assert_same(heads_m(reopened(file, "io_anim_bvh", load_bvh)), [ours])


def test_engines_get_the_same_joints_from_the_first_frame_on(tmp_path: Path) -> None:
    for engine in ENGINES:
        for file_format, addon, load in (("fbx", "io_scene_fbx", load_fbx), ("glb", "io_scene_gltf2", load_glb)):
            imported = imported_late_comer()
            expected = heads_m(imported.armatures)
            files = exports.export(file_format, tmp_path / engine, imported, engine)
            found = [heads for file in files for heads in heads_m(reopened(file, addon, load), -FIRST)]
            assert_same(found, expected)
            assert all({"root"} == set(theirs) - set(ours) for theirs, ours in zip(found, expected, strict=True))


def test_unreal_gets_a_skin_in_the_size_of_the_person(tmp_path: Path) -> None:
    imported = imported_late_comer()
    skin_m = vertices_m(imported.mannequins[0], FRAMES[0])
    file = exports.export("fbx", tmp_path / "walk", imported, "unreal")[0]
    (armature,) = reopened(file, "io_scene_fbx", load_fbx)
    assert armature.name == "Armature"
    np.testing.assert_allclose(vertices_m(meshes()[0], FRAMES[0] - FIRST), skin_m, atol=MILLIMETRE)


def test_an_export_leaves_the_scene_as_it_was(tmp_path: Path) -> None:
    imported = imported_late_comer()
    scene = bpy.context.scene
    imported.armatures[1].select_set(True)
    bpy.context.view_layer.objects.active = imported.armatures[1]
    # Names that files get may be taken in the user's scene.
    scene.name = "walk"
    bpy.context.collection.objects.link(bpy.data.objects.new("Armature", None))
    kinds = ("objects", "meshes", "armatures", "actions", "scenes", "materials", "collections")

    def state() -> object:
        names = {kind: sorted(one.name for one in getattr(bpy.data, kind)) for kind in kinds}
        selected = sorted(one.name for one in bpy.context.selected_objects)
        return names, selected, bpy.context.view_layer.objects.active, scene.frame_current, bpy.context.scene

    before = state()
    for file_format in FORMATS:
        for engine in ("", "unreal"):
            exports.export(file_format, tmp_path / "walk", imported, engine)
    assert state() == before
    late = imported.mannequins[1]
    assert late.hide_viewport and late.hide_render
    scene.frame_set(FRAMES[1])
    assert not late.hide_viewport
    assert imported.armatures[0].animation_data.action.name == "Person 1"


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    imported = imported_late_comer()
    count = len(bpy.data.objects)
    for file_format in ("fbx", "glb"):
        (tmp_path / f"walk.{file_format}").mkdir()
        try:
            exports.export(file_format, tmp_path / "walk", imported, "unity")
        except AnimePoseError as error:
            assert f"walk.{file_format}" in error.message
        else:
            raise AssertionError(f"{file_format} did not fail")
        assert len(bpy.data.objects) == count and {"Person 1", "Person 2"} <= {o.name for o in bpy.data.objects}
    assert {one.name for one in tmp_path.iterdir()} == {"walk.fbx", "walk.glb"}
