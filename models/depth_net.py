"""DepthNet: the depth of every pixel of one picture, with local planar guidance.

References: Lee et al., "From Big to Small: Multi-Scale Local Planar Guidance for Monocular Depth Estimation" (2019),
which AnimePose (Kumarapu and Mukherjee, 2020, section 2.1) takes for its depth maps; Yang et al., "DenseASPP for
semantic segmentation in street scenes" (2018) for the context; Eigen et al., "Depth map prediction from a single image"
(2014) for the loss. At 1/8, 1/4 and 1/2 of the picture each cell k pixels wide holds a plane, that is a unit normal and
a distance, and gives the depth of its k x k pixels (equation 1 of Lee et al.):

    n = (sin θ cos φ, sin θ sin φ, cos θ),    depth(u, v) = distance / (n1 u + n2 v + n3)

with u, v the pixel's place in the cell, from -1/2 to 1/2, pixel centres at +0.5. A plane in space seen by a pinhole
camera is of that form in every cell. The depths of the three scales and a plain reduction at 1/1 are joined by a last
convolution. Unlike the publication, features at 1/2 come from one convolution of the picture, for encoders here begin
at 1/4, and the context is made of depthwise convolutions of three rates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .backbones import backbone, padded

NETWORK = "depth_net"
"""Its name in the metadata of its weights."""
CANONICAL_FOCAL_PX = 400.0
"""How far something is follows from a picture only together with its focal length. So the network speaks of the picture
as if it had this one: the depth in metres is its output times focal_px / CANONICAL_FOCAL_PX, with the focal length of
the picture as the network sees it, after resizing (Yin et al., "Metric3D", 2023)."""


@dataclass(frozen=True)
class Config:
    """Sizes; the default backbone is one of the paper's."""

    backbone: str = "resnet50"
    input_px: int = 384
    """Longer side of the pictures that the weights were trained with; others run, too."""
    max_depth_m: float = 20.0
    widths: tuple[int, int, int, int, int] = (128, 96, 64, 32, 16)
    """Features at 1/16, 1/8, 1/4, 1/2 and 1/1."""
    rates: tuple[int, ...] = (3, 6, 12)
    """Dilations of the context."""


SMALL = Config(backbone="small")
"""What is shipped."""


