"""What the command line prints, whatever has become of its standard streams."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

from .errors import AnimePoseError


def say(text: str) -> None:
    """Print a result; progress and complaints go to standard error. Nobody reading it (`| head`) is no failure.

    Raises:
        AnimePoseError: if it cannot be printed, as on a full disk.
    """
    try:
        try:
            print(text, flush=True)
        except UnicodeEncodeError:  # a path that the terminal has no letters for
            print(text.encode("ascii", "backslashreplace").decode("ascii"), flush=True)
    except BrokenPipeError:
        _discard_rest(sys.stdout)
    except OSError as error:
        _discard_rest(sys.stdout)
        raise AnimePoseError(
            f"The result could not be printed: {error.strerror}.", "Look where standard output goes to."
        ) from error


def complain(message: str, remedy: str) -> None:
    """Say what is wrong and what to do."""
    note(f"animepose: {message}" + (f"\n           {remedy}" if remedy else ""))


def note(text: str) -> None:
    """Print to standard error; where that is closed or full, the exit status has to do."""
    stream = sys.stderr
    if stream is None:
        return
    try:
        print(text, file=stream, flush=True)
    except OSError:
        _discard_rest(stream)


def _discard_rest(stream: TextIO) -> None:
    """Let what is left in a stream's buffer go nowhere; Python would fail with it once more when it ends."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
