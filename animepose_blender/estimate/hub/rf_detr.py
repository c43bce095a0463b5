"""RF-DETR: a real-time detector on DINOv2 that gives boxes and, in one of its kinds, masks.

Reference: Robinson et al. (2025), RF-DETR: Neural Architecture Search for Real-Time Detection Transformers.
Pre-processing as `RfDetrImageProcessor` of `transformers`, which needs torchvision.
"""

from __future__ import annotations

import torch

from ...errors import AnimePoseError
from .detr import DetrDetector, Preparation
from .loading import Loaded
from .resize import BICUBIC, BILINEAR, normalised

_DEFAULTS = {
    "size": {"shortest_edge": 800, "longest_edge": 1333}, "resample": BILINEAR, "rescale_factor": 1 / 255,
    "do_normalize": True, "image_mean": (0.485, 0.456, 0.406), "image_std": (0.229, 0.224, 0.225),
}  # fmt: skip
"""Of `transformers`' processor."""
_MODES = {BILINEAR: "bilinear", BICUBIC: "bicubic"}


class RfDetrDetector(DetrDetector):
    """People's boxes by `RfDetrForObjectDetection`; masks too by `RfDetrForInstanceSegmentation`.

    A mask has a quarter of the input's size, and its pixels lie over the picture as the input's do: pixel (i, j) of
    (h, w) covers the picture from j / w to (j + 1) / w of its width. All pictures of a call are of one size, so that
    none is padded and the network needs no pixel mask.
    """

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded)
        self._preparation = Preparation.read(loaded.processor, _DEFAULTS)
        if self._preparation.resample not in _MODES:
            raise AnimePoseError(
                f"{loaded.record.title} wants pictures resized by the filter {self._preparation.resample!r}, "
                "which is not known.",
                "Choose another detector.",
            )

    def prepared(self, pictures: torch.Tensor) -> torch.Tensor:
        """Resized between the nearest pixels alone (the network was trained so, without a filter against aliasing), in
        floating point, the picture's proportions given up where the size says both sides."""
        own = self._preparation
        size = own.size_of(*pictures.shape[1:3])
        mode = _MODES[own.resample]
        # A processor's cache holds one picture, not eight: so it is four times as fast.
        parts = pictures.permute(0, 3, 1, 2).split(1 if pictures.device.type == "cpu" else len(pictures))
        small = [torch.nn.functional.interpolate(part.float(), size, mode=mode, align_corners=False) for part in parts]
        return normalised(torch.cat(small), own.mean, own.std, own.rescale)
