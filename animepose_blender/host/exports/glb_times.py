"""Times of the keys in a .glb, made longer or shorter.

Blender's exporter takes frame / (fps x fps_base) for seconds, where Blender itself means frame x fps_base / fps: a clip
of 29.97 frames a second would play at 30.03 (seen in Blender 4.3 to 5.2). It gets a whole number for the rate instead,
and the times are put right in the file.

Layout (glTF 2.0, chapter 4): 12 bytes of header, then chunks of a length, a type and bytes; the first is JSON, padded
with spaces to a multiple of four, the second the buffer.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

_JSON = 0x4E4F534A


def stretch_times(path: Path, factor: float) -> None:
    """Multiply the time of every key of a file's animations.

    Raises:
        ValueError: if the file is no .glb.
    """
    data = path.read_bytes()
    magic, version, _ = struct.unpack_from("<4sII", data)
    length, kind = struct.unpack_from("<II", data, 12)
    if magic != b"glTF" or version != 2 or kind != _JSON:
        raise ValueError(f"{path.name} is no glTF 2.0 in one file")
    gltf = json.loads(data[20 : 20 + length])
    rest = bytearray(data[20 + length :])  # the buffer's chunk, behind its own header of 8 bytes
    animations = gltf.get("animations", [])
    for index in sorted({sampler["input"] for one in animations for sampler in one["samplers"]}):
        accessor = gltf["accessors"][index]
        view = gltf["bufferViews"][accessor["bufferView"]]
        start = 8 + view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        times_s = np.frombuffer(rest, "<f4", accessor["count"], start) * factor
        times_s = times_s.astype("<f4")
        rest[start : start + times_s.nbytes] = times_s.tobytes()
        accessor["min"], accessor["max"] = [float(times_s[0])], [float(times_s[-1])]
    text = json.dumps(gltf, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), _JSON) + text + bytes(rest)
    path.write_bytes(struct.pack("<4sII", magic, version, 12 + len(body)) + body)
