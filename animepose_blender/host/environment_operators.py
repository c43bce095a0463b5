"""Operators that make, check and remove the worker's environment. Each is something the user starts."""

from __future__ import annotations

from collections.abc import Callable

import bpy
from bpy.props import BoolProperty

from ..errors import AnimePoseError
from . import addon_state, jobs, setup_job
from .environment import State, remove_environment

OFFLINE = "Blender may not use the network: allow online access in the System preferences"
RUNNING = "A setup goes on already"
JOB_RUNNING = "A video is being imported"


def reported(operator: bpy.types.Operator, work: Callable[[], object]) -> set[str]:
    """Do something; an error is reported. What an operator returns."""
    try:
        work()
    except AnimePoseError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    jobs.tag_redraw()
    return {"FINISHED"}


def _refusal() -> str:
    """Why the environment may not be touched now; empty if it may."""
    if setup_job.running():
        return RUNNING
    return JOB_RUNNING if jobs.job.active else ""


def _no_own_environment() -> str:
    """Why packages cannot be added; empty if they can."""
    settings = addon_state.preferences()
    if settings is not None and settings.interpreter == "CUSTOM":
        return "The packages of another Python are its owner's"
    return "" if addon_state.status().usable else "Create the environment first"


class ANIMEPOSE_OT_create_environment(bpy.types.Operator):
    """Create the Python environment that estimates people, in the add-on's own folder. \
Fetches about 200 MB and takes 0.7 GB of disk; Blender's own Python is not changed"""

    bl_idname = "animepose.create_environment"
    bl_label = "Create Environment"
    bl_options = {"INTERNAL"}

    quality: BoolProperty(  # type: ignore
        name="Quality Packages", options={"SKIP_SAVE"},
        description="With PyTorch and Transformers too, which networks of the weight store run on",
    )  # fmt: skip

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        refusal = _refusal() or ("" if addon_state.online_allowed() else OFFLINE)
        cls.poll_message_set(refusal)
        return not refusal

    def execute(self, context: bpy.types.Context) -> set[str]:
        return reported(self, lambda: setup_job.start_create(self.quality))


class ANIMEPOSE_OT_add_quality_packages(bpy.types.Operator):
    """Add PyTorch and Transformers, which networks of the weight store run on, to AnimePose's own environment. \
On Linux this fetches 2.8 GB, CUDA among it, and takes 5 GB of disk; elsewhere 0.2 GB and 0.6 GB"""

    bl_idname = "animepose.add_quality_packages"
    bl_label = "Add Quality Packages"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        refusal = _refusal() or _no_own_environment() or ("" if addon_state.online_allowed() else OFFLINE)
        cls.poll_message_set(refusal)
        return not refusal

    def execute(self, context: bpy.types.Context) -> set[str]:
        return reported(self, setup_job.start_add_quality)


class ANIMEPOSE_OT_check_environment(bpy.types.Operator):
    """Try whether this Python can estimate: its packages, then a made-up job"""

    bl_idname = "animepose.check_environment"
    bl_label = "Check"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        refusal = _refusal() or ("" if addon_state.status().python else "There is nothing to check yet")
        cls.poll_message_set(refusal)
        return not refusal

    def execute(self, context: bpy.types.Context) -> set[str]:
        return reported(self, setup_job.start_check)


class ANIMEPOSE_OT_remove_environment(bpy.types.Operator):
    """Remove the environment and everything that was fetched for it"""

    bl_idname = "animepose.remove_environment"
    bl_label = "Remove"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        missing = addon_state.status().state is State.MISSING
        refusal = _refusal() or ("There is nothing to remove" if missing else "")
        cls.poll_message_set(refusal)
        return not refusal

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        result = reported(self, lambda: remove_environment(addon_state.runtime_folder()))
        addon_state.refresh_status()
        return result


class ANIMEPOSE_OT_cancel_setup(bpy.types.Operator):
    """Stop the setup; it can be taken up again later"""

    bl_idname = "animepose.cancel_setup"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        setup_job.cancel()
        return {"FINISHED"}


class ANIMEPOSE_OT_open_preferences(bpy.types.Operator):
    """Open the add-on's preferences, where its Python environment is set up"""

    bl_idname = "animepose.open_preferences"
    bl_label = "Set Up AnimePose"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        return bpy.ops.preferences.addon_show(module=addon_state.ADDON_ID)


CLASSES = (
    ANIMEPOSE_OT_create_environment,
    ANIMEPOSE_OT_add_quality_packages,
    ANIMEPOSE_OT_check_environment,
    ANIMEPOSE_OT_remove_environment,
    ANIMEPOSE_OT_cancel_setup,
    ANIMEPOSE_OT_open_preferences,
)
