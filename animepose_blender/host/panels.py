"""The sidebar: one category, one panel, a subpanel per topic. Drawing reads what is known and does nothing else."""

from __future__ import annotations

import os

import bpy

from . import addon_state, jobs, setup_job
from .drawing import draw_wrapped, time_left
from .environment import State
from .jobs import Phase
from .models.drawing import draw_gap, draw_store
from .models.needs import gap_of
from .operators import draw_import_options

SHOWN_WARNINGS = 3
BUTTON_PX = 30.0


class _Sidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "AnimePose"


class _Subpanel(_Sidebar):
    bl_parent_id = "ANIMEPOSE_PT_import_video"
    bl_options = {"DEFAULT_CLOSED"}

    def _column(self, context: bpy.types.Context) -> bpy.types.UILayout:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = not jobs.job.active
        return layout.column()


class ANIMEPOSE_PT_import_video(_Sidebar, bpy.types.Panel):
    bl_idname = "ANIMEPOSE_PT_import_video"
    bl_label = "Import from Video"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        if setup_job.running() or not addon_state.status().usable:
            _draw_setup(layout, context)
        settings = context.scene.animepose
        column = layout.column()
        column.enabled = not jobs.job.active
        column.prop(settings, "clip", text="", placeholder="Video")
        column.prop(settings, "preset", text="")
        if jobs.job.active:
            _draw_running(layout, context)
            return
        gap = gap_of(settings)
        if gap is not None and addon_state.status().usable:
            draw_gap(layout, gap, context)
        column = layout.column()
        column.scale_y = 1.4
        column.operator("animepose.import_video", icon="ARMATURE_DATA")
        _draw_outcome(layout, context)


class ANIMEPOSE_PT_range(_Subpanel, bpy.types.Panel):
    bl_label = "Range"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.animepose
        column = self._column(context)
        column.prop(settings, "whole_clip")
        times = column.column(align=True)
        times.enabled = not settings.whole_clip
        times.prop(settings, "start_s")
        times.prop(settings, "end_s")


class ANIMEPOSE_PT_estimation(_Subpanel, bpy.types.Panel):
    bl_label = "Estimation"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.animepose
        column = self._column(context)
        column.prop(settings, "max_people")
        column.prop(settings, "size_source")
        if settings.size_source == "HEIGHT":
            column.prop(settings, "height")
            column.prop(settings, "height_of")
        column.prop(settings, "device")
        column.prop(settings, "take_folder", placeholder="Beside the clip")


class ANIMEPOSE_PT_networks(_Subpanel, bpy.types.Panel):
    bl_idname = "ANIMEPOSE_PT_networks"
    bl_label = "Networks"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.animepose
        column = self._column(context)
        for part in settings.shown_parts():
            column.prop(settings, f"{part}_choice")
        column.separator()
        column.use_property_split = False
        column.prop(settings, "commercial_only")


class ANIMEPOSE_PT_all_networks(_Sidebar, bpy.types.Panel):
    bl_label = "All Networks"
    bl_parent_id = "ANIMEPOSE_PT_networks"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        draw_store(self.layout, context)


class ANIMEPOSE_PT_camera(_Subpanel, bpy.types.Panel):
    bl_label = "Camera"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.animepose
        column = self._column(context)
        column.prop(settings, "focal_source")
        if settings.focal_source == "MM":
            column.prop(settings, "focal_mm")
        column.prop(settings, "camera_motion")


class ANIMEPOSE_PT_motion(_Subpanel, bpy.types.Panel):
    bl_label = "Motion"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.animepose
        column = self._column(context)
        column.prop(settings, "smoothness")
        column.prop(settings, "hold_still")
        column.separator()
        column.prop(settings, "foot_lock")
        column.prop(settings, "floor")
        column.separator()
        column.prop(settings, "hands")


class ANIMEPOSE_PT_options(_Subpanel, bpy.types.Panel):
    bl_label = "Scene"

    def draw(self, context: bpy.types.Context) -> None:
        draw_import_options(self._column(context), context.scene.animepose)


class ANIMEPOSE_PT_takes(_Sidebar, bpy.types.Panel):
    bl_label = "Takes"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 10

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.operator("animepose.import_take", text="Import Take...", icon="IMPORT")


def _draw_setup(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    box = layout.box()
    if setup_job.running() and setup_job.task is not None:
        box.progress(factor=setup_job.task.fraction, text=setup_job.task.line or setup_job.task.title)
        box.operator("animepose.cancel_setup", icon="X")
        return
    state = addon_state.status().state
    if state is State.MISSING:
        draw_wrapped(box, "AnimePose estimates people in a Python of its own. Set it up once.", context, "INFO")
    else:
        draw_wrapped(box, f"The Python environment cannot be used. {state.value}.", context, "ERROR")
    box.operator("animepose.open_preferences", icon="PREFERENCES")


def _draw_running(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    job = jobs.job
    box = layout.box()
    if job.phase is Phase.READY:
        scene = jobs.job_scene()
        name = scene.name if scene is not None else ""
        text = f"The take is ready. It is imported as soon as the scene {name} is shown in Object Mode."
        draw_wrapped(box, text, context, "INFO")
    else:
        words = {Phase.STARTING: "Starting", Phase.CANCELLING: "Cancelling"}
        column = box.column(align=True)
        column.label(text=words.get(job.phase, jobs.STAGE_WORDS.get(job.stage, job.stage)))
        column.progress(factor=job.fraction, text=f"{job.fraction:.0%}")
        column.label(text=time_left(job.seconds_left) if job.phase is Phase.RUNNING else "")
    box.operator("animepose.cancel_job", icon="X")
    _draw_warnings(box, context)


def _draw_outcome(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    job = jobs.job
    if job.phase is Phase.IDLE:
        return
    icon = {Phase.DONE: "CHECKMARK", Phase.FAILED: "ERROR"}.get(job.phase, "INFO")
    box = layout.box()
    row = box.row(align=False)
    draw_wrapped(row, job.headline, context, icon, beside_px=BUTTON_PX)
    row.operator("animepose.dismiss_message", text="", icon="X", emboss=False)
    if job.remedy:
        draw_wrapped(box, job.remedy, context, "BLANK1")
    _draw_warnings(box, context)
    if job.phase is Phase.FAILED and job.log_path:
        box.operator("animepose.open_log", icon="TEXT").filepath = os.fspath(job.log_path)


def _draw_warnings(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    for warning in jobs.job.warnings[:SHOWN_WARNINGS]:
        draw_wrapped(layout, warning, context, "DOT")
    more = len(jobs.job.warnings) - SHOWN_WARNINGS
    if more > 0:
        layout.label(text=f"And {more} more", icon="DOT")


CLASSES = (
    ANIMEPOSE_PT_import_video,
    ANIMEPOSE_PT_range,
    ANIMEPOSE_PT_estimation,
    ANIMEPOSE_PT_networks,
    ANIMEPOSE_PT_all_networks,
    ANIMEPOSE_PT_camera,
    ANIMEPOSE_PT_motion,
    ANIMEPOSE_PT_options,
    ANIMEPOSE_PT_takes,
)
