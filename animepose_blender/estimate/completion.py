"""What a detector and a pose network of the picture leave open of a person, seen by BlazePose in the same place: feet
and knuckles where the pose network has none, and metric joints, which tell the depth of limbs.

BlazePose is believed where it has found the same body; elsewhere the person goes without, and the lifter makes joints
from the keypoints alone. Of whom nothing is left open, it is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from ..skeleton import BLAZEPOSE_33
from .appearance import zone_colours
from .backends import PoseObservation, by_index, region_to_picture
from .erase import matte_of
from .landmarks import BODY, filled_in

CROP_SIZE = 256
"""Pixels along each side of masks and of the crops that colours are taken from."""
RADIUS_PER_REACH, LEAST_RADIUS_PER_TRUNK = 1.14, 1.5
"""Radius of BlazePose's circle around the hips, in distances to the farthest keypoint of COCO's, and at least, in
lengths of the trunk (1.06 to 1.21 and 1.6 to 2.0 on the demo clip and on `park_two_people`)."""
REGION_SCALE = 1.25
"""BlazePose's own margin around that circle."""
MIN_REACH_CONFIDENCE = 0.3
"""Confidence from which on a keypoint counts for the size of a person."""
SAME_BODY = 0.06
"""Median distance between the joints of both, as a share of the region, up to which they are of the same body."""
FEWEST_JOINTS = 4
"""Joints that must be seen to tell."""

_HIPS = [BLAZEPOSE_33.index(name) for name in ("left_hip", "right_hip")]
_SHOULDERS = [BLAZEPOSE_33.index(name) for name in ("left_shoulder", "right_shoulder")]


@dataclass(frozen=True, eq=False)
class PersonFound:
    """One person in one frame, by a detector and a pose network of the picture."""

    box_px: np.ndarray
    """(4,)"""
    score: float
    """The detector's."""
    landmarks_px: np.ndarray
    """(33, 2) in BlazePose's order, NaN where the network has no such point."""
    confidence: np.ndarray
    """(33,)"""
    mask: np.ndarray | None
    """(h, w) uint8 over the whole picture; None = nobody has made one."""
    landmarks_m: np.ndarray | None = None
    """(33, 3) as in `backends.PoseObservation`, for the square around the box; None = the network has none."""
    depth_per_focal: float = float("nan")
    """As in `backends.PoseObservation`."""

    @property
    def whole(self) -> bool:
        """Whether nothing is left open."""
        return self.landmarks_m is not None and self.mask is not None


class RegionEstimator(Protocol):
    """What completes: BlazePose's landmark network."""

    def estimate_each(
        self, jobs: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray | None]]
    ) -> list[PoseObservation | None]:
        """See `MediaPipePose.estimate_each`."""
        ...


def complete(
    rgb: Sequence[np.ndarray], people: Sequence[Sequence[PersonFound]], estimator: RegionEstimator | None
) -> list[list[PoseObservation]]:
    """Observations of everybody in a few frames.

    Args:
        rgb: the pictures, (H, W, 3) uint8.
        people: those found in each of them.
        estimator: looks at the same regions; None = nobody does.
    Returns:
        For each picture the observations, in the order of the people.
    """
    jobs, layers = [], []
    for picture, found in zip(rgb, people, strict=True):
        regions = [
            square_of(one.box_px)
            if one.landmarks_m is not None
            else region_of(one.landmarks_px, one.confidence, one.box_px)
            for one in found
        ]
        for one, region in zip(found, regions, strict=True):
            own = _layer(one.mask, region, picture.shape) if one.mask is not None else None
            others = [_layer(other.mask, region, picture.shape) for other in found
                      if other is not one and other.mask is not None and _near(other.box_px, region)]  # fmt: skip
            matte = None
            if own is not None and others:
                matte = matte_of(own, np.maximum.reduce(others))
            jobs.append((picture, region, matte))
            layers.append(own)
    asked = [k for k, one in enumerate(one for found in people for one in found) if not one.whole]
    seen: list[PoseObservation | None] = [None] * len(jobs)
    if estimator is not None and asked:
        for k, answer in zip(asked, estimator.estimate_each([jobs[k] for k in asked]), strict=True):
            seen[k] = answer
    answers = iter(zip(jobs, layers, seen, strict=True))
    return [[_observation(one, *next(answers)) for one in found] for found in people]


