"""One run at a time writes to a folder of results.

The operating system's own lock on a file: it is gone when its process is, however that ended, so nothing stale is ever
left.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import IO

from ..errors import AnimePoseError
from .records import FOLDER

NAME = "lock"


@contextlib.contextmanager
def only_run_in(output: Path) -> Iterator[None]:
    """Hold the folder while the block runs.

    Raises:
        AnimePoseError: if another run holds it, or the folder cannot be written to.
    """
    path = output / FOLDER / NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", encoding="utf-8")  # held open for the whole run
    except OSError as error:
        raise AnimePoseError(
            f"The folder {output} cannot be written to: {error.strerror}.", "Choose another folder."
        ) from error
    with file:
        if not _lock(file):
            raise AnimePoseError(
                f"Another run is writing to {output}{_who(path)}.", "Wait for it, or choose another folder."
            )
        try:
            file.seek(0)
            file.truncate()
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            json.dump({"pid": os.getpid(), "host": platform.node(), "since": now}, file)
            file.flush()
            yield
        finally:
            with contextlib.suppress(OSError):
                file.seek(0)
                file.truncate()
            _unlock(file)


def _who(path: Path) -> str:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return f" (process {told['pid']} on {told['host']}, since {told['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30
    """The byte that is locked: behind the text, which others may go on reading."""

    def _lock(file: IO[str]) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: IO[str]) -> None:
        file.seek(_FAR)
        with contextlib.suppress(OSError):
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # a file system without locks: there is nothing better to do than to go on
        return True

    def _unlock(file: IO[str]) -> None:
        with contextlib.suppress(OSError):
            fcntl.flock(file.fileno(), fcntl.LOCK_UN)
