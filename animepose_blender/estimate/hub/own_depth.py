"""Depth maps by DepthNet."""

from __future__ import annotations

import math

import numpy as np
import torch

from models.backbones import normalised
from models.depth_net import CANONICAL_FOCAL_PX

from ..camera import DEFAULT_35MM, SENSOR_MM
from .loading import Loaded
from .own_crops import fitted_size
from .own_network import OwnNetwork
from .resize import resized

AT_ONCE = {"cpu": 1, "": 8}


class OwnDepth(OwnNetwork):
    """DepthNet; implements `BatchDepth`.

    The network speaks of pictures as if all had the same focal length in pixels; how long it is in metres depends on
    the clip's own, which is not known yet. So depths are metres for a usual lens, and right but for one factor for the
    clip, which `depth.calibrate` finds.

    Args:
        loaded: a `depth_net`.
    """

    metric = True
    scene = ""
    max_depth_m = math.inf

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded, AT_ONCE)
        self._longer_px = int(self.network.config.input_px)

    def depth(self, pictures: torch.Tensor) -> np.ndarray:
        """As in `BatchDepth.depth`."""
        size = fitted_size(pictures.shape[1], pictures.shape[2], self._longer_px)
        factor = DEFAULT_35MM / SENSOR_MM * size[1] / CANONICAL_FOCAL_PX

        def work(part: slice) -> torch.Tensor:
            inputs = normalised(resized(pictures[part], size[0], size[1]).float().div_(255))
            return self.answer(lambda dtype: (self.network(inputs.to(dtype)).float(),))[0] * factor

        results = self.batches.run(len(pictures), work)
        return torch.cat(results).cpu().numpy() if results else np.zeros((0, *size), dtype=np.float32)
