"""Networks of `transformers` from folders of the weight store: nothing is fetched, nothing is unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...store.record import ModelRecord, read_record
from .device import Device


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network that is ready to run."""

    network: torch.nn.Module
    """On the device, in its precision, without gradients, in evaluation mode."""
    processor: dict[str, Any]
    """preprocessor_config.json, or processor_config.json, as it is; empty if there is none."""
    record: ModelRecord
    device: Device


def load_network(folder: Path, classes: Mapping[str, type], device: Device) -> Loaded:
    """Load a network from its folder.

    Args:
        folder: of the store, with a record.
        classes: by name (as in config.json's `architectures`), which classes of `transformers` will do.
        device: to put it on.
    Raises:
        AnimePoseError: if it is not there, is of another architecture, or its weights cannot be read or do not fit.
    """
    record = read_record(folder)
    network = classes[record.architecture].from_pretrained(  # type: ignore[attr-defined]
        folder, local_files_only=True, use_safetensors=True, torch_dtype=device.dtype
    )
    path = folder / "preprocessor_config.json"
    processor = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return Loaded(network.to(device.torch).eval().requires_grad_(False), processor, record, device)
