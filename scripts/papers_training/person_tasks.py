"""What the networks that see crops of one person are taught: PoseNet, RootNet and the cascade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from papers_metrics.keypoints import AT, order_accuracy, pck

from animepose_blender.skeleton import JOINTS, J
from models import cascade_losses
from models.cascade_targets import bone_sigma_cells
from models.pose_net import place_loss, pose_loss
from models.root_net import root_loss
from models.soft_argmax import expected_cell, shares

from .crops import Changes, Crops, PhotographCrops, RenderedCrops, joined
from .inputs import as_input
from .schedule import Schedule

ROOT_WEIGHT = 20.0
"""What being wrong by the whole distance costs, in cells."""
HELD_OUT, CHECK_BATCH = 256, 32


@dataclass(frozen=True, eq=False)
class PersonData:
    """Crops of rendered people, and of photographs where they are allowed."""

    rendered: RenderedCrops
    photographs: PhotographCrops | None
    held_out: RenderedCrops
    held_out_photographs: PhotographCrops | None
    photograph_share: float = 0.5
    device: str = "cpu"

    def draw(self, rng: np.random.Generator, count: int, size_px: int, changes: Changes) -> Crops:
        """A batch, altered at random."""
        photographs = round(count * self.photograph_share) if self.photographs else 0
        parts = [self.rendered.draw(rng, count - photographs, size_px, changes)]
        if self.photographs and photographs:
            parts.append(self.photographs.draw(rng, photographs, size_px, changes))
        return joined(parts)

    def checks(self, size_px: int) -> dict[str, Crops]:
        """The same held-out crops every time, by the prefix of their figures: rendered ones, and photographs."""
        rng = np.random.default_rng(0)
        table = self.held_out.table
        rows = table[np.linspace(0, len(table) - 1, min(HELD_OUT, len(table))).astype(int)]
        crops = {"": self.held_out.crops(rng, rows, size_px, Changes.none())}
        if self.held_out_photographs:
            numbers = self.held_out_photographs.usable[:HELD_OUT]
            crops["photo_"] = self.held_out_photographs.crops(rng, numbers, size_px, Changes.none())
        return crops


def tensors(crops: Crops, device: str) -> dict[str, torch.Tensor]:
    """The truth of crops."""
    names = ("joints_px", "joints_m", "known_2d", "known_3d", "k_m", "root_m")
    return {name: torch.from_numpy(getattr(crops, name)).to(device) for name in names}


def figures_2d(found_px: torch.Tensor, truth: Mapping[str, torch.Tensor], prefix: str) -> dict[str, float]:
    """PCK in percent of the known joints."""
    px, true_px, known = (x.float().cpu().numpy() for x in (found_px, truth["joints_px"], truth["known_2d"]))
    return {f"{prefix}pck{round(10 * at):02d}": pck(px, true_px, known > 0, at, JOINTS)[0] for at in AT}


class _PersonTask:
    """What they share."""

    name: str

    network: torch.nn.Module

    def __init__(self, network: torch.nn.Module, data: PersonData, schedule: Schedule) -> None:
        self.network, self.data, self.schedule = network, data, schedule

    def batch(
        self, rng: np.random.Generator, size: int, progress: float
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Pictures and their truth."""
        crops = self.data.draw(rng, size, self.schedule.crop_px(progress), self.schedule.changes(progress))
        if rng.random() < 0.01:
            self.data.rendered.look_again()
        return as_input(crops.colour, self.data.device), tensors(crops, self.data.device)

    @cached_property
    def _checks(self) -> dict[str, Crops]:
        return self.data.checks(self.schedule.size_px)

    def _checked(self, network: torch.nn.Module):
        for prefix, crops in self._checks.items():
            pictures, truth = as_input(crops.colour, self.data.device), tensors(crops, self.data.device)
            yield pictures.split(CHECK_BATCH), truth, prefix


