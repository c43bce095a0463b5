"""Operators that have a span solved again, without estimating the clip again."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty

from ...errors import AnimePoseError
from ...protocol import SMOOTHNESS_RANGE_S
from .. import addon_state, jobs, setup_job
from ..import_plan import frames_in
from . import session, solving
from .operators import _PersonOperator
from .properties import AS_BEFORE, FOOT_LOCK_DESCRIPTION, SOLVE_FOOT_LOCK_ITEMS, refresh


class ANIMEPOSE_OT_solve_again(_PersonOperator, bpy.types.Operator):
    """Solve the chosen person again in the preview range, or as long as the person is there without one"""

    bl_idname = "animepose.solve_again"
    bl_label = "Solve Again"
    bl_options = {"INTERNAL"}

    wrong: BoolProperty(  # type: ignore
        name="Not This Person",
        description="What was seen there is not this person: leave it out, and fill the span in",
    )
    foot_lock: EnumProperty(name="Foot Lock", description=FOOT_LOCK_DESCRIPTION, items=SOLVE_FOOT_LOCK_ITEMS)  # type: ignore
    smoothness: FloatProperty(  # type: ignore
        name="Smoothness", description="Half-life of sudden errors in seconds; below 0: as the take was made",
        min=-1.0, max=SMOOTHNESS_RANGE_S[1], default=-1.0,
    )  # fmt: skip

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if solving.solving is not None:
            cls.poll_message_set("A span is being solved already")
        elif jobs.job.active:
            cls.poll_message_set("A video is being imported")
        elif setup_job.running():
            cls.poll_message_set("The environment is being set up")
        elif not addon_state.status().usable:
            cls.poll_message_set("AnimePose's Python environment is not ready; see the add-on's preferences")
        else:
            return True
        return False

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        try:
            now = session.reviewed(scene)
            person = scene.animepose_review.active_person().person
            summary = next(one for one in now.people if one.person == person)
            first, last = summary.start, summary.stop - 1
            if scene.use_preview_range:
                frames = frames_in(scene, now.estimate)
                inside = (frames >= scene.frame_preview_start - 0.5) & (frames <= scene.frame_preview_end + 0.5)
                chosen = inside.nonzero()[0]
                first, last = (int(chosen[0]), int(chosen[-1])) if len(chosen) else (0, -1)
            if last < first:
                raise AnimePoseError("The span holds no frame of the person.", "Choose another preview range.")
            foot_lock = self.foot_lock if self.foot_lock != AS_BEFORE else None
            smoothness_s = round(self.smoothness, 6) if self.smoothness >= 0 else None
            python = addon_state.worker_python()
            solving.start(python, scene, person, first, last, self.wrong, foot_lock, smoothness_s)
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class ANIMEPOSE_OT_cancel_solving(bpy.types.Operator):
    """Stop solving; nothing is changed"""

    bl_idname = "animepose.cancel_solving"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return solving.solving is not None and not solving.solving.cancelling

    def execute(self, context: bpy.types.Context) -> set[str]:
        solving.cancel()
        return {"FINISHED"}


class ANIMEPOSE_OT_keep_solved(bpy.types.Operator):
    """Put in what was solved again, as an edit"""

    bl_idname = "animepose.keep_solved"
    bl_label = "Solve Again"
    bl_options = {"INTERNAL", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            session.keep(context.scene, solving.kept(context.scene))
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        refresh(context.scene)
        return {"FINISHED"}


CLASSES = (ANIMEPOSE_OT_solve_again, ANIMEPOSE_OT_cancel_solving, ANIMEPOSE_OT_keep_solved)
