"""The list of a take's people and its operators."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import bpy
from bpy.props import IntProperty

from ...errors import AnimePoseError
from . import maps, people, thumbnails
from .operators import LISTED_WARNINGS
from .properties import ANIMEPOSE_PG_person, ANIMEPOSE_PG_retarget, retarget_settings

PICTURE_SCALE = 2.4


def problem_of(settings: ANIMEPOSE_PG_retarget, person: ANIMEPOSE_PG_person) -> str:
    """What must be looked at before a person can go onto its rig; empty if nothing."""
    if person.choice != "RIG":
        return ""
    if person.rig is None:
        return "Choose a rig"
    entry = settings.map_of(person.rig)
    return maps.trouble(entry) if entry is not None else ""


class ANIMEPOSE_UL_people(bpy.types.UIList):
    """The people of a take, and where each goes"""

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
        row = layout.row(align=False)
        row.template_icon(icon_value=thumbnails.icon_of(data.scanned_take, item.person_id), scale=PICTURE_SCALE)
        column = row.column(align=True)
        line = column.row(align=True)
        line.label(text=item.name)
        seconds = line.row()
        seconds.alignment = "RIGHT"
        seconds.label(text=f"{item.seconds:.1f} s")
        line = column.row(align=True)
        line.prop(item, "choice", text="", icon_only=item.choice == "RIG")
        if item.choice == "RIG":
            line.prop(item, "rig", text="")
            if problem_of(data, item):
                line.operator("animepose.show_bone_map", text="", icon="ERROR").person = index


class _PeopleOperator:
    """An operator on the list of people."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene.library is not None:
            cls.poll_message_set("The scene is linked from another file; make it local first")
        elif not len(context.scene.animepose_retarget.people):
            cls.poll_message_set("Scan the people of a take first")
        else:
            return True
        return False


class ANIMEPOSE_OT_scan_people(bpy.types.Operator):
    """List the people of the chosen take, or of the take of the active object or collection"""

    bl_idname = "animepose.scan_people"
    bl_label = "Scan People"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene.library is not None:
            cls.poll_message_set("The scene is linked from another file; make it local first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            settings = retarget_settings(context)
            take = people.scan(context, settings)
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        left_out = take.person_count - len(settings.people)
        if left_out:
            self.report({"WARNING"}, f"{left_out} of {take.person_count} people are seen in no frame")
        return {"FINISHED"}


class ANIMEPOSE_OT_assign_in_order(_PeopleOperator, bpy.types.Operator):
    """Give the people the selected armatures, from left to right, down the list"""

    bl_idname = "animepose.assign_in_order"
    bl_label = "Assign Rigs in Order"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if not any(one.type == "ARMATURE" for one in context.selected_objects):
            cls.poll_message_set("Select the rigs")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            settings = retarget_settings(context)
            count = people.assign_in_order(context, settings)
            if not count:
                raise AnimePoseError("No rig of your own is selected, or everybody is ignored.", "Select the rigs.")
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        _report_doubts(self, settings)
        self.report({"INFO"}, f"{count} {'person has a rig' if count == 1 else 'people have rigs'}")
        return {"FINISHED"}


class ANIMEPOSE_OT_assign_all(_PeopleOperator, bpy.types.Operator):
    """Put everybody onto their rig or a new mannequin; the take's camera, plate and floor are added if not there yet"""

    bl_idname = "animepose.assign_all"
    bl_label = "Assign All"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        settings = context.scene.animepose_retarget
        if all(person.choice == "IGNORE" for person in settings.people):
            cls.poll_message_set("Everybody is ignored")
            return False
        if any(p.choice == "RIG" and p.rig is not None and p.rig.mode == "EDIT" for p in settings.people):
            cls.poll_message_set("Leave Edit Mode first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            settings = retarget_settings(context)
            done = people.assign(context, settings)
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{done.on_rigs} on rigs, {done.imported} imported")
        for warning in done.warnings[:LISTED_WARNINGS]:
            self.report({"WARNING"}, warning)
        return {"FINISHED"}


class ANIMEPOSE_OT_show_bone_map(_PeopleOperator, bpy.types.Operator):
    """Main bones of this rig are not sure: show its bone map above"""

    bl_idname = "animepose.show_bone_map"
    bl_label = "Show Bone Map"
    bl_options = {"INTERNAL", "UNDO"}

    person: IntProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.animepose_retarget
        if self.person < len(settings.people) and settings.people[self.person].rig is not None:
            settings.target, settings.shown_map = settings.people[self.person].rig, "TARGET"
            settings.only_doubtful = True
        return {"FINISHED"}


def _report_doubts(operator: bpy.types.Operator, settings: ANIMEPOSE_PG_retarget) -> None:
    for person in settings.people:
        problem = problem_of(settings, person)
        if problem:
            operator.report({"WARNING"}, f"{person.name}: {problem}")


CLASSES = (
    ANIMEPOSE_UL_people,
    ANIMEPOSE_OT_scan_people,
    ANIMEPOSE_OT_assign_in_order,
    ANIMEPOSE_OT_assign_all,
    ANIMEPOSE_OT_show_bone_map,
)
