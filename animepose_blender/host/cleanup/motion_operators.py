"""Operators of "Clean Up" that change a whole motion: its time, and how steadily its body stands."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import bpy

from .operators import Cleanup
from .properties import KeyProperties
from .scope import Scope, rigs_of
from .stabilise import steady_motion
from .time_properties import SteadyProperties, WarpProperties
from .time_warp import pace_of, warp_motion
from .tools import steadying


class ANIMEPOSE_OT_stabilise_root(Cleanup, SteadyProperties, KeyProperties, bpy.types.Operator):
    """Move the body so that standing feet stand still: takes drift and trembling of the whole figure out"""

    bl_idname = "animepose.stabilise_root"
    bl_label = "Stabilise Root"
    by_kind = False
    unchanged = "Standing feet do not drift"

    def carry_out(self, context: bpy.types.Context, scope: Scope) -> tuple[str, tuple[str, ...]]:
        """See the base class."""
        done = steady_motion(context, rigs_of(context), scope, steadying(self))
        said = f"{done.curves} curve{'' if done.curves == 1 else 's'} changed" if done.curves else self.unchanged
        return said, done.notes


class ANIMEPOSE_OT_warp_time(Cleanup, WarpProperties, bpy.types.Operator):
    """Let the range take more time or less; what follows it shifts, so that nothing is lost"""

    bl_idname = "animepose.warp_time"
    bl_label = "Warp Time"
    by_kind = False

    def carry_out(self, context: bpy.types.Context, scope: Scope) -> tuple[str, tuple[str, ...]]:
        """See the base class."""
        done = warp_motion(context, rigs_of(context), scope, pace_of(self))
        if not done.curves:
            return "The range takes as long as it did", done.notes
        return f"{done.after:g} frames instead of {done.before:g}", done.notes


CLASSES = (ANIMEPOSE_OT_stabilise_root, ANIMEPOSE_OT_warp_time)
