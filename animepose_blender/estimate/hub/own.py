"""The project's own networks (`models/`), and what users trained of them, from the weight store or a file.

Their weights are one file of safetensors, whose metadata say which network it is (`network`) and how large (`config`, a
JSON object): so the file alone suffices.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from ...errors import AnimePoseError
from ...store.record import read_record
from .device import Device, prepared
from .faults import exhausted, is_out_of_memory
from .loading import COUNTERS, Loaded
from .weights import REMEDY, read_file, some

Constructors = Mapping[str, Callable[[dict[str, Any]], torch.nn.Module]]
"""By name, what makes a network, without weights, of its `config`."""


def load_own(folder: Path, constructors: Constructors, device: Device) -> Loaded:
    """One of the project's networks from its folder of the store.

    Raises:
        AnimePoseError: as `load_own_file`; or if there is no record, or it is of another network.
    """
    record = read_record(folder)
    if record.architecture not in constructors:
        raise AnimePoseError(
            f"{record.title} is a {record.architecture}; expected was one of {', '.join(constructors)}.",
            "Choose another model, or use the preset offline.",
        )
    files = [folder / file.path for file in record.files if file.path.endswith(".safetensors")]
    if len(files) != 1:
        raise AnimePoseError(f"{record.title} should have one file of safetensors, not {len(files)}.", REMEDY)
    only = {record.architecture: constructors[record.architecture]}
    return Loaded(load_own_file(files[0], only, device), {}, record, device)


def load_own_file(path: Path, constructors: Constructors, device: Device) -> torch.nn.Module:
    """One of the project's networks from a file: on the device, in its precision, ready to run.

    Raises:
        AnimePoseError: if the file cannot be read, is another network's, or its weights do not fit.
    """
    tensors, words = read_file(path)
    kind = words.get("network", "")
    if kind not in constructors:
        raise AnimePoseError(
            f"{path} holds {f'the network {kind!r}' if kind else 'no network of this project'}; "
            f"expected was {' or '.join(constructors)}.",
            REMEDY,
        )
    try:
        network = constructors[kind](json.loads(words.get("config", "{}")))
    except (ValueError, TypeError, KeyError) as error:
        raise AnimePoseError(f"{path} says of its sizes what makes no network: {error}.", REMEDY) from error
    try:
        missing, unexpected = network.load_state_dict(tensors, strict=False)
        missing = [name for name in missing if not name.endswith(COUNTERS)]
        if missing or unexpected:
            what = f"lack {some(missing)}" if missing else f"have {some(unexpected)} too many"
            raise AnimePoseError(f"The weights in {path} {what}.", REMEDY)
        network = network.to(device.torch, device.dtype).eval().requires_grad_(False)
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise exhausted(error, str(path)) from error
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise AnimePoseError(f"The weights in {path} do not fit: {lines[-1].rstrip('.')}.", REMEDY) from error
    return prepared(network, device)
