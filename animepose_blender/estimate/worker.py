"""The worker's outer shell: stream, cancel and errors; the work itself is in `run` (or `dummy`).

Standard output carries nothing but messages: file descriptor 1 is moved aside before anything else is imported, so
that what a library prints lands in the log. A line on standard input, its end, SIGTERM and SIGINT all cancel. Code that
does not look at the cancel flag in time (a long native call) is ended hard after a grace period, so that no worker
outlives its Blender.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import platform
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import BinaryIO

from .. import __version__
from ..errors import AnimePoseError, Cancelled, ExitCode
from ..protocol import (
    JOB_FOLDER_PREFIX,
    CancelledMessage,
    Error,
    Hello,
    Message,
    PreviewRequest,
    Request,
    Result,
    SolveRequest,
    Warning_,
    decode_job,
    encode,
    partial_take_path,
)
from .progress import ProgressEstimate

MESSAGE_INTERVAL_S = 0.2
"""Progress is sent at most this often, and at every change of stage."""
CANCEL_GRACE_S = 5.0
"""After a cancel, the work has this long to stop by itself."""
ORPHAN_GRACE_S = 0.8
"""The same when standard input has ended: nobody is there to wait for."""

REPORTED_PACKAGES = ("numpy", "scipy", "av", "opencv-python-headless", "mediapipe", "torch")
LOG_REMEDY = "Look at the log for details, or report this as a bug."
SPACE_REMEDY = "Choose a folder that can be written to and has space left."


class RunReporter:
    """What `run` reports to (`run.Reporter`): counts, throttles, and raises when the user wants to stop.

    Args:
        preset: whose stage weights to use.
        send: takes each message.
        cancel: is set when the user wants to stop.
    """

    def __init__(self, preset: str, send: Callable[[Message], None], cancel: threading.Event) -> None:
        self._estimate = ProgressEstimate(preset)
        self._send = send
        self._cancel = cancel
        self._started = time.monotonic()
        self._last_sent = -MESSAGE_INTERVAL_S
        self._last_stage = ""

    def progress(self, stage: str, stage_fraction: float) -> None:
        """Report the share of a stage that is done.

        Raises:
            Cancelled: if the user wants to stop.
        """
        self.check_cancelled()
        now = time.monotonic()
        message = self._estimate.update(stage, stage_fraction, now - self._started)
        if stage != self._last_stage or now - self._last_sent >= MESSAGE_INTERVAL_S:
            self._last_stage, self._last_sent = stage, now
            self._send(message)

    def warning(self, message: str) -> None:
        """Tell the user something; the work goes on."""
        self._send(Warning_(message))

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if the user wants to stop."""
        if self._cancel.is_set():
            raise Cancelled


class MessageStream:
    """The worker's side of the pipe. When nobody reads it any more, the job is cancelled."""

    def __init__(self, file: BinaryIO, cancel: threading.Event) -> None:
        self._file = file
        self._cancel = cancel
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """Write one message."""
        with self._lock:
            try:
                self._file.write(encode(message).encode())
                self._file.flush()
            except (BrokenPipeError, ValueError):
                self._cancel.set()


def claim_stdout() -> BinaryIO:
    """Take file descriptor 1 for messages and send everything else that is printed to the log, file descriptor 2."""
    sys.stdout.flush()
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return stream


def run_job(job: Request, send: Callable[[Message], None], cancel: threading.Event) -> ExitCode:
    """Run one job and send its last message, whatever happens.

    Returns:
        The exit status that belongs to the last message.
    """
    started = time.monotonic()
    try:
        # Imported here: the networks' libraries take seconds, and `hello` must not wait for them.
        reporter = RunReporter(job.preset, send, cancel)
        if isinstance(job, SolveRequest):
            from .run_again import run_again

            result = run_again(job, reporter)
        elif isinstance(job, PreviewRequest):
            from .run_preview import run_preview

            result = run_preview(job, reporter)
        else:
            if job.preset == "dummy":
                from .dummy import run
            else:
                from .run import run
            result = run(job, reporter)
        send(Result(result.take, result.people, result.frames, time.monotonic() - started))
        return ExitCode.DONE
    except Cancelled:
        send(CancelledMessage())
        return ExitCode.CANCELLED
    except Exception as error:  # noqa: BLE001 - the user gets one message whatever went wrong; the traceback goes to the log
        message = explain(error)
        if not isinstance(error, AnimePoseError):
            traceback.print_exc(file=sys.stderr)
        send(message)
        return ExitCode(message.exit_code)


