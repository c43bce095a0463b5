"""Read a clip once, and keep what the later stages need of it: people, points and lines of the background."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..protocol import JobRequest
from .ahead import Ahead
from .background import Tracks
from .beside import BackgroundWatcher
from .hands import HandWatcher
from .parts import OpenParts, open_parts
from .people import Tracklet
from .reporter import Reporter
from .verticals import Segments
from .video import Clip

FRAMES_AHEAD = 4
"""Frames that are decoded ahead of the networks; more only cost memory."""


@dataclass(frozen=True, eq=False)
class Observed:
    """What decoding leaves behind."""

    tracklets: list[Tracklet]
    time_s: np.ndarray
    """(F,)"""
    start_frame: int
    """Number of the first frame in the clip."""
    size_px: tuple[int, int]
    background: Tracks
    lines: Segments
    metric_depth: bool = False
    """Whether the tracklets' depths, if they have any, are metres."""
    coarse: bool = False
    """Whether keypoints are too coarse to tell by them who is no person."""
    networks: tuple[str, ...] = ()
    """Names of the networks that looked at the clip, with their licences."""
    profile: Mapping[str, Any] | None = None
    """How long each part took, where several ran side by side."""


def observe(job: JobRequest, clip: Clip, report: Reporter, parts: OpenParts | None = None) -> Observed:
    """Decode the clip, follow everybody in it, and look at the background.

    Args:
        job: the range, the most people, and the parts of the preset.
        clip: the clip.
        report: told how far it is.
        parts: who does what, which are closed at the end; None = as the job says.
    Raises:
        AnimePoseError: if a network cannot be used, or the clip cannot be read.
        Cancelled: if the user wants to stop.
    """
    report.progress("detect", 0.0)
    parts = parts if parts is not None else open_parts(job, report)
    hands = [HandWatcher(parts.hands)] if parts.hands is not None else []
    beside = BackgroundWatcher(clip.width, clip.height)
    first_s = job.start_s or 0.0
    last_s = min(job.end_s or np.inf, clip.duration_s or np.inf)
    times: list[float] = []
    start_frame = 0

    def frames() -> Iterator[tuple[float, np.ndarray]]:
        nonlocal start_frame
        with Ahead(clip.frames(job.start_s, job.end_s, damaged), FRAMES_AHEAD) as ahead:
            for index, time_s, rgb in ahead:
                if not times:
                    start_frame = index
                times.append(time_s)
                yield time_s, rgb
                done = (time_s - first_s) / (last_s - first_s) if np.isfinite(last_s) and last_s > first_s else 0.0
                report.progress("detect", min(done, 1.0))

    def damaged(time_s: float, reason: str) -> None:
        report.warning(f"{clip.path.name} can be read only up to {time_s:.2f} s ({reason}); the rest was left out.")

    try:
        tracklets = parts.follow(frames(), job.max_people, (beside, *parts.watchers, *hands))
        for watcher in (beside, *hands):
            watcher.finish()
    finally:
        for user in (beside, *hands, parts):
            user.close()
    return Observed(
        tracklets, np.array(times), start_frame, (clip.width, clip.height), beside.background.tracks(),
        beside.lines.segments(), parts.metric_depth, parts.coarse, parts.names(), parts.profile(),
    )  # fmt: skip
