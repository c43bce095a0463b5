"""Footsteps edited with the mouse where they are shown; everywhere else in the editors the events pass by."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from ...core.footsteps.spans import Footstep
from ...core.footsteps.strip_layout import Hit, Part
from ...core.footsteps.strip_layout import dragged as drag_to
from . import session, strip
from .properties import FOOT_ITEMS, footsteps_of, steps_of

CURSORS = {Part.START: "MOVE_X", Part.END: "MOVE_X", Part.WHOLE: "HAND", Part.EMPTY: "CROSSHAIR"}
PASS, GO_ON = {"PASS_THROUGH"}, {"RUNNING_MODAL"}
_over: Part | None = None
"""What the pointer was over when it moved last."""


class _OnStrip:
    bl_options = {"INTERNAL", "UNDO"}
    """The undo step is this operator's and not that of the one it calls, whose redo panel would lie over the strip."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return strip.shown_in(context) is not None


class ANIMEPOSE_OT_drag_footstep(_OnStrip, bpy.types.Operator):
    """Drag an end of a footstep, or the whole of it, or draw a new one on an empty part of a foot's row"""

    bl_idname = "animepose.drag_footstep"
    bl_label = "Drag Footstep"

    _hit: Hit
    _from: float
    _steps: list[Footstep]
    _after: list[Footstep]
    _now: Footstep | None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        shown = strip.shown_in(context)
        hit = shown.hit(event) if shown is not None else None
        if shown is None or hit is None:
            return PASS
        hindrance = session.why_not(shown.rig)
        if hindrance:
            self.report({"WARNING"}, hindrance)
            return {"CANCELLED"}
        self._hit, self._from = hit, shown.layout.frame_at(event.mouse_region_x)
        self._steps = self._after = steps_of(footsteps_of(shown.rig))
        self._now = None
        context.window.cursor_modal_set(CURSORS[hit.part] if hit.part != Part.WHOLE else "SCROLL_X")
        context.window_manager.modal_handler_add(self)
        self._show(context)
        return GO_ON

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        shown = strip.shown_in(context)
        if shown is None or steps_of(footsteps_of(shown.rig)) != self._steps:
            self.cancel(context)  # something else changed what is dragged
            return {"CANCELLED"}
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            self.cancel(context)
            return {"CANCELLED"}
        if event.type in {"MOUSEMOVE", "LEFTMOUSE"}:
            to = shown.layout.frame_at(event.mouse_region_x)
            self._after, self._now = drag_to(self._steps, self._hit, self._from, to)
            self._show(context)
        if event.type != "LEFTMOUSE" or event.value != "RELEASE":
            return GO_ON
        self.cancel(context)
        if self._now is not None:
            return self._finish(self._now)
        if self._hit.index >= 0:  # a click chooses
            footsteps_of(shown.rig).active = self._hit.index
        return {"CANCELLED"}

    def _finish(self, now: Footstep) -> set[str]:
        if self._hit.part == Part.EMPTY:
            foot = FOOT_ITEMS[now.foot][0]
            return _called(self, bpy.ops.animepose.add_footstep, foot=foot, start=now.start, end=now.end)
        index = self._hit.index
        return _called(self, bpy.ops.animepose.edit_footstep, index=index, start=now.start, end=now.end)

    def cancel(self, context: bpy.types.Context) -> None:
        """Show the footsteps as they are."""
        strip.dragged = None
        context.window.cursor_modal_restore()
        if context.area is not None:
            context.area.header_text_set(None)
        strip.redraw()

    def _show(self, context: bpy.types.Context) -> None:
        action = context.active_object.animation_data.action
        strip.dragged = strip.Dragged(action.session_uid, self._after, self._now)
        context.area.header_text_set(told(self._steps, self._hit, self._now))
        strip.redraw()


def told(steps: list[Footstep], hit: Hit, now: Footstep | None) -> str:
    """What is being dragged, in words."""
    side = FOOT_ITEMS[hit.foot][1]
    leave = "    Esc, right mouse: cancel"
    if hit.part == Part.EMPTY:
        new = f"{side} foot, new footstep"
        return f"{new}: {now.start} to {now.end}{leave}" if now is not None else f"{new}{leave}"
    was = steps[hit.index]
    now = now or was
    if hit.part == Part.START:
        return f"{side} foot, start: {now.start} ({now.start - was.start:+d}), end {now.end}{leave}"
    if hit.part == Part.END:
        return f"{side} foot, start {now.start}, end: {now.end} ({now.end - was.end:+d}){leave}"
    return f"{side} foot: {now.start} to {now.end} ({now.start - was.start:+d}){leave}"


class ANIMEPOSE_OT_remove_footstep_here(_OnStrip, bpy.types.Operator):
    """Remove the footstep under the pointer"""

    bl_idname = "animepose.remove_footstep_here"
    bl_label = "Remove Footstep under Pointer"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        shown = strip.shown_in(context)
        hit = shown.hit(event) if shown is not None else None
        if hit is None or hit.index < 0:
            return PASS
        done = _called(self, bpy.ops.animepose.remove_footstep, index=hit.index)
        strip.redraw()
        return done


class ANIMEPOSE_OT_footstep_cursor(_OnStrip, bpy.types.Operator):
    """Let the pointer tell what a drag would do"""

    bl_idname = "animepose.footstep_cursor"
    bl_label = "Pointer over Footsteps"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        global _over
        shown = strip.shown_in(context)
        hit = shown.hit(event) if shown is not None else None
        over = hit.part if hit is not None else None
        if over is not None or _over is not None:
            context.window.cursor_set(CURSORS[over] if over is not None else "DEFAULT")
        _over = over
        return PASS


def _called(operator: bpy.types.Operator, call: Callable[..., set[str]], **choices: object) -> set[str]:
    """Call an operator as a part of another one; what it cannot do is said."""
    try:
        return call("EXEC_DEFAULT", **choices)
    except RuntimeError as error:  # bpy raises what an operator reports as an error
        operator.report({"ERROR"}, str(error).removeprefix("Error: ").strip())
        return {"CANCELLED"}


CLASSES = (ANIMEPOSE_OT_drag_footstep, ANIMEPOSE_OT_remove_footstep_here, ANIMEPOSE_OT_footstep_cursor)
