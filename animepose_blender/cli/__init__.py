"""The command line: `animepose estimate|convert|evaluate|models`, in a virtual environment and inside Blender.

Nothing heavy is imported before a verb needs it: `--help` answers at once, without torch and without bpy.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence

from ..console import complain, note
from ..errors import AnimePoseError, ExitCode
from . import verbs
from .parser import build_parser
from .surroundings import Surroundings
from .verbs import job_request, run_job

__all__ = ["Surroundings", "build_parser", "job_request", "main", "run_job", "unexpected", "verbs"]


def main(argv: Sequence[str] | None = None, surroundings: Surroundings | None = None) -> int:
    """Run one command line.

    Returns:
        The exit status, see `errors.ExitCode`.
    """
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as end:  # argparse has said what is wrong; Blender must not be ended by it
        return int(end.code or 0)
    try:
        with _signals_cancel():
            return int(arguments.verb(arguments, surroundings or Surroundings()))
    except AnimePoseError as error:
        complain(error.message, error.remedy)
        return int(error.exit_code)
    except KeyboardInterrupt:
        note("animepose: cancelled")
        return int(ExitCode.CANCELLED)
    except Exception as error:  # noqa: BLE001 - the user gets one message, the log the traceback
        failure = unexpected(error, surroundings or Surroundings())
        complain(failure.message, failure.remedy)
        return int(failure.exit_code)


@contextlib.contextmanager
def _signals_cancel() -> Iterator[None]:
    """Let a request to end (`timeout`, a closed terminal) cancel as Ctrl-C does; ignored signals (nohup) stay so."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        names = []  # Python lets nobody else set handlers
    taken = [number for name in names if signal.getsignal(number := getattr(signal, name)) == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def unexpected(error: Exception, surroundings: Surroundings) -> AnimePoseError:
    """What to tell the user about an error that nobody foresaw; its traceback goes to the log."""
    message = f"Something unexpected went wrong: {error!r}."
    try:
        surroundings.log_folder.mkdir(parents=True, exist_ok=True)
        with surroundings.log_path.open("a", encoding="utf-8") as log:
            traceback.print_exception(error, file=log)
    except OSError:  # then there is no log
        return AnimePoseError(message, "Please report this as a bug.", ExitCode.SOME_FAILED)
    remedy = f"Please report this as a bug, with the log at {surroundings.log_path}."
    return AnimePoseError(message, remedy, ExitCode.SOME_FAILED)
