"""The preview in the viewport: ghosts of lines, and the paths of a few bones, before and after; read from memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...core.keyframes.path_lines import path_lines
from ..gpu_drawing import draw_lines

if TYPE_CHECKING:
    from .preview import Compared, Preview
    from .preview_motion import Ends

BEFORE = (0.72, 0.72, 0.72, 0.85)
AFTER = (0.16, 0.86, 0.62, 0.95)
GHOST_PX = 3.0
PATH_PX = 2.2

_handle: Any = None


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
    """Have viewports and their sidebars drawn."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


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
    for compared in preview.rigs:
        rig = context.scene.objects.get(compared.rig)
        if rig is None:
            continue
        frame = own_frame(rig, context.scene.frame_current_final)
        lines, tints, widths = lines_of(compared, frame, choices.show, choices.around * preview.rate or np.inf)
        for one, tint, width in zip(lines, tints, widths, strict=True):
            draw_lines(one, tint, width)


def lines_of(
    compared: Compared, frame: float, show: str, around: float
) -> tuple[list[np.ndarray], list[np.ndarray], list[float]]:
    """What is drawn of an armature, from back to front: (N, 2, 3) lines, their (N, 4) colours, and their widths.

    Args:
        frame: in its action's time.
        show: `BEFORE`, `AFTER` or `BOTH`. Of both, the ghost is the one that the armature itself does not show.
        around: how many frames of the paths, either way.
    """
    lines, tints, widths = [], [], []
    for ends, colour, name, own in (
        (compared.before, BEFORE, "BEFORE", not compared.done),
        (compared.after, AFTER, "AFTER", compared.done),
    ):
        if show not in (name, "BOTH"):
            continue
        path, strength = path_lines(ends.points[:, compared.paths, 1], ends.frames, frame, around)
        lines.append(path)
        tints.append(np.array(colour) * np.stack([np.ones_like(strength)] * 3 + [strength], axis=1))
        widths.append(PATH_PX)
        if not (own and show == "BOTH"):
            ghost = _ghost(ends, compared, frame)
            lines.append(ghost)
            tints.append(np.tile(colour, (len(ghost), 1)))
            widths.append(GHOST_PX)
    return lines, tints, widths


def _ghost(ends: Ends, compared: Compared, frame: float) -> np.ndarray:
    """(M, 2, 3) from head to tail of the bones that can be seen."""
    bones = ends.at(np.array([frame]))[0, compared.shown]
    return bones[np.isfinite(bones).all(axis=(1, 2))]
