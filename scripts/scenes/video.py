"""Pictures into a clip, and clips into a picture."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

FOCAL_KEY = "com.apple.quicktime.camera.focal_length.35mm_equivalent"


def _read(picture: Path) -> av.VideoFrame:
    with av.open(str(picture)) as image:
        pixels = next(image.decode(video=0)).to_ndarray(format="rgb24")
    # A new frame: the decoded one carries its file's time base, and asks to be a key frame.
    return av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p", dst_colorspace="ITU709")


def encode(pictures: list[Path], path: Path, rate: Fraction, focal_35mm: float | None = None, crf: int = 19) -> None:
    """Write pictures as H.264 (yuv420p), one frame each, to a temporary name first.

    Args:
        pictures: image files of one even size, in order, at least one.
        rate: frames per second.
        focal_35mm: 35 mm equivalent of the focal length, noted in the file the way phones do.
        crf: x264's quality, lower is better.
    """
    part = path.with_name(path.stem + ".part" + path.suffix)
    first = _read(pictures[0])
    with av.open(str(part), "w", options={"movflags": "+faststart+use_metadata_tags"}) as clip:
        if focal_35mm is not None:
            clip.metadata[FOCAL_KEY] = f"{focal_35mm:g}"
        stream = clip.add_stream("libx264", rate=rate, options={"crf": str(crf), "preset": "slow"})
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "yuv420p"
        # Said in the file, so that every player turns the colours back the same way.
        stream.codec_context.colorspace = 1
        stream.codec_context.color_primaries = 1
        stream.codec_context.color_trc = 1
        for index, picture in enumerate(pictures):
            frame = _read(picture)
            frame.pts, frame.time_base = index, 1 / rate
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode(None))
    part.replace(path)


def contact_sheet(clips: list[Path], path: Path, columns: int = 4, width_px: int = 320) -> None:
    """One picture with a frame from two thirds into each clip, row by row, as JPEG, to a temporary name first."""
    height_px = width_px * 9 // 16
    cells = []
    for clip in clips:
        with av.open(str(clip)) as container:
            frames = list(container.decode(video=0))
        frame = frames[2 * len(frames) // 3].to_ndarray(format="bgr24")
        cells.append(cv2.resize(frame, (width_px, height_px), interpolation=cv2.INTER_AREA))
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.hstack(cells[first : first + columns]) for first in range(0, len(cells), columns)]
    part = path.with_name(path.stem + ".part" + path.suffix)
    cv2.imwrite(str(part), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 82])
    part.replace(path)
