"""What the user chose for the preview: kept with the window, not with the file, and outside of undo."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, PointerProperty

from . import preview, preview_drawing

SHOW_ITEMS = (
    ("BEFORE", "Before", "What was before, in grey"),
    ("AFTER", "After", "What is after, in green"),
    ("BOTH", "Both", "The paths of both, and a ghost of what the armature itself does not show"),
)


def _is_on(_: bpy.types.PropertyGroup) -> bool:
    return preview.is_on(bpy.context.scene)


def _turn(_: bpy.types.PropertyGroup, on: bool) -> None:
    preview.turn_off()
    if on:
        preview.turn_on(bpy.context)


def _redraw(_: bpy.types.PropertyGroup, __: bpy.types.Context) -> None:
    preview_drawing.redraw()


class ANIMEPOSE_PG_cleanup_preview(bpy.types.PropertyGroup):
    """How the preview is shown; whether it is on is known to `preview` alone."""

    on: BoolProperty(  # type: ignore
        name="Preview", description="Draw in the viewport what the tool would do with these settings: a ghost, and the "
        "paths of the selected bones or of hands, feet, head and hips. Nothing is changed. Once the button was "
        "pressed the armature is what is after, and the ghost what was before, until you use another tool, change a "
        "setting, or undo", get=_is_on, set=_turn, options={"SKIP_SAVE"},
    )  # fmt: skip
    show: EnumProperty(  # type: ignore
        name="Show", description="Before or after the tool", items=SHOW_ITEMS, default="BOTH", update=_redraw
    )
    around: FloatProperty(  # type: ignore
        name="Paths", description="How long the paths are, before and after the current frame; 0 = the whole action",
        min=0.0, soft_max=10.0, default=1.0, unit="TIME_ABSOLUTE", step=10, precision=1, update=_redraw,
    )  # fmt: skip


CLASSES = (ANIMEPOSE_PG_cleanup_preview,)


def register() -> None:
    """Give windows the settings."""
    bpy.types.WindowManager.animepose_cleanup_preview = PointerProperty(type=ANIMEPOSE_PG_cleanup_preview)


def unregister() -> None:
    """End the preview, and take the settings away."""
    preview.turn_off()
    del bpy.types.WindowManager.animepose_cleanup_preview
