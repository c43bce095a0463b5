"""Small pieces that panels and preferences draw."""

from __future__ import annotations

import textwrap

import bpy

CHARACTER_PX = 6.6
"""Mean width of a character of the interface font at scale 1."""
MARGIN_PX = 60.0


def draw_wrapped(
    layout: bpy.types.UILayout, text: str, context: bpy.types.Context, icon: str = "NONE", beside_px: float = 0.0
) -> None:
    """Text over as many lines as the region's width asks for; Blender's labels do not wrap by themselves.

    Args:
        beside_px: width that something else takes in the same row.
    """
    scale = context.preferences.system.ui_scale
    width_px = context.region.width if context.region is not None else 400
    characters = max(int((width_px / scale - MARGIN_PX - beside_px) / CHARACTER_PX), 16)
    column = layout.column(align=True)
    column.scale_y = 0.85
    for index, line in enumerate(textwrap.wrap(text, characters)):
        if icon == "NONE":
            column.label(text=line)
        else:
            column.label(text=line, icon=icon if index == 0 else "BLANK1")


def time_left(seconds: float | None) -> str:
    """Time left in words, no finer than anyone can know."""
    if seconds is None:
        return ""
    if seconds < 10:
        return "A few seconds left"
    if seconds < 55:
        return f"About {round(seconds / 10) * 10} s left"
    if seconds < 55 * 60:
        return f"About {max(round(seconds / 60), 1)} min left"
    return f"About {seconds / 3600:.1f} h left"
