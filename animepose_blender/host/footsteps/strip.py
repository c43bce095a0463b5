"""The footsteps of the active armature as two rows at the foot of the Dope Sheet, the Timeline and the Graph Editor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import blf
import bpy
import numpy as np
from bpy.props import BoolProperty

from ...core.footsteps.spans import LEFT, RIGHT, Footstep
from ...core.footsteps.strip_layout import Hit, StripLayout, layout_in
from ..gpu_drawing import draw_boxes, redraw_areas
from .properties import footsteps_of

EDITORS = {
    "DOPESHEET_EDITOR": ("DOPESHEET", "ACTION", "TIMELINE"),
    "GRAPH_EDITOR": ("FCURVES",),
}
"""Kinds of spaces that have a strip, and their modes in which they have one."""
SCRUB_PX, MARKERS_PX, SCROLL_BAR = 23.0, 42.0, 0.6
"""What Blender draws at the top and at the foot of the region, at scale 1; the scroll bar's height in widget units."""
BONE_COLOURS = {LEFT: 3, RIGHT: 0}
"""Which of the theme's bone colours each side has, as the armatures have them."""
GREY, CALM, BRIGHT, BACK_ALPHA, IDLE_ALPHA = 0.7, 0.3, 0.5, 0.9, 0.4
"""Of the labels; the share of it in a bar's colour, of white in the dragged one's; opacity of the background, and of
bars that pin nothing in the action's mode."""
IDLE_MODES = ("never", "grounding")
NAMES, NAME_PX, NAME_WIDTH_PX = {LEFT: "L", RIGHT: "R"}, 10.0, 14.0
MENUS = ("DOPESHEET_MT_view", "TIME_MT_view", "GRAPH_MT_view")
NO_SHIFT = (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Shown:
    """A strip in a region; frames are the action's."""

    rig: bpy.types.Object
    layout: StripLayout
    starts: np.ndarray
    """(N,), as `ends` and `feet`."""
    ends: np.ndarray
    feet: np.ndarray
    idle: bool
    """Nothing is pinned by them."""

    def hit(self, event: bpy.types.Event) -> Hit | None:
        """What of the strip the pointer is over."""
        return self.layout.hit(self.starts, self.ends, self.feet, event.mouse_region_x, event.mouse_region_y)


@dataclass(frozen=True)
class Dragged:
    """Footsteps as they will be when a drag ends here."""

    action: int
    """Session id."""
    steps: list[Footstep]
    now: Footstep | None
    """The one that is dragged."""


dragged: Dragged | None = None
_handles: list[tuple[Any, Any]] = []


def shown_in(context: bpy.types.Context) -> Shown | None:
    """The strip in the context's region, without a drag; None if it has none."""
    space, region, rig = context.space_data, context.region, context.active_object
    if rig is None or rig.type != "ARMATURE" or region is None or region.type != "WINDOW":
        return None
    if space is None or space.type not in EDITORS or space.mode not in EDITORS[space.type]:
        return None
    kept = footsteps_of(rig)
    if kept is None or not context.scene.animepose_show_footsteps:
        return None
    layout = _layout(context, rig)
    if layout is None:
        return None
    starts, ends, feet = np.zeros((3, len(kept.steps)), dtype=np.int32)
    for name, column in (("start", starts), ("end", ends), ("foot", feet)):
        kept.steps.foreach_get(name, column)
    return Shown(rig, layout, starts, ends, feet, kept.mode in IDLE_MODES)


def _layout(context: bpy.types.Context, rig: bpy.types.Object) -> StripLayout | None:
    region, space, system = context.region, context.space_data, context.preferences.system
    scale = system.ui_scale
    own = space.mode == "ACTION" and space.show_pose_markers
    markers = rig.animation_data.action.pose_markers if own else context.scene.timeline_markers
    low_px = math.ceil(SCROLL_BAR * (18 * scale + 2 * system.pixel_size))
    if space.show_markers and len(markers):
        low_px = math.ceil(MARKERS_PX * scale)
    shift, rate = _to_scene(rig.animation_data)
    if not rate > 0:
        return None
    first, last = (region.view2d.region_to_view(x, 0)[0] for x in (0, region.width))
    return layout_in(
        region.height, scale, low_px, SCRUB_PX * scale, (first - shift) / rate, (last - first) / rate / region.width
    )


def _to_scene(animation: bpy.types.AnimData) -> tuple[float, float]:
    """Scene frame of the action's frame 0, and scene frames a frame: not the same while a strip is being tweaked."""
    if not animation.use_tweak_mode:
        return NO_SHIFT
    first, later = (animation.nla_tweak_strip_time_to_scene(frame) for frame in (0.0, 1000.0))
    return first, (later - first) / 1000.0


def redraw() -> None:
    """Draw every editor with a strip anew."""
    redraw_areas(*EDITORS)


def _draw() -> None:
    context = bpy.context
    shown = shown_in(context)
    if shown is None:
        return
    layout, starts, ends, feet, active = shown.layout, shown.starts, shown.ends, shown.feet, None
    if dragged is not None and dragged.action == shown.rig.animation_data.action.session_uid:
        columns = np.array([(one.start, one.end, one.foot) for one in dragged.steps], dtype=np.int64).reshape(-1, 3)
        starts, ends, feet = columns.T
        if dragged.now is not None:
            active = dragged.steps.index(dragged.now)
    theme, width = context.preferences.themes[0], context.region.width
    back = np.array(theme.dopesheet_editor.space.back[:3])
    boxes = layout.boxes(starts, ends, feet)
    seen = (boxes[:, 2] >= 0) & (boxes[:, 0] <= width)
    names = NAME_WIDTH_PX * layout.scale
    rows = layout.foot_of_row(np.array([LEFT, RIGHT]))
    foot = layout.low_px if layout.low_px >= MARKERS_PX * layout.scale else 0.0  # under the scroll bar, not the markers
    behind = np.array([[0, foot, width, layout.high_px], *((0, low, width, low + layout.row_px) for low in rows)])
    labels = np.array([[0, foot, names, layout.high_px]])
    dark, row = (*(0.55 * back), BACK_ALPHA), (*(0.8 * back), BACK_ALPHA)
    draw_boxes(
        np.concatenate([behind, boxes[seen], labels]),
        np.concatenate([[dark, row, row], _tints(theme, feet, active, shown.idle)[seen], [(*(0.55 * back), 1.0)]]),
    )
    blf.size(0, NAME_PX * layout.scale)
    grey = GREY if back.mean() < GREY else 1.0 - GREY
    blf.color(0, grey, grey, grey, 1.0)
    for side, name in NAMES.items():
        blf.position(0, 4 * layout.scale, rows[side] + layout.row_px / 2 - 0.36 * NAME_PX * layout.scale, 0)
        blf.draw(0, name)


def _tints(theme: bpy.types.Theme, feet: np.ndarray, active: int | None, idle: bool) -> np.ndarray:
    """(N, 4) colours of bars: the bones' own, calmed; the active one's is bright."""
    own = np.array([theme.bone_color_sets[BONE_COLOURS[foot]].select[:3] for foot in (LEFT, RIGHT)])
    alpha = np.full((len(feet), 1), IDLE_ALPHA if idle else 1.0)
    tints = np.concatenate([((1 - CALM) * own + CALM * GREY)[feet], alpha], axis=1)
    if active is not None:
        tints[active, :3] = (1 - BRIGHT) * own[feet[active]] + BRIGHT
    return tints


def _redraw_all(self: bpy.types.Scene, context: bpy.types.Context) -> None:
    redraw()


def _draw_in_menu(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    if footsteps_of(context.active_object) is not None:
        menu.layout.prop(context.scene, "animepose_show_footsteps")


def register() -> None:
    """Draw in every editor of frames; where there are no footsteps nothing is drawn."""
    bpy.types.Scene.animepose_show_footsteps = BoolProperty(
        name="Show Footsteps",
        description="Show the footsteps of the active armature below the keys, where the mouse can drag them",
        default=True,
        update=_redraw_all,
    )
    for kind in (bpy.types.SpaceDopeSheetEditor, bpy.types.SpaceGraphEditor):
        _handles.append((kind, kind.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")))
    for menu in MENUS:
        getattr(bpy.types, menu).append(_draw_in_menu)


def unregister() -> None:
    """Draw no more."""
    global dragged
    for menu in MENUS:
        getattr(bpy.types, menu).remove(_draw_in_menu)
    for kind, handle in _handles:
        kind.draw_handler_remove(handle, "WINDOW")
    _handles.clear()
    dragged = None
    del bpy.types.Scene.animepose_show_footsteps
