"""The bone map as a list that can be edited: detect, mirror, save, load, clear."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ...core.retarget.rig_map import RigMap
from ...errors import AnimePoseError
from ..whole_files import write_whole
from . import maps
from .orders import is_imported_person
from .properties import ANIMEPOSE_PG_retarget, retarget_settings

FILE_SUFFIX = ".json"
SHOWN_SCORES_BELOW = 0.95
"""Bones of a higher score are certain enough to leave the number away."""


def shown_rig(settings: ANIMEPOSE_PG_retarget) -> "bpy.types.Object | None":
    """The rig whose map is listed."""
    return settings.source if settings.shown_map == "SOURCE" and has_foreign_source(settings) else settings.target


def has_foreign_source(settings: ANIMEPOSE_PG_retarget) -> bool:
    """Whether the source is an armature that AnimePose did not make, whose map may have to be looked at."""
    return settings.source is not None and not is_imported_person(settings.source)


class ANIMEPOSE_UL_bone_map(bpy.types.UIList):
    """The places of a person, and the bone that fills each"""

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
        rig = data.rig
        doubtful = maps.is_doubtful(item)
        split = layout.split(factor=0.4, align=True)
        split.label(text=maps.title_of(item.name), icon="ERROR" if doubtful else "CHECKMARK" if item.bone else "BLANK1")
        unsure = bool(item.bone) and item.score < SHOWN_SCORES_BELOW
        if unsure:
            split = split.split(factor=0.75, align=True)
        row = split.row(align=True)
        row.alert = bool(item.bone) and item.bone not in rig.data.bones
        row.prop_search(item, "bone", rig.data, "bones", text="", icon="BONE_DATA")
        if unsure:
            split.label(text=f"{item.score:.0%}")

    def filter_items(
        self, context: bpy.types.Context, data: bpy.types.AnyType, property: str
    ) -> tuple[list[int], list[int]]:
        slots = getattr(data, property)
        only_doubtful = context.scene.animepose_retarget.only_doubtful
        word = self.filter_name.lower()
        shown = [
            self.bitflag_filter_item
            if (not only_doubtful or maps.is_doubtful(slot))
            and (not word or word in maps.title_of(slot.name).lower() or word in slot.bone.lower())
            else 0
            for slot in slots
        ]
        return shown, []


class _MapOperator:
    """An operator on the map that is listed."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene.library is not None:
            cls.poll_message_set("The scene is linked from another file; make it local first")
        elif shown_rig(context.scene.animepose_retarget) is None:
            cls.poll_message_set("Choose a rig")
        else:
            return True
        return False

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            settings = retarget_settings(context)
            maps.forget_removed(settings)
            rig = shown_rig(settings)
            if rig is None:
                raise AnimePoseError("No rig is chosen.", "Choose one.")
            self._change(context, settings, rig)
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class ANIMEPOSE_OT_detect_bones(_MapOperator, bpy.types.Operator):
    """Find out which bone of the rig is which, from its family or from names and shape"""

    bl_idname = "animepose.detect_bones"
    bl_label = "Detect Bones"
    bl_options = {"REGISTER", "UNDO"}

    def _change(self, context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget, rig: bpy.types.Object) -> None:
        entry = maps.detect(context, settings, rig)
        doubtful = [slot for slot in entry.slots if maps.is_doubtful(slot)]
        filled = sum(bool(slot.bone) for slot in entry.slots)
        said = f"{filled} bones of {rig.name} found" + (f", {len(doubtful)} places to look at" if doubtful else "")
        self.report({"WARNING"} if maps.doubtful_main(entry) else {"INFO"}, said)


class _FilledMapOperator(_MapOperator):
    """An operator that needs a map."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        settings = context.scene.animepose_retarget
        entry = settings.map_of(shown_rig(settings))
        if entry is None or not any(slot.bone for slot in entry.slots):
            cls.poll_message_set("The rig's map is empty")
            return False
        return True


class ANIMEPOSE_OT_mirror_map(_FilledMapOperator, bpy.types.Operator):
    """Make the right side of the map like the left one"""

    bl_idname = "animepose.mirror_map"
    bl_label = "Mirror Left to Right"
    bl_options = {"REGISTER", "UNDO"}

    def _change(self, context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget, rig: bpy.types.Object) -> None:
        from .read_rig import read_rig

        entry = maps.entry_of(settings, rig)
        maps.fill_map(entry, maps.read_map(entry).mirrored(maps.other_sides(read_rig(context, rig))))


class ANIMEPOSE_OT_clear_map(_FilledMapOperator, bpy.types.Operator):
    """Empty every place of the map"""

    bl_idname = "animepose.clear_map"
    bl_label = "Clear"
    bl_options = {"REGISTER", "UNDO"}

    def _change(self, context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget, rig: bpy.types.Object) -> None:
        maps.fill_map(maps.entry_of(settings, rig), RigMap({}))


class ANIMEPOSE_OT_save_map(_FilledMapOperator, bpy.types.Operator, ExportHelper):
    """Save the map to a file, for other scenes with the same rig"""

    bl_idname = "animepose.save_map"
    bl_label = "Save Map"
    bl_options = {"REGISTER"}

    filename_ext = FILE_SUFFIX
    filter_glob: StringProperty(default=f"*{FILE_SUFFIX}", options={"HIDDEN"})  # type: ignore

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        rig = shown_rig(context.scene.animepose_retarget)
        if not self.filepath and rig is not None:
            self.filepath = bpy.path.clean_name(rig.name) + FILE_SUFFIX
        return super().invoke(context, event)

    def _change(self, context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget, rig: bpy.types.Object) -> None:
        text = maps.read_map(maps.entry_of(settings, rig)).to_json()
        path = Path(bpy.path.abspath(self.filepath))
        write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
        self.report({"INFO"}, f"Saved {path.name}")


class ANIMEPOSE_OT_load_map(_MapOperator, bpy.types.Operator, ImportHelper):
    """Load a map that was saved before; bones that the rig does not have are left out"""

    bl_idname = "animepose.load_map"
    bl_label = "Load Map"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = FILE_SUFFIX
    filter_glob: StringProperty(default=f"*{FILE_SUFFIX}", options={"HIDDEN"})  # type: ignore

    def _change(self, context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget, rig: bpy.types.Object) -> None:
        loaded = RigMap.load(bpy.path.abspath(self.filepath))
        known = {slot: bone for slot, bone in loaded.bones.items() if bone in rig.data.bones}
        if not known:
            raise AnimePoseError(f"{rig.name} has none of the bones of this map.", "Choose the map of such a rig.")
        scores = {slot: loaded.score(slot) for slot in known}
        maps.fill_map(maps.entry_of(settings, rig), RigMap(known, scores, loaded.family))
        lost = len(loaded.bones) - len(known)
        if lost:
            self.report({"WARNING"}, f"{rig.name} has not {lost} of the map's {len(loaded.bones)} bones")


CLASSES = (
    ANIMEPOSE_UL_bone_map,
    ANIMEPOSE_OT_detect_bones,
    ANIMEPOSE_OT_mirror_map,
    ANIMEPOSE_OT_clear_map,
    ANIMEPOSE_OT_save_map,
    ANIMEPOSE_OT_load_map,
)
