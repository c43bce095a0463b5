"""Stages carried out by processes of this machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import AnimePoseError
from ..host.worker_client import WorkerClient
from ..protocol import JobRequest, Message, PreviewRequest, Progress, Request, Warning_
from .build import Build, Built
from .build_client import BuildClient
from .one_clip import Show


@dataclass(frozen=True)
class Programs:
    """What processes are started with."""

    worker_python: Callable[[], str]
    """Interpreter that estimates; raises AnimePoseError if there is none."""
    build_command: Callable[[], Sequence[str]]
    """What starts a process that builds scenes; raises AnimePoseError if there is none."""
    log_folder: Path


class LocalTools:
    """The processes of one slot: an estimator for each clip, and a builder that stays.

    Args:
        slots: how many there are; they share the machine's processors.
    """

    def __init__(self, programs: Programs, slot: int, slots: int = 1) -> None:
        self._programs = programs
        self._threads = max(1, (os.cpu_count() or 1) // slots)
        self._log = programs.log_folder / f"animepose-{os.getpid()}-{slot}"
        self._builder = BuildClient(programs.build_command(), Path(f"{self._log}-build.log"))
        self._worker: WorkerClient | None = None
        self._cancelled = False

    def estimate(self, job: JobRequest, show: Show) -> list[str]:
        """See `one_clip.Tools`."""
        with contextlib.suppress(AnimePoseError):  # then the build says why
            self._builder.launch()
        return self._work(job, show)

    def build(self, build: Build, show: Show) -> Built:
        """See `one_clip.Tools`."""
        return self._builder.run(build, lambda name: show(name, None))

    def preview(self, take: str, clip: str, video: str, show: Show) -> None:
        """See `one_clip.Tools`."""
        self._work(PreviewRequest(take, video, clip), show)

    def cancel(self) -> None:
        """End what runs; called from another thread."""
        self._cancelled = True
        if self._worker is not None:
            self._worker.cancel()
        self._builder.cancel()

    def close(self) -> None:
        """Let the builder end."""
        self._builder.close()

    def _work(self, job: Request, show: Show) -> list[str]:
        if self._cancelled:
            raise KeyboardInterrupt
        warnings: list[str] = []

        def on_message(message: Message) -> None:
            if isinstance(message, Warning_):
                warnings.append(message.message)
            elif isinstance(message, Progress):
                show(message.stage, message.fraction)

        log = Path(f"{self._log}-worker.log")
        self._worker = WorkerClient(self._programs.worker_python(), job, log, self._threads)
        try:
            self._worker.result(on_message)
        finally:
            self._worker = None
        return warnings
