"""Put a network into a store's folder as the hub has it, with a record that says what it is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from animepose_blender.store.record import RECORD, ModelFile, ModelRecord, record_text

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


def put_into_store(
    store: Path,
    name: str,
    network: PreTrainedModel,
    processor: dict[str, Any],
    *,
    role: str,
    clip: Path,
    skeleton: str = "",
    options: dict[str, Any] | None = None,
) -> Path:
    """Save a network that was fitted to a clip under an id; one that is there already is replaced.

    Args:
        store: folder of the store.
        name: id, and name of the folder.
        network: to save, as safetensors.
        processor: preprocessor_config.json.
        role, skeleton, options: as in the record.
        clip: what it was fitted to.
    Returns:
        The network's folder.
    """
    folder = store / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=1), encoding="utf-8")
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name != RECORD)
    record = ModelRecord(
        id=name,
        title=f"{type(network).__name__}, tiny, fitted to {clip.name}",
        role=role,
        architecture=type(network).__name__,
        files=tuple(ModelFile(p.name, p.stat().st_size, hashlib.sha256(p.read_bytes()).hexdigest()) for p in paths),
        licence="none",
        commercial=False,
        source=f"fitted to {clip.name} by scripts/fit_tiny_models.py",
        skeleton=skeleton,
        card="A test fixture, not a product: it knows this one clip by heart and nothing else.",
        options=options or {},
    )
    temporary = folder / f"{RECORD}.part"
    temporary.write_text(record_text(record), encoding="utf-8")
    temporary.replace(folder / RECORD)
    return folder
