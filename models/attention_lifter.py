"""A small transformer over time from keypoints and joint depths to joints in space.

References: Vaswani et al., "Attention is all you need" (2017), in the pre-norm form; Su et al., "RoFormer" (2021) for
rotary positions, which know only how far frames lie apart, so that spans of any length can be read. A frame attends to
frames up to `reach` away: by spans with overlap the cost stays linear in the clip's length. Between attention and the
rest of a block there is a depthwise convolution over five frames (as in Gulati et al., "Conformer", 2020), which gives
local motion cheaply. 2.0 million parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from .lifter_heads import Heads


@dataclass(frozen=True)
class Config:
    """Sizes."""

    width: int = 192
    layers: int = 4
    heads: int = 6
    reach: int = 40
    """Frames to either side that each layer looks at."""
    dropout: float = 0.1


class AttentionLifter(nn.Module):
    """See the module."""

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        c = self.config = config or Config()
        self.receptive_field = 1 + 2 * c.layers * (c.reach + 2)
        self.heads = Heads(c.width)
        self.first = nn.Linear(self.heads.features, c.width)
        self.layers = nn.ModuleList(_Block(c) for _ in range(c.layers))
        self.norm = nn.LayerNorm(c.width)

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """See `Heads.forward`; inputs (N, T, C)."""
        steps = torch.arange(inputs.shape[1], device=inputs.device)
        near = (steps[:, None] - steps).abs() <= self.config.reach
        x = self.first(inputs)
        for layer in self.layers:
            x = layer(x, near)
        return self.heads(inputs, self.norm(x))


class _Block(nn.Module):
    def __init__(self, c: Config) -> None:
        super().__init__()
        self.heads = c.heads
        self.norms = nn.ModuleList(nn.LayerNorm(c.width) for _ in range(3))
        self.qkv = nn.Linear(c.width, 3 * c.width)
        self.join = nn.Linear(c.width, c.width)
        self.local = nn.Conv1d(c.width, c.width, 5, padding=2, groups=c.width)
        self.wide = nn.Sequential(
            nn.Linear(c.width, 4 * c.width), nn.GELU(), nn.Linear(4 * c.width, c.width), nn.Dropout(c.dropout)
        )

    def forward(self, x: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
        count, steps, width = x.shape
        q, k, v = self.qkv(self.norms[0](x)).view(count, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(rotary(q), rotary(k), v, attn_mask=near)
        x = x + self.join(seen.transpose(1, 2).reshape(count, steps, width))
        x = x + self.local(self.norms[1](x).transpose(1, 2)).transpose(1, 2)
        return x + self.wide(self.norms[2](x))


def rotary(x: torch.Tensor) -> torch.Tensor:
    """(N, H, T, D) with each pair of components turned by an angle in proportion to time, D even."""
    half = x.shape[-1] // 2
    rate = 100.0 ** -(torch.arange(half, device=x.device) / half)
    angle = torch.arange(x.shape[-2], device=x.device)[:, None] * rate
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
