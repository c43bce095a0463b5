"""Operators of "Clean Up": each begins with the scene's settings, and can be corrected in its own panel afterwards."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
from dataclasses import replace
from math import degrees

import bpy

from ...errors import AnimePoseError
from ..key_options import Within
from . import preview
from .loop import loop_motion
from .mirror import mirror_motion
from .properties import (
    GapProperties,
    KeyProperties,
    LoopProperties,
    PopProperties,
    ReduceProperties,
    ScopeProperties,
    SmoothProperties,
    StillProperties,
)
from .reduce import reduce_keys
from .run import Change, clean
from .scope import Scope, rigs_of, why_not
from .time_properties import MirrorProperties
from .tools import CHANGES

LISTED_NOTES = 3
NOTHING_KIND = "Neither rotations, locations nor other numbers are chosen"


class Cleanup(ScopeProperties):
    """What the operators of "Clean Up" have in common."""

    bl_options = {"REGISTER", "UNDO"}

    unchanged = "Nothing had to change"
    by_kind = True
    """Whether rotations, locations and other numbers can be left out."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        rigs = rigs_of(context)
        if not rigs:
            cls.poll_message_set("Select an armature, or bones of it in Pose Mode")
            return False
        animated = [rig for rig in rigs if rig.animation_data is not None and rig.animation_data.action is not None]
        # A linked action can still become a new one, which the settings decide.
        message, _ = why_not(animated[0] if animated else rigs[0])
        if message:
            cls.poll_message_set(message)
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        self._begin_with(context.scene.animepose_cleanup)
        scope = self.scope()
        try:
            if self.by_kind and not scope.kinds:
                raise AnimePoseError(f"{NOTHING_KIND}.", "Choose one of them.")
            with preview.remembering(context):
                said, notes = self.carry_out(context, scope)
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for note in notes[:LISTED_NOTES]:
            self.report({"WARNING"}, note)
        self.report({"INFO"}, said)
        return {"FINISHED"}

    def carry_out(self, context: bpy.types.Context, scope: Scope) -> tuple[str, tuple[str, ...]]:
        """Do it; what to say of it, and warnings."""
        done = clean(context, rigs_of(context), scope, self.change())
        said = f"{done.curves} curve{'' if done.curves == 1 else 's'} changed" if done.curves else self.unchanged
        return said, done.notes

    def _begin_with(self, settings: bpy.types.PropertyGroup) -> None:
        """Take from the scene what the caller, or the operator's panel afterwards, did not set."""
        for prop in self.properties.bl_rna.properties:
            name = prop.identifier
            if name in settings.bl_rna.properties and not (prop.is_readonly or self.properties.is_property_set(name)):
                setattr(self, name, getattr(settings, name))

    def change(self) -> Change:
        """What is done."""
        raise NotImplementedError

    def draw(self, context: bpy.types.Context) -> None:
        from .panels import draw_options

        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_options(layout, self, self.bl_idname)


class ANIMEPOSE_OT_smooth_motion(Cleanup, SmoothProperties, KeyProperties, bpy.types.Operator):
    """Take trembling out of the motion, without delay"""

    bl_idname = "animepose.smooth_motion"
    bl_label = "Smooth Motion"

    def change(self) -> Change:
        return CHANGES["SMOOTH"](self)


class ANIMEPOSE_OT_remove_pops(Cleanup, PopProperties, bpy.types.Operator):
    """Take out frames in which the motion leaps away and back again"""

    bl_idname = "animepose.remove_pops"
    bl_label = "Remove Pops"
    unchanged = "No pops were found"

    def change(self) -> Change:
        return CHANGES["POPS"](self)


class ANIMEPOSE_OT_fill_gaps(Cleanup, GapProperties, bpy.types.Operator):
    """Fill frames without keys in a motion that has keys on every frame, and broken keys, from both sides"""

    bl_idname = "animepose.fill_gaps"
    bl_label = "Fill Gaps"
    unchanged = "No gaps were found"

    def change(self) -> Change:
        return CHANGES["GAPS"](self)


class ANIMEPOSE_OT_fix_rotations(Cleanup, bpy.types.Operator):
    """Take flips out of Euler angles, quaternions and axes; the poses stay as they are"""

    bl_idname = "animepose.fix_rotations"
    bl_label = "Fix Rotations"
    unchanged = "No flips were found"

    def change(self) -> Change:
        return CHANGES["ROTATIONS"](self)


class ANIMEPOSE_OT_hold_still(Cleanup, StillProperties, KeyProperties, bpy.types.Operator):
    """Let stand still what hardly moves"""

    bl_idname = "animepose.hold_still"
    bl_label = "Hold Still"
    unchanged = "Nothing stands almost still"

    def change(self) -> Change:
        return CHANGES["STILL"](self)


class ANIMEPOSE_OT_reduce_keys(Cleanup, ReduceProperties, bpy.types.Operator):
    """Take out keys that the motion does not need; no bone leaves its course by more than you allow"""

    bl_idname = "animepose.reduce_keys"
    bl_label = "Reduce Keys"

    def carry_out(self, context: bpy.types.Context, scope: Scope) -> tuple[str, tuple[str, ...]]:
        """See the base class."""
        within = Within(self.within_mm, degrees(self.within_angle), self.keyed_by == "BONE")
        done = reduce_keys(context, rigs_of(context), scope, within)
        times = f" ({done.before / done.after:.1f} times fewer)" if done.after else ""
        return f"{done.after} keys instead of {done.before}{times}", done.notes


class ANIMEPOSE_OT_mirror_motion(Cleanup, MirrorProperties, bpy.types.Operator):
    """Let left bones do what right ones did, and the other way round"""

    bl_idname = "animepose.mirror_motion"
    bl_label = "Mirror Motion"
    by_kind = False

    def carry_out(self, context: bpy.types.Context, scope: Scope) -> tuple[str, tuple[str, ...]]:
        """See the base class."""
        bones, notes = mirror_motion(context, rigs_of(context), scope, self.plane)
        return f"{bones} bones mirrored", notes


class ANIMEPOSE_OT_make_loop(Cleanup, LoopProperties, bpy.types.Operator):
    """Find the best cycle of the motion and make it seamless, as a new action; the old one is kept"""

    bl_idname = "animepose.make_loop"
    bl_label = "Make Loop"
    by_kind = False

    def carry_out(self, context: bpy.types.Context, scope: Scope) -> tuple[str, tuple[str, ...]]:
        """See the base class."""
        rigs = rigs_of(context)
        if len(rigs) != 1:
            raise AnimePoseError("More than one armature is selected.", "Select the one that is to loop.")
        scope = replace(scope, to_new_action=True)
        action, apart_m = loop_motion(
            context, rigs[0], scope, self.cycle_shortest, self.cycle_longest, self.seam, self.in_place
        )
        frames = round(action.frame_end - action.frame_start)
        return f"A loop of {frames} frames, whose ends were {apart_m * 100:.1f} cm apart", ()


CLASSES = (
    ANIMEPOSE_OT_make_loop,
    ANIMEPOSE_OT_reduce_keys,
    ANIMEPOSE_OT_mirror_motion,
    ANIMEPOSE_OT_smooth_motion,
    ANIMEPOSE_OT_remove_pops,
    ANIMEPOSE_OT_fill_gaps,
    ANIMEPOSE_OT_fix_rotations,
    ANIMEPOSE_OT_hold_still,
)
