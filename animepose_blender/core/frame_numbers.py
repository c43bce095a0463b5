"""From frame times to frame numbers of a scene, such that motion keeps its speed whatever the scene's rate is."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

KEY_SNAP_FRAMES = 1e-3
"""A key this close to a whole frame is put on it."""
GRID_SLACK_FRAMES = 0.1
"""A clip counts as of constant rate if no frame is farther off its place: containers round times to 1 ms, which is
0.06 frames at 120 fps; dropped frames and true variable rates are far above."""


def frame_numbers(frame_time_s: np.ndarray, scene_rate: Fraction, first_frame: int = 1) -> np.ndarray:
    """Frame number of each moment; the first is `first_frame`.

    Whole numbers if the moments lie on the scene's frames up to the rounding of times in a container, else sub-frames.

    Args:
        frame_time_s: (F,) increasing.
        scene_rate: frames a second of the scene.
        first_frame: the scene's frame of the first moment.
    Returns:
        (F,) float64, increasing.
    """
    offset = (frame_time_s - frame_time_s[0]) * float(scene_rate)
    whole = np.round(offset)
    distance = np.abs(offset - whole)
    on_grid = distance.max() <= GRID_SLACK_FRAMES and (np.diff(whole) > 0).all()
    return first_frame + np.where(on_grid | (distance <= KEY_SNAP_FRAMES), whole, offset)


def is_constant_rate(frame_time_s: np.ndarray, rate: Fraction) -> bool:
    """Whether frame follows frame at `rate`, none missing."""
    offset = (frame_time_s - frame_time_s[0]) * float(rate)
    return bool(np.abs(offset - np.arange(len(offset))).max() <= GRID_SLACK_FRAMES)


def blender_rate(rate: Fraction) -> tuple[int, float]:
    """`fps` and `fps_base` of a rate: 30000/1001 is 30 and 1.001."""
    fps = max(1, round(rate))
    return fps, float(fps / rate)


def clip_rate(source_rate: object, frame_time_s: np.ndarray) -> Fraction:
    """The clip's frame rate: `source["frame_rate"]` = [numerator, denominator], else from the middle frame distance.

    Raises:
        ValueError: if there is neither a usable fraction nor a second frame.
    """
    if isinstance(source_rate, (list, tuple)) and len(source_rate) == 2 and all(v > 0 for v in source_rate):
        return Fraction(int(source_rate[0]), int(source_rate[1]))
    if len(frame_time_s) < 2:
        raise ValueError(f"no frame rate: source says {source_rate!r} and there is one frame")
    return Fraction(1.0 / float(np.median(np.diff(frame_time_s)))).limit_denominator(1001)


def nearest_frames(frame_time_s: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """(N,) index of the frame nearest to each of the (N,) moments; of two as near, the earlier.

    Args:
        frame_time_s: (F,) increasing, at least one.
        times_s: (N,) in any order.
    """
    right = np.clip(np.searchsorted(frame_time_s, times_s), 1, max(len(frame_time_s) - 1, 1))
    right = np.minimum(right, len(frame_time_s) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(times_s - frame_time_s[left] <= frame_time_s[right] - times_s, left, right)
