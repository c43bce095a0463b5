"""The sidebar's panel "Retarget". Drawing reads what is known and does nothing else."""

from __future__ import annotations

import bpy

from ...core.retarget.slots import SLOTS
from ..drawing import draw_wrapped
from ..key_options import draw_key_options
from . import maps
from .map_list import ANIMEPOSE_UL_bone_map, has_foreign_source, shown_rig
from .people_list import ANIMEPOSE_UL_people, problem_of
from .properties import MOVING_PARTS, ANIMEPOSE_PG_recipe, ANIMEPOSE_PG_retarget

BUTTON_SCALE = 1.4
SHOWN_PEOPLE = 5
AXES = ("X", "Y", "Z")


class _Sidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "AnimePose"


class _Subpanel(_Sidebar):
    bl_parent_id = "ANIMEPOSE_PT_retarget"
    bl_options = {"DEFAULT_CLOSED"}


class ANIMEPOSE_PT_retarget(_Sidebar, bpy.types.Panel):
    bl_idname = "ANIMEPOSE_PT_retarget"
    bl_label = "Retarget"
    bl_order = 5

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.animepose_retarget
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        row = column.row(align=True)
        row.prop(settings, "source")
        row.operator("animepose.load_bvh", text="", icon="FILE_FOLDER")
        column.prop(settings, "target")
        column = layout.column()
        column.prop(settings, "root")
        column.prop(settings, "output")
        column.prop(settings, "result")
        layout.column(heading="Feet").prop(settings, "pin_feet", text="Pin")
        column = layout.column(heading="Hands")
        column.prop(settings, "keep_hands", text="Keep Contacts")
        column.prop(settings, "fingers")
        draw_key_options(layout, settings)
        column = layout.column()
        _draw_doubts(column, context, settings)
        column.scale_y = BUTTON_SCALE
        column.operator("animepose.retarget", icon="ARMATURE_DATA")


def _draw_doubts(layout: bpy.types.UILayout, context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget) -> None:
    entry = settings.map_of(settings.target)
    said = maps.trouble(entry) if entry is not None else ""
    if said:
        column = layout.column()
        column.scale_y = 1 / BUTTON_SCALE
        draw_wrapped(column, said, context, "ERROR")
        if maps.looks_like_a_person(entry):
            column.prop(settings, "use_doubtful")


class ANIMEPOSE_PT_bone_map(_Subpanel, bpy.types.Panel):
    bl_label = "Bone Map"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.animepose_retarget
        if has_foreign_source(settings):
            layout.row().prop(settings, "shown_map", expand=True)
        rig = shown_rig(settings)
        if rig is None:
            layout.label(text="Choose a rig", icon="INFO")
            return
        entry = settings.map_of(rig)
        row = layout.row(align=True)
        row.label(text=_title(rig, entry), icon="OUTLINER_OB_ARMATURE")
        row.operator("animepose.detect_bones", text="", icon="VIEWZOOM")
        if entry is None or len(entry.slots) != len(SLOTS):
            layout.operator("animepose.detect_bones")
            return
        doubtful = sum(maps.is_doubtful(slot) for slot in entry.slots)
        layout.prop(settings, "only_doubtful", text=f"Show Doubtful Only ({doubtful})")
        layout.template_list(ANIMEPOSE_UL_bone_map.__name__, "", entry, "slots", entry, "active", rows=10)
        layout.operator("animepose.mirror_map", icon="MOD_MIRROR")
        row = layout.row(align=True)
        row.operator("animepose.save_map", text="Save Map...")
        row.operator("animepose.load_map", text="Load Map...")
        row.operator("animepose.clear_map")


def _title(rig: bpy.types.Object, entry: bpy.types.PropertyGroup | None) -> str:
    if entry is None or not entry.slots:
        return rig.name
    return entry.title or "Found by Name and Shape"


class ANIMEPOSE_PT_offsets(_Subpanel, bpy.types.Panel):
    bl_label = "Offsets"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.animepose_retarget
        recipe = settings.recipe_of(settings.target)
        if recipe is None:
            draw_wrapped(layout, "Retarget onto a rig first; then correct its parts here.", context, "INFO")
            return
        layout.label(text=recipe.action.name if recipe.action else "The result is gone", icon="ACTION")
        layout.template_list("ANIMEPOSE_UL_offsets", "", recipe, "offsets", recipe, "active", rows=5)
        _draw_offset(layout, recipe)
        if recipe.problem:
            draw_wrapped(layout, recipe.problem, context, "ERROR")
        if recipe.dense:
            layout.operator("animepose.reduce_result", icon="KEYFRAME")
        layout.operator("animepose.reset_offsets", icon="LOOP_BACK")


def _draw_offset(layout: bpy.types.UILayout, recipe: ANIMEPOSE_PG_recipe) -> None:
    if not 0 <= recipe.active < len(recipe.offsets):
        return
    offset = recipe.offsets[recipe.active]
    row = layout.row()
    row.enabled = recipe.action is not None
    column = row.column(align=True)
    column.label(text="Turn (Degrees)")
    for axis, name in enumerate(AXES):
        column.prop(offset, "turn_deg", index=axis, text=name, slider=False)
    column = row.column(align=True)
    column.active = column.enabled = offset.name in MOVING_PARTS
    column.label(text="Move (cm)")
    for axis, name in enumerate(AXES):
        column.prop(offset, "move_cm", index=axis, text=name)


class ANIMEPOSE_UL_offsets(bpy.types.UIList):
    """The parts of the body that an offset can correct"""

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
        layout.label(text=maps.title_of(item.name), icon="RADIOBUT_OFF" if item.is_zero else "RADIOBUT_ON")


class ANIMEPOSE_PT_people(_Subpanel, bpy.types.Panel):
    bl_label = "People"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.animepose_retarget
        column = layout.column(align=True)
        column.prop(settings, "take", text="", placeholder="Take of the Selection")
        column.operator("animepose.scan_people", icon="VIEWZOOM")
        if not len(settings.people):
            return
        layout.template_list(
            ANIMEPOSE_UL_people.__name__, "", settings, "people", settings, "active_person",
            rows=min(len(settings.people), SHOWN_PEOPLE), maxrows=SHOWN_PEOPLE, sort_lock=True,
        )  # fmt: skip
        layout.operator("animepose.assign_in_order", icon="SORTSIZE")
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "set_aside")
        doubts = [(person, problem) for person in settings.people if (problem := problem_of(settings, person))]
        for person, problem in doubts:
            draw_wrapped(layout, f"{person.name}: {problem}", context, "ERROR")
        if doubts:
            column = layout.column()
            column.use_property_split = True
            column.use_property_decorate = False
            column.prop(settings, "use_doubtful")
        column = layout.column()
        column.scale_y = BUTTON_SCALE
        column.operator("animepose.assign_all", icon="ARMATURE_DATA")


CLASSES = (
    ANIMEPOSE_UL_offsets,
    ANIMEPOSE_PT_retarget,
    ANIMEPOSE_PT_bone_map,
    ANIMEPOSE_PT_offsets,
    ANIMEPOSE_PT_people,
)
