"""Runs the commands of a setup one after another: their lines are logged and shown, and a cancel ends them at once."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import AnimePoseError, Cancelled
from .worker_client import end_process, process_options, worker_environment

_PIP_VARIABLES = ("PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")
"""Would send packages elsewhere than into the environment. Mirrors and proxies that the user has set stay."""

Report = Callable[[str, float], None]
"""Takes a line for the user and the share of the setup that is done."""


def run_command(
    command: Sequence[str],
    log_path: Path,
    cancelled: threading.Event,
    on_line: Callable[[str], None] = lambda line: None,
    extra_environment: dict[str, str] | None = None,
    failure: str = "A step of the setup failed",
) -> None:
    """Run one command to its end.

    Args:
        command: program and arguments.
        log_path: the command and what it prints are appended here.
        cancelled: ends the command when set.
        on_line: takes each line it prints.
        extra_environment: variables beside `worker_environment`.
        failure: what to tell the user if it fails.
    Raises:
        Cancelled: if the user wants to stop.
        AnimePoseError: if it cannot be started or fails; with its last line.
    """
    environment = {k: v for k, v in worker_environment().items() if k not in _PIP_VARIABLES}
    try:
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment | (extra_environment or {}), **process_options(),  # type: ignore[call-overload]
        )  # fmt: skip
    except OSError as error:
        raise AnimePoseError(f"{failure}: {error}.", f"Try again; the log is at {log_path}.") from error

    ended = threading.Event()
    threading.Thread(target=_end_when_cancelled, args=(process, cancelled, ended), daemon=True).start()
    last = ""
    try:
        with log_path.open("a", encoding="utf-8", errors="replace") as log:
            print("$", *command, file=log)
            assert process.stdout is not None
            for raw in process.stdout:
                line = raw.decode("utf-8", errors="replace").rstrip()
                print(line, file=log, flush=True)
                if line.strip():
                    last = line.strip()
                    on_line(last)
        status = process.wait()
    finally:
        ended.set()
        end_process(process, kill=True)
    if cancelled.is_set():
        raise Cancelled
    if status != 0:
        raise AnimePoseError(f"{failure}: {last[:200]}", f"Try again; the log is at {log_path}.")


def _end_when_cancelled(process: subprocess.Popen[bytes], cancelled: threading.Event, ended: threading.Event) -> None:
    while not ended.is_set():
        if cancelled.wait(0.1):
            end_process(process, kill=True)
            return
