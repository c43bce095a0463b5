"""What DepthNet is taught, and how it is checked.

The same picture taken with a longer lens from further away looks alike, so a depth in metres cannot be read off a
picture alone. The truth is therefore what a camera of `depth_net.CANONICAL_FOCAL_PX` would have: depth times canonical
over the focal length of the picture as it enters, after resizing (Yin et al., "Metric3D", 2023). Whoever uses the
network multiplies by focal_px / CANONICAL_FOCAL_PX, with the focal length at the size that it was given.

Sky has no loss, nor has what was put into a picture; what lies beyond the network's reach counts as there. People have
the loss a second time, for they are what depth is wanted for, with more weight on metres than on form.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from papers_metrics.depth import errors, person_order

from models.depth_net import CANONICAL_FOCAL_PX, DepthNet, scale_invariant_loss

from .inputs import as_input
from .pictures import Pictures
from .scene_task import SceneTask, colours, spread
from .scenes_batch import Recipe, Scene, cut

SIZES = ((192, 256), (256, 192), (224, 224))
LATE_SIZES = ((224, 320), (320, 224), (256, 256))
"""Height and width of a batch's pictures; the larger ones come late."""
RECIPE = Recipe(swap=0.35, behind=0.2, before=0.1, scales=(0.55, 1.1))
"""Mostly whole pictures, as the network will be given: a leg alone does not tell how far it is."""
PEOPLE_WEIGHT, PEOPLE_SCALE_SHARE = 0.7, 0.5
HELD_OUT, CHECK_PX = 40, 320


class DepthTask(SceneTask):
    """Depth of every pixel."""

    name = "depth_net"
    sizes, late_sizes, recipe = SIZES, LATE_SIZES, RECIPE

    def __init__(self, network: DepthNet, pictures: Pictures, held_out: Pictures, device: str = "cpu") -> None:
        super().__init__(network, pictures, held_out, device)
        self._config = network.config

    def batch(self, rng: np.random.Generator, size: int, progress: float) -> dict[str, torch.Tensor]:
        """`pictures` (B, 3, H, W) normalised, `depth_m` (B, H, W) canonical, 0 where not known, `people` bool."""
        return self._tensors(self.scenes(rng, size, progress))

    def _tensors(self, scenes: list[Scene]) -> dict[str, torch.Tensor]:
        reach = self._config.max_depth_m
        depth = torch.from_numpy(np.stack([canonical(scene, reach) for scene in scenes])).to(self.device)
        people = torch.from_numpy(np.stack([scene.ids > 0 for scene in scenes])).to(self.device)
        return {"pictures": as_input(colours(scenes), self.device), "depth_m": depth, "people": people}

    def loss(self, batch: dict[str, torch.Tensor], progress: float) -> dict[str, torch.Tensor]:
        """The published loss of all pixels, and of people's alone."""
        found, truth = self.network(batch["pictures"]), batch["depth_m"]
        people = scale_invariant_loss(found, truth, batch["people"], PEOPLE_SCALE_SHARE)
        return {"all": scale_invariant_loss(found, truth), "people": PEOPLE_WEIGHT * people}

    def measure(self, network: Any) -> dict[str, float]:
        """On held-out pictures, percent: δ1 (share of pixels within a factor of 1.25) of all pixels and of people's,
        people's mean relative error, and the share of pairs of people whose order is right."""
        rows, right, pairs = [], 0, 0
        for scene in spread(self.held_out, HELD_OUT):
            scale = CHECK_PX / max(scene.ids.shape)
            height, width = (round(n * scale) for n in scene.ids.shape)
            scene = cut(scene, 0.0, 0.0, scale, height, width)
            batch = self._tensors([scene])
            found, truth = network(batch["pictures"])[0].float().cpu().numpy(), batch["depth_m"][0].cpu().numpy()
            known = truth > 0
            seen = known & (scene.ids > 0)
            people = errors(found[seen], truth[seen])
            rows.append((errors(found[known], truth[known])["delta1"], people["delta1"], people["abs_rel"]))
            hits, number = person_order(found, truth, scene.ids)
            right, pairs = right + hits, pairs + number
        delta, delta_people, relative = np.nanmean(rows, axis=0)
        return {
            "delta1": float(delta), "delta1_people": float(delta_people), "relative_people": float(relative),
            "order": 100 * right / max(pairs, 1),
        }  # fmt: skip

    def config(self) -> dict[str, Any]:
        """What remakes the network."""
        return asdict(replace(self._config, backbone="small", input_px=CHECK_PX))


def canonical(scene: Scene, reach_m: float) -> np.ndarray:
    """(H, W) float32 depth in metres at the canonical focal length, at most the network's reach; 0 where not known."""
    known = np.isfinite(scene.depth_m)
    depth = np.where(known, scene.depth_m, 0) * np.float32(CANONICAL_FOCAL_PX / scene.focal_px)
    return np.minimum(depth, np.float32(reach_m)).astype(np.float32)