def region_of(landmarks_px: np.ndarray, confidence: np.ndarray, box_px: np.ndarray) -> np.ndarray:
    """(4,) region around a person as BlazePose wants it: a circle about the hips through everything, head up.

    Args:
        landmarks_px, confidence: as in `PersonFound`.
        box_px: (4,) which the region is that of, where no trunk is seen.
    """
    hips, shoulders = (landmarks_px[pair].mean(axis=0) for pair in (_HIPS, _SHOULDERS))
    trunk = shoulders - hips
    length = float(np.hypot(*trunk))
    sure = confidence >= MIN_REACH_CONFIDENCE
    if not (sure[_HIPS + _SHOULDERS].all() and length > 1):
        return square_of(box_px)
    reach = float(np.linalg.norm(landmarks_px[sure & np.isfinite(landmarks_px).all(axis=-1)] - hips, axis=-1).max())
    radius = max(RADIUS_PER_REACH * reach, LEAST_RADIUS_PER_TRUNK * length)
    return np.array([*hips, 2 * REGION_SCALE * radius, np.arctan2(trunk[0], -trunk[1])])


def square_of(box_px: np.ndarray) -> np.ndarray:
    """(4,) upright region around a box (4,), with a margin."""
    centre, size = (box_px[:2] + box_px[2:]) / 2, float((box_px[2:] - box_px[:2]).max())
    return np.array([*centre, max(size * REGION_SCALE, 1.0), 0.0])


def _observation(
    one: PersonFound,
    job: tuple[np.ndarray, np.ndarray, np.ndarray | None],
    layer: np.ndarray | None,
    other: PoseObservation | None,
) -> PoseObservation:
    """One person with what BlazePose knows beside."""
    picture, region, _ = job
    landmarks_px, confidence = one.landmarks_px, one.confidence
    landmarks_m = one.landmarks_m if one.landmarks_m is not None else np.full((len(BLAZEPOSE_33), 3), np.nan)
    agrees = other is not None and same_body(landmarks_px, confidence, other.landmarks_px, region[2])
    if other is not None and agrees and one.landmarks_m is None:
        landmarks_px, confidence = filled_in(landmarks_px, confidence, other.landmarks_px, other.confidence, region[2])
        landmarks_m = other.landmarks_m
    mask = layer
    if mask is None:
        mask = other.mask if other is not None else np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
    to_picture = region_to_picture(region, CROP_SIZE)
    crop = cv2.warpAffine(
        picture, by_index(to_picture), (CROP_SIZE, CROP_SIZE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    to_crop = cv2.invertAffineTransform(to_picture)
    in_crop = landmarks_px @ to_crop[:, :2].T + to_crop[:, 2]
    return PoseObservation(
        landmarks_px=landmarks_px,
        confidence=confidence,
        landmarks_m=landmarks_m,
        region=region,
        next_region=region,
        mask=mask,
        box_px=one.box_px,
        # Our own networks say how exact joints are, which says little of whether somebody is there.
        score=one.score if one.landmarks_m is not None else float(np.sqrt(one.score * one.confidence[BODY].mean())),
        colours=zone_colours(crop, dict(zip(BLAZEPOSE_33, in_crop, strict=True)), mask),
        depth_per_focal=one.depth_per_focal,
    )


def same_body(landmarks_px: np.ndarray, confidence: np.ndarray, other_px: np.ndarray, size_px: float) -> bool:
    """Whether two estimates, (33, 2) both, lie on the same body.

    Args:
        confidence: (33,) of the first one.
        size_px: of the region around it.
    """
    sure = BODY[confidence[BODY] >= MIN_REACH_CONFIDENCE]
    if len(sure) < FEWEST_JOINTS:
        return False
    apart = np.linalg.norm(landmarks_px[sure] - other_px[sure], axis=-1)
    return float(np.median(apart)) < SAME_BODY * size_px


def _layer(mask: np.ndarray, region: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(M, M) uint8 of a mask over the whole picture, over a region of it."""
    to_picture = region_to_picture(region, CROP_SIZE)
    scale = np.array([mask.shape[1] / shape[1], mask.shape[0] / shape[0]])
    return cv2.warpAffine(
        mask, by_index(to_picture * scale[:, None]), (CROP_SIZE, CROP_SIZE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )  # fmt: skip


def _near(box_px: np.ndarray, region: np.ndarray) -> bool:
    """Whether a box may reach into a region."""
    reach = region[2] / np.sqrt(2)
    return bool((box_px[:2] < region[:2] + reach).all() and (box_px[2:] > region[:2] - reach).all())
