"""The sidebar's panel "Clean Up": one tool at a time, its few settings, and one button."""

from __future__ import annotations

import bpy

from ..drawing import draw_wrapped
from . import preview
from .scope import rigs_of, why_not

BUTTON_SCALE = 1.4
OPERATORS = {
    "SMOOTH": "animepose.smooth_motion",
    "POPS": "animepose.remove_pops",
    "GAPS": "animepose.fill_gaps",
    "ROTATIONS": "animepose.fix_rotations",
    "STILL": "animepose.hold_still",
    "REDUCE": "animepose.reduce_keys",
    "MIRROR": "animepose.mirror_motion",
    "LOOP": "animepose.make_loop",
    "STEADY": "animepose.stabilise_root",
    "TIME": "animepose.warp_time",
}
SETTINGS = {
    "animepose.remove_pops": ("pop_angle", "pop_length", "pop_longest"),
    "animepose.fill_gaps": ("gap_longest",),
    "animepose.reduce_keys": ("within_mm", "within_angle", "keyed_by"),
    "animepose.make_loop": ("cycle_shortest", "cycle_longest", "seam", "in_place"),
    "animepose.hold_still": ("still_angle", "still_length", "still_shortest"),
    "animepose.stabilise_root": ("steadiness", "steady_blend", "steady_level", "steady_upright"),
    "animepose.mirror_motion": ("plane",),
}
PACE_SETTINGS = {"SPEED": ("pace_by", "pace", "keep_footsteps"), "LENGTH": ("pace_by", "pace_length", "keep_footsteps")}
METHOD_SETTINGS = {
    "HALF_LIFE": ("half_life",),
    "BUTTERWORTH": ("cutoff", "order"),
    "ONE_EURO": ("min_cutoff", "quickness"),
    "SAVITZKY_GOLAY": ("window", "degree"),
}
WITH_BORDER = (
    "animepose.smooth_motion", "animepose.remove_pops", "animepose.hold_still", "animepose.stabilise_root",
    "animepose.warp_time",
)  # fmt: skip
WITH_KEYS = ("animepose.smooth_motion", "animepose.hold_still", "animepose.stabilise_root")
ALL_CHANNELS = ("animepose.stabilise_root", "animepose.warp_time")
"""Tools that know themselves which channels they change."""


class _Sidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "AnimePose"


class ANIMEPOSE_PT_cleanup(_Sidebar, bpy.types.Panel):
    bl_idname = "ANIMEPOSE_PT_cleanup"
    bl_label = "Clean Up"
    bl_order = 6
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.animepose_cleanup
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.prop(settings, "tool")
        draw_tool(column, settings, OPERATORS[settings.tool])
        _draw_target(layout, context, OPERATORS[settings.tool])
        _draw_preview(layout, context)
        column = layout.column()
        column.scale_y = BUTTON_SCALE
        column.operator(OPERATORS[settings.tool])


class ANIMEPOSE_PT_cleanup_range(_Sidebar, bpy.types.Panel):
    bl_label = "Range and Result"
    bl_parent_id = "ANIMEPOSE_PT_cleanup"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.animepose_cleanup
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_scope(layout, settings, OPERATORS[settings.tool])


def draw_options(layout: bpy.types.UILayout, settings: bpy.types.bpy_struct, operator: str) -> None:
    """All settings of an operator, given by its id or its class's name."""
    name = operator.replace("ANIMEPOSE_OT_", "animepose.")
    draw_tool(layout.column(), settings, name)
    draw_scope(layout, settings, name)


def draw_tool(layout: bpy.types.UILayout, settings: bpy.types.bpy_struct, operator: str) -> None:
    """What is particular to a tool."""
    names = SETTINGS.get(operator, ())
    if operator == "animepose.smooth_motion":
        layout.prop(settings, "method")
        names = METHOD_SETTINGS[settings.method]
    if operator == "animepose.warp_time":
        names = PACE_SETTINGS[settings.pace_by]
    for name in names:
        layout.prop(settings, name)


def draw_scope(layout: bpy.types.UILayout, settings: bpy.types.bpy_struct, operator: str) -> None:
    """Frames, channels and result."""
    column = layout.column()
    if operator == "animepose.mirror_motion":
        column.prop(settings, "result")
        return
    column.prop(settings, "frames")
    if operator in WITH_BORDER:
        row = column.row()
        row.active = settings.frames != "ACTION"
        row.prop(settings, "border")
    if operator == "animepose.make_loop":
        return
    if operator not in ALL_CHANNELS:
        column = layout.column(heading="Change")
        column.prop(settings, "rotations")
        if operator != "animepose.fix_rotations":
            column.prop(settings, "locations")
        if operator not in ("animepose.fix_rotations", "animepose.reduce_keys"):
            column.prop(settings, "others")
    column = layout.column()
    if operator in WITH_KEYS:
        column.prop(settings, "keys")
    column.prop(settings, "result")


def _draw_preview(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Whether a preview is drawn, how, and what is to be said of it."""
    choices, shown = context.window_manager.animepose_cleanup_preview, preview.current()
    column = layout.column()
    row = column.row()
    row.use_property_split = False
    row.prop(choices, "on", toggle=True, icon="HIDE_OFF" if choices.on else "HIDE_ON")
    if not choices.on or shown is None:
        return
    column.row().prop(choices, "show", expand=True)
    column.prop(choices, "around")
    if shown.said:
        draw_wrapped(layout, shown.said, context, "INFO")


def _draw_target(layout: bpy.types.UILayout, context: bpy.types.Context, operator: str) -> None:
    """Whose motion it is, or why it cannot be cleaned."""
    rigs = rigs_of(context)
    if not rigs:
        draw_wrapped(layout, "Select an armature, or bones of it in Pose Mode.", context, "INFO")
        return
    animated = [rig for rig in rigs if rig.animation_data is not None and rig.animation_data.action is not None]
    if not animated:
        draw_wrapped(layout, " ".join(why_not(rigs[0])), context, "INFO")
        return
    what = animated[0].animation_data.action.name if len(animated) == 1 else f"{len(animated)} actions"
    whole = operator in (*ALL_CHANNELS, "animepose.make_loop")
    layout.label(text=f"{what}, {'all bones' if whole else _bones(context)}", icon="ACTION")


def _bones(context: bpy.types.Context) -> str:
    count = len(context.selected_pose_bones or ()) if context.mode == "POSE" else 0
    return f"{count} {'bone' if count == 1 else 'bones'}" if count else "all bones"


CLASSES = (ANIMEPOSE_PT_cleanup, ANIMEPOSE_PT_cleanup_range)
