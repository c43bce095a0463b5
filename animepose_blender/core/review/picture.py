"""What a take saw, as lines over its picture: skeletons, boxes and who they are said to be, in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...skeleton import JOINTS, PARENTS, J
from ...take import State, Take

SURE = 0.3
"""A keypoint of a lower confidence is not drawn."""
FAINTEST = 0.1
"""Opacity of what would have no confidence at all."""
DASH_PX = 12.0
"""Length of the dashes, and of the gaps between, around somebody who is predicted; pixels of the picture."""


def _segments() -> np.ndarray:
    """(S, 2) joints that a line joins: limbs by the skeleton, the trunk by its outline, the face by its nose."""
    skipped = {"head_top", "nose", "left_ear", "right_ear", "left_shoulder", "right_shoulder"}
    pairs = [
        (int(parent), joint) for joint, parent in enumerate(PARENTS) if parent >= 0 and JOINTS[joint] not in skipped
    ]
    across = [
        ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"), ("nose", "left_ear"), ("nose", "right_ear"),
        ("left_shoulder", "left_hip"), ("right_shoulder", "right_hip"), ("neck", "nose"),
        ("left_toe", "left_ankle"), ("right_toe", "right_ankle"),
    ]  # fmt: skip
    return np.array(pairs + [(J[a], J[b]) for a, b in across])


SEGMENTS: np.ndarray = _segments()


@dataclass(frozen=True, eq=False)
class Drawn:
    """N lines and M names, pixels of the picture."""

    lines_px: np.ndarray
    """(N, 2, 2)"""
    line_person: np.ndarray
    """(N,) index of the person."""
    line_alpha: np.ndarray
    """(N,) opacity: limbs fade with the confidence of the less sure of their ends."""
    labels_px: np.ndarray
    """(M, 2) upper left corner of each box."""
    label_person: np.ndarray
    """(M,)"""
    predicted: np.ndarray
    """(M,) bool, whether that person is predicted."""


def drawn_at(take: Take, frame: int) -> Drawn:
    """What to draw in one frame.

    Somebody who is observed has a skeleton and a box; somebody who is predicted a dashed box, where the take tells one,
    and the solved joints are not shown: nobody saw them.

    Args:
        frame: index of the frame.
    """
    points_px = take.keypoints_px[:, frame].astype(np.float64)
    sure = (take.keypoint_confidence[:, frame] >= SURE) & np.isfinite(points_px).all(axis=-1)
    sure &= (take.state[:, frame] == State.OBSERVED)[:, None]
    person, segment = np.nonzero(sure[:, SEGMENTS].all(axis=-1))
    limbs_px = points_px[person[:, None], SEGMENTS[segment]]

    boxes = take.box_px[:, frame].astype(np.float64)
    boxed = np.flatnonzero(np.isfinite(boxes).all(axis=-1) & (take.state[:, frame] != State.ABSENT))
    predicted = take.state[boxed, frame] == State.PREDICTED
    sides = [_sides(boxes[one], dashed) for one, dashed in zip(boxed, predicted, strict=True)]
    confidence = take.keypoint_confidence[person[:, None], frame, SEGMENTS[segment]].min(axis=1)
    box_person = np.repeat(boxed, [len(side) for side in sides])
    box_px = np.concatenate(sides) if sides else np.empty((0, 2, 2))
    return Drawn(
        np.concatenate([limbs_px, box_px]),
        np.concatenate([person, box_person]).astype(np.int64),
        np.concatenate([FAINTEST + (1 - FAINTEST) * confidence, np.ones(len(box_person))]),
        boxes[boxed, :2],
        boxed,
        predicted,
    )


def _sides(box: np.ndarray, dashed: bool) -> np.ndarray:
    """(N, 2, 2) the four sides of a box x0, y0, x1, y1."""
    x0, y0, x1, y1 = box
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    ends = np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)
    return np.concatenate([_dashes(*side) for side in ends]) if dashed else ends


def _dashes(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    count = max(int(np.linalg.norm(end - start) / (2 * DASH_PX)), 1)
    begin = (np.arange(count) / count)[:, None]
    ends = np.stack([begin, begin + 0.5 / count], axis=1)
    return start + ends * (end - start)
