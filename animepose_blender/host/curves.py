"""Animation curves written in bulk: a handful of calls a curve, however many keys it has."""

from __future__ import annotations

from functools import cache

import bpy
import numpy as np

from ..core.keyframes.curve import Curve
from ..core.keyframes.reduction import reduce_channels
from . import compat

CONSTANT_TOLERANCE = 1e-6
"""A channel that never leaves its first value by more gets one key only (metres, radians, parts of a quaternion)."""
FILLED_IN = "JITTER"
"""Type of keys that were not observed: Blender's type for fillers, in a colour of its own in the dope sheet."""


@cache
def enum_value(name: str, item: str) -> int:
    """The number behind an item of an enum of `bpy.types.Keyframe`; `foreach_set` takes numbers."""
    return bpy.types.Keyframe.bl_rna.properties[name].enum_items[item].value


class CurveWriter:
    """Writes channels of one data-block that are keyed at the same frames."""

    def __init__(self, datablock: bpy.types.ID, action_name: str, *, assign: bool = True) -> None:
        """Make an action, assigned to the data-block or not yet."""
        self._curves = compat.ActionCurves(datablock, action_name, assign=assign)

    @property
    def action(self) -> bpy.types.Action:
        return self._curves.action

    def write(
        self,
        data_path: str,
        frames: np.ndarray,
        channels: np.ndarray,
        *,
        group: str = "",
        hold: np.ndarray | None = None,
        filled_in: np.ndarray | None = None,
        tolerance: float | None = None,
    ) -> None:
        """Make one curve a channel, linear between keys; one that stays constant has one key.

        Args:
            data_path: RNA path, such as `location`.
            frames: (N,) frame numbers, increasing.
            channels: (C, N) values; channel c goes to index c.
            group: name of the curves' group in the editors.
            hold: (N,) bool, keys whose value stays until the next key instead of gliding to it.
            filled_in: (N,) bool, keys that nobody observed; they get the type `FILLED_IN`.
            tolerance: how far any channel may be off, in its own unit; curves are then bent, with as few keys as that
                allows. None = a key on every frame.
        """
        interpolation, types = _kinds(len(frames), hold, filled_in)
        moving = np.ptp(channels, axis=1) > CONSTANT_TOLERANCE
        if tolerance is not None and moving.any():
            still = np.where(moving[:, None], channels, channels[:, :1])
            keep = None if filled_in is None else changes(filled_in)
            fewer = reduce_channels(frames, [still.T], [tolerance], hold=hold, keep=keep)
            for index, (curve, at) in enumerate(zip(fewer.curves[0], fewer.samples[0], strict=True)):
                _fill_shaped(self._curves.new(data_path, index, group), curve, None if types is None else types[at])
            return
        for index, values in enumerate(channels):
            count = len(frames) if moving[index] else 1
            _fill(self._curves.new(data_path, index, group), frames[:count], values, interpolation, types)


def rewrite(
    curve: bpy.types.FCurve,
    frames: np.ndarray,
    values: np.ndarray,
    hold: np.ndarray | None = None,
    filled_in: np.ndarray | None = None,
) -> None:
    """Give a curve of `CurveWriter` new values at the same frames; arguments as there, (N,) values.

    A channel that had one key and moves now gets all; one that had all keeps them, with what they are like. Keys that
    were reduced have handles of their own, which would be wrong for others: all keys are made anew then.
    """
    points = curve.keyframe_points
    count = len(frames) if np.ptp(values) > CONSTANT_TOLERANCE or len(points) == len(frames) else 1
    if len(points) == count and not _is_shaped(points):
        co = _points(frames[:count], values)
        points.foreach_set("co", co.ravel())
        curve.update()
    else:
        points.clear()
        _fill(curve, frames[:count], values, *_kinds(len(frames), hold, filled_in))


def _is_shaped(points: bpy.types.bpy_prop_collection) -> bool:
    """Whether the first handle was placed, as all are in curves with fewer keys."""
    return points[0].handle_right_type in ("FREE", "ALIGNED")


def _kinds(count: int, hold: np.ndarray | None, filled_in: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """(N,) interpolation of each key and (N,) type, None if all are plain."""
    interpolation = np.full(count, enum_value("interpolation", "LINEAR"), dtype=np.int32)
    if hold is not None:
        interpolation[hold] = enum_value("interpolation", "CONSTANT")
    if filled_in is None or not filled_in.any():
        return interpolation, None
    types = np.where(filled_in, enum_value("type", FILLED_IN), enum_value("type", "KEYFRAME"))
    return interpolation, types.astype(np.int32)


def changes(spans: np.ndarray) -> np.ndarray:
    """(F,) bool, the frames on both sides of each change of (F,) bool."""
    result = np.zeros(len(spans), dtype=bool)
    result[1:] |= spans[1:] != spans[:-1]
    result[:-1] |= spans[1:] != spans[:-1]
    return result


def shape_of(curve: Curve) -> dict[str, np.ndarray]:
    """The K keys of a curve as Blender's properties of them, (K, C) each."""
    numbers = [enum_value("interpolation", name) for name in ("CONSTANT", "LINEAR", "BEZIER")]
    handles = [enum_value("handle_left_type", name) for name in ("FREE", "ALIGNED")]
    types = np.array(handles, dtype=np.int32)[curve.aligned.astype(int)][:, None]
    return {
        "co": _points(curve.frames, curve.values),
        "handle_left": curve.left.astype(np.float32),
        "handle_right": curve.right.astype(np.float32),
        "interpolation": np.array(numbers, dtype=np.int32)[curve.interpolation][:, None],
        "handle_left_type": types,
        "handle_right_type": types,
    }


def _points(frames: np.ndarray, values: np.ndarray) -> np.ndarray:
    co = np.empty((len(frames), 2), dtype=np.float32)
    co[:, 0], co[:, 1] = frames, values[: len(frames)]
    return co


def _fill(
    curve: bpy.types.FCurve,
    frames: np.ndarray,
    values: np.ndarray,
    interpolation: np.ndarray,
    types: np.ndarray | None,
) -> None:
    """Key an empty curve at (N,) frames; further arguments may be longer, of a channel that needs one key only."""
    points, count = curve.keyframe_points, len(frames)
    points.add(count)
    points.foreach_set("co", _points(frames, values).ravel())
    points.foreach_set("interpolation", interpolation[:count])
    if types is not None and count == len(types):
        points.foreach_set("type", types)
    # Handles do nothing while keys are linear; should an animator choose curves, they are good ones.
    automatic = np.full(count, enum_value("handle_left_type", "AUTO_CLAMPED"), dtype=np.int32)
    points.foreach_set("handle_left_type", automatic)
    points.foreach_set("handle_right_type", automatic)
    _finish(curve)


def _fill_shaped(curve: bpy.types.FCurve, made: Curve, types: np.ndarray | None) -> None:
    """Give an empty curve the keys of another, with (K,) types."""
    points = curve.keyframe_points
    points.add(len(made.frames))
    for name, values in shape_of(made).items():
        points.foreach_set(name, values.ravel())
    if types is not None:
        points.foreach_set("type", types)
    _finish(curve)


def _finish(curve: bpy.types.FCurve) -> None:
    # New keys are selected: they would move with the first one that the user drags, and look all alike.
    points = curve.keyframe_points
    for part in ("select_control_point", "select_left_handle", "select_right_handle"):
        points.foreach_set(part, np.zeros(len(points), dtype=bool))
    curve.update()
