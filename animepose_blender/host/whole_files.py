"""Files that appear whole or not at all, and what Blender's operators say when they fail."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path

from ..errors import AnimePoseError
from .file_ends import is_cut_short

_under_way: set[Path] = set()
"""Temporary files that are being written."""


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file under a temporary name with the same suffix, then give it its own name.

    Raises:
        AnimePoseError: if it cannot be written.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    _under_way.add(temporary)
    try:
        write(temporary)
        if is_cut_short(temporary):  # Blender has not noticed that the disk is full
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        bring_to_disk(temporary)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and reported_reason(error).startswith("KeyboardInterrupt"):
            raise KeyboardInterrupt from error  # Ctrl-C inside an operator that is written in Python
        reason = ((isinstance(error, OSError) and error.strerror) or reported_reason(error)).rstrip(".")
        raise AnimePoseError(
            f"{path} could not be written: {reason}.", "Choose a folder that can be written to and has space left."
        ) from error
    finally:
        _remove(temporary)
        _under_way.discard(temporary)


def remove_unfinished() -> None:
    """Remove what this process was writing; for when it ends at once."""
    for temporary in tuple(_under_way):
        _remove(temporary)


def _remove(temporary: Path) -> None:
    for path in (temporary, temporary.with_name(f"{temporary.name}@")):  # Blender saves to the second one first
        with contextlib.suppress(OSError):
            path.unlink()


def bring_to_disk(path: Path) -> None:
    """Return when the file's bytes are on the disk, so that a power cut cannot leave the name without them."""
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def reported_reason(error: Exception) -> str:
    """What an operator reported, in one line.

    Operators raise RuntimeError with "Error: " and their report, or with a traceback.
    """
    lines = [line for line in str(error).removeprefix("Error: ").splitlines() if line.strip()] or [repr(error)]
    if "Traceback" in lines[0]:
        # its last line names the exception; Blender adds where the operator was called from
        lines = [line for line in lines if not line.startswith((" ", "Location:"))][-1:]
    return lines[0].strip()
