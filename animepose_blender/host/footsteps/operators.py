"""Operators of footsteps: each one undo step, on the active armature."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import bpy
from bpy.props import EnumProperty, IntProperty

from ...core.footsteps import spans
from ...core.footsteps.spans import Footstep
from ...errors import AnimePoseError, ExitCode
from . import session
from .properties import FOOT_ITEMS, MODE_ITEMS, ANIMEPOSE_PG_footsteps, footsteps_of, steps_of

NEW_S = 0.3
"""How long a footstep is that is added without a range."""
WRITTEN_ANEW = (
    "Keys of the legs and of the pelvis' place are written anew: what was changed there by hand since Find Footsteps "
    "is lost"
)
_OWN = {"SKIP_SAVE"}


class _OnRig:
    bl_options = {"REGISTER", "UNDO"}

    needs_footsteps = True

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        rig = session.rig_of(context)
        message = session.why_not(rig)
        if not message and cls.needs_footsteps and footsteps_of(rig) is None:
            message = "Use Find Footsteps first."
        if message:
            cls.poll_message_set(message.rstrip("."))
        return not message

    def execute(self, context: bpy.types.Context) -> set[str]:
        rig = session.rig_of(context)
        try:
            assert rig is not None
            self.carry_out(context, rig)
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for area in context.screen.areas if context.screen is not None else ():
            area.tag_redraw()
        return {"FINISHED"}

    def carry_out(self, context: bpy.types.Context, rig: bpy.types.Object) -> None:
        """Do it."""
        raise NotImplementedError


class ANIMEPOSE_OT_find_footsteps(_OnRig, bpy.types.Operator):
    """Find where feet stand, and pin them."""

    bl_idname = "animepose.find_footsteps"
    bl_label = "Find Footsteps"
    bl_description = (
        "Find where the feet stand in the motion, and pin them there. What the legs did before comes back where "
        "footsteps are removed"
    )
    needs_footsteps = False

    def carry_out(self, context: bpy.types.Context, rig: bpy.types.Object) -> None:
        count = session.find(context, rig)
        if count:
            self.report({"INFO"}, f"{count} footstep{'' if count == 1 else 's'} found")
        else:
            self.report({"WARNING"}, "No foot stands anywhere in this motion; add footsteps where one should")


class ANIMEPOSE_OT_add_footstep(_OnRig, bpy.types.Operator):
    """Let a foot stand."""

    bl_idname = "animepose.add_footstep"
    bl_label = "Add Footstep"
    bl_description = f"Let a foot stand in the preview range, or around the current frame. {WRITTEN_ANEW}"

    foot: EnumProperty(name="Foot", items=FOOT_ITEMS, options=_OWN)  # type: ignore
    start: IntProperty(  # type: ignore
        name="Start", description="First frame; without one, both are those of the preview range or around the current "
        "frame", default=1, options=_OWN,
    )  # fmt: skip
    end: IntProperty(name="End", description="Last frame", default=0, options=_OWN)  # type: ignore

    def carry_out(self, context: bpy.types.Context, rig: bpy.types.Object) -> None:
        scene = context.scene
        if self.start > self.end and not (self.properties.is_property_set("start")):
            half = round(NEW_S / 2 * scene.render.fps / scene.render.fps_base)
            self.start, self.end = scene.frame_current - half, scene.frame_current + half
            if scene.use_preview_range:
                self.start, self.end = scene.frame_preview_start, scene.frame_preview_end
        kept = _kept(rig)
        new = Footstep(self.start, self.end, int(self.foot == "RIGHT"))
        session.change(context, rig, spans.with_step(steps_of(kept), new))
        _choose(kept, new.foot, max(new.start, kept.steps[0].start))


class ANIMEPOSE_OT_remove_footstep(_OnRig, bpy.types.Operator):
    """Let a foot move as it did."""

    bl_idname = "animepose.remove_footstep"
    bl_label = "Remove Footstep"
    bl_description = f"Let the foot move as it did before it was pinned. {WRITTEN_ANEW}"

    index: IntProperty(  # type: ignore
        name="Footstep", description="Its place in the list; -1: the chosen one", default=-1, min=-1, options=_OWN
    )

    def carry_out(self, context: bpy.types.Context, rig: bpy.types.Object) -> None:
        kept = _kept(rig)
        steps, index = steps_of(kept), kept.active if self.index < 0 else self.index
        if not 0 <= index < len(steps):
            raise AnimePoseError("There is no such footstep.", "Choose one in the list.", ExitCode.USAGE)
        session.change(context, rig, steps[:index] + steps[index + 1 :])


class ANIMEPOSE_OT_edit_footstep(_OnRig, bpy.types.Operator):
    """Let a footstep begin and end elsewhere."""

    bl_idname = "animepose.edit_footstep"
    bl_label = "Change Footstep"
    bl_description = f"Let a footstep begin and end at other frames. {WRITTEN_ANEW}"

    index: IntProperty(  # type: ignore
        name="Footstep", description="Its place in the list; -1: the chosen one", default=-1, min=-1, options=_OWN
    )
    start: IntProperty(name="Start", description="First frame", options=_OWN)  # type: ignore
    end: IntProperty(name="End", description="Last frame", options=_OWN)  # type: ignore

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        rig = session.rig_of(context)
        kept = footsteps_of(rig)
        index = -1 if kept is None else kept.active if self.index < 0 else self.index
        if kept is not None and 0 <= index < len(kept.steps):
            self.start, self.end = kept.steps[index].start, kept.steps[index].end
            return context.window_manager.invoke_props_dialog(self)
        return self.execute(context)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        column = layout.column(align=True)
        column.prop(self, "start")
        column.prop(self, "end")

    def carry_out(self, context: bpy.types.Context, rig: bpy.types.Object) -> None:
        kept = _kept(rig)
        steps, index = steps_of(kept), kept.active if self.index < 0 else self.index
        moved = spans.changed(steps, index, self.start, self.end)
        session.change(context, rig, moved)
        (new,) = set(moved) - set(steps) or {steps[index]}
        _choose(kept, new.foot, new.start)


class ANIMEPOSE_OT_set_foot_lock(_OnRig, bpy.types.Operator):
    """Choose by what the feet are held."""

    bl_idname = "animepose.set_foot_lock"
    bl_label = "Foot Lock"
    bl_description = f"Choose by what the feet are held. {WRITTEN_ANEW}"

    mode: EnumProperty(name="Foot Lock", items=MODE_ITEMS, options=_OWN)  # type: ignore

    def carry_out(self, context: bpy.types.Context, rig: bpy.types.Object) -> None:
        session.set_mode(context, rig, self.mode)


class ANIMEPOSE_OT_forget_footsteps(_OnRig, bpy.types.Operator):
    """Forget the footsteps and what the legs did before; the motion stays as it is now"""

    bl_idname = "animepose.forget_footsteps"
    bl_label = "Forget Footsteps"

    def carry_out(self, context: bpy.types.Context, rig: bpy.types.Object) -> None:
        session.forget(context, rig)


def _kept(rig: bpy.types.Object) -> ANIMEPOSE_PG_footsteps:
    kept = footsteps_of(rig)
    if kept is None:
        raise AnimePoseError(f"No footsteps of {rig.name} are known yet.", "Use Find Footsteps first.")
    return kept


def _choose(kept: ANIMEPOSE_PG_footsteps, foot: int, frame: int) -> None:
    """Let the footstep at a frame be the chosen one in the list."""
    for index, step in enumerate(steps_of(kept)):
        if step.foot == foot and step.start <= frame <= step.end:
            kept.active = index


CLASSES = (
    ANIMEPOSE_OT_find_footsteps,
    ANIMEPOSE_OT_add_footstep,
    ANIMEPOSE_OT_remove_footstep,
    ANIMEPOSE_OT_edit_footstep,
    ANIMEPOSE_OT_set_foot_lock,
    ANIMEPOSE_OT_forget_footsteps,
)
