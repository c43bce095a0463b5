"""Whether files are what their names say: hashes, headers of safetensors, JSON. Nothing of them is run or unpacked."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Callable
from pathlib import Path

from ..errors import AnimePoseError
from .names import WEIGHTS

CHUNK = 1 << 20
LARGEST_TEXT = 64 << 20
"""Bytes of a JSON or text file; vocabularies and indices of shards stay below."""
LARGEST_HEADER = 100_000_000
"""Bytes, as the format itself limits it."""
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
_ANOTHER = "Fetch or import it again, from another place."


def sha256_of(path: Path, counts: Callable[[int], object] = lambda count: None) -> str:
    """The sha256 of a file in hex digits; `counts` is told of bytes as they are read, and may raise."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            counts(len(chunk))
            digest.update(chunk)
    return digest.hexdigest()


def check_contents(path: Path) -> None:
    """Look whether a file can be what its name says.

    Raises:
        AnimePoseError: if it is not.
        OSError: if it cannot be read.
    """
    try:
        if path.name.endswith(WEIGHTS):
            _check_safetensors(path)
        elif path.stat().st_size > LARGEST_TEXT:
            raise ValueError(f"a text file of {path.stat().st_size} bytes")
        elif path.suffix == ".json":
            json.loads(path.read_bytes())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        kind = "safetensors" if path.name.endswith(WEIGHTS) else path.suffix.removeprefix(".")
        raise AnimePoseError(f"{path.name} is no {kind} file: {error}.", _ANOTHER) from error


def _check_safetensors(path: Path) -> None:
    """Length of the header (8 bytes, little-endian), the header (JSON), tensors one behind the other to the end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        begin = file.read(8)
        length = struct.unpack("<Q", begin)[0] if len(begin) == 8 else size
        if length > min(LARGEST_HEADER, size - 8):
            raise ValueError(f"its header would have {length} bytes, and it has {size} in all")
        header = json.loads(file.read(length))
    spans = []
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        begin, end = tensor["data_offsets"]
        shape = tensor["shape"]
        if not all(isinstance(value, int) and value >= 0 for value in (begin, end, *shape)):
            raise ValueError(f"the tensor {name[:80]} has an impossible shape or place")
        bits = _BITS.get(tensor["dtype"])
        if bits is not None and (end - begin) * 8 != math.prod(shape) * bits:
            raise ValueError(f"the tensor {name[:80]} has {end - begin} bytes for a shape of {shape}")
        spans.append((begin, end))
    reached = 0
    for begin, end in sorted(spans):
        if begin != reached or end < begin:
            raise ValueError("its tensors overlap or leave gaps")
        reached = end
    if reached != size - 8 - length:
        raise ValueError(f"its tensors have {reached} bytes, and there are {size - 8 - length}")
