"""Channels of controls into the action that a rig plays, over the keys that it has there."""

from __future__ import annotations

import bpy
import numpy as np

from ...core import quaternions as quat
from ...core.retarget import euler
from ...core.retarget.controls import Keys
from .. import compat
from ..cleanup.keys import SAME_FRAME, fresh_keys, key_types
from ..curves import CONSTANT_TOLERANCE, enum_value
from ..retarget.read_curves import bone_path, channels_at, rotation_property


def write_channels(rig: bpy.types.Object, frames: np.ndarray, keys: list[Keys]) -> int:
    """Write channels into the action that a rig plays, a key on every frame; what does not change is not touched.

    Args:
        frames: (F,) frame numbers.
        keys: F frames each; locations as Blender has them.
    Returns:
        How many curves changed.
    """
    curves = {(curve.data_path, curve.array_index): curve for curve in compat.curves_of(rig)}
    changed = 0
    for key in keys:
        posed, path = rig.pose.bones[key.name], bone_path(key.name)
        mode = posed.rotation_mode
        for name, values in (("location", key.location), (rotation_property(mode), key.rotation)):
            if values is None:
                continue
            whole = f"{path}.{name}"
            before = np.broadcast_to(
                channels_at(whole, np.array(getattr(posed, name)), curves, frames),
                (len(frames), len(getattr(posed, name))),
            )
            if name == "location":
                after, moves = values, np.abs(values - before).max(axis=0) > CONSTANT_TOLERANCE
            else:
                # One rotation can be kept in many ways; its components change together.
                turned = euler.angle_between(values, euler.from_channels(before, mode)).max() > CONSTANT_TOLERANCE
                after, moves = _channels(values, mode, before), np.full(before.shape[1], turned)
            for part in np.flatnonzero(moves):
                curve = curves.get((whole, int(part))) or compat.new_curve(rig, whole, int(part), key.name)
                _write(curve, frames, after[:, part])
            changed += int(moves.sum())
    rig.update_tag()
    return changed


def _channels(rotations: np.ndarray, mode: str, before: np.ndarray) -> np.ndarray:
    """(F, C) channels of (F, 4) rotations, as near to those before (F, C) as can be where they begin."""
    channels = euler.to_channels(quat.unroll(rotations), mode)
    if mode == "QUATERNION":
        return channels * (-1.0 if channels[0] @ before[0] < 0 else 1.0)
    if mode == "AXIS_ANGLE":
        return channels
    return channels + 2 * np.pi * np.round((before[0] - channels[0]) / (2 * np.pi))


def _write(curve: bpy.types.FCurve, frames: np.ndarray, values: np.ndarray) -> None:
    """A key on every frame, linear; of the kinds that keys of these frames had."""
    types = np.full(len(frames), enum_value("type", "KEYFRAME"), dtype=np.int32)
    points = curve.keyframe_points
    if len(points):
        co = np.empty(2 * len(points), dtype=np.float32)
        points.foreach_get("co", co)
        at = np.searchsorted(co[::2], frames - SAME_FRAME).clip(0, len(points) - 1)
        types = np.where(np.abs(co[::2][at] - frames) <= SAME_FRAME, key_types(curve)[at], types)
    linear = np.full(len(frames), enum_value("interpolation", "LINEAR"), dtype=np.int32)
    count = len(frames) if np.ptp(values) > CONSTANT_TOLERANCE else 1
    fresh_keys(curve, frames[:count], values[:count], linear, types)