class PoseTask(_PersonTask):
    """PoseNet."""

    name = "pose_net"

    def loss(self, batch: Any, progress: float) -> dict[str, torch.Tensor]:
        """The L1 distance in cells, and where the heatmaps lie."""
        network: Any = self.network
        pictures, truth = batch
        target = network.cells(torch.cat([truth["joints_px"], truth["joints_m"][..., 2:]], dim=-1))
        known = truth["known_2d"], truth["known_3d"][:, 0]
        weights = shares(network.volumes(pictures))
        return {
            "joints": self.schedule.joints_weight(progress) * pose_loss(expected_cell(weights), target, *known),
            "place": place_loss(weights, target, *known),
        }

    def measure(self, network: Any) -> dict[str, float]:
        """PCK, and the mean error of depths in mm."""
        figures = {}
        for pictures, truth, prefix in self._checked(network):
            found = torch.cat([network.joints_2_5d(network(p)) for p in pictures])
            figures |= figures_2d(found[..., :2], truth, prefix)
            if not prefix:
                figures["depth_mm"] = 1000 * float((found[..., 2] - truth["joints_m"][..., 2]).abs().mean())
        return figures

    def config(self) -> dict[str, Any]:
        return asdict(self.network.config)  # type: ignore[arg-type, union-attr]


class RootTask(_PersonTask):
    """RootNet."""

    name = "root_net"

    def loss(self, batch: Any, progress: float) -> dict[str, torch.Tensor]:
        """The L1 distance in cells, and of the depth in shares of it: else those far away would be all that counts."""
        network: Any = self.network
        pictures, truth = batch
        root = J["pelvis"]
        target = torch.cat([network.cells(truth["joints_px"][:, root]), truth["root_m"][:, None]], dim=-1)
        weight = truth["known_3d"][:, root] * ROOT_WEIGHT / truth["root_m"]
        found = network(pictures, truth["k_m"])
        return {"root": root_loss(found, target, torch.ones_like(weight), weight, cells_to_a_metre=1.0)}

    def measure(self, network: Any) -> dict[str, float]:
        """Errors of the depth in mm and of shares of it, beside k's alone."""
        pictures, truth, _ = next(self._checked(network))
        k, root_m = truth["k_m"], truth["root_m"]
        found = torch.cat([network(p, z) for p, z in zip(pictures, k.split(CHECK_BATCH), strict=True)])
        miss, alone = (found[:, 2] - root_m).abs(), (k - root_m).abs()
        pixels = (network.pixels(found[:, :2]) - truth["joints_px"][:, J["pelvis"]]).norm(dim=-1)
        return {
            "z_mm": 1000 * float(miss.mean()), "k_mm": 1000 * float(alone.mean()),
            "z_share": float((miss / root_m).mean()), "k_share": float((alone / root_m).mean()),
            "root_px": float(pixels.mean()),
        }  # fmt: skip

    def config(self) -> dict[str, Any]:
        return asdict(self.network.config)  # type: ignore[arg-type, union-attr]


class CascadeTask(_PersonTask):
    """Cascaded dimension lifting."""

    name = "cascade"
    network: Any

    def __init__(
        self, network: torch.nn.Module, data: PersonData, schedule: Schedule, weights: cascade_losses.Weights
    ) -> None:
        super().__init__(network, data, schedule)
        self.weights = weights

    def loss(self, batch: Any, progress: float) -> dict[str, torch.Tensor]:
        """All that have a weight."""
        pictures, truth = batch
        targets = cascade_losses.Targets(truth["joints_px"], truth["joints_m"], truth["known_2d"], truth["known_3d"])
        outputs = self.network(pictures)
        size = (pictures.shape[-2], pictures.shape[-1])
        losses = cascade_losses.cascade_losses(outputs, targets, self.network.config, size, bone_sigma_cells(progress))
        share = self.schedule.joints_weight(progress)
        usual = self.weights
        weights = replace(usual, pixel=share * usual.pixel, depth=share * usual.depth)
        return {name: getattr(weights, name) * value for name, value in losses.items() if getattr(weights, name)}

    def measure(self, network: Any) -> dict[str, float]:
        """PCK, MPJPE in mm, and the share of the pairs of joints whose order in depth is right, percent."""
        figures = {}
        for pictures, truth, prefix in self._checked(network):
            outputs = [network(p) for p in pictures]
            figures |= figures_2d(torch.cat([o.joints_px for o in outputs]), truth, prefix)
            if not prefix:
                found, joints_m = torch.cat([o.joints_m for o in outputs]), truth["joints_m"]
                figures["mpjpe_mm"] = 1000 * float((found - joints_m).norm(dim=-1).mean())
                figures["order"] = order_accuracy(found[..., 2].float().cpu().numpy(), joints_m[..., 2].cpu().numpy())
        return figures

    def config(self) -> dict[str, Any]:
        return {"backbone": "small", **asdict(self.network.config)}
