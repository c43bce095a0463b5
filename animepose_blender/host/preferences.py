"""The add-on's preferences: which Python estimates, and the setup of AnimePose's own."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import os
import sys

import bpy
from bpy.props import EnumProperty, StringProperty

from . import addon_state, setup_job
from .drawing import draw_wrapped
from .environment import State, Status
from .models import job as networks_job
from .models.drawing import draw_folder, draw_store
from .models.store_preferences import StoreProperties
from .properties import PRESET_ITEMS

STATE_ICONS: dict[State, str] = {
    State.READY: "CHECKMARK",
    State.UNCHECKED: "QUESTION",
    State.MISSING: "INFO",
    State.UNFINISHED: "ERROR",
    State.OUTDATED: "ERROR",
    State.BROKEN: "ERROR",
}

WINDOWS_GPU = (
    "On Windows these packages use the processor alone. For a GPU, choose another Python that has PyTorch with CUDA."
)


def _status_changes(self: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    setup_job.outcome = None
    addon_state.refresh_status()


class AnimePosePreferences(StoreProperties, bpy.types.AddonPreferences):
    """Machine paths; what belongs to a scene is kept with the scene."""

    bl_idname = addon_state.ADDON_ID

    interpreter: EnumProperty(  # type: ignore
        name="Estimate With",
        items=(
            ("AUTOMATIC", "Own Environment", "A Python environment that AnimePose creates in its own folder"),
            ("CUSTOM", "Other Python", "Any Python 3.10 or later that has the packages already"),
        ),
        update=_status_changes,
    )
    python_path: StringProperty(  # type: ignore
        name="Python", description="Interpreter that has mediapipe, OpenCV, PyAV, SciPy and NumPy",
        subtype="FILE_PATH", update=_status_changes,
    )  # fmt: skip
    base_python: StringProperty(  # type: ignore
        name="Create From", subtype="FILE_PATH",
        description="Python 3.10 to 3.12 to create the environment from; empty: one found here, else fetched",
    )  # fmt: skip

    def draw(self, context: bpy.types.Context) -> None:
        """Status, then what can be done about it."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        self._draw_environment(layout, context)
        layout.separator(type="LINE")
        self._draw_networks(layout, context)

    def _draw_networks(self, layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
        column = layout.column()
        column.enabled = not networks_job.running()
        column.prop(self, "models_folder", placeholder="The add-on's own")
        column.prop(self, "mirror", placeholder="None")
        column.prop(self, "proxy", placeholder="The system's")
        if not self.models_folder:
            draw_folder(layout, context)
        draw_store(layout, context, own_filter=True)

    def _draw_environment(self, layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
        status = addon_state.status()
        layout.row().prop(self, "interpreter", expand=True)
        if self.interpreter == "CUSTOM":
            layout.prop(self, "python_path")
        else:
            row = layout.row()
            row.enabled = not setup_job.running()
            row.prop(self, "base_python", placeholder="Found automatically")
        if setup_job.running() and setup_job.task is not None:
            box = layout.box()
            box.progress(factor=setup_job.task.fraction, text=f"{setup_job.task.fraction:.0%}")
            box.label(text=setup_job.task.line)
            box.operator("animepose.cancel_setup", icon="X")
            return
        _draw_status(layout, context, status)
        _draw_actions(layout, context, status, automatic=self.interpreter == "AUTOMATIC")


def _draw_status(layout: bpy.types.UILayout, context: bpy.types.Context, status: Status) -> None:
    box = layout.box()
    box.label(text=status.state.value, icon=STATE_ICONS[status.state])
    for text in (
        status.problem,
        status.python and f"Interpreter: {status.python}",
        status.base and f"Made from {status.base}",
    ):
        if text:
            draw_wrapped(box, text, context, "BLANK1")
    if status.versions:
        draw_wrapped(box, ", ".join(f"{name} {v}" for name, v in status.versions.items()), context, "BLANK1")
    if status.usable and status.versions:
        names = ", ".join(name for preset, name, _ in PRESET_ITEMS if preset in status.presets and preset != "dummy")
        draw_wrapped(box, f"Can run: {names}", context, "BLANK1")
    if status.quality_problem:
        draw_wrapped(box, status.quality_problem, context, "ERROR")
    if status.checked:
        box.label(text=f"Checked {status.checked}", icon="BLANK1")


def _draw_actions(layout: bpy.types.UILayout, context: bpy.types.Context, status: Status, automatic: bool) -> None:
    if setup_job.outcome is not None:
        box = layout.box()
        draw_wrapped(box, setup_job.outcome.message, context, "ERROR")
        draw_wrapped(box, setup_job.outcome.remedy, context, "BLANK1")
        log = os.path.join(addon_state.runtime_folder(), "setup.log")
        box.operator("animepose.open_log", icon="TEXT").filepath = log
    if automatic and not addon_state.online_allowed():
        box = layout.box()
        text = "Creating the environment fetches packages, and Blender may not use the network at present."
        draw_wrapped(box, text, context, "INTERNET_OFFLINE")
        if not bpy.app.online_access_override:
            box.prop(context.preferences.system, "use_online_access", text="Allow Online Access")
    if automatic and status.usable and not status.runs_networks:
        layout.operator("animepose.add_quality_packages", icon="IMPORT")
        if sys.platform == "win32":
            draw_wrapped(layout, WINDOWS_GPU, context, "INFO")
    row = layout.row()
    if automatic:
        new = status.state is State.MISSING
        row.operator(
            "animepose.create_environment",
            text="Create Environment" if new else "Repair",
            icon="IMPORT" if new else "TOOL_SETTINGS",
        )
    row.operator("animepose.check_environment", icon="CHECKMARK")
    if automatic:
        row.operator("animepose.remove_environment", icon="TRASH")
    if automatic and status.state is State.MISSING:
        words = "Create Environment with Quality Packages"
        layout.operator("animepose.create_environment", text=words, icon="IMPORT").quality = True


CLASSES = (AnimePosePreferences,)
