"""Room for a take: looked for before a clip is estimated, and held meanwhile, since to find out late costs the work."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import AnimePoseError

LEAST_SPACE = 64 << 20
"""Bytes; a take has about 1.8 KB a person and frame, so that this is twenty minutes of one person."""


def require_space(folder: Path) -> None:
    """Raises AnimePoseError if there is too little room to begin."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # then writing will tell
    if free < LEAST_SPACE:
        raise AnimePoseError(
            f"Only {free >> 20} MiB are free at {folder}.", "Make space, and start again with --resume."
        )


@contextlib.contextmanager
def space_kept(folder: Path) -> Iterator[Callable[[], None]]:
    """Hold room for a take, so that a disk that fills up meanwhile does not cost the work; yields what gives it back.

    The file has no name: should this process be killed, nothing of it is left.
    """
    with contextlib.ExitStack() as held:
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # a file system that cannot, or a limit
                file = held.enter_context(tempfile.TemporaryFile(dir=folder))
                os.posix_fallocate(file.fileno(), 0, LEAST_SPACE)
        yield held.close
