"""RT-DETR, RT-DETRv2 and D-FINE: real-time detectors that give boxes.

References: Zhao et al. (2024), DETRs Beat YOLOs on Real-time Object Detection; Lv et al. (2024), RT-DETRv2; Peng et al.
(2024), D-FINE. Pre-processing as `RTDetrImageProcessorPil` of `transformers`.
"""

from __future__ import annotations

import torch

from .detr import DetrDetector, Preparation
from .loading import Loaded
from .resize import BILINEAR, normalised, resized

_DEFAULTS = {
    "size": {"height": 640, "width": 640}, "resample": BILINEAR, "rescale_factor": 1 / 255, "do_normalize": False,
    "image_mean": (0.485, 0.456, 0.406), "image_std": (0.229, 0.224, 0.225),
}  # fmt: skip
"""Of `transformers`' processor."""


class RtDetrDetector(DetrDetector):
    """People's boxes by `RTDetrV2ForObjectDetection`, `RTDetrForObjectDetection` or `DFineForObjectDetection`."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded)
        self._preparation = Preparation.read(loaded.processor, _DEFAULTS)

    def prepared(self, pictures: torch.Tensor) -> torch.Tensor:
        """Resized as by Pillow, the picture's proportions given up, and scaled to 0 to 1."""
        own = self._preparation
        height, width = own.size_of(*pictures.shape[1:3])
        return normalised(resized(pictures, height, width, own.resample), own.mean, own.std, own.rescale)
