"""Tensors of safetensors files: one file, or several with an index. Nothing is unpickled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from ...errors import AnimePoseError

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
"""Endings of weights that would have to be unpickled, and could run any program."""
REMEDY = "Fetch or import it again, or use the preset offline."
NAMED = 3
"""Tensors that a message names."""


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object.

    Raises:
        AnimePoseError: if it is missing, unreadable or something else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AnimePoseError(f"{path} cannot be read: {error.strerror or error}.", REMEDY) from error
    except ValueError as error:
        raise AnimePoseError(f"{path} is not JSON: {error}.", REMEDY) from error
    if not isinstance(data, dict):
        raise AnimePoseError(f"{path} should hold a JSON object, not a {type(data).__name__}.", REMEDY)
    return data


def weight_files(folder: Path) -> list[Path]:
    """The files with a network's weights.

    Raises:
        AnimePoseError: if there are none, or none that are safe to read.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        return _indexed(folder / INDEX)
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLED)
    if pickled:
        raise AnimePoseError(
            f"{folder} holds its weights as {pickled[0]} only, which may contain any program and is never read.",
            f"Import the same network as {WEIGHTS}, or use the preset offline.",
        )
    raise AnimePoseError(f"There is no {WEIGHTS} in {folder}.", REMEDY)


def _indexed(index: Path) -> list[Path]:
    named = read_json(index).get("weight_map")
    if not isinstance(named, dict) or not named or not all(isinstance(name, str) for name in named.values()):
        raise AnimePoseError(f"{index} does not say which file holds which tensor.", REMEDY)
    names = sorted(set(named.values()))
    wrong = [name for name in names if Path(name).name != name or not name.endswith(".safetensors")]
    if wrong:
        raise AnimePoseError(f"{index} names {wrong[0]!r}; files of safetensors beside it were expected.", REMEDY)
    return [index.parent / name for name in names]


def read_weights(files: Sequence[Path]) -> dict[str, torch.Tensor]:
    """All tensors of some files, on the CPU. They stay on disk until they are used, where the system can do that.

    Raises:
        AnimePoseError: if a file is missing, unreadable, damaged or cut off.
    """
    tensors: dict[str, torch.Tensor] = {}
    for path in files:
        tensors.update(read_file(path)[0])
    return tensors


def read_file(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """All tensors of a file, and the words that were stored with them; as `read_weights`."""
    try:
        with path.open("rb"):  # for the system's own words where it may not be read
            pass
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})
    except FileNotFoundError as error:
        raise AnimePoseError(f"The weights {path} are missing.", REMEDY) from error
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AnimePoseError(f"The weights {path} cannot be read, or are damaged: {reason}.", REMEDY) from error


def some(names: Sequence[str]) -> str:
    """The first few names, and how many there are more: `a, b, c and 9 more`."""
    names = sorted(names)
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
