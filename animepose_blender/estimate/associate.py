"""Who is who from frame to frame in the picture, where a detector and a pose network look at every frame.

Boxes and poses expected by straight motion against those found; strong finds first, then weak ones for whoever is left
(ByteTrack's second pass). It only strings together what is plain: `track`, `cut` and `stitch` decide again in space.

Reference: Zhang et al. (2022), ByteTrack; the pose term is COCO's object keypoint similarity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.boxes import iou
from .assignment import assign

STRONG, NEW, WEAK = 0.5, 0.6, 0.2
"""Scores: from which on a find takes part in the first pass, can begin a person, and can continue one."""
MIN_SIMILARITY, MIN_WEAK_SIMILARITY = 0.25, 0.5
"""Least mean of the overlap of boxes and the similarity of poses, in the first pass and in the second."""
REPEAT = 0.85
"""Similarity from which on a find is somebody who is there already."""
SAME_BOX = 0.6
"""Overlap of boxes from which on a weak find is a repetition."""
GIVE_UP_S = 0.4
"""Time after which someone who is not found again is no longer followed."""
KEYPOINT_SIGMA = 0.1
"""How far a keypoint moves against its expected place, as a share of the square root of the box's area."""
VELOCITY_MEMORY = 0.5


@dataclass(eq=False)
class _Followed:
    """Somebody followed, as last seen."""

    number: int
    box_px: np.ndarray
    keypoints_px: np.ndarray
    confidence: np.ndarray
    velocity_px_s: np.ndarray
    """(2,) of the box's centre."""
    time_s: float


class Associator:
    """Gives the finds of one frame after the other the numbers of people.

    Args:
        max_people: as many are followed at the same time.
    """

    def __init__(self, max_people: int) -> None:
        self._max_people = max_people
        self._active: list[_Followed] = []
        self._next = 0

    def update(
        self, time_s: float, box_px: np.ndarray, score: np.ndarray, keypoints_px: np.ndarray, confidence: np.ndarray
    ) -> np.ndarray:
        """(n,) numbers of the people found in the next frame, -1 for finds that are nobody's; numbers are never used
        again.

        Args:
            time_s: of the frame.
            box_px: (n, 4).
            score: (n,).
            keypoints_px, confidence: (n, K, 2) and (n, K); NaN = not seen.
        """
        self._active = [one for one in self._active if time_s - one.time_s <= GIVE_UP_S]
        numbers = np.full(len(box_px), -1)
        similarity = self._similarity(time_s, box_px, keypoints_px, confidence)
        left = np.arange(len(self._active))
        for least_score, most_score, least in ((STRONG, np.inf, MIN_SIMILARITY), (WEAK, STRONG, MIN_WEAK_SIMILARITY)):
            finds = np.flatnonzero((score >= least_score) & (score < most_score))
            chosen = assign(1 - similarity[np.ix_(left, finds)], 1 - least)
            for row, column in enumerate(chosen):
                if column >= 0:
                    person, find = self._active[left[row]], finds[column]
                    numbers[find] = person.number
                    self._continue(person, time_s, box_px[find], keypoints_px[find], confidence[find])
            left = left[chosen < 0]
        among = _pose_and_box_similarity(box_px, keypoints_px, confidence, box_px, keypoints_px, confidence)
        for find in np.argsort(-score, kind="stable"):
            known = numbers >= 0
            if numbers[find] >= 0 or score[find] < NEW or (among[find, known] > REPEAT).any():
                continue
            # Somebody who is lost for a moment keeps their place.
            if len(self._active) >= self._max_people:
                break
            numbers[find] = self._next
            self._active.append(
                _Followed(
                    self._next, box_px[find], keypoints_px[find], confidence[find], np.zeros(2), time_s
                )
            )  # fmt: skip
            self._next += 1
        return numbers

    def _similarity(
        self, time_s: float, box_px: np.ndarray, keypoints_px: np.ndarray, confidence: np.ndarray
    ) -> np.ndarray:
        """(A, n) of those followed, moved on to this time, with the finds."""
        if not self._active:
            return np.zeros((0, len(box_px)))
        move = np.stack([one.velocity_px_s * (time_s - one.time_s) for one in self._active])
        boxes = np.stack([one.box_px for one in self._active]) + np.tile(move, 2)
        points = np.stack([one.keypoints_px for one in self._active]) + move[:, None]
        sure = np.stack([one.confidence for one in self._active])
        return _pose_and_box_similarity(boxes, points, sure, box_px, keypoints_px, confidence)

    def _continue(
        self, person: _Followed, time_s: float, box_px: np.ndarray, keypoints_px: np.ndarray, confidence: np.ndarray
    ) -> None:
        velocity = (_centre(box_px) - _centre(person.box_px)) / max(time_s - person.time_s, 1e-6)
        person.velocity_px_s = VELOCITY_MEMORY * person.velocity_px_s + (1 - VELOCITY_MEMORY) * velocity
        person.box_px, person.keypoints_px, person.confidence = box_px, keypoints_px, confidence
        person.time_s = time_s


def worth_posing(box_px: np.ndarray, score: np.ndarray, most: int) -> np.ndarray:
    """Indices of the finds of one frame that may be somebody, best first; weak ones that repeat a better one are left
    out, since poses cost more than anything else.

    Args:
        box_px: (n, 4).
        score: (n,).
        most: as many at most.
    """
    order = np.argsort(-score, kind="stable")
    order = order[score[order] >= WEAK]
    better = np.triu(iou(box_px[order], box_px[order]) > SAME_BOX, 1).any(axis=0)
    return order[~(better & (score[order] < STRONG))][:most]


def _pose_and_box_similarity(
    box_a: np.ndarray, points_a: np.ndarray, sure_a: np.ndarray,
    box_b: np.ndarray, points_b: np.ndarray, sure_b: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """(A, B) mean of box overlap and object keypoint similarity, 0 to 1; the overlap alone where no keypoint is seen
    of both."""
    overlap = iou(box_a, box_b)
    if overlap.size == 0:
        return overlap
    weight = np.sqrt(sure_a[:, None] * sure_b)
    square = np.sum((points_a[:, None] - points_b) ** 2, axis=-1)
    weight = np.where(np.isfinite(square), weight, 0.0)
    area = (box_a[:, 2:] - box_a[:, :2]).clip(1).prod(axis=-1)[:, None, None]
    near = np.exp(-np.where(weight > 0, square, 0.0) / (2 * area * KEYPOINT_SIGMA**2))
    total = weight.sum(axis=-1)
    poses = (weight * near).sum(axis=-1) / np.maximum(total, 1e-9)
    return np.where(total > 0, (overlap + poses) / 2, overlap)


def _centre(box_px: np.ndarray) -> np.ndarray:
    return (box_px[:2] + box_px[2:]) / 2
