"""What an export promises: opened again by Blender's own importers, everybody is there and moves as before.

Plain functions and asserts, so that `run_in_blender.py` can run the same tests inside any Blender.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import export, import_take

PEOPLE, FRAMES = ("Person 1", "Person 2"), (22, 35)
MILLIMETRE = 1e-3


def imported_late_comer() -> import_take.ImportedTake:
    """Two people, of whom the second is absent in the first frame, which is the current one."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    imported = import_take.import_take(bpy.context, walking_take(people=2, frames=40), None)
    bpy.context.scene.frame_set(1)
    assert imported.mannequins[1].hide_viewport and imported.mannequins[1].hide_render
    return imported


def heads_m(names: tuple[str, ...] = PEOPLE) -> np.ndarray:
    """(frames, people, bones, 3) heads of all bones in the world, bones by name."""
    found = []
    for frame in FRAMES:
        bpy.context.scene.frame_set(frame)
        for name in names:
            armature = bpy.data.objects[name]
            assert armature.pose is not None
            bones = sorted(armature.pose.bones, key=lambda bone: bone.name)
            found.append([(armature.matrix_world @ bone.head)[:] for bone in bones])
    return np.array(found).reshape(len(FRAMES), len(names), -1, 3)


def reopened(files: list[str], addon: str, load: Callable[[str], object]) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module=addon)
    bpy.context.scene.render.fps = 30
    for file in files:
        load(file)


def assert_mannequins_are_there() -> None:
    assert all(bpy.data.objects[f"{name} mannequin"].type == "MESH" for name in PEOPLE)


def test_fbx_opens_again_with_everybody_in_place(tmp_path: Path) -> None:
    imported = imported_late_comer()
    expected_m = heads_m()
    bpy.context.scene.frame_set(1)
    files = export.export("fbx", tmp_path / "walk", imported)
    reopened(files, "io_scene_fbx", lambda file: bpy.ops.import_scene.fbx(filepath=file, anim_offset=0.0))
    assert_mannequins_are_there()
    np.testing.assert_allclose(heads_m(), expected_m, atol=MILLIMETRE)


def test_glb_opens_again_with_everybody_in_one_animation(tmp_path: Path) -> None:
    imported = imported_late_comer()
    expected_m = heads_m()
    bpy.context.scene.frame_set(1)
    files = export.export("glb", tmp_path / "walk", imported)
    reopened(files, "io_scene_gltf2", lambda file: bpy.ops.import_scene.gltf(filepath=file))
    assert_mannequins_are_there()
    np.testing.assert_allclose(heads_m(), expected_m, atol=MILLIMETRE)


def test_bvh_opens_again_with_one_skeleton_a_file(tmp_path: Path) -> None:
    imported = imported_late_comer()
    expected_m = heads_m()
    files = export.export("bvh", tmp_path / "walk", imported)

    def load(file: str) -> None:
        bpy.ops.import_anim.bvh(filepath=file, axis_forward="Y", axis_up="Z")

    reopened(files, "io_anim_bvh", load)
    names = tuple(Path(file).stem for file in files)
    np.testing.assert_allclose(heads_m(names), expected_m, atol=MILLIMETRE)


def test_an_export_leaves_presence_as_it_was(tmp_path: Path) -> None:
    imported = imported_late_comer()
    export.export("fbx", tmp_path / "walk", imported)
    late = imported.mannequins[1]
    assert late.hide_viewport and late.hide_render
    bpy.context.scene.frame_set(FRAMES[1])
    assert not late.hide_viewport
    bpy.context.scene.frame_set(1)
    assert late.hide_viewport
