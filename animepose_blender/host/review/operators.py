"""Operators of the review: each makes one edit, which Blender's undo takes back."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
from collections.abc import Callable

import bpy
from bpy.props import BoolProperty, IntProperty

from ...core.review.doubts import Kind, next_doubt
from ...core.review.edits import Edit, Ignore, MarkWrong, Merge, Split, Swap
from ...core.review.replay import next_person_id
from ...core.review.saved_edits import edits_of, save_edits
from ...errors import AnimePoseError
from ..confidence.doubts import filtering_bones, next_of_bones
from ..confidence.people import Chosen
from ..import_plan import ImportOptions, frames_in
from ..import_take import import_take
from ..retarget.set_aside import set_aside
from ..retarget.take_in_scene import chosen_take, everybody_in_scene
from . import overlay, session
from .properties import refresh


class ANIMEPOSE_OT_review_take(bpy.types.Operator):
    """List the people of the take in the scene, with the edits that were saved with it"""

    bl_idname = "animepose.review_take"
    bl_label = "Review Take"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        try:
            path = chosen_take(context)
            edits = edits_of(session.load(path))
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        scene.animepose_review.take = path
        session.keep(scene, edits)
        refresh(scene)
        if scene.animepose_review.problem:
            self.report({"WARNING"}, scene.animepose_review.problem)
        else:
            overlay.show(scene)
        return {"FINISHED"}


class _ReviewOperator:
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        settings = context.scene.animepose_review
        if not settings.take:
            cls.poll_message_set("Review a take first")
            return False
        return True

    def _edit(self, context: bpy.types.Context, make: Callable[[], Edit]) -> set[str]:
        """Make one edit, or say why not."""
        try:
            session.add(context.scene, make())
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        refresh(context.scene)
        return {"FINISHED"}


class _PersonOperator(_ReviewOperator):
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if context.scene.animepose_review.active_person() is None:
            cls.poll_message_set("Choose a person in the list")
            return False
        return True


class _TwoPeopleOperator(_PersonOperator):
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if len(context.scene.animepose_review.people) < 2:
            cls.poll_message_set("There is nobody else")
            return False
        return True


class ANIMEPOSE_OT_ignore_person(_PersonOperator, bpy.types.Operator):
    """Leave the person out of what is imported, or take them in again"""

    bl_idname = "animepose.ignore_person"
    bl_label = "Ignore"
    bl_options = {"REGISTER", "UNDO"}

    person: IntProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.animepose_review
        chosen = next((one for one in settings.people if one.person == self.person), settings.active_person())
        return self._edit(context, lambda: Ignore(chosen.person, not chosen.ignored))


class ANIMEPOSE_OT_merge_people(_TwoPeopleOperator, bpy.types.Operator):
    """The chosen person and the other one are the same; the chosen one's name is kept"""

    bl_idname = "animepose.merge_people"
    bl_label = "Merge"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.animepose_review
        return self._edit(context, lambda: Merge(settings.active_person().person, int(settings.other)))


class ANIMEPOSE_OT_swap_people(_TwoPeopleOperator, bpy.types.Operator):
    """From the current frame on, the chosen person and the other one are each other"""

    bl_idname = "animepose.swap_people"
    bl_label = "Swap from Here On"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.animepose_review
        return self._edit(
            context, lambda: Swap(settings.active_person().person, int(settings.other), _time_s(context.scene))
        )


class ANIMEPOSE_OT_split_person(_PersonOperator, bpy.types.Operator):
    """From the current frame on, the chosen person is somebody else, who gets a place in the list"""

    bl_idname = "animepose.split_person"
    bl_label = "Split Here"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene

        def make() -> Edit:
            new = next_person_id(session.reviewed(scene).estimate, session.edits_in(scene))
            return Split(scene.animepose_review.active_person().person, _time_s(scene), new)

        return self._edit(context, make)


