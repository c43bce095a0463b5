"""The preview in the viewport: ghosts of lines, and the paths of a few bones, before and after; read from memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import gpu
import numpy as np

from ...core.keyframes.path_lines import path_lines
from ..gpu_drawing import draw_batch, draw_lines, lines_batch, redraw_areas

if TYPE_CHECKING:
    from .preview import Compared, Preview
    from .preview_motion import Ends

BEFORE = (0.72, 0.72, 0.72, 0.85)
AFTER = (0.16, 0.86, 0.62, 0.95)
GHOST_PX = 3.0
PATH_PX = 2.2

_handle: Any = None
_whole: dict[tuple[int, tuple[float, ...]], tuple[Compared, Any]] = {}
"""Paths of whole actions, ready to be drawn."""


def begin(current: Callable[[], Preview | None]) -> None:
    """Draw from now on.

    Args:
        current: gives what is to be drawn.
    """
    global _handle
    if _handle is None:
        _handle = bpy.types.SpaceView3D.draw_handler_add(_draw, (current,), "WINDOW", "POST_VIEW")
    redraw()


def end() -> None:
    """Draw no more."""
    global _handle
    if _handle is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_handle, "WINDOW")
        _handle = None
        redraw()


def is_drawing() -> bool:
    """Whether there is a drawing handler."""
    return _handle is not None


def redraw() -> None:
    """Have viewports and their sidebars drawn, with what the preview is now."""
    _whole.clear()
    redraw_areas("VIEW_3D")


def own_frame(rig: bpy.types.Object, frame: float) -> float:
    """A frame of the scene in the time of an armature's action."""
    animation = rig.animation_data
    if animation is not None and animation.use_tweak_mode:
        return animation.nla_tweak_strip_time_to_scene(frame, invert=True)
    return frame


def _draw(current: Callable[[], Preview | None]) -> None:
    context, preview = bpy.context, current()
    if preview is None or context.scene.name != preview.scene or not context.space_data.overlay.show_overlays:
        return
    choices = context.window_manager.animepose_cleanup_preview
    gpu.state.depth_test_set("NONE")
    for compared in preview.rigs:
        rig = context.scene.objects.get(compared.rig)
        if rig is None:
            continue
        frame = own_frame(rig, context.scene.frame_current_final)
        for side in sides_of(compared, choices.show):
            if choices.around:
                draw_lines(*path_of(compared, side, frame, choices.around * preview.rate), PATH_PX)
            else:
                _draw_whole_path(compared, side)
            if side.with_ghost:
                draw_lines(*ghost_of(compared, side, frame), GHOST_PX)


@dataclass(frozen=True, eq=False)
class Side:
    """What is before, or what is after."""

    ends: Ends
    colour: tuple[float, float, float, float]
    with_ghost: bool


def sides_of(compared: Compared, show: str) -> list[Side]:
    """What is drawn of an armature, from back to front.

    Args:
        show: `BEFORE`, `AFTER` or `BOTH`. Of both, the ghost is the one that the armature itself does not show.
    """
    before = Side(compared.before, BEFORE, show == "BEFORE" or compared.done)
    after = Side(compared.after, AFTER, show == "AFTER" or not compared.done)
    return {"BEFORE": [before], "AFTER": [after]}.get(show, [before, after])


def path_of(compared: Compared, side: Side, frame: float, around: float) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2, 3) lines and (N, 4) colours of the paths.

    Args:
        frame: in the action's time.
        around: how many frames either way.
    """
    lines, strength = path_lines(side.ends.points[:, compared.paths, 1], side.ends.frames, frame, around)
    return lines, np.array(side.colour) * np.stack([np.ones_like(strength)] * 3 + [strength], axis=1)


def ghost_of(compared: Compared, side: Side, frame: float) -> tuple[np.ndarray, np.ndarray]:
    """(M, 2, 3) lines from head to tail of the bones that can be seen, and (M, 4) colours."""
    bones = side.ends.at(np.array([frame]))[0, compared.shown]
    bones = bones[np.isfinite(bones).all(axis=(1, 2))]
    return bones, np.tile(side.colour, (len(bones), 1))


def _draw_whole_path(compared: Compared, side: Side) -> None:
    """Paths of a whole action are long, and the same in every frame."""
    key = (id(compared), side.colour)
    if key not in _whole:
        # What is kept along with the lines cannot give its number to another.
        _whole[key] = compared, lines_batch(*path_of(compared, side, 0.0, np.inf))
    batch = _whole[key][1]
    if batch is not None:
        draw_batch(batch, PATH_PX)