def explain(error: Exception) -> Error:
    """One message for the user for any exception."""
    if isinstance(error, AnimePoseError):
        return Error(error.message, error.remedy, int(error.exit_code))
    if isinstance(error, MemoryError):
        return Error("There is not enough memory.", "Choose a shorter range or a smaller clip, or close programs.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
        where = f" ({error.filename})" if error.filename else ""
        return Error(f"A file could not be written: {error.strerror}{where}.", SPACE_REMEDY)
    if isinstance(error, ImportError):
        return Error(
            f"The worker's environment lacks a package: {error}.",
            "Repair the environment in the add-on's preferences, or choose another interpreter.",
        )
    return Error(f"Something unexpected went wrong: {error!r}.", LOG_REMEDY, int(ExitCode.SOME_FAILED))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the worker; returns the exit status."""
    messages = claim_stdout()
    parser = argparse.ArgumentParser(prog="python -m animepose_blender.estimate", description=__doc__)
    parser.add_argument("--job", required=True, type=Path, help="job request (JSON)")
    arguments = parser.parse_args(argv)

    cancel = threading.Event()
    stream = MessageStream(messages, cancel)
    stream.send(Hello(os.getpid(), _versions()))
    try:
        job = decode_job(_read_job(arguments.job))
    except AnimePoseError as error:
        stream.send(explain(error))
        return int(error.exit_code)
    for name in ("SIGTERM", "SIGINT"):
        signal.signal(getattr(signal, name), lambda *_: cancel.set())
    orphaned = threading.Event()
    threading.Thread(target=_watch_stdin, args=(cancel, orphaned), daemon=True).start()
    threading.Thread(target=_end_hard_after_grace, args=(job, stream, cancel, orphaned), daemon=True).start()
    status = run_job(job, stream.send, cancel)
    if orphaned.is_set():
        _remove_job_folder()
    # Not sys.exit: native threads of the libraries can keep a finished process from ending.
    sys.stderr.flush()
    with contextlib.suppress(BrokenPipeError):  # the host has gone; `stream` has seen to it
        messages.close()
    os._exit(int(status))


def _read_job(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AnimePoseError(f"The job request {path} cannot be read: {error}.", exit_code=ExitCode.USAGE) from error


def _watch_stdin(cancel: threading.Event, orphaned: threading.Event) -> None:
    """Cancel at the first line or the end of standard input; then wait for its end."""
    try:
        while os.read(0, 4096):
            cancel.set()
    except OSError:  # closed from the start counts as ended
        pass
    orphaned.set()
    cancel.set()


def _end_hard_after_grace(
    job: Request, stream: MessageStream, cancel: threading.Event, orphaned: threading.Event
) -> None:
    """End the process if it has not stopped by itself some time after a cancel, leaving no half-written take."""
    cancel.wait()
    started = time.monotonic()
    while time.monotonic() - started < (ORPHAN_GRACE_S if orphaned.is_set() else CANCEL_GRACE_S):
        time.sleep(0.05)
    with contextlib.suppress(OSError):
        partial_take_path(Path(job.take), os.getpid()).unlink(missing_ok=True)
    stream.send(CancelledMessage())
    if orphaned.is_set():
        _remove_job_folder()
    os._exit(int(ExitCode.CANCELLED))


def _remove_job_folder() -> None:
    """Clear away what a dead host left behind: the working folder, if it was made for this job."""
    folder = Path.cwd()
    if folder.name.startswith(JOB_FOLDER_PREFIX):
        os.chdir(folder.parent)
        shutil.rmtree(folder, ignore_errors=True)


def _versions() -> dict[str, str]:
    """Versions of what the worker uses, without importing it."""
    versions = {"animepose": __version__, "python": platform.python_version()}
    for name in REPORTED_PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
