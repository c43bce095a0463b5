"""Skeletons, boxes and ids over the plate, in the viewport, so that a swap can be seen.

Drawing reads the arrays of one frame of a take that is in memory already. The drawing handler is there only while the
tracks are shown.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import blf
import bpy
import numpy as np
from bpy.app.handlers import persistent
from bpy_extras.view3d_utils import location_3d_to_region_2d

from ...core.frame_numbers import nearest_frames
from ...core.review.doubts import suspicious
from ...core.review.edited import load_edited
from ...core.review.picture import Drawn, drawn_at
from ...errors import AnimePoseError
from ...take import Take
from ..gpu_drawing import draw_lines, redraw_areas
from ..import_plan import frames_in
from ..mannequin import person_colour
from ..retarget.take_in_scene import chosen_take
from . import session
from .strip import Strip, draw_strip, strip_of

LINE_PX = 1.6
TEXT_PX = 13.0
BRIGHTER = 1.35
"""Mannequins' colours are those of wood and cloth; over a picture they have to be seen."""


@dataclass(frozen=True, eq=False)
class _Shown:
    """What is shown at the moment."""

    take: Take
    frames: np.ndarray
    """(F,) frame numbers of the scene."""
    scene: str
    names: list[str]
    colours: np.ndarray
    """(P, 4)"""
    strip: Strip


_shown: _Shown | None = None
_handle: Any = None


def is_shown() -> bool:
    """Whether tracks are shown."""
    return _shown is not None


def rows_shown(scene: bpy.types.Scene) -> int:
    """How many people the strip at the foot of the scene's viewports has."""
    return len(_shown.names) if _shown is not None and _shown.scene == scene.name else 0


def show(scene: bpy.types.Scene, take: Take | None = None) -> None:
    """Show tracks in the scene's viewports: skeletons and boxes through the camera, and who is there when.

    Args:
        take: None = the one that is being reviewed, with its edits.
    Raises:
        AnimePoseError: if that take cannot be read.
    """
    global _shown, _handle
    if take is None:
        now = session.reviewed(scene)
        take, doubts, known = now.take, now.doubts, {one.person: one.name for one in now.people}
    else:
        doubts, known = suspicious(take), {}
    names = [known.get(one, str(one)) for one in take.person_id.tolist()]
    colours = np.array([colour_of(int(one)) for one in take.person_id]).reshape(-1, 4)
    frames = frames_in(scene, take)
    _shown = _Shown(take, frames, scene.name, names, colours, strip_of(take, doubts, frames))
    if _handle is None:
        _handle = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")
    redraw_areas("VIEW_3D")


def colour_of(person: int) -> tuple[float, float, float, float]:
    """A person's colour over a picture, by id: as their mannequin's, but brighter."""
    red, green, blue, alpha = person_colour(person - 1)
    return min(red * BRIGHTER, 1.0), min(green * BRIGHTER, 1.0), min(blue * BRIGHTER, 1.0), alpha


def update(scene: bpy.types.Scene) -> None:
    """Show what the review has become, if it is shown."""
    if _shown is not None and _shown.scene == scene.name:
        show(scene)


def hide() -> None:
    """Show no tracks any more."""
    global _shown, _handle
    _shown = None
    if _handle is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_handle, "WINDOW")
        _handle = None
    redraw_areas("VIEW_3D")


def _draw() -> None:
    context = bpy.context
    if _shown is None or context.scene.name != _shown.scene:
        return
    frame = context.scene.frame_current_final
    draw_strip(context, _shown.strip, _shown.names, _shown.colours, frame)
    if context.region_data.view_perspective != "CAMERA":
        return
    if not _shown.frames[0] - 0.5 <= frame <= _shown.frames[-1] + 0.5:
        return
    to_region = region_of_picture(context)
    if to_region is None:
        return
    drawn = drawn_at(_shown.take, int(nearest_frames(_shown.frames, np.array([frame]))[0]))
    _draw_lines(drawn, to_region, _shown.colours)
    _draw_names(drawn, to_region, _shown)


def region_of_picture(context: bpy.types.Context) -> np.ndarray | None:
    """(2, 3) from pixels of the picture (x, y, 1) to those of the region; None if the camera's frame is not in view."""
    scene, camera = context.scene, context.scene.camera
    if camera is None or camera.type != "CAMERA":
        return None
    top_right, _, bottom_left, top_left = camera.data.view_frame(scene=scene)
    corners = [
        location_3d_to_region_2d(context.region, context.region_data, camera.matrix_world @ corner)
        for corner in (top_left, top_right, bottom_left)
    ]
    if any(corner is None for corner in corners):
        return None
    left_top, right_top, left_bottom = (np.array(corner) for corner in corners)
    width, height = scene.render.resolution_x, scene.render.resolution_y
    return np.stack([(right_top - left_top) / width, (left_bottom - left_top) / height, left_top], axis=1)


def _draw_lines(drawn: Drawn, to_region: np.ndarray, colours: np.ndarray) -> None:
    lines = drawn.lines_px @ to_region[:, :2].T + to_region[:, 2]
    tints = colours[drawn.line_person].copy()
    tints[:, 3] *= drawn.line_alpha
    draw_lines(lines, tints, LINE_PX)


def _draw_names(drawn: Drawn, to_region: np.ndarray, shown: _Shown) -> None:
    scale = bpy.context.preferences.system.ui_scale
    blf.size(0, TEXT_PX * scale)
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 3, 0.0, 0.0, 0.0, 0.9)
    for place_px, person, predicted in zip(drawn.labels_px, drawn.label_person, drawn.predicted, strict=True):
        x, y = to_region[:, :2] @ place_px + to_region[:, 2]
        blf.position(0, x, y + 4 * scale, 0)
        blf.color(0, *shown.colours[person])
        blf.draw(0, f"{shown.names[person]} (predicted)" if predicted else shown.names[person])
    blf.disable(0, blf.SHADOW)


@persistent
def _forget(*_: object) -> None:
    hide()


@persistent
def _after_undo(*_: object) -> None:
    """The edits may be others now."""
    from . import properties

    if _shown is not None and bpy.context.scene.name == _shown.scene and bpy.context.scene.animepose_review.take:
        with contextlib.suppress(AnimePoseError):
            show(bpy.context.scene)
    properties.tell_icons(bpy.context.scene)


@persistent
def _after_load(*_: object) -> None:
    from . import properties

    for scene in bpy.data.scenes:
        properties.tell_icons(scene)


_HANDLERS = {"load_pre": _forget, "load_post": _after_load, "undo_post": _after_undo, "redo_post": _after_undo}


def register() -> None:
    """A file that is loaded shows no tracks of another; undo shows the edits of before."""
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Undo `register`, and show nothing."""
    hide()
    for name, handler in _HANDLERS.items():
        with contextlib.suppress(ValueError):
            getattr(bpy.app.handlers, name).remove(handler)


class ANIMEPOSE_OT_show_tracks(bpy.types.Operator):
    """Show or hide skeletons, boxes and ids of the take over the plate, when looking through its camera"""

    bl_idname = "animepose.show_tracks"
    bl_label = "Show Tracks"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        if _shown is not None:
            hide()
            return {"FINISHED"}
        scene = context.scene
        try:
            show(scene, None if scene.animepose_review.take else load_edited(chosen_take(context)))
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (ANIMEPOSE_OT_show_tracks,)
