"""Whether a file that Blender has written is all there.

On a full disk Blender saves a .blend, and exports USD, without the end, and reports success (seen in 5.0). Both formats
say how long they are.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

_ZSTD = b"\x28\xb5\x2f\xfd"
_SEEK_TABLE = 0x8F92EAB1
"""Ends a file of Zstandard's seekable format (contrib/seekable_format/zstd_seekable_compression_format.md)."""
_CRATE = b"PXR-USDC"


def is_cut_short(path: Path) -> bool:
    """Whether a .blend or USD file lacks something; of other files nothing is known.

    Raises:
        OSError: if it cannot be read.
    """
    with open(path, "rb") as file:
        head, size = file.read(24), os.fstat(file.fileno()).st_size
        if path.suffix.lower() == ".blend":
            return not (_whole_zstd(file, size) if head.startswith(_ZSTD) else _ends_with_endb(file, size))
        if path.suffix.lower() in (".usd", ".usdc"):
            return not (head.startswith(_CRATE) and len(head) == 24 and _whole_crate(file, head, size))
    return False


def _ends_with_endb(file: BinaryIO, size: int) -> bool:
    """The last block of a .blend that is not compressed is nothing but a head of 32 bytes, before 5.0 of 24, or 20."""
    file.seek(max(size - 32, 0))
    end = file.read(32)
    return any(end[-length:].startswith(b"ENDB") for length in (32, 24, 20))


def _whole_zstd(file: BinaryIO, size: int) -> bool:
    """A table at the end has the length of each frame; frames and table make up the file."""
    if size < 17:
        return False
    file.seek(size - 9)
    frames, flags, magic = struct.unpack("<IBI", file.read(9))
    entry = 12 if flags & 0x80 else 8
    table = 17 + entry * frames
    if magic != _SEEK_TABLE or table > size:
        return False
    file.seek(size - table + 8)
    entries = file.read(entry * frames)
    return sum(one[0] for one in struct.iter_unpack("<II" + "I" * (entry // 4 - 2), entries)) + table == size


def _whole_crate(file: BinaryIO, head: bytes, size: int) -> bool:
    """A crate's head tells where its table of contents begins, which ends the file (pxr/usd/sdf/crateFile.h)."""
    (contents,) = struct.unpack("<q", head[16:24])
    if not 88 <= contents <= size - 8:
        return False
    file.seek(contents)
    (sections,) = struct.unpack("<Q", file.read(8))
    if contents + 8 + 32 * sections != size:
        return False
    return all(
        start + length <= contents for _, start, length in struct.iter_unpack("<16sqq", file.read(32 * sections))
    )
