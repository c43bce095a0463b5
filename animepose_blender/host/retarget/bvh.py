"""BVH files as sources, through Blender's own importer."""

from __future__ import annotations

import os
from pathlib import Path

import addon_utils
import bpy
import numpy as np

from ...errors import AnimePoseError
from ..rollback import undone_on_failure
from .read_rig import read_rig

_ADDON = "io_anim_bvh"
TALL_M = (1.0, 2.5)
"""A person's height from the lowest joint to the highest, in a file whose unit is right."""
UNITS_M = {"metres": 1.0, "centimetres": 0.01, "inches": 0.0254, "decimetres": 0.1, "millimetres": 0.001}
"""Tried in this order; BVH files do not say theirs. CMU's are in inches times 0.45: they come out by height."""


def source_from_bvh(context: bpy.types.Context, path: str | os.PathLike[str]) -> bpy.types.Object:
    """Import a BVH file as an armature in the context's collection, standing in metres.

    Keys are placed by time at the scene's rate. Selection and active object stay as they are.

    Raises:
        AnimePoseError: with nothing changed, if the file is missing or is no BVH.
    """
    path = Path(path)
    if not path.is_file():
        raise AnimePoseError(f"There is no BVH file at {path}.", "Check the path.")
    if addon_utils.check(_ADDON)[1] is False:
        addon_utils.enable(_ADDON, default_set=False)
    before = set(bpy.data.objects)
    view_layer = context.view_layer
    selected, active = list(context.selected_objects), view_layer.objects.active
    with undone_on_failure(context.scene):
        try:
            bpy.ops.import_anim.bvh(filepath=str(path), update_scene_fps=False, use_fps_scale=True)
        except (RuntimeError, ValueError, IndexError, KeyError, UnicodeDecodeError, AssertionError) as error:
            raise AnimePoseError(f"{path} cannot be read as BVH: {error}.", "Choose another file.") from error
        made = [one for one in bpy.data.objects if one not in before and one.type == "ARMATURE"]
        if not made:
            raise AnimePoseError(f"{path} holds no skeleton.", "Choose another file.")
        _scale(context, made[0])
        for one in view_layer.objects:
            one.select_set(one in selected)
        view_layer.objects.active = active
    return made[0]


def _scale(context: bpy.types.Context, source: bpy.types.Object) -> None:
    """Scale the object to a person's size."""
    heads = read_rig(context, source)
    points = heads.in_world(np.concatenate([heads.heads, heads.tails]))
    height = float(np.ptp(points, axis=0).max())
    fitting = [unit for unit in UNITS_M.values() if TALL_M[0] <= height * unit <= TALL_M[1]]
    source.scale = [fitting[0] if fitting else 1.7 / max(height, 1e-9)] * 3
