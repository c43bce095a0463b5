"""BVH files as sources, through Blender's own importer."""

from __future__ import annotations

import os
from pathlib import Path

import addon_utils
import bpy
import numpy as np

from ... import rigs
from ...core import quaternions as quat
from ...core.retarget import euler
from ...core.retarget.stance import Rest, body_frame
from ...errors import AnimePoseError
from ..rollback import undone_on_failure
from .read_rig import read_rig

_ADDON = "io_anim_bvh"
TALL_M = (1.0, 2.5)
"""A person's height from the lowest joint to the highest, in a file whose unit is right."""
UNITS_M = {"metres": 1.0, "centimetres": 0.01, "inches": 0.0254, "decimetres": 0.1, "millimetres": 0.001}
"""Tried in this order; BVH files do not say theirs."""
USUAL_M = 1.7
"""Height for a file in a unit of its own, as CMU's inches times 0.45."""


def source_from_bvh(context: bpy.types.Context, path: str | os.PathLike[str]) -> bpy.types.Object:
    """Import a BVH file as an armature in the context's collection, standing upright, in metres.

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
        _stand_up(context, made[0])
        for one in view_layer.objects:
            one.select_set(one in selected)
        view_layer.objects.active = active
    return made[0]


def told_scale(source: bpy.types.Object) -> str:
    """What was made of the unit of a file, in a sentence for the user."""
    factor = source.scale[0]
    unit = next((name for name, value in UNITS_M.items() if np.isclose(value, factor, rtol=1e-4)), None)
    if unit is None:
        return f"{source.name}: no usual unit makes it a person's size, so it was made 1.7 m tall."
    return f"{source.name} was read as in {unit}."


def _stand_up(context: bpy.types.Context, source: bpy.types.Object) -> None:
    """Scale the object to a person's size, and set it upright where the file's up was not Y."""
    armature = read_rig(context, source)
    points = np.concatenate([armature.heads, armature.tails])
    height = float(np.ptp(points, axis=0).max())
    fitting = [unit for unit in UNITS_M.values() if TALL_M[0] <= height * unit <= TALL_M[1]]
    source.scale = [fitting[0] if fitting else USUAL_M / max(height, 1e-9)] * 3
    bones = {slot: armature.index[bone] for slot, bone in rigs.map_rig(armature).bones.items()}
    heads = {slot: armature.heads[index] for slot, index in bones.items()}
    try:
        up = body_frame(Rest(heads, heads, np.eye(3)))[:, 2]
    except (ValueError, KeyError):
        return  # no person's bones: it stays as it was read
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    nearest = axes[int(np.argmax(axes @ up))]
    source.rotation_mode = "XYZ"
    source.rotation_euler = euler.from_quaternion(quat.between(nearest, np.array([0.0, 0.0, 1.0]))[None], "XYZ")[0]
