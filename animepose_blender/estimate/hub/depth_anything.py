"""Depth maps by Depth Anything (V1 and V2, metric and relative) of `transformers`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from ...errors import AnimePoseError
from .batches import Batches
from .loading import HubClasses, Loaded
from .resize import BICUBIC, normalised, resized

DEPTH_CLASSES = HubClasses("DepthAnythingForDepthEstimation")
"""What this module can run."""
AT_ONCE = {"cpu": 1}
"""Pictures in a batch, by type of device; others take `AT_ONCE_ELSEWHERE`."""
AT_ONCE_ELSEWHERE = 8
FARTHEST = 100.0
"""How much farther than a picture's nearest place a relative network can see anything; the sky is at infinity."""
_STANDARD = (0.5, 0.5, 0.5)
"""What the processor takes for mean and spread of pixels if its file says nothing."""


class DepthAnything:
    """Depth of every pixel; implements `BatchDepth`.

    Maps have the size of the network's input and span the whole picture: a place's share of the width and height is
    the same in both.

    Args:
        loaded: a `DepthAnythingForDepthEstimation`.
        at_once: pictures in a batch.
    Raises:
        AnimePoseError: if its preprocessor_config.json asks for what is not known here.
    """

    def __init__(self, loaded: Loaded, *, at_once: int | None = None) -> None:
        record = loaded.record
        self._network: Any = loaded.network
        config = self._network.config
        self.name = f"{record.title} ({record.licence})"
        self.metric = config.depth_estimation_type == "metric"
        self.scene = str(record.options.get("scene", ""))
        """`indoor` or `outdoor`, what it was trained for; empty = not known."""
        self.max_depth_m = float(config.max_depth) if self.metric and config.max_depth else math.inf
        """The farthest that it can say."""
        self._device = loaded.device
        self._processor = loaded.processor
        if self._processor.get("do_pad") and self._processor.get("size_divisor"):
            raise AnimePoseError(
                f"{record.title} wants pictures with a rim (do_pad), which is not known here.", "Choose another model."
            )
        size = at_once or AT_ONCE.get(self._device.torch.type, AT_ONCE_ELSEWHERE)
        self._batches = Batches(size, record.title)

    def depth(self, pictures: torch.Tensor) -> np.ndarray:
        """As in `BatchDepth.depth`: metres where `metric`.

        Other networks give nearness, up to a scale and a shift that nobody knows; its inverse grows with the depth.
        """
        results = self._batches.run(len(pictures), lambda part: self.maps(self.inputs(pictures[part])))
        if not results:
            return np.zeros((0, *self.input_size(*pictures.shape[1:3])), dtype=np.float32)
        return torch.cat(results).cpu().numpy()

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that pictures of a size are brought to, as the processor has it."""
        if not self._processor.get("do_resize", True):
            return height, width
        size = self._processor.get("size", {"height": 384, "width": 384})
        down, across = size["height"] / height, size["width"] / width
        if self._processor.get("keep_aspect_ratio", False):
            # The one that changes the picture less.
            down = across = across if abs(1 - across) < abs(1 - down) else down
        multiple = int(self._processor.get("ensure_multiple_of", 1))
        new_height, new_width = (max(round(one / multiple), 1) * multiple for one in (down * height, across * width))
        return new_height, new_width

    def inputs(self, pictures: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) float32, what the processor makes of (B, H, W, 3) uint8 pictures."""
        config = self._processor
        height, width = self.input_size(*pictures.shape[1:3])
        look = config.get("do_normalize", True)
        return normalised(
            resized(pictures, height, width, config.get("resample", BICUBIC)),
            config.get("image_mean", _STANDARD) if look else None,
            config.get("image_std", _STANDARD) if look else None,
            config.get("rescale_factor", 1 / 255) if config.get("do_rescale", True) else None,
        )

    @torch.inference_mode()
    def maps(self, inputs: torch.Tensor) -> torch.Tensor:
        """(B, h, w) float32 depth of (B, 3, h, w) inputs."""
        predicted = self._network(inputs.to(self._device.dtype)).predicted_depth.float()
        if self.metric:
            return predicted
        nearest = predicted.flatten(1).amax(dim=1)[:, None, None].clamp(min=torch.finfo(torch.float32).tiny)
        return 1 / torch.maximum(predicted, nearest / FARTHEST).clamp(min=1e-6)
