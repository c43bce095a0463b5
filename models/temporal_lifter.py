"""Dilated temporal convolutions from keypoints and joint depths over time to joints in space.

References: Pavllo, Feichtenhofer, Grangier and Auli, "3D human pose estimation in video with temporal convolutions and
semi-supervised training" (CVPR 2019), and "Temporal refinement with depth", whose second stage this is: a convolution
of width W to C channels, then B residual blocks of a convolution of width W with dilation W^b and one of width 1, each
followed by batch normalisation, ReLU and dropout p; the joint depths that an estimator found in the picture are inputs,
with noise in training. W = 3, B = 4, C = 1024, p = 0.25 is the paper's. Its receptive field is W^(B + 1), with W = 1
one frame.

Ours differs: all frames of a span are answered at once (padded with zeros, which also stand for unseen keypoints, so
that a clip's first and last frames are nothing special), a linear skip from input to output, and uncertainties and
contacts as further outputs. `animepose_blender.estimate.lifting.convolution` runs the same weights in plain numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from .lifter_heads import Heads


@dataclass(frozen=True)
class Config:
    """Sizes, by the paper's letters."""

    kernel: int = 3
    """W, odd."""
    blocks: int = 4
    """B."""
    channels: int = 1024
    """C."""
    dropout: float = 0.25
    """p."""


class TemporalLifter(nn.Module):
    """See the module."""

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        c = self.config = config or Config()
        self.receptive_field = c.kernel ** (c.blocks + 1)
        self.heads = Heads(c.channels)
        self.first = self._layer(self.heads.features, c.kernel, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(self._layer(c.channels, c.kernel, c.kernel ** (b + 1)), self._layer(c.channels, 1, 1))
            for b in range(c.blocks)
        )

    def _layer(self, inputs: int, kernel: int, dilation: int) -> nn.Sequential:
        c = self.config
        reach = dilation * (kernel - 1) // 2
        return nn.Sequential(
            nn.Conv1d(inputs, c.channels, kernel, dilation=dilation, padding=reach, bias=False),
            nn.BatchNorm1d(c.channels), nn.ReLU(), nn.Dropout(c.dropout),
        )  # fmt: skip

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """See `Heads.forward`; inputs (N, T, C)."""
        x = self.first(inputs.transpose(1, 2))
        for block in self.blocks:
            x = x + block(x)
        return self.heads(inputs, x.transpose(1, 2))
