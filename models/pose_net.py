"""PoseNet: a crop of one person to the joints' pixels and their depths relative to the root.

References: Moon, Chang and Lee, "Camera distance-aware top-down approach for 3D multi-person pose estimation from a
single RGB image" (ICCV 2019), section 6 and its loss, the L1 distance (its equation 4); whose network is that of Sun,
Xiao, Wei, Liang and Wei, "Integral human pose regression" (ECCV 2018), equations 2 and 3: backbone, three
deconvolutions of 256 channels, a 1x1 convolution to J x D channels, which are J heatmaps of D x H/4 x W/4 cells, and
their soft-argmax. Samples that know no depth (photographs with joints in 2D) have weight 0 along z.

Ours differs: the width of the deconvolutions is a parameter, our own weights look for joints around the heatmaps'
peaks (`window_cells`), and centres of cells and of pixels lie at +0.5. The public release has them elsewhere, which
`xy_centre` and `z_centre` keep for its weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from .backbones import Upsampling, backbone
from .soft_argmax import pointed_cell, shares

NETWORK = "pose_net"
"""Its name in the metadata of its weights."""
STRIDE = 4
"""Pixels of the crop to a cell of a heatmap."""


@dataclass(frozen=True)
class Config:
    """Sizes; the defaults are the paper's, but for the joints."""

    backbone: str = "resnet50"
    joints: int = 28
    """J."""
    depth_bins: int = 64
    """D."""
    width: int = 256
    """Channels of the deconvolutions."""
    laterals: bool = False
    """Whether finer features join them (`backbones.Upsampling`)."""
    input_px: int = 256
    """Side of the crop that the weights were trained with; others run, too."""
    white: float = 1.0
    """For `backbones.normalised`."""
    depth_range_m: float = 2.0
    """Of all bins together, the root in their middle."""
    xy_centre: float = 0.5
    """Where in a cell, from 0 to 1, the heatmaps' expected values mean."""
    z_centre: float = 0.5
    window_cells: float = 0.0
    """Deviation of the window that pixels are expected in (`soft_argmax.cell_around_peak`); 0: over all, as published.
    It is for networks whose heatmaps were taught where joints may be (`place_loss`)."""


SMALL = Config(backbone="small", laterals=True, depth_bins=32, width=128, input_px=192, window_cells=8.0)
"""What is shipped."""


class PoseNet(nn.Module):
    """See the module."""

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        c = self.config = config or Config()
        self.backbone = backbone(c.backbone)
        self.up = Upsampling(self.backbone.channels, c.width, c.laterals)
        self.heatmaps = nn.Conv2d(c.width, c.joints * c.depth_bins, 1)
        nn.init.normal_(self.heatmaps.weight, std=0.001)
        nn.init.zeros_(self.heatmaps.bias)  # type: ignore[arg-type]

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Joints in cells of the heatmaps.

        Args:
            pictures: (N, 3, H, W), normalised (`backbones.normalised`, with `config.white`).
        Returns:
            (N, J, 3) as (x, y, z), float32.
        """
        return self.cells_of(self.volumes(pictures))

    def volumes(self, pictures: torch.Tensor) -> torch.Tensor:
        """The 3D heatmaps, unnormalised: (N, J, D, H/4, W/4) for the same pictures."""
        c = self.config
        return self.heatmaps(self.up(self.backbone(pictures))).unflatten(1, (c.joints, c.depth_bins))

    def cells_of(self, volumes: torch.Tensor) -> torch.Tensor:
        """Joints in cells, (N, J, 3), float32, where 3D heatmaps (N, J, D, H/4, W/4) point at."""
        return pointed_cell(shares(volumes), self.config.window_cells)

    def joints_2_5d(self, cells: torch.Tensor) -> torch.Tensor:
        """Pixels of the crop and depths behind the root in metres, (N, J, 3), from cells (N, J, 3)."""
        c = self.config
        depth_m = ((cells[..., 2:] + c.z_centre) / c.depth_bins - 0.5) * c.depth_range_m
        return torch.cat([(cells[..., :2] + c.xy_centre) * STRIDE, depth_m], dim=-1)

    def cells(self, joints_2_5d: torch.Tensor) -> torch.Tensor:
        """What `forward` should answer, (N, J, 3), from pixels of the crop and depths behind the root in metres."""
        c = self.config
        z = (joints_2_5d[..., 2:] / c.depth_range_m + 0.5) * c.depth_bins - c.z_centre
        return torch.cat([joints_2_5d[..., :2] / STRIDE - c.xy_centre, z], dim=-1)


def from_config(config: dict[str, Any]) -> PoseNet:
    """A PoseNet of the sizes that a file of weights states.

    Raises:
        TypeError, ValueError: if they are no sizes of a PoseNet.
    """
    return PoseNet(Config(**config))


def pose_loss(
    cells: torch.Tensor, target: torch.Tensor, visible: torch.Tensor, has_depth: torch.Tensor
) -> torch.Tensor:
    """L1 distance in cells (equation 4), mean over all joints and axes, invisible ones counted as 0.

    Args:
        cells, target: (N, J, 3). Targets without weight may be anything, even NaN.
        visible: (N, J) weights, 0 where a joint is not known.
        has_depth: (N,) weights, 0 for samples without depth.
    Returns:
        A scalar.
    """
    visible, has_depth = visible.to(cells), has_depth.to(cells)
    weight = torch.stack([visible, visible, visible * has_depth[:, None]], dim=-1)
    # Not a product alone: NaN times 0 is NaN, in the gradient as well.
    target = torch.where(weight > 0, target, cells.detach())
    return (weight * (cells - target).abs()).mean()


def place_loss(
    weights: torch.Tensor, target: torch.Tensor, visible: torch.Tensor, has_depth: torch.Tensor, sigma: float = 1.5
) -> torch.Tensor:
    """Cross entropy of where the heatmaps lie, across the picture and in depth, to Gaussians about the joints.

    The expected cell alone long stays between two like limbs, for there it is least wrong; what says where each of them
    could be leads away from it. Sun et al. (section 3) likewise teach the heatmaps beside their expectation.

    Args:
        weights: (N, J, D, H, W) `soft_argmax.shares` of the heatmaps.
        target, visible, has_depth: as of `pose_loss`.
        sigma: cells.
    Returns:
        A scalar, mean over what is known; its least is the entropy of the Gaussians, about 3 nats.
    """
    visible = visible.to(weights)
    in_space = visible * has_depth.to(weights)[:, None]
    target = torch.where(visible[..., None] > 0, target, 0.0)
    across = weights.sum(dim=2).clamp_min(1e-9).log()
    deep = weights.sum(dim=(3, 4)).clamp_min(1e-9).log()
    x, y, z = (_gaussian(target[..., i], n, sigma) for i, n in enumerate((*across.shape[:1:-1], deep.shape[-1])))
    plane = -torch.einsum("njyx,njx,njy->nj", across, x, y)
    depth = -torch.einsum("njz,njz->nj", deep, z)
    return (visible * plane).sum() / visible.sum().clamp_min(1) + (in_space * depth).sum() / in_space.sum().clamp_min(1)


def _gaussian(middle: torch.Tensor, cells: int, sigma: float) -> torch.Tensor:
    """(..., cells) that sum to 1; what lies outside is drawn to the border."""
    at = torch.arange(cells, dtype=middle.dtype, device=middle.device)
    return (-0.5 * ((at - middle.clamp(0, cells - 1)[..., None]) / sigma) ** 2).softmax(dim=-1)
