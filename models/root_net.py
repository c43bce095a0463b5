"""RootNet: a crop of one person to the root's pixel and its distance from the camera.

Reference: Moon, Chang and Lee, "Camera distance-aware top-down approach for 3D multi-person pose estimation from a
single RGB image" (ICCV 2019), section 5. A person of constant area A_real, whose box has the area A_img, would be at

    k = sqrt(f_x f_y A_real / A_img)                                            (equation 1, from 2)

with A_real = 2000 mm x 2000 mm, and A_img that of the box made square. The picture shows how wrong that is (a child,
somebody who crouches): a 1x1 convolution of the backbone's mean feature gives gamma, and the depth is Z = k gamma. The
root's pixel is the soft-argmax of a 2D heatmap, after three deconvolutions and a 1x1 convolution. The loss is the L1
distance (equation 3). gamma depends on no camera: where the focal length is unknown, f_x = f_y = 1 gives Z / f (section
5.2).

Ours differs: metres; gamma starts at 1, so that training starts at k alone; the width of the deconvolutions is a
parameter; centres of cells and of pixels lie at +0.5 (`xy_centre` keeps the public release's elsewhere).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from .backbones import Upsampling, backbone
from .soft_argmax import soft_argmax

NETWORK = "root_net"
"""Its name in the metadata of its weights."""
STRIDE = 4
"""Pixels of the crop to a cell of the heatmap."""
AREA_REAL_M2 = 2.0 * 2.0
"""A_real."""
BOX_MARGIN = 1.25
"""The release enlarges boxes by it, for the crop and for A_img."""


@dataclass(frozen=True)
class Config:
    """Sizes; the defaults are the paper's."""

    backbone: str = "resnet50"
    width: int = 256
    """Channels of the deconvolutions."""
    laterals: bool = False
    """Whether finer features join them (`backbones.Upsampling`)."""
    input_px: int = 256
    """Side of the crop that the weights were trained with; others run, too."""
    white: float = 1.0
    """For `backbones.normalised`."""
    xy_centre: float = 0.5
    """Where in a cell, from 0 to 1, the heatmap's expected value means."""


SMALL = Config(backbone="small", laterals=True, width=64, input_px=192)
"""What is shipped."""


def square_boxes(boxes_px: torch.Tensor, margin: float = BOX_MARGIN) -> torch.Tensor:
    """Boxes (..., 4) as x, y, width, height made square about their centres: the longer side times a margin."""
    side = boxes_px[..., 2:].amax(dim=-1, keepdim=True) * margin
    return torch.cat([boxes_px[..., :2] + boxes_px[..., 2:] / 2 - side / 2, side, side], dim=-1)


def prior_depth_m(area_px2: torch.Tensor, focal_px: torch.Tensor | None = None) -> torch.Tensor:
    """k (equation 1): the depth by the size of the box alone.

    Args:
        area_px2: (N,) area of the square box in the picture (not in the crop), A_img.
        focal_px: (N, 2) f_x, f_y in pixels of the same picture, or none if unknown.
    Returns:
        (N,) metres; without focal lengths metres to a pixel of focal length (k / f).
    """
    focal_product = 1.0 if focal_px is None else focal_px.prod(dim=-1)
    return (focal_product * AREA_REAL_M2 / area_px2).sqrt()


class RootNet(nn.Module):
    """See the module."""

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        c = self.config = config or Config()
        self.backbone = backbone(c.backbone)
        self.up = Upsampling(self.backbone.channels, c.width, c.laterals)
        self.heatmap = nn.Conv2d(c.width, 1, 1)
        self.gamma = nn.Conv2d(self.backbone.channels[-1], 1, 1)
        for layer, start in ((self.heatmap, 0.0), (self.gamma, 1.0)):
            nn.init.normal_(layer.weight, std=0.001)
            nn.init.constant_(layer.bias, start)  # type: ignore[arg-type]

    def forward(self, pictures: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        """The root's cell and depth.

        Args:
            pictures: (N, 3, H, W), normalised (`backbones.normalised`, with `config.white`).
            k: (N,) from `prior_depth_m`.
        Returns:
            (N, 3) as (x, y) in cells of the heatmap and the depth, in k's unit; float32.
        """
        features = self.backbone(pictures)
        xy = soft_argmax(self.heatmap(self.up(features)))[:, 0]
        gamma = self.gamma(features[-1].mean(dim=(2, 3), keepdim=True)).flatten().float()
        return torch.cat([xy, (gamma * k)[:, None]], dim=-1)

    def pixels(self, cells: torch.Tensor) -> torch.Tensor:
        """Pixels of the crop (..., 2) from cells (..., 2)."""
        return (cells + self.config.xy_centre) * STRIDE

    def cells(self, root_px: torch.Tensor) -> torch.Tensor:
        """Cells (..., 2) from pixels of the crop (..., 2)."""
        return root_px / STRIDE - self.config.xy_centre


def from_config(config: dict[str, Any]) -> RootNet:
    """A RootNet of the sizes that a file of weights states.

    Raises:
        TypeError, ValueError: if they are no sizes of a RootNet.
    """
    return RootNet(Config(**config))


def root_loss(
    roots: torch.Tensor,
    target: torch.Tensor,
    visible: torch.Tensor,
    has_depth: torch.Tensor,
    cells_to_a_metre: float = 1000.0,
) -> torch.Tensor:
    """L1 distance (equation 3), mean over samples and axes.

    Args:
        roots, target: (N, 3) cells, cells, depth. Targets without weight may be anything, even NaN.
        visible: (N,) weights, 0 where the root is not known.
        has_depth: (N,) weights, 0 for samples without depth.
        cells_to_a_metre: what an error of the depth weighs; the release adds cells and millimetres.
    Returns:
        A scalar.
    """
    visible, has_depth = visible.to(roots), has_depth.to(roots)
    weight = torch.stack([visible, visible, visible * has_depth * cells_to_a_metre], dim=-1)
    # Not a product alone: NaN times 0 is NaN, in the gradient as well.
    target = torch.where(weight > 0, target, roots.detach())
    return (weight * (roots - target).abs()).mean()
