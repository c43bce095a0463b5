"""The project's own networks, tiny and random, in a weight store of a test."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import save_file

from animepose_blender.store.record import RECORD, ModelFile, ModelRecord, record_text
from models import cascade, depth_net, detect_net, pose_net, root_net

TINY: dict[str, tuple[str, ModuleType, Any]] = {
    "detect-net": ("detector", detect_net, replace(detect_net.SMALL, width=16, prototypes=4)),
    "depth-net": ("depth", depth_net, replace(depth_net.SMALL, input_px=128, widths=(16, 16, 8, 8, 8))),
    "root-net": ("root", root_net, replace(root_net.SMALL, width=8, input_px=64)),
    "pose-net": ("pose", pose_net, replace(pose_net.SMALL, width=8, depth_bins=4, input_px=64)),
    "cascade": (
        "pose", cascade, replace(cascade.SMALL, width=8, depth_cells=4, lifting_width=16, lifting_blocks=1, input_px=64)
    ),
}  # fmt: skip
"""Role, module and sizes by id."""


def save_tiny_own(store: Path, *ids: str) -> None:
    """Put networks of `TINY`, all if none is named, into a store."""
    for id_ in ids or TINY:
        role, module, config = TINY[id_]
        torch.manual_seed(0)
        folder = store / id_
        folder.mkdir(parents=True)
        words = {"network": module.NETWORK, "config": json.dumps(asdict(config))}
        save_file(module.from_config(asdict(config)).state_dict(), folder / "model.safetensors", words)
        data = (folder / "model.safetensors").read_bytes()
        record = ModelRecord(
            id_, f"Tiny {id_}", role, module.NETWORK,
            (ModelFile("model.safetensors", len(data), hashlib.sha256(data).hexdigest()),),
            "CC0-1.0", True, "a test", skeleton="animepose_28" if role == "pose" else "",
        )  # fmt: skip
        (folder / RECORD).write_text(record_text(record))
