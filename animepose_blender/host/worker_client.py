"""Starts the worker and talks to it. Free of bpy: the same object serves a timer (non-blocking) and a command line.

The worker gets its own process group, so that Ctrl-C in a terminal reaches it only as an orderly cancel and so that
its own children can be ended with it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from ..errors import AnimePoseError, ExitCode
from ..protocol import (
    FINAL,
    JOB_FOLDER_PREFIX,
    THREADS_VARIABLE,
    CancelledMessage,
    Error,
    Message,
    Request,
    Result,
    decode,
    encode_job,
    partial_take_path,
)
from ..store.folder import STORE_VARIABLE, store_folder

CANCEL_GRACE_S = 6.0
"""How long a cancelled worker may take to stop before it is killed; a little over the worker's own grace period."""
EXIT_GRACE_S = 3.0
"""How long a worker may take to end after its last message."""
POLL_S = 0.05
LOG_TAIL_LINES = 5
PACKAGE = "animepose_blender"
EXTENSION_ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the package; the worker finds it through PYTHONPATH."""

FinalMessage = Result | Error | CancelledMessage

handed_on: set[int] = set()
"""Descriptors of locks which the processes started here hold as well, where the system knows such a thing."""


def worker_environment() -> dict[str, str]:
    """Environment variables for a Python that must not pick up Blender's or the user's own packages."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV")}
    environment |= {
        "PYTHONPATH": str(EXTENSION_ROOT),
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",  # nothing is written into the add-on's folder
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
        STORE_VARIABLE: str(store_folder()),
    }
    return environment


def process_options() -> dict[str, object]:
    """Arguments for `Popen` that give a process its own group and, on Windows, no console window."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True, "pass_fds": tuple(handed_on)}


def end_process(process: subprocess.Popen[bytes], kill: bool = False) -> None:
    """End a process started with `process_options`, and its children."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            command = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
            subprocess.run(command, capture_output=True, check=False, creationflags=subprocess.CREATE_NO_WINDOW)
        else:
            os.killpg(process.pid, signal.SIGKILL if kill else signal.SIGTERM)


