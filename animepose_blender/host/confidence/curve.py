"""The active bone's confidence over the clip, as bars at the foot of the viewport, above the strip of who is there."""

from __future__ import annotations

import blf
import bpy
import numpy as np

from ...core.review.confidence import look_of
from ...core.review.doubts import LOW_CONFIDENCE
from ...take import State
from ..gpu_drawing import draw_boxes
from ..review import overlay as tracks
from ..review.strip import GAP_PX, free_span, height
from .people import Person

HEIGHT_PX, TEXT_PX = 44.0, 11.0
UNSEEN_HEIGHT = 0.12
"""Height of frames in which nobody saw the bone, as part of the whole."""
GROUND_COLOUR = (0.0, 0.0, 0.0, 0.45)
LIMIT_COLOUR = (1.0, 1.0, 1.0, 0.35)
NOW_COLOUR = (1.0, 1.0, 1.0, 0.9)
TEXT_COLOUR = (1.0, 1.0, 1.0, 0.9)


def bars_of(person: Person, bone: str, frames: np.ndarray, width_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Bars over a width, one a pixel at most: of the frames in a pixel, the least sure that was seen.

    Args:
        person: of a take of F frames.
        frames: (F,) their numbers.
    Returns:
        (N, 4) x0, y0, x1, y1 and (N, 4) colours; x in pixels, y from 0 to 1.
    """
    present = person.take.state[person.row] != State.ABSENT
    confidence = person.confidence([bone])[:, 0]
    # What nobody saw is shown only in pixels that hold nothing else.
    least = np.where(present, np.where(confidence > 0, confidence, 2.0), 3.0)
    starts_px = (frames - frames[0]) * (width_px / _length(frames))
    column = np.floor(starts_px).astype(np.int64)
    first = np.flatnonzero(np.append(True, np.diff(column) > 0))
    least = np.minimum.reduceat(least, first)
    left = starts_px[first]
    right = np.append(left[1:], max(width_px, left[-1] + 1))
    there = least < 3
    value = np.where(least[there] > 1, 0.0, least[there])
    colours, _ = look_of(value)
    top = np.where(value > 0, np.maximum(value, UNSEEN_HEIGHT), UNSEEN_HEIGHT)
    return np.stack([left[there], np.zeros_like(top), right[there], top], axis=1), colours


def draw_curve(context: bpy.types.Context, person: Person, bone: str, frames: np.ndarray) -> None:
    """Draw a bone's confidence across the region, with the current frame."""
    scale = context.preferences.system.ui_scale
    left, right = free_span(context)
    if right <= left:
        return
    low = (height(tracks.rows_shown(context.scene)) + GAP_PX) * scale
    tall, width = HEIGHT_PX * scale, right - left
    bars, colours = bars_of(person, bone, frames, width)
    bars = bars * [1.0, tall, 1.0, tall] + [left, low, left, low]
    now = context.scene.frame_current_final
    at = left + float(np.clip((now - frames[0]) / _length(frames), 0.0, 1.0)) * width
    limit = low + LOW_CONFIDENCE * tall
    further = np.array([[left, limit, right, limit + scale], [at - scale, low, at + scale, low + tall]])
    ground = np.array([[left, low, right, low + tall]])
    draw_boxes(
        np.concatenate([ground, bars, further]), np.concatenate([[GROUND_COLOUR], colours, [LIMIT_COLOUR, NOW_COLOUR]])
    )
    frame = int(np.abs(frames - now).argmin())
    value = float(person.confidence([bone], slice(frame, frame + 1))[0, 0])
    blf.size(0, TEXT_PX * scale)
    blf.color(0, *TEXT_COLOUR)
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 3, 0.0, 0.0, 0.0, 0.9)
    blf.position(0, left, low + tall + GAP_PX * scale, 0)
    blf.draw(0, f"{bone}: {value:.0%}" if value > 0 else f"{bone}: not seen")
    blf.disable(0, blf.SHADOW)


def _length(frames: np.ndarray) -> float:
    """How long a take is in frames of the scene, its last one included."""
    last = float(frames[-1] - frames[-2]) if len(frames) > 1 else 1.0
    return float(frames[-1] - frames[0]) + last
