"""Keep what was observed of a clip in a file, so that the solve can be measured again without the networks.

The file is an .npz of plain arrays: a tree of dataclasses, lists and numbers as JSON, whose arrays lie in pools, one
for each type and shape. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from animepose_blender.estimate.observe import Observed, observe
from animepose_blender.estimate.reporter import Reporter
from animepose_blender.estimate.video import open_clip
from animepose_blender.protocol import JobRequest

_OURS = "animepose_blender.estimate."


def observed_of(clip: Path, job: JobRequest, report: Reporter, folder: Path | None) -> Observed:
    """What decoding and the networks leave of a clip, from `folder` if it was observed before.

    The file's name holds the hash of the clip; it does not know of changes to the code. An empty folder begins anew.
    """
    if folder is None:
        return observe(job, open_clip(str(clip)), report)
    path = folder / f"{clip.stem}-{hashlib.sha256(clip.read_bytes()).hexdigest()[:16]}.npz"
    if not path.exists():
        save(path, observe(job, open_clip(str(clip)), report))
    return load(path)


def save(path: Path, observed: Observed) -> None:
    """Write to a temporary name, then rename."""
    pools: dict[str, list[np.ndarray]] = {}
    tree = json.dumps(_pack(observed, pools))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part.npz")
    np.savez_compressed(temporary, tree=np.array(tree), **{name: np.stack(pool) for name, pool in pools.items()})
    temporary.replace(path)


def load(path: Path) -> Observed:
    """Read what `save` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        pools = {name: archive[name] for name in archive.files if name != "tree"}
        return _unpack(json.loads(str(archive["tree"])), pools)


def _pack(value: Any, pools: dict[str, list[np.ndarray]]) -> Any:
    if isinstance(value, np.ndarray):
        name = f"{value.dtype.name}_{'x'.join(map(str, value.shape))}"
        pool = pools.setdefault(name, [])
        pool.append(value)
        return {"array": [name, len(pool) - 1]}
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        kind = f"{type(value).__module__}:{type(value).__qualname__}"
        return {"type": kind, "fields": {f.name: _pack(getattr(value, f.name), pools) for f in fields(value)}}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_pack(item, pools) for item in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value)} cannot be kept")


def _unpack(value: Any, pools: dict[str, np.ndarray]) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        name, index = value["array"]
        return pools[name][index]
    if "type" in value:
        module, _, name = value["type"].partition(":")
        if not module.startswith(_OURS):
            raise ValueError(f"{value['type']} is none of the estimator's own types")
        cls = getattr(importlib.import_module(module), name)
        return cls(**{key: _unpack(item, pools) for key, item in value["fields"].items()})
    ((kind, items),) = value.items()
    unpacked = [_unpack(item, pools) for item in items]
    return tuple(unpacked) if kind == "tuple" else unpacked
