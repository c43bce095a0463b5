"""Small clips that the tests make for themselves; every picture carries its number, so that a mix-up shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TIME_BASE = Fraction(1, 90000)
SIZE = (64, 48)
"""Width and height, pixels."""
_BITS = 8


def numbered_picture(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W, 3) uint8: the number in black and white columns, lowest bit first; reading it survives compression."""
    width, height = size
    bits = (number >> (np.arange(width) * _BITS // width)) & 1
    return np.repeat(np.where(bits, 230, 20).astype(np.uint8)[None, :, None], height, axis=0).repeat(3, axis=2)


def number_of(rgb: np.ndarray) -> int:
    """The number in a `numbered_picture`."""
    columns = rgb.shape[1] // _BITS
    middles = (np.arange(_BITS) * columns + columns // 2).astype(int)
    return int(sum((rgb[:, middle].mean() > 125) << bit for bit, middle in enumerate(middles)))


def corner_picture(size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W, 3) uint8: a red, a green and a blue corner and a grey one, so that each turn and mirror image differs."""
    width, height = size
    picture = np.full((height, width, 3), 100, np.uint8)
    picture[: height // 2, : width // 2] = (200, 30, 30)
    picture[: height // 2, width // 2 :] = (30, 200, 30)
    picture[height // 2 :, : width // 2] = (30, 30, 200)
    return picture


def write_clip(
    path: Path,
    pictures: Iterable[np.ndarray],
    times_s: Sequence[float],
    *,
    rate: int | Fraction = 25,
    rotation_deg: int = 0,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Encode pictures at times of one's own choice.

    Args:
        rotation_deg: counter-clockwise turn that a player is asked for, as in `VideoStream.set_display_rotation`.
        options, container_options: FFmpeg's, of the encoder and of the container.
    """
    with av.open(str(path), "w", options=container_options or {}) as container:
        container.metadata.update(metadata or {})
        stream = None
        for picture, time_s in zip(pictures, times_s, strict=True):
            if stream is None:
                stream = container.add_stream(codec, rate=rate, options={"crf": "12", **(options or {})})
                stream.width, stream.height, stream.pix_fmt = picture.shape[1], picture.shape[0], "yuv420p"
                stream.codec_context.time_base = TIME_BASE
                if rotation_deg:
                    stream.set_display_rotation(rotation_deg)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(time_s / TIME_BASE), TIME_BASE
            container.mux(stream.encode(frame))
        assert stream is not None, "no pictures were given"
        container.mux(stream.encode(None))
    return path


def numbered_clip(path: Path, times_s: Sequence[float], **settings) -> Path:
    """A clip of `numbered_picture`s, counted from 0."""
    return write_clip(path, (numbered_picture(i) for i in range(len(times_s))), times_s, **settings)


def sound_only(path: Path) -> Path:
    """Half a second of silence without any picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        for start in range(0, 8192, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
