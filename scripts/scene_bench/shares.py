"""How much of a run each stage takes, on a clip enlarged to 1080 lines."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import av

from animepose_blender.estimate.run import run
from animepose_blender.protocol import JobRequest

LINES = 1080


class Watch:
    """A reporter that adds up the time between the stages it is told of."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage, self._since = "open", time.perf_counter()

    def progress(self, stage: str, stage_fraction: float) -> None:
        now = time.perf_counter()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now

    def warning(self, message: str) -> None: ...

    def check_cancelled(self) -> None: ...


def stage_shares(clip: Path) -> dict[str, float]:
    """Share of each stage in the run of an enlarged clip; `place` and `track` are what the scene costs."""
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.mp4"
        _enlarge(clip, large)
        watch = Watch()
        run(JobRequest(clip=str(large), take=str(Path(folder) / "take.npz")), watch)
        watch.progress("end", 1.0)
    total = sum(watch.seconds.values())
    return {stage: seconds / total for stage, seconds in watch.seconds.items()}


def _enlarge(clip: Path, large: Path) -> None:
    with av.open(str(clip)) as source, av.open(str(large), "w") as target:
        video = source.streams.video[0]
        width = round(video.width * LINES / video.height / 2) * 2
        stream = target.add_stream("libx264", rate=video.average_rate)
        stream.width, stream.height, stream.pix_fmt = width, LINES, "yuv420p"
        for frame in source.decode(video):
            target.mux(stream.encode(frame.reformat(width, LINES, format="yuv420p")))
        target.mux(stream.encode(None))
