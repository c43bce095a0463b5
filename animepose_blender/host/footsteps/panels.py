"""The sidebar's panel "Footsteps": the list, and by what the feet are held."""

from __future__ import annotations

import bpy

from ..drawing import draw_wrapped
from . import session
from .properties import MODE_ITEMS, footsteps_of

ROWS = 5
MODE_NAMES = {identifier: name for identifier, name, _ in MODE_ITEMS}


class ANIMEPOSE_UL_footsteps(bpy.types.UIList):
    """Footsteps of an action."""

    bl_idname = "ANIMEPOSE_UL_footsteps"

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: bpy.types.AnyType,
        item: bpy.types.AnyType,
        icon: int,
        active_data: bpy.types.AnyType,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        """Foot, first and last frame."""
        row = layout.row()
        row.label(text="Left" if item.foot == "LEFT" else "Right")
        row.label(text=f"{item.start} \N{EN DASH} {item.end}")
        edit = row.operator("animepose.edit_footstep", text="", icon="GREASEPENCIL", emboss=False)
        edit.index = index


class ANIMEPOSE_PT_footsteps(bpy.types.Panel):
    bl_idname = "ANIMEPOSE_PT_footsteps"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "AnimePose"
    bl_label = "Footsteps"
    bl_order = 7
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        rig = session.rig_of(context)
        message = session.why_not(rig)
        if message:
            draw_wrapped(layout, message, context, "INFO")
            return
        kept = footsteps_of(rig)
        if kept is None:
            layout.operator("animepose.find_footsteps")
            return
        row = layout.row()
        row.template_list(ANIMEPOSE_UL_footsteps.bl_idname, "", kept, "steps", kept, "active", rows=ROWS)
        column = row.column(align=True)
        column.operator("animepose.remove_footstep", text="", icon="REMOVE")
        row = layout.row(align=True)
        for foot, text in (("LEFT", "Add Left"), ("RIGHT", "Add Right")):
            row.operator("animepose.add_footstep", text=text).foot = foot
        split = layout.split(factor=0.4)
        split.label(text="Foot Lock")
        split.operator_menu_enum("animepose.set_foot_lock", "mode", text=MODE_NAMES[kept.mode])
        layout.prop(context.scene, "animepose_show_footsteps", text="Show in Dope Sheet")
        row = layout.row(align=True)
        row.operator("animepose.find_footsteps", text="Find Again")
        row.operator("animepose.forget_footsteps", text="Forget")


CLASSES = (ANIMEPOSE_UL_footsteps, ANIMEPOSE_PT_footsteps)
