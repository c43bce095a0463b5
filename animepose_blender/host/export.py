"""Exports of an imported take, by Blender's own exporters, animation baked; opened again, joints agree within 1 mm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import addon_utils
import bpy

from ..errors import AnimePoseError
from . import compat
from .import_take import ImportedTake
from .whole_files import write_whole

_ADDONS = {"fbx": "io_scene_fbx", "glb": "io_scene_gltf2", "bvh": "io_anim_bvh"}
"""Exporters that are add-ons and may be switched off."""


def export(file_format: str, target: Path, imported: ImportedTake) -> list[str]:
    """Export one format beside the .blend.

    Args:
        file_format: fbx, glb, bvh or usd.
        target: path without a suffix.
        imported: what to export: armatures and mannequins; BVH holds one skeleton, so each person gets a file.
    Returns:
        The files written.
    Raises:
        AnimePoseError: if the exporter is missing or a file cannot be written.
    """
    addon = _ADDONS.get(file_format)
    if addon is not None and addon_utils.check(addon)[1] is False:
        addon_utils.enable(addon, default_set=False)
    written: list[str] = []
    for path, objects in _files(file_format, target, imported):
        with _shown(objects):
            _select(objects)
            try:
                write_whole(path, lambda temporary: _WRITERS[file_format](str(temporary)))
            except AttributeError as error:
                raise AnimePoseError(
                    f"This Blender has no exporter for {file_format}.", "Leave the format out, or enable its add-on."
                ) from error
        written.append(str(path))
    return written


@contextmanager
def _shown(objects: list[bpy.types.Object]) -> Iterator[None]:
    """Show the objects in every frame for a while.

    Exporters leave out what is hidden in the current frame, as the mannequin of an absent person is; of these formats
    only USD could keep the presence.
    """
    curves = [c for one in objects for c in compat.curves_of(one) if c.data_path in ("hide_viewport", "hide_render")]
    before = [(one, one.hide_viewport, one.hide_render) for one in objects]
    muted = [curve.mute for curve in curves]
    try:
        for curve in curves:
            curve.mute = True
        for one in objects:
            one.hide_viewport = one.hide_render = False
        bpy.context.view_layer.update()
        yield
    finally:
        for curve, was in zip(curves, muted, strict=True):
            curve.mute = was
        for one, viewport, render in before:
            one.hide_viewport, one.hide_render = viewport, render


def _files(file_format: str, target: Path, imported: ImportedTake) -> list[tuple[Path, list[bpy.types.Object]]]:
    if file_format != "bvh":
        return [(Path(f"{target}.{file_format}"), [*imported.armatures, *imported.mannequins])]
    return [
        (Path(f"{target}.{armature.name.lower().replace(' ', '_')}.bvh"), [armature]) for armature in imported.armatures
    ]


def _select(objects: list[bpy.types.Object]) -> None:
    view_layer = bpy.context.view_layer
    for other in view_layer.objects:
        other.select_set(False)
    for one in objects:
        one.select_set(True)
    view_layer.objects.active = objects[0]


def _fbx(path: str) -> None:
    bpy.ops.export_scene.fbx(
        filepath=path, use_selection=True, object_types={"ARMATURE", "MESH"}, add_leaf_bones=False,
        bake_anim=True, bake_anim_use_all_actions=False, bake_anim_use_nla_strips=False,
        bake_anim_simplify_factor=0.0,  # by default keys are left out, and hands end up a centimetre off
    )  # fmt: skip


def _glb(path: str) -> None:
    # One animation for all: viewers and importers play one, and people who dance together belong together.
    bpy.ops.export_scene.gltf(
        filepath=path, export_format="GLB", use_selection=True,
        export_animation_mode="SCENE", export_anim_scene_split_object=False,
    )  # fmt: skip


def _bvh(path: str) -> None:
    scene = bpy.context.scene
    bpy.ops.export_anim.bvh(filepath=path, frame_start=scene.frame_start, frame_end=scene.frame_end)


def _usd(path: str) -> None:
    bpy.ops.wm.usd_export(filepath=path, selected_objects_only=True, export_animation=True, check_existing=False)


_WRITERS: dict[str, Callable[[str], None]] = {"fbx": _fbx, "glb": _glb, "bvh": _bvh, "usd": _usd}
