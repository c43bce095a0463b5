"""Animation curves written in bulk: a handful of calls a curve, however many keys it has."""

from __future__ import annotations

from functools import cache

import bpy
import numpy as np

from . import compat

CONSTANT_TOLERANCE = 1e-6
"""A channel that never leaves its first value by more gets one key only (metres, radians, parts of a quaternion)."""
FILLED_IN = "JITTER"
"""Type of keys that were not observed: Blender's type for fillers, in a colour of its own in the dope sheet."""


@cache
def _enum_value(name: str, item: str) -> int:
    """The number behind an item of an enum of `bpy.types.Keyframe`; `foreach_set` takes numbers."""
    return bpy.types.Keyframe.bl_rna.properties[name].enum_items[item].value


class CurveWriter:
    """Writes channels of one data-block that are keyed at the same frames."""

    def __init__(self, datablock: bpy.types.ID, action_name: str) -> None:
        self._curves = compat.ActionCurves(datablock, action_name)
        self._handles: dict[int, np.ndarray] = {}

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
    ) -> None:
        """Make one curve a channel, linear between keys.

        Args:
            data_path: RNA path, such as `location`.
            frames: (N,) frame numbers, increasing.
            channels: (C, N) values; channel c goes to index c.
            group: name of the curves' group in the editors.
            hold: (N,) bool, keys whose value stays until the next key instead of gliding to it.
            filled_in: (N,) bool, keys that nobody observed; they get the type `FILLED_IN`.
        """
        co = np.empty((len(frames), 2), dtype=np.float32)
        co[:, 0] = frames
        interpolation = np.full(len(frames), _enum_value("interpolation", "LINEAR"), dtype=np.int32)
        if hold is not None:
            interpolation[hold] = _enum_value("interpolation", "CONSTANT")
        types = None
        if filled_in is not None and filled_in.any():
            types = np.where(filled_in, _enum_value("type", FILLED_IN), _enum_value("type", "KEYFRAME"))
            types = types.astype(np.int32)
        moving = np.ptp(channels, axis=1) > CONSTANT_TOLERANCE
        for index, values in enumerate(channels):
            count = len(frames) if moving[index] else 1
            co[:, 1] = values
            curve = self._curves.new(data_path, index, group)
            points = curve.keyframe_points
            points.add(count)
            points.foreach_set("co", co[:count].ravel())
            points.foreach_set("interpolation", interpolation[:count])
            if types is not None and count == len(types):
                points.foreach_set("type", types)
            # Handles do nothing while keys are linear; should an animator choose curves, they are good ones.
            automatic = self._automatic_handles(count)
            points.foreach_set("handle_left_type", automatic)
            points.foreach_set("handle_right_type", automatic)
            # New keys are selected: they would move with the first one that the user drags, and look all alike.
            for part in ("select_control_point", "select_left_handle", "select_right_handle"):
                points.foreach_set(part, np.zeros(count, dtype=bool))
            curve.update()

    def _automatic_handles(self, count: int) -> np.ndarray:
        if count not in self._handles:
            self._handles[count] = np.full(count, _enum_value("handle_left_type", "AUTO_CLAMPED"), dtype=np.int32)
        return self._handles[count]
