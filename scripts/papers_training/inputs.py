"""Pictures as networks take them."""

from __future__ import annotations

import numpy as np
import torch

from models.backbones import normalised


def as_input(colour: np.ndarray, device: str) -> torch.Tensor:
    """(N, 3, H, W) normalised pictures from (N, H, W, 3) uint8 RGB."""
    pictures = torch.from_numpy(colour).to(device).permute(0, 3, 1, 2).float() / 255
    return normalised(pictures).contiguous(memory_format=torch.channels_last)
