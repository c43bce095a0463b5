"""What the networks of whole pictures share: where their batches and their checks come from."""

from __future__ import annotations

import numpy as np
import torch

from .pictures import Pictures
from .scenes_batch import Recipe, Scene, augmented, draw, whole

LATE_FROM = 0.8
"""Share of the steps from which on pictures are larger."""
LOOK_EVERY = 50
"""Batches between looks for new shards."""

Sizes = tuple[tuple[int, int], ...]
"""Heights and widths, of which a batch has one."""


class SceneTask:
    """Pictures to learn from, altered at random, and held-out ones.

    Attributes:
        sizes, late_sizes: of a batch's pictures; the larger ones come late, for they take longer.
        recipe: how often what happens to a picture.
    """

    name: str
    sizes: Sizes
    late_sizes: Sizes
    recipe: Recipe

    def __init__(self, network: torch.nn.Module, pictures: Pictures, held_out: Pictures, device: str = "cpu") -> None:
        self.network = network
        self.pictures, self.held_out, self.device = pictures, held_out, device
        self._drawn = 0

    def scenes(self, rng: np.random.Generator, size: int, progress: float) -> list[Scene]:
        """Those of one batch."""
        self._drawn += 1
        if self._drawn % LOOK_EVERY == 0:
            self.pictures.look_again()
        sizes = self.late_sizes if progress >= LATE_FROM else self.sizes
        height, width = sizes[int(rng.integers(len(sizes)))]
        return [augmented(draw(self.pictures, rng), rng, height, width, self.recipe) for _ in range(size)]


def colours(scenes: list[Scene]) -> np.ndarray:
    """(B, H, W, 3) uint8."""
    return np.stack([scene.colour for scene in scenes])


def spread(pictures: Pictures, count: int) -> list[Scene]:
    """As many pictures from the first shard, evenly: the same every time."""
    shard = pictures.shards[0]
    return [whole(shard, int(k)) for k in np.linspace(0, len(shard.colour) - 1, min(count, len(shard.colour)))]
