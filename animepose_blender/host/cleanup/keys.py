"""The keys of one curve as arrays: read in bulk, values changed in place, keys put in, nothing else touched."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..curves import FILLED_IN, enum_value

_WIDTH = {"co": 2, "handle_left": 2, "handle_right": 2}
_NUMBERS = ("co", "handle_left", "handle_right", "back", "amplitude", "period")
_ENUMS = ("interpolation", "easing", "type", "handle_left_type", "handle_right_type")
_FLAGS = ("select_control_point", "select_left_handle", "select_right_handle")
SAME_FRAME = 1e-3
"""Frames; a key that is nearer to a frame than this lies on it. Whole numbers are exact in Blender's precision."""


@dataclass(frozen=True, eq=False)
class Keys:
    """The K keys of one curve, in the order of time."""

    frames: np.ndarray
    """(K,) float64"""
    values: np.ndarray
    """(K,) float64; not finite where the file is broken."""
    selected: np.ndarray
    """(K,) bool"""


def read_keys(curve: bpy.types.FCurve, *, selection: bool) -> Keys:
    """Frames and values, and which keys are selected if that is asked for."""
    points = curve.keyframe_points
    co = np.empty(2 * len(points), dtype=np.float32)
    points.foreach_get("co", co)
    selected = np.ones(len(points), dtype=bool)
    if selection:
        points.foreach_get("select_control_point", selected)
    frames, values = co.reshape(-1, 2).T.astype(np.float64)
    return Keys(frames, values, selected)


def sample(curve: bpy.types.FCurve, keys: Keys, frames: np.ndarray) -> np.ndarray:
    """(F,) what the keys alone say at (F,) frames; modifiers do not count, since they act again on the result."""
    if len(keys.frames) == 1:
        return np.full(len(frames), keys.values[0])
    at = np.searchsorted(keys.frames, frames - SAME_FRAME).clip(0, len(keys.frames) - 1)
    values = keys.values[at]
    between = np.flatnonzero(np.abs(keys.frames[at] - frames) > SAME_FRAME)
    if len(between):
        acting = [modifier for modifier in curve.modifiers if not modifier.mute]
        for modifier in acting:
            modifier.mute = True
        try:
            values[between] = [curve.evaluate(frame) for frame in frames[between].tolist()]
        finally:
            for modifier in acting:
                modifier.mute = False
    return values


def set_values(curve: bpy.types.FCurve, values: np.ndarray, slope: np.ndarray | None = None) -> None:
    """Move keys up and down, their handles with them.

    Args:
        curve: with K keys.
        values: (K,) new values; not finite = that key stays.
        slope: (K,) -1 where the curve is turned upside down (a quaternion that changes its sign), otherwise 1.
    """
    points = curve.keyframe_points
    co = np.empty(2 * len(points), dtype=np.float32)
    points.foreach_get("co", co)
    before = co[1::2].astype(np.float64)
    after = np.where(np.isfinite(values), values, before)
    handles = {}
    if _has_own_handles(points):
        for side in ("handle_left", "handle_right"):
            handle = np.empty(2 * len(points), dtype=np.float32)
            points.foreach_get(side, handle)
            away = np.where(np.isfinite(before) & np.isfinite(handle[1::2]), handle[1::2] - before, 0.0)
            handle[1::2] = after + away * (1.0 if slope is None else slope)
            handles[side] = handle
    co[1::2] = after
    points.foreach_set("co", co)
    for side, handle in handles.items():
        points.foreach_set(side, handle)
    curve.update()


def _has_own_handles(points: bpy.types.bpy_prop_collection) -> bool:
    """Whether any handle was placed by hand; Blender places the others itself."""
    own = (enum_value("handle_left_type", "FREE"), enum_value("handle_left_type", "ALIGNED"))
    kinds = np.empty(len(points), dtype=np.int32)
    for side in ("handle_left_type", "handle_right_type"):
        points.foreach_get(side, kinds)
        if np.isin(kinds, own).any():
            return True
    return False


def put_in(curve: bpy.types.FCurve, frames: np.ndarray, values: np.ndarray, *, filled_in: bool) -> None:
    """Add keys where there are none yet; the others keep all they have.

    New keys go on to the next as the key before them did, with handles that follow by themselves, and are not selected.
    A key that held its value until the first new one does so no longer.

    Args:
        frames: (N,) increasing, none of them the curve's.
        values: (N,)
        filled_in: whether to mark them as made up (`curves.FILLED_IN`).
    """
    points = curve.keyframe_points
    count, added = len(points), len(frames)
    if not added:
        return
    held: dict[str, np.ndarray] = {}
    for name in (*_NUMBERS, *_ENUMS, *_FLAGS):
        kind = np.float32 if name in _NUMBERS else np.int32 if name in _ENUMS else bool
        held[name] = np.zeros((count, _WIDTH.get(name, 1)), dtype=kind)
        points.foreach_get(name, held[name].reshape(-1))
    new = {name: np.zeros((added, array.shape[1]), dtype=array.dtype) for name, array in held.items()}
    for name in ("co", "handle_left", "handle_right"):
        new[name][:, 0], new[name][:, 1] = frames, values
    for name in ("back", "amplitude", "period"):
        new[name][:] = held[name][0]
    new["easing"][:] = held["easing"][0]
    new["type"][:] = enum_value("type", FILLED_IN if filled_in else "KEYFRAME")
    for name in ("handle_left_type", "handle_right_type"):
        new[name][:] = enum_value(name, "AUTO_CLAMPED")
    before = np.searchsorted(held["co"][:, 0], frames) - 1
    holding = held["interpolation"] == enum_value("interpolation", "CONSTANT")
    leads = np.zeros(count, dtype=bool)
    leads[before[before >= 0]] = True
    held["interpolation"][holding & leads[:, None]] = enum_value("interpolation", "LINEAR")
    new["interpolation"] = held["interpolation"][before.clip(0)]
    order = np.argsort(np.concatenate([held["co"][:, 0], frames]), kind="stable")
    points.add(added)
    for name, array in held.items():
        points.foreach_set(name, np.concatenate([array, new[name]])[order].reshape(-1))
    curve.update()
