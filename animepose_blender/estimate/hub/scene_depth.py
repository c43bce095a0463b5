"""Of several depth networks the one for the scene: metric ones are made for rooms, or for outdoors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...errors import AnimePoseError
from .depth_anything import DepthAnything
from .faults import empty_cache
from .protocols import BatchDepth

PICTURES = 4
"""Pictures that a scene is judged by."""
FAR_SHARE = 0.1
"""Of the pixels: so many must be farther than a room is deep."""


def depth_of(networks: Sequence[DepthAnything]) -> BatchDepth:
    """One network as it is; of two, the one for the scene.

    Raises:
        AnimePoseError: if the networks are not one for indoors and one for outdoors.
    """
    if len(networks) == 1:
        return networks[0]
    by_scene = {network.scene: network for network in networks}
    if len(networks) != 2 or set(by_scene) != {"indoor", "outdoor"} or not all(one.metric for one in networks):
        names = ", ".join(network.name for network in networks)
        raise AnimePoseError(
            f"Of several depth networks one must be for indoors and one for outdoors, both metric; got {names}.",
            "Name a single depth network.",
        )
    return SceneDepth(by_scene["indoor"], by_scene["outdoor"])


def choose_scene(indoor: DepthAnything, outdoor: DepthAnything, pictures: torch.Tensor) -> DepthAnything:
    """The network for the scene of some pictures.

    It is outdoors if the outdoor network sees a tenth of the pixels farther away than the indoor one can say: the sky,
    a street, a field. A yard between walls counts as a room, and the indoor network's range suffices there.

    Args:
        indoor, outdoor: metric networks.
        pictures: (B, H, W, 3) uint8; at most `PICTURES` of them are looked at, evenly spaced.
    """
    chosen = np.unique(np.linspace(0, len(pictures) - 1, PICTURES).round().astype(int))
    depth_m = outdoor.depth(pictures[torch.from_numpy(chosen).to(pictures.device)])
    return outdoor if np.mean(depth_m > indoor.max_depth_m) >= FAR_SHARE else indoor


class SceneDepth:
    """Depth by the network for the scene; implements `BatchDepth`. It decides at the first pictures and lets the other
    network go.

    Args:
        indoor, outdoor: metric networks.
    """

    metric = True

    def __init__(self, indoor: DepthAnything, outdoor: DepthAnything) -> None:
        self._undecided: tuple[DepthAnything, DepthAnything] | None = (indoor, outdoor)
        self._chosen = outdoor
        self.name = f"{indoor.name} or {outdoor.name}"
        """Of the network that is used, as soon as it is known."""

    def depth(self, pictures: torch.Tensor) -> np.ndarray:
        """As in `BatchDepth.depth`."""
        if self._undecided is not None and len(pictures):
            self._chosen = choose_scene(*self._undecided, pictures)
            self._undecided = None
            self.name = self._chosen.name
            empty_cache()
        return self._chosen.depth(pictures)
