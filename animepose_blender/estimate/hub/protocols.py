"""What the stages of a run on a GPU ask of their networks: pictures in batches, already on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch


@dataclass(frozen=True, eq=False)
class PeopleFound:
    """Everybody that a detector sees in one frame, best first."""

    box_px: np.ndarray
    """(n, 4) float64 x0, y0, x1, y1, clipped to the picture."""
    score: np.ndarray
    """(n,) 0 to 1."""
    masks: np.ndarray | None = None
    """(n, h, w) uint8, 0 to 255 = how probably the pixel is the person's, over the whole picture at whatever size the
    network gives; None where the detector has none."""


class BatchDetector(Protocol):
    """Finds people in many pictures at once."""

    name: str

    def find(self, pictures: torch.Tensor) -> list[PeopleFound]:
        """Everybody in each of the (B, H, W, 3) uint8 RGB pictures, also those of low score."""
        ...


class BatchMasks(Protocol):
    """Masks of people whose boxes are known, followed through a clip."""

    name: str

    def masks(
        self, pictures: torch.Tensor, boxes_px: Sequence[np.ndarray], ids: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Masks in consecutive frames of a clip; calls continue one another.

        Args:
            pictures: (B, H, W, 3) uint8.
            boxes_px: for each picture (n, 4).
            ids: for each picture (n,) who each box is; the same number in later pictures is the same person.
        Returns:
            For each picture (n, h, w) uint8 as in `PeopleFound.masks`.
        """
        ...


class BatchPose(Protocol):
    """Finds the keypoints of people whose boxes are known."""

    name: str
    skeleton: str
    """A key of `skeleton.KEYPOINT_MAPS`."""

    def keypoints(
        self, pictures: torch.Tensor, picture: np.ndarray, boxes_px: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints of N people in B pictures, all in as few batches as memory allows.

        Args:
            pictures: (B, H, W, 3) uint8.
            picture: (N,) the picture of each box.
            boxes_px: (N, 4) x0, y0, x1, y1.
        Returns:
            (N, K, 2) float64 pixels of the whole picture, pixel centres at +0.5, and (N, K) confidence 0 to 1.
        """
        ...


@runtime_checkable
class BatchBodies(BatchPose, Protocol):
    """Finds the joints of people whose boxes are known, in the picture and in space."""

    def bodies(
        self, pictures: torch.Tensor, picture: np.ndarray, boxes_px: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Joints of N people in B pictures.

        Args:
            pictures, picture, boxes_px: as in `keypoints`.
        Returns:
            What `keypoints` returns, and (N, K, 3) metres relative to the pelvis, as seen by a camera that looks
            straight at the middle of the box.
        """
        ...


class BatchRoot(Protocol):
    """Says how far away people are whose boxes are known."""

    name: str

    def roots(self, pictures: torch.Tensor, picture: np.ndarray, boxes_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pelves of N people in B pictures.

        Args:
            pictures, picture, boxes_px: as in `BatchPose.keypoints`.
        Returns:
            (N, 2) float64 pixels of the whole picture, and (N,) depth along the camera's axis, metres for each pixel
            of focal length.
        """
        ...


class BatchDepth(Protocol):
    """Gives the depth of every pixel."""

    name: str
    metric: bool
    """Whether depths are metres along the camera's axis."""

    def depth(self, pictures: torch.Tensor) -> np.ndarray:
        """(B, h, w) float32 depth along the camera's axis of (B, H, W, 3) uint8 pictures; h and w may be smaller, and
        span the same picture."""
        ...
