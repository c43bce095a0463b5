"""Blender's exporters, with what makes their files right elsewhere. Each works in the scene of `copies`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import bpy

from .. import compat
from .copies import Copies
from .fbx_records import make_repeatable
from .glb_times import stretch_times
from .presets import Layout

ADDONS: Mapping[str, str] = {"fbx": "io_scene_fbx", "glb": "io_scene_gltf2", "bvh": "io_anim_bvh"}
"""Exporters that are add-ons and may be switched off."""
BVH_STRETCH_M = 1e-4
"""Bones that wander by less from their place on their parent are written without channels for it."""


def write_fbx(path: Path, layout: Layout, copies: Copies) -> None:
    """One animation, named like the scene; a key a frame, but none where nothing changes."""
    bpy.ops.export_scene.fbx(
        filepath=str(path), use_selection=True, object_types={"ARMATURE", "MESH"}, add_leaf_bones=False,
        axis_forward="-Z" if layout.y_up else "Y", axis_up="Y" if layout.y_up else "Z",
        # The unit is the scene's, and no object is scaled: by default the armature would be, by 100.
        apply_unit_scale=True, apply_scale_options="FBX_SCALE_UNITS",
        armature_nodetype="NULL", use_armature_deform_only=False, mesh_smooth_type="FACE",
        bake_anim=True, bake_anim_use_all_actions=False, bake_anim_use_nla_strips=False,
        bake_anim_use_all_bones=True, bake_anim_force_startend_keying=True,
        # By default keys are left out, and hands end up a centimetre off; with 0, bones that keep still get all keys.
        bake_anim_simplify_factor=1e-6,
    )  # fmt: skip
    make_repeatable(path)


def write_glb(path: Path, layout: Layout, copies: Copies) -> None:
    """One animation for all: viewers and importers play one, and people who dance together belong together."""
    shaped = any(one.data.shape_keys is not None for one in copies.meshes)
    render = copies.scene.render
    whole, rate = round(render.fps / render.fps_base), render.fps / render.fps_base
    render.fps, render.fps_base = whole, 1.0
    bpy.ops.export_scene.gltf(
        filepath=str(path), export_format="GLB", use_selection=True, use_active_scene=True,
        export_animation_mode="SCENE", export_anim_scene_split_object=False, export_force_sampling=True,
        export_optimize_animation_size=True, export_apply=not shaped, export_extras=False,
    )  # fmt: skip
    if whole != rate:
        stretch_times(path, whole / rate)


def write_bvh(path: Path, layout: Layout, copies: Copies) -> None:
    """The root's place and everybody's turns; places of further bones only where a rig moves them on their parents."""
    scene = copies.scene
    bpy.ops.export_anim.bvh(
        filepath=str(path), frame_start=scene.frame_start, frame_end=scene.frame_end, rotate_mode="ZXY",
        root_transform_only=not _stretches(copies.armatures[0]),
    )  # fmt: skip
    # Six digits are too few: 30 frames a second would be 30.0003, and an hour of them a frame too short.
    seconds = scene.render.fps_base / scene.render.fps
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^Frame Time: .*$", f"Frame Time: {seconds:.12f}", text, count=1), encoding="utf-8")


def _stretches(armature: bpy.types.Object) -> bool:
    roots = {f'pose.bones["{bone.name}"].location' for bone in armature.data.bones if bone.parent is None}
    for curve in compat.curves_of(armature):
        if curve.data_path.endswith(".location") and curve.data_path not in roots:
            values = [point.co[1] for point in curve.keyframe_points]
            if max(map(abs, values)) > BVH_STRETCH_M:
                return True
    return False


def write_usd(path: Path, layout: Layout, copies: Copies) -> None:
    """UsdSkel, in metres, Z up, frames as time codes."""
    for armature in copies.armatures:
        if not any(mesh.parent == armature for mesh in copies.meshes):
            _hold_in_skel_root(copies, armature)
    bpy.ops.wm.usd_export(
        filepath=str(path), selected_objects_only=True, export_animation=True, check_existing=False,
        export_custom_properties=False,
    )  # fmt: skip


def _hold_in_skel_root(copies: Copies, armature: bpy.types.Object) -> None:
    """Give a skeleton without a mesh a speck of one: else the exporter makes no SkelRoot, and readers see nothing."""
    data = bpy.data.meshes.new("speck")
    data.from_pydata([(0, 0, 0), (1e-4, 0, 0), (0, 1e-4, 0)], [], [(0, 1, 2)])
    speck = bpy.data.objects.new("speck", data)
    copies.data.append(data)
    copies.meshes.append(speck)
    speck.parent = armature
    speck.vertex_groups.new(name=armature.data.bones[0].name).add([0, 1, 2], 1.0, "REPLACE")
    speck.modifiers.new("Armature", "ARMATURE").object = armature
    copies.scene.collection.objects.link(speck)
    speck.select_set(True, view_layer=copies.scene.view_layers[0])


WRITERS: Mapping[str, Callable[[Path, Layout, Copies], None]] = {
    "fbx": write_fbx, "glb": write_glb, "bvh": write_bvh, "usd": write_usd,
}  # fmt: skip
