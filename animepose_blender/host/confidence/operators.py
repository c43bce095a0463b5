"""Operators that key the confidence of bones, and take it away again."""

from __future__ import annotations

import bpy

from ...errors import AnimePoseError
from .. import compat
from ..cleanup.scope import rigs_of
from .keys import key_confidence, refuse_unwritable, remove_confidence
from .people import chosen_bones

LISTED = 3


class _OnBones:
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not rigs_of(context):
            cls.poll_message_set("Select an armature, or bones of it in Pose Mode")
            return False
        if context.mode == "EDIT_ARMATURE":
            cls.poll_message_set("Leave Edit Mode first")
            return False
        return True


class ANIMEPOSE_OT_key_confidence(_OnBones, bpy.types.Operator):
    """Key the confidence of the selected bones, or of all if none is selected, as their custom property "confidence",
    so that it can be seen in the Graph Editor, used by drivers and exported"""

    bl_idname = "animepose.key_confidence"
    bl_label = "Key Confidence"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            choice = chosen_bones(context)
            if not choice.parts:
                raise AnimePoseError(
                    " ".join(choice.problems) or "Nothing is known of how sure these bones are.",
                    "Choose bones of a person of a take, or of a rig that got a person's motion.",
                )
            for one in choice.parts:
                refuse_unwritable(one.rig)
            done = [key_confidence(context.scene, one) for one in choice.parts]
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        _tell_left_out(self, [bone for _, bones in done for bone in bones])
        count = sum(keyed for keyed, _ in done)
        if not count:
            return {"CANCELLED"}
        for one in choice.parts:
            if one.rig.override_library is not None:
                self.report(
                    {"WARNING"}, f"{one.rig.name} is a library override, of which Blender saves the keys but not the "
                    "properties: key again after loading"
                )  # fmt: skip
        self.report({"INFO"}, f"Keyed the confidence of {_bones(count)}")
        return {"FINISHED"}


class ANIMEPOSE_OT_remove_confidence(_OnBones, bpy.types.Operator):
    """Take the keyed confidence from the selected bones, or from all if none is selected"""

    bl_idname = "animepose.remove_confidence"
    bl_label = "Remove Confidence"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        rigs = [rig for rig in rigs_of(context) if rig.pose is not None]
        selected = {rig: compat.selected_bones(rig) if rig.mode == "POSE" else [] for rig in rigs}
        some = any(selected.values())
        try:
            done = [remove_confidence(rig, selected[rig] if some else rig.pose.bones.keys()) for rig in rigs]
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        _tell_left_out(self, [bone for _, bones in done for bone in bones])
        count = sum(removed for removed, _ in done)
        if not count:
            self.report({"INFO"}, "None of these bones has keyed confidence")
            return {"CANCELLED"}
        self.report({"INFO"}, f"Removed the confidence of {_bones(count)}")
        return {"FINISHED"}


def _tell_left_out(operator: bpy.types.Operator, bones: list[str]) -> None:
    if bones:
        more = f" and {len(bones) - LISTED} more" if len(bones) > LISTED else ""
        operator.report(
            {"WARNING"}, f"{', '.join(bones[:LISTED])}{more}: left as it is, locked, driven or not made by AnimePose"
        )


def _bones(count: int) -> str:
    return "1 bone" if count == 1 else f"{count} bones"


CLASSES = (ANIMEPOSE_OT_key_confidence, ANIMEPOSE_OT_remove_confidence)
