"""Read a clip once, and keep what the later stages need of it: people, points and lines of the background."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..protocol import JobRequest
from .ahead import Ahead
from .backends import PoseObservation
from .background import Background, Tracks
from .depth import DepthEstimator, sample_depth
from .hands import HandWatcher
from .people import Tracklet, follow
from .verticals import Lines, Segments
from .video import Clip

FRAMES_AHEAD = 4
"""Frames that are decoded ahead of the networks; more only cost memory."""


class Reporter(Protocol):
    """Where a run tells how far it is."""

    def progress(self, stage: str, stage_fraction: float) -> None:
        """Report; raises `errors.Cancelled` if the user wants to stop."""
        ...

    def warning(self, message: str) -> None:
        """Tell the user something; the work goes on."""
        ...

    def check_cancelled(self) -> None:
        """Raise `errors.Cancelled` if the user wants to stop."""
        ...


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


def observe(job: JobRequest, clip: Clip, report: Reporter, depth: DepthEstimator | None = None) -> Observed:
    """Decode the clip, follow everybody in it, and look at the background.

    Args:
        job: the range and the most people.
        clip: the clip.
        report: told how far it is.
        depth: gives depth maps, if the preset has such a network.
    """
    # Imported here: it takes seconds, and a clip that cannot be opened should be refused before.
    from .mediapipe_hands import MediaPipeHands
    from .mediapipe_pose import MediaPipePose

    report.progress("detect", 0.0)
    backend = MediaPipePose()
    hand_backend = MediaPipeHands() if job.hands else None
    hands = [HandWatcher(hand_backend)] if hand_backend is not None else []
    background, lines = Background(clip.width, clip.height), Lines(clip.width, clip.height)
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

    # The background is looked at beside the networks, one picture behind them.
    beside, last = ThreadPoolExecutor(1, thread_name_prefix="background"), Future[None]()
    last.set_result(None)

    def look_at_background(_number: int, _time_s: float, rgb: np.ndarray, seen: list[Tracklet]) -> None:
        nonlocal last
        people = [tracklet.observations[-1] for tracklet in seen]
        last.result()
        last = beside.submit(add_to_background, rgb, people)

    def add_to_background(rgb: np.ndarray, people: list[PoseObservation]) -> None:
        background.add(rgb, people)
        lines.add(rgb, people)

    def look_at_depth(_number: int, _time_s: float, rgb: np.ndarray, seen: list[Tracklet]) -> None:
        if depth is None or not seen:
            return
        depth_map = depth.estimate(rgb)
        for tracklet in seen:
            tracklet.depths[-1] = sample_depth(depth_map, tracklet.observations[-1], (clip.width, clip.height))

    try:
        watchers = (look_at_background, look_at_depth, *hands)
        tracklets = follow(frames(), backend, backend, job.max_people, watchers)
        last.result()
        for watcher in hands:
            watcher.finish()
    finally:
        beside.shutdown()
        for user in (*hands, hand_backend, backend):
            if user is not None:
                user.close()
    return Observed(
        tracklets, np.array(times), start_frame, (clip.width, clip.height), background.tracks(), lines.segments(),
        depth is not None and depth.metric,
    )  # fmt: skip
