"""In short, what a rig's motion depends on: a motion that was read is good until that changes."""

from __future__ import annotations

import hashlib
from typing import Any

import bpy
import numpy as np

from ...core.retarget.rig_map import RigMap
from .. import compat
from ..retarget.read_curves import bone_path, rotation_property
from ..retarget.read_rig import matrices_of

SPARSE_FRAMES = 1.5
"""Keys that are further apart leave frames between them, where the shape of the curve counts."""


def fingerprint(context: bpy.types.Context, rig: bpy.types.Object, rig_map: RigMap, names: list[str]) -> str:
    """Rest and present pose, keys, constraints, rate, and the controls of `names` that are looked at."""
    render = context.scene.render
    told = (rig.session_uid, rig.data.session_uid, render.fps, render.fps_base, rig_map.to_json(), names)
    digest = hashlib.sha256(repr(told).encode())
    digest.update(np.array(rig.matrix_world, dtype=np.float32).tobytes())
    digest.update(matrices_of(rig.data.bones, "matrix_local").tobytes())
    keyed = set()
    for curve in compat.curves_of(rig):
        points = curve.keyframe_points
        co = np.empty(2 * len(points), dtype=np.float32)
        points.foreach_get("co", co)
        digest.update(f"{curve.data_path} {curve.array_index} {curve.mute}".encode())
        digest.update(co.tobytes())
        if len(co) and co[-2] - co[0] > SPARSE_FRAMES * len(points):
            _add_shape(digest, points)
        keyed.add(curve.data_path)
    # What has no keys stays as it is posed.
    for posed in rig.pose.bones:
        path = bone_path(posed.name)
        free = [name for name in ("location", rotation_property(posed.rotation_mode), "scale")
                if f"{path}.{name}" not in keyed]  # fmt: skip
        told = [tuple(getattr(posed, name)) for name in free]
        told += [
            value for name, value in posed.items() if isinstance(value, (int, float)) and _is_free(path, name, keyed)
        ]
        held = [(one.type, one.mute, one.influence) for one in posed.constraints]
        digest.update(f"{posed.name} {posed.rotation_mode} {told} {held}".encode())
    return digest.hexdigest()


def _is_free(path: str, name: str, keyed: set[str]) -> bool:
    return f'{path}["{bpy.utils.escape_identifier(name)}"]' not in keyed


def _add_shape(digest: Any, points: bpy.types.bpy_prop_collection) -> None:
    """How a curve goes from key to key."""
    for name in ("handle_left", "handle_right"):
        handles = np.empty(2 * len(points), dtype=np.float32)
        points.foreach_get(name, handles)
        digest.update(handles.tobytes())
    kinds = np.empty(len(points), dtype=np.int32)
    points.foreach_get("interpolation", kinds)
    digest.update(kinds.tobytes())
