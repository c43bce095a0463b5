"""Operators of the panel: import a video, import a take, cancel."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import os

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from ..core.review.edited import load_edited
from ..errors import AnimePoseError
from . import addon_state, jobs, setup_job
from .import_plan import ImportOptions
from .import_take import import_take
from .key_options import draw_key_options
from .models.needs import gap_of
from .properties import ImportOptionProperties

LISTED_WARNINGS = 3


class ANIMEPOSE_OT_import_video(bpy.types.Operator):
    """Estimate the people in the clip in the background, then add them to the scene"""

    bl_idname = "animepose.import_video"
    bl_label = "Import from Video"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if jobs.job.active:
            cls.poll_message_set("A video is being imported already")
        elif setup_job.running():
            cls.poll_message_set("The environment is being set up")
        elif not addon_state.status().usable:
            cls.poll_message_set("AnimePose's Python environment is not ready; see the add-on's preferences")
        elif context.scene.library is not None:
            cls.poll_message_set("The scene is linked from another file; make it local first")
        elif not context.scene.animepose.clip:
            cls.poll_message_set("Choose a clip")
        elif (gap := gap_of(context.scene.animepose)) is not None:
            cls.poll_message_set(gap.reason)
        else:
            return True
        return False

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.animepose
        try:
            jobs.start(addon_state.worker_python(), settings.job_request(), context.scene, settings.import_choices())
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class ANIMEPOSE_OT_cancel_job(bpy.types.Operator):
    """Stop importing the video; the scene stays as it is"""

    bl_idname = "animepose.cancel_job"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return jobs.job.active and jobs.job.phase is not jobs.Phase.CANCELLING

    def execute(self, context: bpy.types.Context) -> set[str]:
        jobs.cancel()
        jobs.tag_redraw()
        return {"FINISHED"}


class ANIMEPOSE_OT_dismiss_message(bpy.types.Operator):
    """Hide this message"""

    bl_idname = "animepose.dismiss_message"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        jobs.dismiss()
        jobs.tag_redraw()
        return {"FINISHED"}


class ANIMEPOSE_OT_open_log(bpy.types.Operator):
    """Open the log of the last run in a text editor"""

    bl_idname = "animepose.open_log"
    bl_label = "Open Log"
    bl_options = {"INTERNAL"}

    filepath: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        return f"{cls.__doc__}: {properties.filepath}"

    def execute(self, context: bpy.types.Context) -> set[str]:
        if not os.path.isfile(self.filepath):
            self.report({"WARNING"}, f"There is no log at {self.filepath}")
            return {"CANCELLED"}
        return bpy.ops.wm.path_open(filepath=self.filepath)


class ANIMEPOSE_OT_import_take(ImportOptionProperties, bpy.types.Operator, ImportHelper):
    """Add the people of a take that was estimated earlier"""

    bl_idname = "animepose.import_take"
    bl_label = "Import Take"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".npz"
    filter_glob: StringProperty(default="*.npz", options={"HIDDEN"})  # type: ignore

    def draw(self, context: bpy.types.Context) -> None:
        draw_import_options(self.layout, self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = bpy.path.abspath(self.filepath)
        try:
            take = load_edited(path)
            imported = import_take(context, take, path, ImportOptions(**self.import_options()))
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        people = len(imported.armatures)
        what = f"{people} {'person' if people == 1 else 'people'}, {take.frame_count} frames"
        jobs.note_import(self.filepath, what, imported.warnings)
        self.report({"INFO"}, f"Imported {what}")
        for warning in imported.warnings[:LISTED_WARNINGS]:
            self.report({"WARNING"}, warning)
        return {"FINISHED"}


def draw_import_options(layout: bpy.types.UILayout, options: ImportOptionProperties) -> None:
    """The import options; the panel and the file browser share it."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    column = layout.column(heading="Set")
    column.prop(options, "set_frame_range")
    column.prop(options, "set_frame_rate")
    column = layout.column(heading="Add")
    column.prop(options, "make_camera")
    row = column.row()
    row.enabled = options.make_camera
    row.prop(options, "show_plate")
    column.prop(options, "make_mannequins")
    column.prop(options, "make_floor")
    column.prop(options, "show_boxes")
    column.prop(options, "add_markers")
    draw_key_options(layout, options)


def _draw_import_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.operator_context = "INVOKE_DEFAULT"
    self.layout.operator(ANIMEPOSE_OT_import_take.bl_idname, text="AnimePose Take (.npz)")


CLASSES = (
    ANIMEPOSE_OT_import_video,
    ANIMEPOSE_OT_cancel_job,
    ANIMEPOSE_OT_dismiss_message,
    ANIMEPOSE_OT_open_log,
    ANIMEPOSE_OT_import_take,
)


def register() -> None:
    """Add the take to File > Import."""
    bpy.types.TOPBAR_MT_file_import.append(_draw_import_menu)


def unregister() -> None:
    """Undo `register`."""
    bpy.types.TOPBAR_MT_file_import.remove(_draw_import_menu)
