"""The keys of one curve as arrays: read in bulk, values changed in place, keys put in, nothing else touched."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ...core.keyframes.curve import Curve
from ..curves import FILLED_IN, enum_value, shape_of
from .segments import cut

_WIDTH = {"co": 2, "handle_left": 2, "handle_right": 2}
_NUMBERS = ("co", "handle_left", "handle_right", "back", "amplitude", "period")
_ENUMS = ("interpolation", "easing", "type", "handle_left_type", "handle_right_type")
_RARE = ("back", "amplitude", "period")
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
    if with_own_handles(points):
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


def with_own_handles(points: bpy.types.bpy_prop_collection) -> bool:
    """Whether any handle was placed by hand; Blender places the others itself."""
    own = (enum_value("handle_left_type", "FREE"), enum_value("handle_left_type", "ALIGNED"))
    kinds = np.empty(len(points), dtype=np.int32)
    for side in ("handle_left_type", "handle_right_type"):
        points.foreach_get(side, kinds)
        if np.isin(kinds, own).any():
            return True
    return False


def put_in(
    curve: bpy.types.FCurve,
    frames: np.ndarray,
    values: np.ndarray,
    *,
    filled_in: bool,
    guards: np.ndarray | None = None,
) -> None:
    """Add keys where there are none yet; the others keep all they have.

    New keys go on to the next as the key before them did, with handles that follow by themselves, and are not selected.
    A key that held its value until the first new one does so no longer.

    Args:
        frames: (N,) increasing, none of them the curve's.
        values: (N,)
        filled_in: whether to mark them as made up (`curves.FILLED_IN`).
        guards: (N,) -1 for keys up to which a curve is to keep its shape, 1 for keys from which on it is, otherwise 0.
    """
    if not len(frames):
        return
    held = everything(curve)
    before = np.searchsorted(held["co"][:, 0], frames) - 1
    leads = np.zeros(len(held["co"]), dtype=bool)
    leads[before[before >= 0]] = True
    holding = held["interpolation"][:, 0] == enum_value("interpolation", "CONSTANT")
    held["interpolation"][holding & leads] = enum_value("interpolation", "LINEAR")
    new = plain(held, frames, values)
    new["interpolation"] = held["interpolation"][before.clip(0)]
    new["type"][:] = enum_value("type", FILLED_IN if filled_in else "KEYFRAME")
    if guards is not None:
        bezier = held["interpolation"][:, 0] == enum_value("interpolation", "BEZIER")
        shaped = {name: held[name].astype(np.float64) for name in ("co", "handle_left", "handle_right")}
        for number in np.flatnonzero(guards):
            key = int(before[number])
            if 0 <= key < len(bezier) - 1 and bezier[key]:
                _keep_shape(shaped, held, new, key, int(number), int(guards[number]))
    merge(curve, held, new)


def _keep_shape(
    shaped: dict[str, np.ndarray],
    held: dict[str, np.ndarray],
    new: dict[str, np.ndarray],
    key: int,
    number: int,
    guard: int,
) -> None:
    """Cut the segment after a key at a new one, and give the part on the guarded side the handles of its shape."""
    first, before, after, last = cut(
        shaped["co"][key], shaped["handle_right"][key], shaped["handle_left"][key + 1], shaped["co"][key + 1],
        float(new["co"][number, 0]),
    )  # fmt: skip
    free = enum_value("handle_left_type", "FREE")
    outer = key if guard < 0 else key + 1
    for name in ("handle_left_type", "handle_right_type"):
        held[name][outer] = new[name][number] = free
    # The other side of a new key lies among others, one frame apart.
    if guard < 0:
        held["handle_right"][outer], new["handle_left"][number] = first, before
        new["handle_right"][number] = new["co"][number] + [1 / 3, 0]
    else:
        held["handle_left"][outer], new["handle_right"][number] = last, after
        new["handle_left"][number] = new["co"][number] - [1 / 3, 0]


def replace_keys(curve: bpy.types.FCurve, first: float, last: float, made: Curve, kinds: np.ndarray) -> None:
    """Other keys within a range of frames; those outside stay.

    Args:
        first, last: frames, both inside.
        made: keys within the range.
        kinds: (K,) the numbers of their types.
    """
    held = everything(curve)
    outside = (held["co"][:, 0] < first - SAME_FRAME) | (held["co"][:, 0] > last + SAME_FRAME)
    new = plain(held, made.frames, made.values)
    new |= shape_of(made)
    new["type"] = kinds.astype(np.int32)[:, None]
    merge(curve, {name: array[outside] for name, array in held.items()}, new)


def fresh_keys(
    curve: bpy.types.FCurve, frames: np.ndarray, values: np.ndarray, interpolation: np.ndarray, types: np.ndarray
) -> None:
    """Keys instead of those that are there, with handles that follow by themselves, and unselected.

    Args:
        frames, values: (K,)
        interpolation, types: numbers of both, K or more.
    """
    points, count = curve.keyframe_points, len(frames)
    points.clear()
    points.add(count)
    points.foreach_set("co", np.stack([frames, values], axis=1).astype(np.float32).ravel())
    points.foreach_set("interpolation", interpolation[:count].astype(np.int32))
    points.foreach_set("type", types[:count].astype(np.int32))
    for name in ("handle_left_type", "handle_right_type"):
        points.foreach_set(name, np.full(count, enum_value(name, "AUTO_CLAMPED"), dtype=np.int32))
    for name in _FLAGS:
        points.foreach_set(name, np.zeros(count, dtype=bool))
    curve.update()


def key_types(curve: bpy.types.FCurve) -> np.ndarray:
    """(K,) the numbers of the keys' types."""
    kinds = np.empty(len(curve.keyframe_points), dtype=np.int32)
    curve.keyframe_points.foreach_get("type", kinds)
    return kinds


