"""Talks to a process that builds scenes, and starts it anew where it has died."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import AnimePoseError, ExitCode
from ..host.worker_client import end_process, process_options, read_lines, worker_environment
from .build import Build, Built, Failed, Ready, Stage, decode_answer, encode_build

START_S = 120.0
"""Blender on a cold disk and a slow network folder takes its time."""
WAIT_S = 0.2


class BuildClient:
    """One process, for one result at a time; a context manager, which ends it.

    Args:
        command: what starts it.
        log_path: where its log goes.
    """

    def __init__(self, command: Sequence[str], log_path: Path) -> None:
        self._command, self._log_path = list(command), log_path
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._cancelled = threading.Event()
        self._log_is_wanted, self._is_ready = False, False
        self.versions: dict[str, str] = {}

    def __enter__(self) -> BuildClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def launch(self) -> None:
        """Start the process, if it does not run, without waiting for it: Blender takes a second or more to be there.

        Raises:
            AnimePoseError: if it cannot be started.
        """
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._lines, self._is_ready = queue.SimpleQueue(), False
        try:
            self._log_path.parent.mkdir(parents=True, exist_ok=True)
            with self._log_path.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                    env=worker_environment(), **process_options(),  # type: ignore[call-overload]
                )  # fmt: skip
        except OSError as error:
            raise AnimePoseError(
                f"{self._command[0]} could not be started: {error.strerror}.", "Check that Blender, or bpy, is there."
            ) from error
        assert self._process.stdout is not None
        threading.Thread(target=read_lines, args=(self._process.stdout, self._lines), daemon=True).start()

    def start(self) -> dict[str, str]:
        """Start the process, if it does not run, and wait until it is there; its versions.

        Raises:
            AnimePoseError: if it cannot be started.
        """
        self._started()
        return self.versions

    def run(self, build: Build, on_stage: Callable[[str], None] = lambda name: None) -> Built:
        """Make one result.

        Raises:
            AnimePoseError: if it cannot be made.
            KeyboardInterrupt: if `cancel` was called.
        """
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(encode_build(build).encode())
            process.stdin.flush()
        except (OSError, ValueError):  # it has ended, or `cancel` was called
            raise self._death() from None
        while True:
            line = self._next()
            if line is None:
                raise self._death()
            answer = decode_answer(line)
            if isinstance(answer, Stage):
                on_stage(answer.name)
            elif isinstance(answer, Failed):
                self._log_is_wanted |= answer.exit_code == ExitCode.SOME_FAILED
                raise AnimePoseError(answer.message, self._remedy(answer), ExitCode(answer.exit_code))
            elif isinstance(answer, Built):
                return answer

    def cancel(self) -> None:
        """Let the process end, which it does at once; may be called from another thread. `close` sees to it."""
        self._cancelled.set()
        process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

    def close(self) -> None:
        """Let the process end, and end it if it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            end_process(process, kill=True)
            process.wait()
        if not self._log_is_wanted:
            with contextlib.suppress(OSError):
                self._log_path.unlink()

    def _started(self) -> subprocess.Popen[bytes]:
        self.launch()
        assert self._process is not None
        while not self._is_ready:
            line = self._next(START_S)
            if line is None:
                raise self._death()
            answer = decode_answer(line)
            if isinstance(answer, Ready):
                self.versions, self._is_ready = dict(answer.versions), True
        return self._process

    def _remedy(self, failed: Failed) -> str:
        """What to do; the log may explain something unexpected."""
        if failed.exit_code == ExitCode.SOME_FAILED and not failed.remedy:
            return f"The log is at {self._log_path}."
        return failed.remedy

    def _next(self, patience_s: float | None = None) -> str | None:
        """The next line; None when the process has ended or its time is up."""
        waited = 0.0
        while patience_s is None or waited < patience_s:
            if self._cancelled.is_set():
                raise KeyboardInterrupt
            with contextlib.suppress(queue.Empty):
                return self._lines.get(timeout=WAIT_S)
            waited += WAIT_S
        return None

    def _death(self) -> AnimePoseError:
        if self._cancelled.is_set():
            raise KeyboardInterrupt
        self._log_is_wanted = True
        process, self._process = self._process, None
        how = "did not answer"
        if process is not None:
            end_process(process, kill=True)
            status = process.wait()
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return AnimePoseError(
            f"The process that builds scenes {how}.", f"Its log is at {self._log_path}.", ExitCode.SOME_FAILED
        )
