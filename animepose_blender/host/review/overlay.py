"""Skeletons, boxes and ids over the plate, in the viewport, so that a swap can be seen.

Drawing reads the arrays of one frame of a take that is in memory already. The drawing handler is there only while the
tracks are shown.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import blf
import bpy
import gpu
import numpy as np
from bpy.app.handlers import persistent
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader

from ...core.frame_numbers import frame_numbers, nearest_frames
from ...core.review.picture import Drawn, drawn_at
from ...errors import AnimePoseError
from ...take import Take
from ..import_plan import FIRST_FRAME
from ..mannequin import person_colour

LINE_PX = 1.6
TEXT_PX = 13.0
BRIGHTER = 1.35
"""Mannequins' colours are those of wood and cloth; over a picture they have to be seen."""


@dataclass(eq=False)
class _Shown:
    """What is shown at the moment."""

    take: Take
    frames: np.ndarray
    """(F,) frame numbers of the scene."""
    scene: str
    names: list[str]
    colours: np.ndarray
    """(P, 4)"""


_shown: _Shown | None = None
_handle: Any = None


def shown_take() -> Take | None:
    """The take whose tracks are shown."""
    return _shown.take if _shown is not None else None


def show(scene: bpy.types.Scene, path: str) -> None:
    """Show the tracks of a take in the scene's viewports, through the camera.

    Raises:
        AnimePoseError: if the take cannot be read.
    """
    global _shown, _handle
    take = Take.load(os.path.abspath(bpy.path.abspath(path)))
    rate = Fraction(scene.render.fps / scene.render.fps_base).limit_denominator(100_000)
    colours = np.array([person_colour(number) for number in range(take.person_count)]).reshape(-1, 4)
    colours[:, :3] = np.minimum(colours[:, :3] * BRIGHTER, 1.0)
    names = [str(one) for one in take.person_id]
    _shown = _Shown(take, frame_numbers(take.frame_time_s, rate, FIRST_FRAME), scene.name, names, colours)
    if _handle is None:
        _handle = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")
    _redraw()


def hide() -> None:
    """Show no tracks any more."""
    global _shown, _handle
    _shown = None
    if _handle is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_handle, "WINDOW")
        _handle = None
    _redraw()


def _redraw() -> None:
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def _draw() -> None:
    context = bpy.context
    if _shown is None or context.scene.name != _shown.scene or context.region_data.view_perspective != "CAMERA":
        return
    frame = context.scene.frame_current_final
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
    if not len(drawn.lines_px):
        return
    points = drawn.lines_px.reshape(-1, 2) @ to_region[:, :2].T + to_region[:, 2]
    points = np.concatenate([points, np.zeros((len(points), 1))], axis=1).astype(np.float32)
    tints = np.repeat(colours[drawn.line_person], 2, axis=0).astype(np.float32)
    shader = gpu.shader.from_builtin("POLYLINE_SMOOTH_COLOR")
    batch = batch_for_shader(shader, "LINES", {"pos": points, "color": tints})
    scale = bpy.context.preferences.system.ui_scale
    gpu.state.blend_set("ALPHA")
    shader.bind()
    shader.uniform_float("viewportSize", gpu.state.viewport_get()[2:])
    shader.uniform_float("lineWidth", LINE_PX * scale)
    batch.draw(shader)
    gpu.state.blend_set("NONE")


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


def register() -> None:
    """A file that is loaded shows no tracks of another."""
    bpy.app.handlers.load_pre.append(_forget)


def unregister() -> None:
    """Undo `register`, and show nothing."""
    hide()
    with contextlib.suppress(ValueError):
        bpy.app.handlers.load_pre.remove(_forget)


class ANIMEPOSE_OT_show_tracks(bpy.types.Operator):
    """Show or hide skeletons, boxes and ids of the take over the plate, when looking through its camera"""

    bl_idname = "animepose.show_tracks"
    bl_label = "Show Tracks"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..retarget.take_in_scene import chosen_take

        if _shown is not None:
            hide()
            return {"FINISHED"}
        try:
            show(context.scene, chosen_take(context))
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (ANIMEPOSE_OT_show_tracks,)
