"""Read a video as upright frames with their presentation times, a few frames in memory at a time.

PyAV is used rather than OpenCV because it gives each frame's own time stamp (variable frame rate) and the rotation
that the container asks for.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from ..errors import AnimePoseError

_FOCAL_35MM_KEYS = (
    "com.apple.quicktime.camera.focal_length.35mm_equivalent",
    "com.android.capture.focal_length_35mm",
    "focallengthin35mmfilm",
)
"""Metadata keys (lower case) under which phones and exporters note the 35 mm equivalent of the focal length."""

_REMEDY = "Check the path, or convert the file to MP4 (H.264)."
_TEXT_FORMATS = ("tty", "bin", "xbin", "adf", "idf")
"""FFmpeg draws text files as pictures of text; nobody means that."""
_SEEK_FROM_S = 1.0
"""Ranges that start earlier are decoded from the beginning."""
_AIM_EARLIER_S = (0.0, 5.0)
"""How far before the start of a range to seek, one after the other until a seek lands early enough; then the clip is
decoded from its beginning. Containers without an index (MPEG-TS) land on a key frame after the one asked for."""
_EARLY_END_S = 0.5
"""A file whose frames end this long before its stated end has been cut off; sound may go on a little longer."""


@dataclass(frozen=True)
class Clip:
    """What is known of a video before it is read."""

    path: Path
    width: int
    """Width of the upright picture, pixels."""
    height: int
    """Height of the upright picture, pixels."""
    frame_rate: Fraction
    """Average frames a second."""
    frame_count: int
    """As the container says, or guessed from its duration; never relied on."""
    duration_s: float
    rotation_deg: int
    """Clockwise turn, 0, 90, 180 or 270, that makes the stored picture upright; already applied to the frames."""
    focal_35mm: float | None
    """35 mm equivalent of the focal length, where the file says."""
    first_pts: int | None = None
    """Time stamp of the first frame, from which times are counted; the container's own start may lie before it."""

    def frames(
        self,
        start_s: float | None = None,
        end_s: float | None = None,
        damaged: Callable[[float, str], None] = lambda time_s, reason: None,
    ) -> Iterator[tuple[int, float, np.ndarray]]:
        """Decode, in order of presentation.

        Args:
            start_s, end_s: first and last moment, seconds from the first frame of the clip; both inclusive.
            damaged: is told the time of the last good frame and the reason if the file cannot be read to its end.
        Yields:
            Index in the clip (counted from its first frame by time at the average rate when `start_s` is above 0),
            time in seconds from the first frame, and (H, W, 3) uint8 RGB, upright.
        Raises:
            AnimePoseError: if nothing can be decoded, or nothing lies in the range.
        """
        # A moment given as a frame's time in decimal must include that frame.
        slack_s = 0.25 / float(self.frame_rate)
        start_s = start_s or 0.0
        if self.duration_s and start_s > self.duration_s:
            raise AnimePoseError(
                f"The range starts at {start_s:g} s, but {self.path.name} is {self.duration_s:.2f} s long.",
                "Choose a range inside the clip.",
            )
        found, last_s = 0, -np.inf
        try:
            for index, time_s, frame in self._decode(start_s, slack_s):
                if end_s is not None and time_s > end_s + slack_s:
                    break
                if time_s < start_s - slack_s or time_s <= last_s:
                    continue
                found, last_s = found + 1, time_s
                rgb = np.rot90(frame.to_ndarray(format="rgb24"), -self.rotation_deg // 90)
                yield index, time_s, np.ascontiguousarray(rgb)
            else:
                stated_s = self.duration_s if end_s is None else min(end_s, self.duration_s)
                if found and stated_s - last_s > _EARLY_END_S + 2 / float(self.frame_rate):
                    damaged(last_s, "the file ends early")
        except (FFmpegError, OSError) as error:
            if not found:
                raise AnimePoseError(f"{self.path.name} cannot be decoded ({_reason(error)}).", _REMEDY) from error
            damaged(last_s, _reason(error))
        if not found:
            raise AnimePoseError(
                f"{self.path.name} has no frames between {start_s:g} s and "
                + ("its end." if end_s is None else f"{end_s:g} s."),
                "Choose a range inside the clip, or another clip.",
            )

    def _decode(self, start_s: float, slack_s: float) -> Iterator[tuple[int, float, av.VideoFrame]]:
        """Index, time and frame, from a frame at or before `start_s` on."""
        if start_s > _SEEK_FROM_S:
            for earlier_s in _AIM_EARLIER_S:
                with av.open(str(self.path)) as container:
                    sought = self._seek(container, start_s - earlier_s)
                    first = next(sought, None)
                    if first is not None and first[0] <= start_s + slack_s:
                        for time_s, frame in chain([first], sought):
                            yield round(time_s * self.frame_rate), time_s, frame
                        return
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for index, frame in enumerate(container.decode(stream)):
                # Streams without time stamps (raw H.264) run at the nominal rate.
                at_rate_s = index / float(self.frame_rate)
                yield index, at_rate_s if frame.pts is None else self._time_s(frame.pts, stream), frame

    def _seek(self, container, aim_s: float) -> Iterator[tuple[float, av.VideoFrame]]:
        """Time and frame from about `aim_s` on; none where the container cannot seek or has no time stamps."""
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        try:
            container.seek(
                (self.first_pts or 0) + int(max(aim_s, 0.0) / float(stream.time_base)), stream=stream, backward=True
            )
        except FFmpegError:
            return
        for frame in container.decode(stream):
            if frame.pts is not None:
                yield self._time_s(frame.pts, stream), frame

    def _time_s(self, pts: int, stream: av.VideoStream) -> float:
        return (pts - (self.first_pts or 0)) * float(stream.time_base or 1)

    def sha256(self) -> str:
        """Hash of the file's bytes, read in blocks."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(file)


def open_clip(path: str | os.PathLike[str]) -> Clip:
    """Look at a video without reading it through.

    Raises:
        AnimePoseError: if the file is missing, is not a video, or holds no frame.
    """
    path = Path(path)
    if not path.is_file():
        raise AnimePoseError(f"There is no file at {path}.", "Check the path of the clip.")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise AnimePoseError(f"{path.name} has no picture, only {_kinds(container)}.", "Choose a video.")
            if container.format.name in _TEXT_FORMATS:
                raise AnimePoseError(f"{path.name} is a text file, not a video.", _REMEDY)
            stream = container.streams.video[0]
            first = next(container.decode(stream), None)
            if first is None:
                raise AnimePoseError(f"{path.name} has no frames.", "Choose another clip.")
            rate = stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(30)
            duration_s = (
                stream.duration * float(stream.time_base or 0) if stream.duration else (container.duration or 0) / 1e6
            )
            turned = -90 * round(first.rotation / 90) % 360
            width, height = (first.width, first.height) if turned % 180 == 0 else (first.height, first.width)
            return Clip(
                path=path,
                width=width,
                height=height,
                frame_rate=Fraction(rate),
                frame_count=stream.frames or round(duration_s * rate),
                duration_s=duration_s,
                rotation_deg=turned,
                focal_35mm=_focal_35mm({**container.metadata, **stream.metadata}),
                first_pts=first.pts,
            )
    except (FFmpegError, OSError) as error:
        raise AnimePoseError(f"{path.name} is not a video that can be read ({_reason(error)}).", _REMEDY) from error


def _focal_35mm(metadata: dict[str, str]) -> float | None:
    lower = {key.lower(): value for key, value in metadata.items()}
    for key in _FOCAL_35MM_KEYS:
        try:
            value = float(lower.get(key, ""))
        except ValueError:
            continue
        if value > 0:
            return value
    return None


def _digest(file) -> str:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _kinds(container) -> str:
    return ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
