"""Operators: retarget onto one rig, load a BVH file as the source, take offsets back."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from ...errors import AnimePoseError
from . import live, maps
from .orders import Order, carry_out, prepare, remember
from .properties import ANIMEPOSE_PG_recipe, ANIMEPOSE_PG_retarget, filling, retarget_settings

LISTED_WARNINGS = 3


class ANIMEPOSE_OT_retarget(bpy.types.Operator):
    """Put the motion of the source onto the rig, as a new action"""

    bl_idname = "animepose.retarget"
    bl_label = "Retarget"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        settings = context.scene.animepose_retarget
        if context.scene.library is not None:
            cls.poll_message_set("The scene is linked from another file; make it local first")
        elif settings.source is None:
            cls.poll_message_set("Choose the armature that the motion comes from")
        elif settings.target is None:
            cls.poll_message_set("Choose the rig that gets the motion")
        elif not settings.source.users_scene or not settings.target.users_scene:
            cls.poll_message_set("Source or rig was removed from the scene")
        elif settings.source == settings.target:
            cls.poll_message_set("Source and rig are the same armature")
        elif settings.target.mode == "EDIT" or settings.source.mode == "EDIT":
            cls.poll_message_set("Leave Edit Mode first")
        else:
            return True
        return False

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            settings = retarget_settings(context)
            maps.forget_removed(settings)
            order = self._order(context, settings)
            prepared = prepare(context, settings, order)
            done = carry_out(settings, order, prepared)
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        remember(settings, order, prepared, done)
        with filling():
            settings.target = done.rig
        self.report({"INFO"}, f"{done.rig.name} has the motion of {settings.source.name}")
        for warning in done.warnings[:LISTED_WARNINGS]:
            self.report({"WARNING"}, warning)
        return {"FINISHED"}

    def _order(self, context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget) -> Order:
        source, rig = settings.source, settings.target
        if source is None or rig is None or source == rig:
            raise AnimePoseError("Source and rig must be two armatures.", "Choose both.")
        rig_map = maps.usable_map(context, settings, rig, settings.use_doubtful)
        name = f"{source.name} on {rig.name}"
        source_map = maps.usable_map(context, settings, source, settings.use_doubtful)
        return Order(rig, rig_map, name, source=source, source_map=source_map)


class ANIMEPOSE_OT_load_bvh(bpy.types.Operator, ImportHelper):
    """Import a BVH file as an armature and choose it as the source"""

    bl_idname = "animepose.load_bvh"
    bl_label = "Load BVH"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".bvh"
    filter_glob: StringProperty(default="*.bvh", options={"HIDDEN"})  # type: ignore

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene.library is not None:
            cls.poll_message_set("The scene is linked from another file; make it local first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        from . import run

        try:
            settings = retarget_settings(context)
            settings.source = run.source_from_bvh(context, bpy.path.abspath(self.filepath))
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class _OfResult:
    """About what was put onto the chosen rig."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        settings = context.scene.animepose_retarget
        recipe = settings.recipe_of(settings.target)
        if context.scene.library is not None or recipe is None:
            cls.poll_message_set("Nothing was put onto the chosen rig yet")
            return False
        message = cls.why_not(recipe)
        if message:
            cls.poll_message_set(message)
        return not message

    @classmethod
    def why_not(cls, recipe: ANIMEPOSE_PG_recipe) -> str:
        """Why it cannot be done; empty if it can."""
        raise NotImplementedError


class ANIMEPOSE_OT_reset_offsets(_OfResult, bpy.types.Operator):
    """Take all offsets of the rig back"""

    bl_idname = "animepose.reset_offsets"
    bl_label = "Reset Offsets"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, recipe: ANIMEPOSE_PG_recipe) -> str:
        """See the base class."""
        return "There is no offset to take back" if all(offset.is_zero for offset in recipe.offsets) else ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.animepose_retarget
        recipe = settings.recipe_of(settings.target)
        with filling():
            for offset in recipe.offsets:
                offset.turn_deg, offset.move_cm = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
        live.update(context, recipe)
        if recipe.problem:
            self.report({"WARNING"}, recipe.problem)
        elif recipe.dense:
            _reduce(self, context, recipe)
        return {"FINISHED"}


class ANIMEPOSE_OT_reduce_result(_OfResult, bpy.types.Operator):
    """Leave out the keys again that the motion does not need; offsets give every frame its key while they change"""

    bl_idname = "animepose.reduce_result"
    bl_label = "Reduce Keys Again"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, recipe: ANIMEPOSE_PG_recipe) -> str:
        """See the base class."""
        return "" if recipe.dense else "No offset has been changed since the keys were reduced"

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.animepose_retarget
        return {"FINISHED"} if _reduce(self, context, settings.recipe_of(settings.target)) else {"CANCELLED"}


def _reduce(operator: bpy.types.Operator, context: bpy.types.Context, recipe: bpy.types.PropertyGroup) -> bool:
    try:
        live.reduce(context, recipe)
    except AnimePoseError as error:
        operator.report({"ERROR"}, str(error))
        return False
    return True


CLASSES = (ANIMEPOSE_OT_retarget, ANIMEPOSE_OT_load_bvh, ANIMEPOSE_OT_reset_offsets, ANIMEPOSE_OT_reduce_result)
