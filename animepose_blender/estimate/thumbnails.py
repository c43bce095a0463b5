"""A small picture of each person, so that people can be told apart in a list."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ..skeleton import J
from ..take import THUMBNAIL_PX, Take
from .video import Clip

_SHOWN = ("head_top", "nose", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "chest")
SHOWN_JOINTS = tuple(J[name] for name in _SHOWN)
"""What the picture shows: head and chest."""
FEWEST_JOINTS = 3
"""With fewer seen, the upper part of the box is shown."""
SURE = 0.3
"""Keypoints of a lower confidence do not tell where head and chest are."""
MARGIN = 1.6
"""Side of the picture in the greatest extent of what it shows."""
LEAST_SIDE = 0.3
"""Side of the picture in the longer side of the box at least; keypoints of somebody seen from the side lie close."""
EDGE_PX = 4.0
"""A box this close to the picture's edge may go on beyond it."""


def thumbnails(take: Take, clip: Clip, check_cancelled: Callable[[], None] = lambda: None) -> np.ndarray:
    """Cut each person out of the frame in which they are seen best. One frame is in memory at a time.

    Args:
        take: the finished take of the clip.
        clip: the video that it was made from.
        check_cancelled: called before each frame is read; raises to stop.
    Returns:
        (P, 96, 96, 3) uint8 RGB; black for somebody who is seen in no frame.
    Raises:
        AnimePoseError: if the clip cannot be decoded any more.
    """
    square_px = head_squares(take)
    score = clearness(take, square_px, (clip.width, clip.height))
    pictures = np.zeros((take.person_count, THUMBNAIL_PX, THUMBNAIL_PX, 3), dtype=np.uint8)
    best = score.argmax(axis=1)
    for frame in np.unique(best):
        shown = [person for person in np.flatnonzero(best == frame) if score[person, frame] > 0]
        if not shown:
            continue
        check_cancelled()
        time_s = float(take.frame_time_s[frame])
        _, _, picture = next(clip.frames(time_s, time_s))
        for person in shown:
            pictures[person] = _cut(picture, square_px[person, frame])
    return pictures


def head_squares(take: Take) -> np.ndarray:
    """(P, F, 4) x0, y0, x1, y1 of a square about each head and chest, pixels; NaN where nobody is observed."""
    x0, y0, x1, y1 = np.moveaxis(take.box_px.astype(np.float64), -1, 0)
    shorter, longer = np.minimum(x1 - x0, y1 - y0), np.maximum(x1 - x0, y1 - y0)
    sure = take.keypoint_confidence[..., SHOWN_JOINTS] >= SURE
    points = take.keypoints_px[..., SHOWN_JOINTS, :].astype(np.float64)
    low = np.where(sure[..., None], points, np.inf).min(axis=-2)
    high = np.where(sure[..., None], points, -np.inf).max(axis=-2)
    told = sure.sum(axis=-1) >= FEWEST_JOINTS
    low, high = np.where(told[..., None], low, 0.0), np.where(told[..., None], high, 0.0)
    side = np.where(told, MARGIN * (high - low).max(axis=-1), shorter)
    side = np.maximum(side, LEAST_SIDE * longer)
    upper = np.stack([(x0 + x1) / 2, y0 + side / 2], axis=-1)
    middle = np.where(told[..., None], (low + high) / 2, upper)
    return np.concatenate([middle - side[..., None] / 2, middle + side[..., None] / 2], axis=-1)


def clearness(take: Take, square_px: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(P, F) how well each person shows in each frame: large, whole, apart from others, and surely found.

    Args:
        square_px: (P, F, 4) of `head_squares`.
        size: width and height of the picture, pixels.
    Returns:
        0 where the person is not observed, else above 0, about 1 at best.
    """
    box_px = take.box_px.astype(np.float64)
    area = _area(box_px)
    seen = area > 0
    relative = np.sqrt(area / np.maximum(area.max(axis=1, keepdims=True), 1.0))
    sure = take.keypoint_confidence[..., SHOWN_JOINTS].mean(axis=-1)
    score = relative * (0.1 + sure) * (0.3 + 0.7 * _inside(box_px, size)) * (0.3 + 0.7 * _inside(square_px, size))
    return np.where(seen, score * (0.1 + 0.9 * _apart(box_px)) * (0.1 + 0.9 * _apart(square_px)), 0.0)


def _area(boxes: np.ndarray) -> np.ndarray:
    """(...) area of (..., 4) boxes; 0 of those that are NaN or inside out."""
    return np.nan_to_num(boxes[..., 2:] - boxes[..., :2]).clip(min=0.0).prod(axis=-1)


def _inside(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(...) bool, whether boxes keep off the edges of the picture."""
    return (boxes[..., :2] > EDGE_PX).all(axis=-1) & (boxes[..., 2:] < np.array(size) - EDGE_PX).all(axis=-1)


def _apart(boxes: np.ndarray) -> np.ndarray:
    """(P, F) part of each of (P, F, 4) boxes that no other covers."""
    low = np.maximum(boxes[:, None, :, :2], boxes[None, :, :, :2])
    high = np.minimum(boxes[:, None, :, 2:], boxes[None, :, :, 2:])
    shared = _area(np.concatenate([low, high], axis=-1))
    shared[np.arange(len(boxes)), np.arange(len(boxes))] = 0.0
    return 1.0 - (shared.sum(axis=1) / np.maximum(_area(boxes), 1.0)).clip(max=1.0)


def _cut(picture: np.ndarray, square: np.ndarray) -> np.ndarray:
    """(96, 96, 3) the square, moved into the picture as far as it goes beyond, and no larger than the picture."""
    height, width = picture.shape[:2]
    side = int(np.clip(round(square[2] - square[0]), 2, min(width, height)))
    x0 = int(np.clip(round((square[0] + square[2] - side) / 2), 0, width - side))
    y0 = int(np.clip(round((square[1] + square[3] - side) / 2), 0, height - side))
    way = cv2.INTER_AREA if side > THUMBNAIL_PX else cv2.INTER_CUBIC
    return cv2.resize(picture[y0 : y0 + side, x0 : x0 + side], (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=way)
