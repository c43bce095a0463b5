"""Losses of the cascade.

Reference: Zhang, Zhan and Chang, "Deep Monocular 3D Human Pose Estimation via Cascaded Dimension-Lifting" (AAAI 2021):
equation 2 (2D), 3 (3D), 4 and 5 (depth), 9 (pose); `order` is the ranking of pairs of Pavlakos, Zhou and Daniilidis,
"Ordinal depth supervision for 3D human pose estimation" (CVPR 2018), which equations 3 and 4 replace: off by default;
so is `place`, ours, for weights that look for joints around the volumes' peaks (`pose_net.place_loss`).

Where the text leaves a choice, ours is: no weights are printed, so they are ours, and bring the terms to one order of
magnitude at the start; equation 4 is a likelihood, so its negative is made small, and it counts where a joint is, since
elsewhere no depth is defined; the 2.5D points are taught by their absolute error in cells, as in 3DMPPE's PoseNet (the
paper trains "the previous network" before the MLP, and its baseline has no other loss); sums over cells and channels
are the paper's, means are over what is known, so that photographs in a batch do not thin out the rest.

Samples without depth (photographs) have `known_3d` false: `cube`, `ordinal`, `depth`, `order` and `pose` pass them by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional

from . import cascade_targets as targets_of
from .cascade import STRIDE, Config, Outputs, points_of
from .pose_net import place_loss
from .soft_argmax import expected_cell


@dataclass(frozen=True)
class Weights:
    """Weights of the losses, by name; ours."""

    bone: float = 0.1
    joint: float = 0.1
    cube: float = 0.1
    ordinal: float = 0.05
    order: float = 0.0
    pixel: float = 1.0
    depth: float = 1.0
    place: float = 0.0
    pose: float = 10.0

    def total(self, losses: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The weighted sum of what `cascade_losses` gives."""
        return torch.stack([getattr(self, name) * loss for name, loss in losses.items()]).sum()


class Targets(NamedTuple):
    """The truth about a batch of crops. What is not known may be NaN.

    Attributes:
        joints_px: (N, J, 2) in the crop, pixel centres at +0.5; hidden joints too, and those beyond its border.
        joints_m: (N, J, 3) relative to the pelvis, camera axes.
        known_2d: (N, J) bool.
        known_3d: (N, J) bool; false throughout for photographs.
    """

    joints_px: torch.Tensor
    joints_m: torch.Tensor
    known_2d: torch.Tensor
    known_3d: torch.Tensor


