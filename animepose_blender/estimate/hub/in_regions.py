"""A pose network of the store where people are followed one frame after the other: BlazePose finds the body in its
region, and the network says where its joints are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..backends import PoseEstimator, PoseObservation
from ..completion import same_body
from ..landmarks import filled_in, to_blazepose
from .device import Device
from .one_by_one_pose import keypoints_in
from .protocols import BatchPose


class PoseInRegions:
    """A `backends.PoseEstimator` of two.

    Args:
        pose: whose keypoints count.
        device: that it runs on.
        body: gives masks, metric joints, and the landmarks that the other one lacks.
    """

    def __init__(self, pose: BatchPose, device: Device, body: PoseEstimator) -> None:
        self._pose, self._device, self._body = pose, device, body

    def estimate(
        self, rgb: np.ndarray, regions: np.ndarray, mattes: Sequence[np.ndarray | None] | None = None
    ) -> list[PoseObservation | None]:
        """See `backends.PoseEstimator`."""
        answers = self._body.estimate(rgb, regions, mattes)
        places = [place for place, one in enumerate(answers) if one is not None]
        found = [one for one in answers if one is not None]
        if not found:
            return answers
        boxes = np.stack([one.box_px for one in found])
        keypoints = keypoints_in(self._pose, self._device, rgb, boxes)
        landmarks_px, confidence = to_blazepose(self._pose.skeleton, *keypoints)
        for place, one, own_px, sure in zip(places, found, landmarks_px, confidence, strict=True):
            # Where the two disagree the network may have looked at somebody else in the same box.
            if same_body(own_px, sure, one.landmarks_px, one.region[2]):
                own_px, sure = filled_in(own_px, sure, one.landmarks_px, one.confidence, one.region[2])
                answers[place] = replace(one, landmarks_px=own_px, confidence=sure)
        return answers
