"""Which names may stand in the store: ids of networks, and files of a network. Whatever else comes in is refused."""

from __future__ import annotations

import re

from ..presets import MEDIAPIPE, NONE

UNFINISHED = ".part"
"""Ends the name of a folder that is not, or no more, a network's."""
SUFFIXES = (".json", ".txt", ".safetensors")
"""What a network may consist of: text, and tensors that are read without running anything."""
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack", ".onnx", ".npy", ".npz", ".py")
"""Formats of weights that run code when they are read, or that AnimePose does not read."""
WEIGHTS = ".safetensors"
_ID = re.compile(r"[a-z0-9][a-z0-9.-]{0,79}")
_PART_OF_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,119}")
_DEEPEST = 3
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10)))
)
"""Names that Windows keeps for itself."""


def is_id(name: str) -> bool:
    """Whether a network may be called this: lower-case letters, digits, dots and dashes."""
    return (
        _ID.fullmatch(name) is not None
        and not name.endswith((".", UNFINISHED))
        and ".." not in name
        and name not in (MEDIAPIPE, NONE)
        and name.partition(".")[0] not in _DEVICES
    )


def is_file_name(path: str) -> bool:
    """Whether a network may have this file: relative, with forward slashes, not upwards, of an allowed kind."""
    parts = path.split("/")
    return (
        len(parts) <= _DEEPEST
        and path.endswith(SUFFIXES)
        and all(
            _PART_OF_PATH.fullmatch(part) and not part.endswith(".") and part.partition(".")[0].lower() not in _DEVICES
            for part in parts
        )
    )


def why_not(path: str) -> str:
    """Why a file is refused, for a message."""
    if path.lower().endswith(PICKLES):
        return f"{path!r} may run code when it is read, or is of a kind that AnimePose does not read"
    return f"{path!r} is not a file that a network may have (*{', *'.join(SUFFIXES)}, inside its folder)"