class DepthNet(nn.Module):
    """See the module.

    Args:
        encoder: gives a list of features at strides 4, 8, 16 and 32, whose counts of channels are its `channels`.
        config: sizes.
    """

    def __init__(self, encoder: Any, config: Config | None = None) -> None:
        super().__init__()
        c = self.config = config or Config()
        self.encoder = encoder
        at4, at8, at16, at32 = encoder.channels
        w16, w8, w4, w2, w1 = c.widths
        self.stem = _conv(3, w1, stride=2)
        self.join16 = _conv(at32 + at16, w16)
        self.join8 = _conv(w16 + at8, w8)
        self.context = DenseContext(w8, c.rates)
        self.join4 = _conv(w8 + at4 + 1, w4)
        self.join2 = _conv(w4 + w1 + 1, w2)
        self.join1 = _conv(w2 + 1, w1)
        self.planes = nn.ModuleList(PlanarGuidance(w, k, c.max_depth_m) for w, k in ((w8, 8), (w4, 4), (w2, 2)))
        self.reduce1 = nn.Conv2d(w1, 1, 1)
        self.last = nn.Sequential(_conv(w1 + 4, w1), nn.Conv2d(w1, 1, 3, padding=1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Depth along the camera's axis.

        Args:
            pictures: (B, 3, H, W) RGB as the encoder asks, of any size.
        Returns:
            (B, H, W) metres at `CANONICAL_FOCAL_PX`, 0 to `max_depth_m`.
        """
        height, width = pictures.shape[-2:]
        pictures = padded(pictures)
        at4, at8, at16, at32 = self.encoder(pictures)
        x = self.join16(torch.cat([_grow(at32), at16], 1))
        x = self.context(self.join8(torch.cat([_grow(x), at8], 1)))
        by8 = self.planes[0](x) / self.config.max_depth_m
        x = self.join4(torch.cat([_grow(x), at4, _shrink(by8, 4)], 1))
        by4 = self.planes[1](x) / self.config.max_depth_m
        x = self.join2(torch.cat([_grow(x), self.stem(pictures), _shrink(by4, 2)], 1))
        by2 = self.planes[2](x) / self.config.max_depth_m
        x = self.join1(torch.cat([_grow(x), by2], 1))
        by1 = self.reduce1(x).sigmoid()
        # Single precision from here: halves have steps of centimetres.
        depth = self.last(torch.cat([x, by8, by4, by2, by1], 1)).float().sigmoid() * self.config.max_depth_m
        return depth[:, 0, :height, :width]


def from_config(config: dict[str, Any]) -> DepthNet:
    """A DepthNet of the sizes that a file of weights states.

    Raises:
        TypeError, ValueError: if they are no sizes of a DepthNet.
    """
    c = Config(**config)
    return DepthNet(backbone(c.backbone), c)


class PlanarGuidance(nn.Module):
    """Features at 1/k to the depths of planes at 1/1."""

    def __init__(self, width: int, ratio: int, max_depth_m: float) -> None:
        super().__init__()
        self.ratio = ratio
        self.max_depth_m = max_depth_m
        self.reduce = nn.Sequential(nn.Conv2d(width, width // 2, 1), nn.ELU(), nn.Conv2d(width // 2, 3, 1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) to (B, 1, h k, w k) metres."""
        tilt, turn, distance = self.reduce(features).float().sigmoid().unbind(1)
        # Tilts up to 60 degrees, as published: no pixel of a cell then looks along its plane.
        normal = unit_normal(tilt * math.pi / 3, turn * 2 * math.pi)
        depth = local_depth(normal, distance * self.max_depth_m, self.ratio)
        # One channel, laid out as the last: joined to others it would else make them all be copied.
        return depth.clamp(0, self.max_depth_m).to(features.dtype)[..., None].permute(0, 3, 1, 2)


class DenseContext(nn.Module):
    """Dilated convolutions of growing reach, each of which sees what those before it found."""

    def __init__(self, width: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        part = width // 2
        self.parts = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width + i * part, part, 1, bias=False),
                nn.BatchNorm2d(part),
                nn.ELU(),
                nn.Conv2d(part, part, 3, padding=rate, dilation=rate, groups=part),
                nn.Conv2d(part, part, 1),
            )
            for i, rate in enumerate(rates)
        )
        self.join = _conv(width + len(rates) * part, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) to the same shape."""
        for part in self.parts:
            x = torch.cat([x, part(x)], 1)
        return self.join(x)


def unit_normal(tilt: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """(..., 3) unit normals from two angles in radians, (...) each: from the axis, and about it."""
    return torch.stack([tilt.sin() * turn.cos(), tilt.sin() * turn.sin(), tilt.cos()], -1)


def local_depth(normal: torch.Tensor, distance: torch.Tensor, ratio: int) -> torch.Tensor:
    """Depths of the pixels of each cell from its plane, equation 1 of Lee et al.

    Args:
        normal: (B, h, w, 3), in the cell's own coordinates.
        distance: (B, h, w) metres.
        ratio: pixels k along a cell's side.
    Returns:
        (B, h k, w k) metres.
    """
    batch, rows, columns = distance.shape
    place = (torch.arange(ratio, device=distance.device, dtype=distance.dtype) + 0.5) / ratio - 0.5
    n1, n2, n3 = normal.unbind(-1)
    slope = (
        n1[:, :, None, :, None] * place + n2[:, :, None, :, None] * place[:, None, None] + n3[:, :, None, :, None]
    )  # (B, h, k, w, k)
    return (distance[:, :, None, :, None] / slope.clamp_min(1e-3)).reshape(batch, rows * ratio, columns * ratio)


def scale_invariant_loss(
    depth_m: torch.Tensor,
    truth_m: torch.Tensor,
    valid: torch.Tensor | None = None,
    scale_share: float = 0.85,
    alpha: float = 10.0,
) -> torch.Tensor:
    """The scale-invariant loss, equations 2 to 4 of Lee et al., in each picture by itself.

    With g = log depth - log truth:  D = mean(g²) - λ mean(g)²,  loss = α sqrt(D); here D is written as
    var(g) + (1 - λ) mean(g)², which does not lose digits.

    Args:
        depth_m: (B, H, W) metres.
        truth_m: (B, H, W) metres; pixels not above 0, or not finite, do not count.
        valid: (B, H, W) bool, which others count; None for all.
        scale_share: λ, from 0 (a common factor counts in full) to 1 (it does not count).
        alpha: α.
    Returns:
        () mean over the pictures that have any pixel that counts; 0 if none has.
    """
    counts = truth_m.isfinite() & (truth_m > 0)
    counts = (counts & valid if valid is not None else counts).flatten(1)
    # In single precision: squares of logarithms do not bear halves.
    guess = depth_m.flatten(1).float().clamp_min(1e-3)
    truth = torch.where(counts, truth_m.flatten(1).float(), torch.ones_like(guess))
    g = torch.where(counts, guess.log() - truth.log(), torch.zeros_like(guess))
    total = counts.sum(1).clamp_min(1)
    mean = g.sum(1) / total
    spread = (torch.where(counts, g - mean[:, None], torch.zeros_like(g)) ** 2).sum(1) / total
    # A root has no slope at 0: below this floor there is nothing left to learn.
    loss = alpha * (spread + (1 - scale_share) * mean**2).clamp_min(1e-12).sqrt()
    some = counts.any(1)
    return (loss * some).sum() / some.sum().clamp_min(1)


def _conv(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ELU()
    )


def _grow(x: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")


def _shrink(x: torch.Tensor, ratio: int) -> torch.Tensor:
    return functional.avg_pool2d(x, ratio)
