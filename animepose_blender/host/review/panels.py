"""The sidebar's panel "Tracks". Drawing reads what is known and does nothing else."""

from __future__ import annotations

import bpy

from ..drawing import draw_wrapped
from ..retarget.thumbnails import icon_of
from . import overlay, solving

SHOWN_PEOPLE = 6


class ANIMEPOSE_UL_reviewed_people(bpy.types.UIList):
    """The people of the take that is being reviewed"""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: bpy.types.AnyType,
        item: bpy.types.AnyType,
        icon: int,
        active_data: bpy.types.AnyType,
        active_property: str,
        index: int,
    ) -> None:
        row = layout.row(align=True)
        row.active = not item.ignored
        row.prop(item, "name", text="", emboss=False, icon_value=icon_of(data.take, item.thumbnail))
        right = row.row(align=True)
        right.alignment = "RIGHT"
        right.label(text=f"{item.span}   {item.confidence:.0%}")
        shown = "HIDE_ON" if item.ignored else "HIDE_OFF"
        row.operator("animepose.ignore_person", text="", icon=shown, emboss=False).person = item.person


class ANIMEPOSE_PT_tracks(bpy.types.Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "AnimePose"
    bl_label = "Tracks"
    bl_order = 3
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.animepose_review
        row = layout.row(align=True)
        row.operator("animepose.review_take", icon="VIEWZOOM")
        shown = overlay.is_shown()
        row.operator("animepose.show_tracks", text="", icon="HIDE_OFF" if shown else "HIDE_ON", depress=shown)
        if not settings.take:
            return
        layout.template_list(
            ANIMEPOSE_UL_reviewed_people.__name__, "", settings, "people", settings, "active",
            rows=min(max(len(settings.people), 2), SHOWN_PEOPLE),
        )  # fmt: skip
        column = layout.column(align=True)
        column.operator("animepose.split_person")
        row = column.row(align=True)
        row.operator("animepose.mark_wrong").fill = False
        row.operator("animepose.mark_wrong", text="Wrong, Fill In").fill = True
        _draw_solving(layout, context)
        column = layout.column(align=True)
        column.prop(settings, "other", text="")
        row = column.row(align=True)
        row.operator("animepose.merge_people")
        row.operator("animepose.swap_people")
        row = layout.row(align=True)
        row.operator("animepose.jump_to_doubt", text="", icon="TRIA_LEFT").backwards = True
        row.operator("animepose.jump_to_doubt", text="Doubtful Frames", icon="TRIA_RIGHT").backwards = False
        if settings.problem:
            draw_wrapped(layout, settings.problem, context, "ERROR")
        column = layout.column(align=True)
        row = column.row(align=True)
        row.operator("animepose.drop_edit", icon="LOOP_BACK")
        row.operator("animepose.save_edits", icon="FILE_TICK")
        column.operator("animepose.import_reviewed", icon="ARMATURE_DATA")


def _draw_solving(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    now = solving.solving
    row = layout.row(align=True)
    if now is not None:
        row.progress(factor=now.fraction, text="Cancelling" if now.cancelling else "Solving Again")
        row.operator("animepose.cancel_solving", text="", icon="X")
        return
    settings = context.scene.animepose_review
    solve = row.operator("animepose.solve_again", icon="FILE_REFRESH")
    solve.wrong, solve.foot_lock = settings.solve_wrong, settings.solve_foot_lock
    solve.smoothness = settings.solve_smoothness if settings.solve_smoothly else -1.0
    row.prop(settings, "solve_wrong", text="", icon="GHOST_DISABLED", toggle=True)
    row = layout.row(align=True)
    row.prop(settings, "solve_foot_lock")
    row.prop(settings, "solve_smoothly", text="", icon="MOD_SMOOTH", toggle=True)
    if settings.solve_smoothly:
        row.prop(settings, "solve_smoothness", text="")
    if solving.problem:
        draw_wrapped(layout, solving.problem, context, "ERROR")


CLASSES = (ANIMEPOSE_UL_reviewed_people, ANIMEPOSE_PT_tracks)
