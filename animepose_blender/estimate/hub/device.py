"""The device that networks run on, and what to do when its memory does not suffice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Device:
    """Where networks run, and in which precision."""

    torch: torch.device
    dtype: torch.dtype
    """Of weights and activations: float32 on a CPU."""


def choose_device(wanted: str) -> Device:
    """The device of a job; `wanted` is one of `protocol.DEVICES`.

    Raises:
        AnimePoseError: if it is not there.
    """
    name = "cpu" if wanted == "auto" else wanted
    return Device(torch.device(name), torch.float32)


def upload(frames: Sequence[np.ndarray], device: Device) -> torch.Tensor:
    """(B, H, W, 3) uint8 on the device, of B frames (H, W, 3) uint8."""
    return torch.from_numpy(np.stack(frames)).to(device.torch)
