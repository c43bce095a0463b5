"""The batch on this machine: a few clips side by side, each with processes of its own."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import AnimePoseError, ExitCode
from ..host.worker_client import WorkerClient
from ..protocol import CancelledMessage, Error, JobRequest, Message, Progress, Request, Warning_
from .build import Build, Built
from .build_client import BuildClient
from .one_clip import Show, convert_clip
from .order import Order
from .plan import PlannedClip
from .records import Records
from .report import ClipReport


@dataclass(frozen=True)
class Programs:
    """What processes are started with."""

    worker_python: Callable[[], str]
    """Interpreter that estimates; raises AnimePoseError if there is none."""
    build_command: Sequence[str]
    """What starts a process that builds scenes."""
    log_folder: Path


class LocalTools:
    """The processes of one slot: an estimator for each clip, and a builder that stays."""

    def __init__(self, programs: Programs, slot: int) -> None:
        self._programs = programs
        self._log = programs.log_folder / f"animepose-{os.getpid()}-{slot}"
        self._builder = BuildClient(programs.build_command, Path(f"{self._log}-build.log"))
        self._worker: WorkerClient | None = None
        self._cancelled = False

    def estimate(self, job: JobRequest, show: Show) -> list[str]:
        """See `one_clip.Tools`."""
        return self._work(job, show)

    def build(self, build: Build, show: Show) -> Built:
        """See `one_clip.Tools`."""
        return self._builder.run(build, lambda name: show(name, None))

    def preview(self, take: str, clip: str, video: str, show: Show) -> None:
        """See `one_clip.Tools`."""
        raise AnimePoseError("Previews are not made yet.", "", ExitCode.USAGE)

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
        self._worker = WorkerClient(self._programs.worker_python(), job, log)
        try:
            outcome = self._worker.run(on_message)
        finally:
            self._worker = None
        if isinstance(outcome, CancelledMessage):
            raise KeyboardInterrupt
        if isinstance(outcome, Error):
            unexpected = outcome.exit_code == ExitCode.SOME_FAILED  # the log may explain it
            remedy = f"{outcome.remedy} The log is at {log}." if unexpected else outcome.remedy
            raise AnimePoseError(outcome.message, remedy, ExitCode(outcome.exit_code))
        log.unlink(missing_ok=True)
        return warnings


class Watcher:
    """Is told how a batch goes; methods are called from several threads, one at a time."""

    def begins(self, planned: PlannedClip) -> None:
        """A clip is begun."""

    def shows(self, planned: PlannedClip, stage: str, fraction: float | None) -> None:
        """Something of a clip is being done."""

    def ends(self, planned: PlannedClip, report: ClipReport) -> None:
        """A clip is done, or failed."""


def convert_all(
    planned: Sequence[PlannedClip], order: Order, programs: Programs, jobs: int, resume: bool, watcher: Watcher
) -> list[ClipReport]:
    """Convert clips, so many at a time.

    Returns:
        A report for each clip, in their order. If the user cancels, those that were not finished say so.
    """
    records = Records(order.output)
    reports = [ClipReport(one.clip.input, one.name) for one in planned]
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(len(planned)):
        waiting.put(index)
    telling, cancelled = threading.Lock(), threading.Event()
    slots = [LocalTools(programs, number) for number in range(max(1, min(jobs, len(planned))))]
    broken: list[BaseException] = []

    def work(tools: LocalTools) -> None:
        try:
            while not cancelled.is_set():
                try:
                    index = waiting.get_nowait()
                except queue.Empty:
                    return
                one = planned[index]
                with telling:
                    watcher.begins(one)

                def show(stage: str, fraction: float | None, one: PlannedClip = one) -> None:
                    with telling:
                        watcher.shows(one, stage, fraction)

                reports[index] = convert_clip(one, order, tools, records, resume, show)
                with telling:
                    watcher.ends(one, reports[index])
        except KeyboardInterrupt:
            return
        except BaseException as error:  # noqa: BLE001 - it is raised again where the user can see it
            broken.append(error)
            cancelled.set()
        finally:
            tools.close()

    threads = [threading.Thread(target=work, args=(tools,), daemon=True) for tools in slots]
    for thread in threads:
        thread.start()
    try:
        _join(threads)
    except KeyboardInterrupt:
        cancelled.set()
        for tools in slots:
            tools.cancel()
        _join(threads)
    if broken:
        raise broken[0]
    return reports


def _join(threads: Sequence[threading.Thread]) -> None:
    """Wait for threads in steps, since Ctrl-C does not reach a thread that waits for a lock on Windows."""
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)