def mean_where(values: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Mean of the values that are known, 0 if none is; those elsewhere get no gradient."""
    known = known.expand_as(values)
    return torch.where(known, values, 0.0).sum() / known.sum().clamp_min(1)


def heatmap_loss(heatmaps: torch.Tensor, truth: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Equation 2: squared error summed over the cells; (N, K, H, W) twice and (N, K), mean over what is known."""
    return mean_where((heatmaps.float() - truth).square().sum(dim=(2, 3)), known)


def cube_loss(cube: torch.Tensor, truth: torch.Tensor, known: torch.Tensor, joints: int) -> torch.Tensor:
    """Equation 3: squared error summed over channels and cells, over the number of joints, mean over samples.

    Args:
        cube, truth: (N, C, H, W).
        known: (N, H, W) bool; cells of the picture that count.
        joints: their number; the loss then is of the size of that of the heatmaps.
    """
    square = torch.where(known, (cube.float() - truth).square().sum(dim=1), 0.0)
    samples = known.flatten(1).any(dim=1).sum().clamp_min(1)
    return square.sum() / (samples * joints)


def ordinal_loss(logits: torch.Tensor, depth: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Equations 4 and 5, negative: being d cells off costs d of the yes-or-no questions "is it beyond c?".

    Args:
        logits: (N, C, H, W).
        depth: (N, H, W) int64, the true cell.
        known: (N, H, W) bool.
    """
    channel = torch.arange(logits.shape[1], device=logits.device)[:, None, None]
    beyond = (depth[:, None] > channel).to(torch.float32)
    questions = functional.binary_cross_entropy_with_logits(logits.float(), beyond, reduction="none")
    return mean_where(questions.sum(dim=1), known)


def order_loss(
    depths_m: torch.Tensor, relations: torch.Tensor, known: torch.Tensor, margin_m: float = 0.05
) -> torch.Tensor:
    """Ranking of pairs: what is missing to a distance of the margin in the true order, or too much between equals.

    Args:
        depths_m: (N, J) predicted.
        relations, known: (N, J, J) of `cascade_targets.depth_relations`; its tolerance should not be below the margin,
            or the truth itself would be wrong.
    Returns:
        metres, mean over the known pairs.
    """
    behind = depths_m[:, None, :] - depths_m[:, :, None]
    ranked = functional.relu(margin_m - relations * behind)
    equal = functional.relu(behind.abs() - margin_m)
    return mean_where(torch.where(relations == 0, equal, ranked), known)


def cascade_losses(
    outputs: Outputs, targets: Targets, config: Config, size_px: tuple[int, int], bone_sigma: float = 2.0
) -> dict[str, torch.Tensor]:
    """Every loss that the configuration has, unweighted.

    Args:
        outputs: of the network.
        targets: of the same crops.
        config: of the network.
        size_px: (height, width) of the crops.
        bone_sigma: cells, see `cascade_targets.bone_sigma_cells`.
    Returns:
        name (as in `Weights`) to scalar.
    """
    known, known_3d = targets.known_2d, targets.known_3d
    size = (size_px[0] // STRIDE, size_px[1] // STRIDE)
    # NaN would go into gradients even of what is left out.
    joints_px = torch.where(known[..., None], targets.joints_px, 0.0)
    joints_m = torch.where(known_3d[..., None], targets.joints_m, 0.0)
    cells, depths_m = joints_px / STRIDE - 0.5, joints_m[..., 2]
    cell_m = config.cube_side_m / config.depth_cells
    relations, pairs = targets_of.depth_relations(depths_m, known_3d)
    # Of all of a volume, wherever the network looked: the window would hide a peak at a wrong place from the loss.
    found_px, found_m = points_of(expected_cell(outputs.shares), config.depth_cells, config.cube_side_m)
    true_z = (depths_m / config.cube_side_m + 0.5) * config.depth_cells - 0.5
    true_cells = torch.cat([cells, true_z[..., None]], dim=-1)
    losses = {
        "pixel": mean_where((found_px - joints_px).abs() / STRIDE, known[..., None]),
        "depth": mean_where((found_m - depths_m).abs() / cell_m, known_3d),
        "place": place_loss(outputs.shares, true_cells, known, known_3d[:, 0]),
        "order": order_loss(outputs.depths_m, relations, pairs),
        "pose": mean_where((outputs.joints_m - joints_m).abs(), known_3d[..., None]),
    }
    if outputs.bones is not None:
        truth, known_bones = targets_of.bone_heatmaps(cells, known, size, bone_sigma)
        losses["bone"] = heatmap_loss(outputs.bones, truth, known_bones)
    if outputs.joints is None and outputs.cube is None:
        return losses
    heatmaps = targets_of.joint_heatmaps(cells, known, size)
    if outputs.joints is not None:
        losses["joint"] = heatmap_loss(outputs.joints, heatmaps, known)
    if outputs.cube is not None and outputs.ordinal is not None:
        both = known & known_3d
        indices = targets_of.depth_indices(depths_m, config.depth_cells, config.cube_side_m)
        truth = targets_of.cube_of(heatmaps, indices, both, config.depth_cells)
        # Where a joint is whose depth is not known, the cube is not known either.
        unclear = (heatmaps * (known & ~known_3d)[..., None, None]).amax(dim=1) > 0.01
        counts = both.any(dim=1)[:, None, None] & ~unclear
        losses["cube"] = cube_loss(outputs.cube, truth, counts, known.shape[1])
        losses["ordinal"] = ordinal_loss(outputs.ordinal, *targets_of.depth_map(heatmaps, indices, both))
    return losses