def interpolations(curve: bpy.types.FCurve) -> np.ndarray:
    """(K,) the numbers of the keys' interpolations."""
    kinds = np.empty(len(curve.keyframe_points), dtype=np.int32)
    curve.keyframe_points.foreach_get("interpolation", kinds)
    return kinds


def everything(curve: bpy.types.FCurve) -> dict[str, np.ndarray]:
    """Each property of the K keys as (K, C)."""
    points = curve.keyframe_points
    held: dict[str, np.ndarray] = {}
    for name in (*_NUMBERS, *_ENUMS, *_FLAGS):
        kind = np.float32 if name in _NUMBERS else np.int32 if name in _ENUMS else bool
        held[name] = np.zeros((len(points), _WIDTH.get(name, 1)), dtype=kind)
        points.foreach_get(name, held[name].reshape(-1))
    return held


def put_everything(curve: bpy.types.FCurve, held: dict[str, np.ndarray]) -> None:
    """Give a curve the keys of `everything` and no others, as exactly as they were."""
    points, count = curve.keyframe_points, len(held["co"])
    if count < len(points):
        points.clear()
    points.add(count - len(points))
    for name, array in held.items():
        points.foreach_set(name, array.reshape(-1))
    curve.update()
    # Blender may place automatic handles anew, where those that were there came from elsewhere.
    for name in ("handle_left", "handle_right"):
        points.foreach_set(name, held[name].reshape(-1))


def plain(like: dict[str, np.ndarray], frames: np.ndarray, values: np.ndarray) -> dict[str, np.ndarray]:
    """New keys, unselected, with handles that follow by themselves."""
    new = {name: np.zeros((len(frames), array.shape[1]), dtype=array.dtype) for name, array in like.items()}
    for name in ("co", "handle_left", "handle_right"):
        new[name][:, 0], new[name][:, 1] = frames, values
    for name in ("back", "amplitude", "period", "easing"):
        new[name][:] = like[name][0]
    for name in ("handle_left_type", "handle_right_type"):
        new[name][:] = enum_value(name, "AUTO_CLAMPED")
    return new


def merge(curve: bpy.types.FCurve, kept: dict[str, np.ndarray], new: dict[str, np.ndarray]) -> None:
    """Let a curve have both sorts of keys and no others."""
    points = curve.keyframe_points
    order = np.argsort(np.concatenate([kept["co"][:, 0], new["co"][:, 0]]), kind="stable")
    if len(order) < len(points):
        points.clear()
    fresh = not len(points)
    points.add(len(order) - len(points))
    for name, array in kept.items():
        both = np.concatenate([array, new[name]])
        if fresh and name in _RARE and (both == getattr(points[0], name)).all():
            continue  # what all keys have that were just made
        points.foreach_set(name, both[order].reshape(-1))
    curve.update()
