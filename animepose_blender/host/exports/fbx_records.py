"""Binary FBX as a tree of records, to make two exports of the same scene the same bytes.

Blender's exporter writes the time of day, ids that Python's hashing makes anew in every process, and objects in the
order of sets. Here the date becomes a fixed one, objects are put in an order that their names and connections tell, and
get ids by it. Nothing else changes, no length either.

Layout of a record (version 7400, little endian): end offset, number of properties and their bytes as 32-bit numbers,
length of the name in one byte, the name, properties, child records, and 13 zeros behind children.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

MAGIC = b"Kaydara FBX Binary  \x00\x1a\x00"
VERSION = 7400
_HEAD = struct.Struct("<IIIB")
_SENTINEL = bytes(13)
_START = len(MAGIC) + 4
_SCALARS = {"Y": "<h", "C": "<?", "I": "<i", "F": "<f", "D": "<d", "L": "<q"}
_ARRAYS = {"f": "<f4", "d": "<f8", "l": "<i8", "i": "<i4", "b": "?"}
_DATE = {b"Year": 1970, b"Month": 1, b"Day": 1, b"Hour": 10, b"Minute": 0, b"Second": 0, b"Millisecond": 0}
_ROOT = b"root"


@dataclass
class Record:
    """One record."""

    name: bytes
    properties: list[bytes]
    """As in the file: a letter for the type, then the value."""
    children: list[Record] = field(default_factory=list)
    has_end: bool = False
    """Whether zeros follow; Blender writes them for some records without children, too."""

    def value(self, index: int) -> Any:
        """One property: a number, bytes of a text, or an array."""
        raw = self.properties[index]
        kind = chr(raw[0])
        if kind in _SCALARS:
            return struct.unpack_from(_SCALARS[kind], raw, 1)[0]
        if kind in "SR":
            return raw[5:]
        count, packed, size = struct.unpack_from("<III", raw, 1)
        data = raw[13 : 13 + size]
        if packed:
            data = zlib.decompress(data)
        return np.frombuffer(data, dtype=_ARRAYS[kind], count=count)

    def find(self, name: bytes) -> Record:
        """The first child of a name.

        Raises:
            KeyError: if there is none.
        """
        for child in self.children:
            if child.name == name:
                return child
        raise KeyError(name.decode())


def parse(data: bytes) -> tuple[list[Record], bytes]:
    """The top records of a file, and what follows them.

    Raises:
        ValueError: if it is no binary FBX of version 7400.
    """
    if not data.startswith(MAGIC) or struct.unpack_from("<I", data, len(MAGIC))[0] != VERSION:
        raise ValueError("this is no binary FBX of version 7400")
    records, at = [], _START
    while _HEAD.unpack_from(data, at)[0]:
        record, at = _record(data, at)
        records.append(record)
    return records, data[at:]


def _record(data: bytes, at: int) -> tuple[Record, int]:
    end, count, size, length = _HEAD.unpack_from(data, at)
    at += _HEAD.size
    record = Record(data[at : at + length], [])
    at += length
    stop = at + size
    for _ in range(count):
        after = at + _property_size(data, at)
        record.properties.append(data[at:after])
        at = after
    at = stop
    while at < end:
        if data[at : at + 13] == _SENTINEL:
            record.has_end, at = True, at + 13
            break
        child, at = _record(data, at)
        record.children.append(child)
    return record, end


def _property_size(data: bytes, at: int) -> int:
    kind = chr(data[at])
    if kind in _SCALARS:
        return 1 + struct.calcsize(_SCALARS[kind])
    if kind in "SR":
        return 5 + struct.unpack_from("<I", data, at + 1)[0]
    return 13 + struct.unpack_from("<I", data, at + 9)[0]


def encode(records: list[Record], footer: bytes) -> bytes:
    """The file of some top records."""
    out = bytearray(MAGIC + struct.pack("<I", VERSION))
    for record in records:
        _write(out, record)
    return bytes(out + footer)


def _write(out: bytearray, record: Record) -> None:
    start = len(out)
    properties = b"".join(record.properties)
    out += _HEAD.pack(0, len(record.properties), len(properties), len(record.name)) + record.name + properties
    for child in record.children:
        _write(out, child)
    if record.has_end:
        out += _SENTINEL
    struct.pack_into("<I", out, start, len(out))


def make_repeatable(path: Path) -> None:
    """Rewrite a file of Blender's exporter so that the same scene gives the same bytes.

    Raises:
        ValueError: if it is none.
    """
    records, footer = parse(path.read_bytes())
    for record in _all(records):
        if record.name == b"CreationTimeStamp":
            for part in record.children:
                if part.name in _DATE:
                    part.properties = [b"I" + struct.pack("<i", _DATE[part.name])]
    top = {record.name: record for record in records}
    objects, connections = top[b"Objects"], top[b"Connections"]
    ids = _new_ids(objects, connections)
    documents = [one for one in top[b"Documents"].children if one.name == b"Document"]
    ids |= {one.value(0): 1 + number for number, one in enumerate(documents)}
    _sort(objects, connections, ids)
    for record in _all([objects, connections, top[b"Documents"]]):
        record.properties = [_renumbered(raw, ids) for raw in record.properties]
    path.write_bytes(encode(records, footer))


def _all(records: list[Record]) -> Iterator[Record]:
    for record in records:
        yield record
        yield from _all(record.children)


def _new_ids(objects: Record, connections: Record) -> dict[int, int]:
    """Old id → new one: objects are numbered by what they are called and what they are connected to."""
    called = {one.value(0): one.name + b"\0" + one.value(1) + b"\0" + one.value(2) for one in objects.children}
    to: dict[int, list[tuple[int, bytes]]] = {}
    for one in connections.children:
        prop = one.value(3) if len(one.properties) > 3 else b""
        to.setdefault(one.value(1), []).append((one.value(2), prop))
    known: dict[int, bytes] = {0: _ROOT}

    def key(of: int) -> bytes:
        if of not in known:
            known[of] = b""  # connections go one way; should they not, the circle ends here
            ends = sorted(key(other) + prop for other, prop in to.get(of, []))
            known[of] = hashlib.sha1(called.get(of, b"?") + b"|".join(ends)).digest()
        return known[of]

    ordered = sorted(called, key=lambda of: (called[of], key(of)))
    return {of: 1000 + number for number, of in enumerate(ordered)}


def _sort(objects: Record, connections: Record, ids: dict[int, int]) -> None:
    objects.children.sort(key=lambda one: ids[one.value(0)])
    of_class = {one.value(0): one.name for one in objects.children}
    for one in objects.children:
        if one.name == b"Pose":
            nodes = [child for child in one.children if child.name == b"PoseNode"]
            others = [child for child in one.children if child.name != b"PoseNode"]
            one.children = others + sorted(nodes, key=lambda node: ids.get(node.find(b"Node").value(0), 0))

    def place(numbered: tuple[int, Record]) -> tuple[int, int, int, bytes]:
        number, one = numbered
        source, target = one.value(1), one.value(2)
        # Materials of a mesh count by the order of their connections.
        keeps = of_class.get(source) == b"Material"
        prop = one.value(3) if len(one.properties) > 3 else b""
        return ids.get(target, 0), int(keeps), number if keeps else ids.get(source, 0), prop

    connections.children = [one for _, one in sorted(enumerate(connections.children), key=place)]


def _renumbered(raw: bytes, ids: dict[int, int]) -> bytes:
    if raw[:1] != b"L":
        return raw
    number = struct.unpack("<q", raw[1:])[0]
    return b"L" + struct.pack("<q", ids.get(number, number))