class WorkerClient:
    """One worker doing one job.

    Args:
        python: the interpreter to run it with.
        job: what to do.
        log_path: where its log goes; overwritten.
        threads: how many it may use side by side; None = as the machine has processors.
    Raises:
        AnimePoseError: if the worker cannot be started.
    """

    def __init__(
        self, python: str | os.PathLike[str], job: Request, log_path: str | os.PathLike[str], threads: int | None = None
    ) -> None:
        self.job = job
        self.log_path = Path(log_path)
        self.outcome: FinalMessage | None = None
        self._cancelled_at: float | None = None
        self._finished_at: float | None = None
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lines_ended = False
        self._folder = ""
        try:
            self._folder = tempfile.mkdtemp(prefix=JOB_FOLDER_PREFIX)
            job_path = Path(self._folder, "job.json")
            job_path.write_text(encode_job(job), encoding="utf-8")
            self.log_path.parent.mkdir(parents=True, exist_ok=True)
            self._log = self.log_path.open("wb")
        except OSError as error:
            self._remove_folder()
            raise AnimePoseError(
                f"The job could not be prepared: {error}.", "Check that the disk has space left."
            ) from error
        command = [os.fspath(python), "-s", "-m", f"{PACKAGE}.estimate", "--job", str(job_path)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                cwd=self._folder,
                env=worker_environment() | ({THREADS_VARIABLE: str(threads)} if threads else {}),
                **process_options(),  # type: ignore[call-overload]
            )
        except OSError as error:
            self._log.close()
            self._remove_folder()
            raise AnimePoseError(
                f"The worker's Python {os.fspath(python)} could not be started: {error.strerror or error}.",
                "Create or repair the environment in the add-on's preferences.",
            ) from error
        assert self._process.stdout is not None
        threading.Thread(target=read_lines, args=(self._process.stdout, self._lines), daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    @property
    def finished(self) -> bool:
        """Whether the worker has ended and every message of it has been handed out."""
        return self.outcome is not None and self._process.poll() is not None

    def poll(self) -> list[Message]:
        """Messages that came since the last call; never waits. The last one is a `FinalMessage`, also if it died."""
        messages: list[Message] = []
        while True:
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                break
            if line is None:
                self._lines_ended = True
            elif self.outcome is None:
                message = self._decode(line)
                if message is not None:
                    messages.append(message)
                    if isinstance(message, FINAL):
                        self.outcome = message  # type: ignore[assignment]
        self._end_if_overdue()
        if self._lines_ended and self.outcome is None and self._process.poll() is not None:
            self.outcome = CancelledMessage() if self._cancelled_at is not None else self._death()
            messages.append(self.outcome)
        if self.finished:
            self.close()
        return messages

    def cancel(self) -> None:
        """Ask the worker to stop; `poll` goes on to see it end, and ends it hard when it takes too long."""
        if self._cancelled_at is None and not self.finished:
            self._cancelled_at = time.monotonic()
            assert self._process.stdin is not None
            with contextlib.suppress(OSError, ValueError):  # it may just have ended
                self._process.stdin.write(b"cancel\n")
                self._process.stdin.flush()

    def kill(self) -> None:
        """End the worker now and wait for it."""
        if self._cancelled_at is None:
            self._cancelled_at = time.monotonic()
        self._end_hard()
        self.close()

    def stop(self, grace_s: float = 1.0) -> None:
        """Cancel, wait a moment, and end it hard if need be: for when Blender closes."""
        self.cancel()
        end = time.monotonic() + grace_s
        while self._process.poll() is None and time.monotonic() < end:
            time.sleep(POLL_S)
        self.kill()

    def run(self, on_message: Callable[[Message], None] = lambda message: None) -> FinalMessage:
        """Wait for the end, handing out messages on the way. Ctrl-C cancels; pressed again it kills.

        What `on_message` raises ends the worker too.
        """
        try:
            while not self.finished:
                try:
                    for message in self.poll():
                        on_message(message)
                    time.sleep(POLL_S)
                except KeyboardInterrupt:
                    self.kill() if self._cancelled_at is not None else self.cancel()
        finally:
            self.close() if self.finished else self.kill()
        assert self.outcome is not None
        return self.outcome

    def result(self, on_message: Callable[[Message], None] = lambda message: None) -> Result:
        """Wait for the end as `run` does. The log stays only where it may explain what nobody foresaw.

        Raises:
            AnimePoseError: what the worker found wrong.
            KeyboardInterrupt: if the job was cancelled.
        """
        outcome = self.run(on_message)
        unexpected = isinstance(outcome, Error) and outcome.exit_code == ExitCode.SOME_FAILED
        if not unexpected:
            self.log_path.unlink(missing_ok=True)
        if isinstance(outcome, CancelledMessage):
            raise KeyboardInterrupt
        if isinstance(outcome, Error):
            remedy = f"{outcome.remedy} The log is at {self.log_path}." if unexpected else outcome.remedy
            raise AnimePoseError(outcome.message, remedy, ExitCode(outcome.exit_code))
        return outcome

    def close(self) -> None:
        """Give back pipes, log and temporary folder of a worker that has ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed and (pipe is self._process.stdin or self._lines_ended):
                with contextlib.suppress(OSError):
                    pipe.close()
        self._log.close()
        self._remove_folder()

    def log_tail(self, lines: int = LOG_TAIL_LINES) -> list[str]:
        """The last lines of the worker's log that are not empty."""
        try:
            text = self.log_path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return [line.strip() for line in text.splitlines() if line.strip()][-lines:]

    def _decode(self, line: str) -> Message | None:
        try:
            return decode(line)
        except AnimePoseError:
            # Something between us and the worker (a wrapper script, a site customisation) prints; keep it in the log.
            with contextlib.suppress(OSError, ValueError):
                self._log.write(f"[not a message] {line}".encode())
                self._log.flush()
            return None

    def _end_if_overdue(self) -> None:
        now = time.monotonic()
        if self.outcome is not None and self._finished_at is None:
            self._finished_at = now
        overdue = self._finished_at is not None and now - self._finished_at > EXIT_GRACE_S
        overdue |= self._cancelled_at is not None and now - self._cancelled_at > CANCEL_GRACE_S
        if overdue:
            self._end_hard()

    def _end_hard(self) -> None:
        end_process(self._process, kill=True)
        self._process.wait()
        with contextlib.suppress(OSError):
            partial_take_path(Path(self.job.take), self.pid).unlink(missing_ok=True)

    def _death(self) -> Error:
        with contextlib.suppress(OSError):
            partial_take_path(Path(self.job.take), self.pid).unlink(missing_ok=True)
        status = self._process.returncode
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        if status == -9:
            how += ", perhaps because memory ran out"
        tail = self.log_tail(1)
        last = f" Its last line was: {tail[0][:200]}" if tail else ""
        return Error(
            f"The worker {how} before it was done.{last}",
            "Try again, with a shorter range if memory is short.",
            int(ExitCode.SOME_FAILED),
        )

    def _remove_folder(self) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


def read_lines(pipe: IO[bytes], lines: queue.SimpleQueue[str | None]) -> None:
    """Put what a process says into a queue, line by line, and None at its end; for a thread of its own."""
    with contextlib.suppress(ValueError, OSError):  # closed under our hands
        for line in pipe:
            lines.put(line.decode("utf-8", errors="replace"))
    lines.put(None)
