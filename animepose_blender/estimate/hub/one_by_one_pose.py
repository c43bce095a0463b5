"""Networks that take many pictures at once, where people are followed one frame after the other."""

from __future__ import annotations

import numpy as np

from .device import Device, upload
from .protocols import BatchDepth, BatchPose


class OneByOneDepth:
    """A `depth.DepthEstimator` by a network of the store.

    Args:
        depth: the network.
        device: that it runs on.
    """

    def __init__(self, depth: BatchDepth, device: Device) -> None:
        self._depth, self._device = depth, device
        self.metric = depth.metric

    def estimate(self, rgb: np.ndarray) -> np.ndarray:
        """(h, w) float32 depth for an (H, W, 3) uint8 picture."""
        return self._depth.depth(upload([rgb], self._device))[0]


def keypoints_in(
    pose: BatchPose, device: Device, rgb: np.ndarray, boxes_px: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints of the people in one (H, W, 3) uint8 picture, as `BatchPose.keypoints`."""
    return pose.keypoints(upload([rgb], device), np.zeros(len(boxes_px), dtype=np.int64), boxes_px)
