"""Residual network from the keypoints of one frame to joints in space.

Reference: Martinez, Hossain, Romero and Little, "A simple yet effective baseline for 3d human pose estimation" (ICCV
2017): two blocks of two linear layers of 1024, each with batch normalisation, ReLU and dropout, and a residual
connection about each block. Ours differs: keypoints as rays with confidences and optional depths (see
`animepose_blender.estimate.lifting.encoding`), a linear skip from input to output, and uncertainties and contacts as
further outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from .lifter_heads import Heads


@dataclass(frozen=True)
class Config:
    """Sizes; `width` 1024 is the paper's."""

    width: int = 1024
    blocks: int = 2
    dropout: float = 0.25


class ResidualLifter(nn.Module):
    """Each frame on its own; the receptive field is 1 frame."""

    receptive_field = 1

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        c = self.config = config or Config()
        self.heads = Heads(c.width)
        self.first = self._layer(self.heads.features, c.width)
        self.blocks = nn.ModuleList(
            nn.Sequential(self._layer(c.width, c.width), self._layer(c.width, c.width)) for _ in range(c.blocks)
        )

    def _layer(self, inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(self.config.dropout)
        )

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """See `Heads.forward`; inputs (N, T, C)."""
        x = self.first(inputs.flatten(0, 1))
        for block in self.blocks:
            x = x + block(x)
        return self.heads(inputs, x.view(*inputs.shape[:2], -1))
