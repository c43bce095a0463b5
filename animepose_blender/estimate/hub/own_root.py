"""How far away people are, by RootNet."""

from __future__ import annotations

import math

import numpy as np
import torch

from models.root_net import AREA_REAL_M2

from .loading import Loaded
from .own_crops import cut_out, squares_around
from .own_network import OwnNetwork

AT_ONCE = {"cpu": 8, "": 64}


class OwnRoot(OwnNetwork):
    """RootNet; implements `BatchRoot`. The focal length is not known yet, so its answer is camera-normalised: k is
    that of a focal length of one pixel (Moon et al., section 5.2).

    Args:
        loaded: a `root_net`.
    """

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded, AT_ONCE)

    def roots(self, pictures: torch.Tensor, picture: np.ndarray, boxes_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `BatchRoot.roots`."""
        config, squares = self.network.config, squares_around(boxes_px)
        owner = np.asarray(picture, dtype=np.int64).reshape(-1)
        k = torch.from_numpy(math.sqrt(AREA_REAL_M2) / squares.side_px).to(pictures.device, torch.float32)

        def work(part: slice) -> torch.Tensor:
            crops = cut_out(pictures, owner[part], squares.part(part), config.input_px, config.white)
            return self.answer(lambda dtype: (self.network(crops.to(dtype), k[part]).float(),))[0]

        results = self.batches.run(len(squares), work)
        if not results:
            return np.zeros((0, 2)), np.zeros(0)
        said = torch.cat(results)
        root_px = self.network.pixels(said[:, :2]).double().cpu().numpy()
        return squares.to_picture(root_px[:, None], config.input_px)[:, 0], said[:, 2].double().cpu().numpy()