class ANIMEPOSE_OT_mark_wrong(_PersonOperator, bpy.types.Operator):
    """What is said to be the chosen person in the preview range, or in the current frame, is not"""

    bl_idname = "animepose.mark_wrong"
    bl_label = "Mark Wrong"
    bl_options = {"REGISTER", "UNDO"}

    fill: BoolProperty(  # type: ignore
        name="Fill", description="Fill the frames in from both ends; otherwise the person is absent there"
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        first, last = scene.frame_current, scene.frame_current
        if scene.use_preview_range:
            first, last = scene.frame_preview_start, scene.frame_preview_end
        return self._edit(
            context,
            lambda: MarkWrong(
                scene.animepose_review.active_person().person, _time_s(scene, first), _time_s(scene, last), self.fill
            ),
        )


class ANIMEPOSE_OT_drop_edit(_ReviewOperator, bpy.types.Operator):
    """Take the last edit back, also one of an earlier day"""

    bl_idname = "animepose.drop_edit"
    bl_label = "Drop Last Edit"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if context.scene.animepose_review.edits in ("", "[]"):
            cls.poll_message_set("There is no edit")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        session.keep(context.scene, session.edits_in(context.scene)[:-1])
        refresh(context.scene)
        return {"FINISHED"}


class ANIMEPOSE_OT_jump_to_doubt(_ReviewOperator, bpy.types.Operator):
    """Go to the next frame that is worth a look: low confidence, jumps, sudden turns, two people at one place; with
    bones selected in Pose Mode, to the next one in which the take is unsure of these"""

    bl_idname = "animepose.jump_to_doubt"
    bl_label = "Next Doubtful Frame"
    bl_options = {"REGISTER", "UNDO"}

    backwards: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.mode == "POSE" or super().poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        if parts := filtering_bones(context):
            return self._go_to_bone(scene, parts)
        try:
            now = session.reviewed(scene)
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        doubt = next_doubt(now.doubts, session.index_at(scene, now.take), backwards=self.backwards)
        if doubt is None:
            return self._found_nothing()
        scene.frame_set(round(float(frames_in(scene, now.take)[doubt.start])))
        settings = scene.animepose_review
        ids = [one.person for one in settings.people]
        if doubt.person in ids:
            settings.active = ids.index(doubt.person)
        name = next((one.name for one in settings.people if one.person == doubt.person), str(doubt.person))
        self.report({"INFO"}, f"{name}: {doubt.kind.value}")
        return {"FINISHED"}

    def _go_to_bone(self, scene: bpy.types.Scene, parts: list[Chosen]) -> set[str]:
        doubt = next_of_bones(scene, parts, backwards=self.backwards)
        if doubt is None:
            return self._found_nothing()
        scene.frame_set(doubt.frame)
        self.report({"INFO"}, f"{doubt.rig}, {doubt.bone}: {Kind.LOW_CONFIDENCE.value}")
        return {"FINISHED"}

    def _found_nothing(self) -> set[str]:
        self.report({"INFO"}, f"There is nothing doubtful further {'back' if self.backwards else 'on'}")
        return {"CANCELLED"}


class ANIMEPOSE_OT_save_edits(_ReviewOperator, bpy.types.Operator):
    """Write the edits into the take's file; the estimate in it stays as it is"""

    bl_idname = "animepose.save_edits"
    bl_label = "Save Edits"

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.animepose_review
        try:
            save_edits(bpy.path.abspath(settings.take), session.edits_in(context.scene))
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, "The edits are saved with the take")
        return {"FINISHED"}


class ANIMEPOSE_OT_import_reviewed(_ReviewOperator, bpy.types.Operator):
    """Import the people as the edits leave them; those who were imported before are kept in a hidden collection"""

    bl_idname = "animepose.import_reviewed"
    bl_label = "Import Edited People"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        try:
            now = session.reviewed(scene)
            path = bpy.path.abspath(scene.animepose_review.take)
            before = everybody_in_scene(scene, path)
            options = ImportOptions(**{**scene.animepose.import_options(), "make_camera": False, "make_floor": False})
            imported = import_take(context, now.take, path, options)
            set_aside(before)
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Imported {len(imported.armatures)} people")
        return {"FINISHED"}


def _time_s(scene: bpy.types.Scene, frame: int | None = None) -> float:
    """The moment of the take that a frame of the scene shows; None = the current one."""
    take = session.reviewed(scene).estimate
    return float(take.frame_time_s[session.index_at(scene, take, frame)])


CLASSES = (
    ANIMEPOSE_OT_review_take,
    ANIMEPOSE_OT_ignore_person,
    ANIMEPOSE_OT_merge_people,
    ANIMEPOSE_OT_swap_people,
    ANIMEPOSE_OT_split_person,
    ANIMEPOSE_OT_mark_wrong,
    ANIMEPOSE_OT_drop_edit,
    ANIMEPOSE_OT_jump_to_doubt,
    ANIMEPOSE_OT_save_edits,
    ANIMEPOSE_OT_import_reviewed,
)
