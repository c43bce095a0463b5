"""What the project's own networks share: how they are loaded, their precision, their batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from models import cascade, depth_net, detect_net, pose_net, root_net

from ...errors import AnimePoseError
from ...store.installed import weights_file
from ...store.record import read_record, read_record_file
from .batches import Batches
from .device import Device
from .loading import Loaded
from .own import Constructors, load_own_file

CONSTRUCTORS: Constructors = {
    module.NETWORK: module.from_config for module in (detect_net, depth_net, root_net, pose_net, cascade)
}
"""Of the networks that look at pictures, by the name in the metadata of their weights and in records."""
Values = tuple[torch.Tensor, ...]


def load_own_network(path: Path, device: Device) -> Loaded:
    """One of `CONSTRUCTORS`, by what `find_network` gave: the file that ships, or the folder of the store.

    Where the device computes in bfloat16, it runs in float16, as other networks that give coordinates do
    (`loading.EXACT_ROLES`).

    Raises:
        AnimePoseError: as `own.load_own_file`; or if there is no record.
    """
    record = read_record_file(path.with_suffix(".json")) if path.is_file() else read_record(path)
    if device.dtype is torch.bfloat16:
        device = replace(device, dtype=torch.float16)
    only = {record.architecture: CONSTRUCTORS[record.architecture]}
    return Loaded(load_own_file(weights_file(path, record), only, device), {}, record, device)


def in_bfloat16(device: torch.device) -> bool:
    """Whether a network runs in bfloat16 where it loses nothing by it: on CPUs that multiply such numbers themselves,
    in half the time. Ours were trained so; joints then lie a quarter of a pixel elsewhere, and as often right."""
    # Without a public name in torch. Where it has gone, nothing is lost but time.
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return device.type == "cpu" and ask is not None and bool(ask())


class OwnNetwork:
    """A network behind the protocol of its part.

    Args:
        loaded: the network.
        at_once: pictures or people in a batch, by type of device; "" for all others.
    """

    def __init__(self, loaded: Loaded, at_once: dict[str, int]) -> None:
        record = loaded.record
        self.name = f"{record.title} ({record.licence})"
        self.network: Any = loaded.network
        self.dtype = loaded.device.dtype
        self._bfloat16 = in_bfloat16(loaded.device.torch)
        if self._bfloat16:
            self.network = self.network.to(memory_format=torch.channels_last)
        kind = loaded.device.torch.type
        self.batches = Batches(at_once.get(kind, at_once[""]), record.title)

    @torch.inference_mode()
    def answer(self, look: Callable[[torch.dtype], Values]) -> Values:
        """What the network says; in float32 where it computed `in_bfloat16`. Should numbers overflow in half precision,
        which shows as something that is not a number, it goes on in float32.

        Args:
            look: runs the network on inputs of a precision; may be called twice.
        Raises:
            AnimePoseError: if there is no number in float32 either.
        """
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            values = look(self.dtype)
        if all(bool(torch.isfinite(value).all()) for value in values):
            return tuple(value.float() for value in values) if self._bfloat16 else values
        if self.dtype is torch.float32 and not self._bfloat16:
            raise AnimePoseError(
                f"{self.name} gives something that is not a number.", "Train it again, or choose another network."
            )
        self.dtype, self._bfloat16 = torch.float32, False
        self.network = self.network.float()
        return self.answer(look)
