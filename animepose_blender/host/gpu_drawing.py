"""Boxes and lines on the screen, many in one call, for drawing handlers; and areas to be drawn again."""

from __future__ import annotations

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader


def draw_boxes(boxes: np.ndarray, tints: np.ndarray) -> None:
    """Filled boxes: (N, 4) x0, y0, x1, y1 in the region, (N, 4) colours."""
    if not len(boxes):
        return
    x0, y0, x1, y1 = boxes.T
    corners = np.stack([np.stack(pair, axis=1) for pair in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))], axis=1)
    points = np.concatenate([corners.reshape(-1, 2), np.zeros((4 * len(boxes), 1))], axis=1).astype(np.float32)
    faces = (4 * np.arange(len(boxes))[:, None, None] + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    colours = np.repeat(tints, 4, axis=0).astype(np.float32)
    batch = batch_for_shader(shader, "TRIS", {"pos": points, "color": colours}, indices=faces.astype(np.int32))
    gpu.state.blend_set("ALPHA")
    batch.draw(shader)
    gpu.state.blend_set("NONE")


def draw_lines(lines: np.ndarray, tints: np.ndarray, width_px: float) -> None:
    """Straight lines, in whatever space the handler draws.

    Args:
        lines: (N, 2, 2) in the region, or (N, 2, 3) in the world.
        tints: (N, 4) colours.
        width_px: at interface scale 1.
    """
    batch = lines_batch(lines, tints)
    if batch is not None:
        draw_batch(batch, width_px)


def lines_batch(lines: np.ndarray, tints: np.ndarray) -> gpu.types.GPUBatch | None:
    """Lines to be drawn more than once, by `draw_batch`; arguments as of `draw_lines`. None if there are none."""
    if not len(lines):
        return None
    points = lines.reshape(-1, lines.shape[-1])
    if points.shape[1] == 2:
        points = np.concatenate([points, np.zeros((len(points), 1))], axis=1)
    shader = gpu.shader.from_builtin("POLYLINE_SMOOTH_COLOR")
    return batch_for_shader(
        shader, "LINES", {"pos": points.astype(np.float32), "color": np.repeat(tints, 2, axis=0).astype(np.float32)}
    )


def draw_batch(batch: gpu.types.GPUBatch, width_px: float) -> None:
    """Draw what `lines_batch` made; width as of `draw_lines`."""
    shader = gpu.shader.from_builtin("POLYLINE_SMOOTH_COLOR")
    gpu.state.blend_set("ALPHA")
    shader.bind()
    shader.uniform_float("viewportSize", gpu.state.viewport_get()[2:])
    shader.uniform_float("lineWidth", width_px * bpy.context.preferences.system.ui_scale)
    batch.draw(shader)
    gpu.state.blend_set("NONE")


def redraw_areas(*kinds: str) -> None:
    """Have every area of some kinds (`Area.type`) drawn again soon."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            if area.type in kinds:
                area.tag_redraw()
