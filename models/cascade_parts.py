"""What the cascade is built of: convolutions, dilated context, and the residual MLP.

Reference: Zhang, Zhan and Chang, "Deep Monocular 3D Human Pose Estimation via Cascaded Dimension-Lifting" (AAAI 2021),
sections "Network Design", "Depth-Centric Block" and "3D Lifting block".
"""

from __future__ import annotations

import torch
from torch import nn


def convolution(inputs: int, outputs: int, kernel: int = 3, dilation: int = 1) -> nn.Sequential:
    """Convolution that keeps the size, batch normalisation, ReLU; (N, inputs, H, W) to (N, outputs, H, W)."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class HeatmapBlock(nn.Module):
    """Two convolutions on everything known so far, and a linear one to the heatmaps."""

    def __init__(self, inputs: int, width: int, heatmaps: int) -> None:
        super().__init__()
        self.body = nn.Sequential(convolution(inputs, width), convolution(width, width))
        self.out = nn.Conv2d(width, heatmaps, 1)

    def forward(self, known: list[torch.Tensor]) -> torch.Tensor:
        """Maps (N, C_i, H, W), whose channels together are `inputs`, to heatmaps (N, heatmaps, H, W)."""
        return self.out(self.body(torch.cat(known, dim=1)))


class DilatedContext(nn.Module):
    """Several receptive fields side by side, made one: (N, width, H, W) to (N, width, H, W)."""

    def __init__(self, width: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(convolution(width, width, dilation=dilation) for dilation in dilations)
        self.join = convolution(width * len(dilations), width, kernel=1)

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        return self.join(torch.cat([branch(context) for branch in self.branches], dim=1))


class DepthCentricBlock(nn.Module):
    """Heatmaps of all joints sorted into a cube by their depth (equation 3), and the ordinal logits beside it
    (equation 4)."""

    def __init__(self, inputs: int, width: int, cells: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.dilated = DilatedContext(width, dilations)
        self.body = nn.Sequential(convolution(inputs + width, width), convolution(width, width))
        self.cube = nn.Conv2d(width, cells, 1)
        self.ordinal = nn.Conv2d(width, cells, 1)

    def forward(self, context: torch.Tensor, known: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """The cube and the ordinal logits.

        Args:
            context: (N, width, H, W) features of the picture.
            known: maps (N, C_i, H, W), whose channels together are `inputs`.
        Returns:
            cube (N, C, H, W), near first; logits (N, C, H, W) of "the depth cell here is beyond c".
        """
        features = self.body(torch.cat([self.dilated(context), *known], dim=1))
        return self.cube(features), self.ordinal(features)


class ResidualMLP(nn.Module):
    """The 3D lifting block: a linear layer, blocks of two with a residual connection about each, and a linear one."""

    def __init__(self, inputs: int, width: int, blocks: int, dropout: float, outputs: int) -> None:
        super().__init__()

        def layer(channels: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Linear(channels, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Dropout(dropout)
            )

        self.first = layer(inputs)
        self.blocks = nn.ModuleList(nn.Sequential(layer(width), layer(width)) for _ in range(blocks))
        self.out = nn.Linear(width, outputs)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """(N, inputs) to (N, outputs)."""
        x = self.first(points)
        for block in self.blocks:
            x = x + block(x)
        return self.out(x)
