"""Write weights as the product reads them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file


def export(network: torch.nn.Module, name: str, config: Mapping[str, Any], path: Path) -> None:
    """Write weights as float16 with what builds the network again, and say their sha256 for the card."""
    state = {n: t.detach().cpu().contiguous() for n, t in network.state_dict().items()}
    state = {n: t.half() if t.is_floating_point() else t for n, t in state.items()}
    state = {n: t for n, t in state.items() if not n.endswith("num_batches_tracked")}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    save_file(state, part, {"network": name, "config": json.dumps(dict(config))})
    part.replace(path)
    print(f"{path}: {path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
