"""What a preview of "Clean Up" is made from, in short, so that it is found anew only if something has changed."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .. import compat
from .keys import interpolations


def settings_of(settings: bpy.types.PropertyGroup) -> tuple[Any, ...]:
    """All the settings' values."""
    names = [one.identifier for one in settings.bl_rna.properties if not one.is_readonly and one.identifier != "name"]
    return tuple(getattr(settings, name) for name in names)


def state_of(context: bpy.types.Context, rigs: list[bpy.types.Object]) -> tuple[Any, ...]:
    """What a preview depends on, besides the keys' values.

    Returns:
        The settings, the scene's range and rate, and then each armature, its `session_uid` first.
    """
    scene = context.scene
    of_rigs = []
    for rig in rigs:
        animation = rig.animation_data
        action = animation.action if animation is not None else None
        played = (action.session_uid, compat.slot_name(animation)) if action is not None and animation else ()
        counts = tuple(len(curve.keyframe_points) for curve in compat.curves_of(rig))
        bones = tuple(compat.selected_bones(rig)) if rig.mode == "POSE" else ()
        still = () if _moves_itself(rig) else tuple(value for row in rig.matrix_world for value in row)
        of_rigs.append((rig.session_uid, rig.name, rig.mode, bones, played, counts, still, _body(rig)))
    time_of = (scene.frame_start, scene.frame_end, scene.use_preview_range, scene.frame_preview_start)
    rate = (scene.frame_preview_end, scene.render.fps, scene.render.fps_base)
    return settings_of(scene.animepose_cleanup), (*time_of, *rate), *of_rigs


def keys_of(rigs: list[bpy.types.Object], *, selection: bool) -> int:
    """A number that changes with the keys.

    Args:
        selection: whether it counts which keys are selected.
    """
    told = 0
    for rig in rigs:
        for curve in compat.curves_of(rig):
            points = curve.keyframe_points
            pair = np.empty(2 * len(points), dtype=np.float32)
            points.foreach_get("co", pair)
            told = hash((told, pair.tobytes(), curve.mute, curve.lock))
            # Handles say nothing where every frame has a key.
            if len(points) and pair[-2] - pair[0] > len(points):
                for side in ("handle_left", "handle_right"):
                    points.foreach_get(side, pair)
                    told = hash((told, pair.tobytes()))
                told = hash((told, interpolations(curve).tobytes()))
            if selection:
                chosen = np.empty(len(points), dtype=bool)
                points.foreach_get("select_control_point", chosen)
                told = hash((told, chosen.tobytes()))
    return told


def _moves_itself(rig: bpy.types.Object) -> bool:
    """Whether an armature's action moves the object too."""
    return any(not curve.data_path.startswith("pose.") for curve in compat.curves_of(rig))


def _body(rig: bpy.types.Object) -> int:
    """A number that changes with an armature's bones."""
    rest = np.empty(16 * len(rig.data.bones), dtype=np.float32)
    rig.data.bones.foreach_get("matrix_local", rest)
    return hash((rest.tobytes(), tuple((bone.name, bone.rotation_mode) for bone in rig.pose.bones)))
