"""Files that appear whole or not at all, and what Blender's operators say when they fail."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..errors import AnimePoseError


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file under a temporary name with the same suffix, then give it its own name.

    Raises:
        AnimePoseError: if it cannot be written.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        write(temporary)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and reported_reason(error).startswith("KeyboardInterrupt"):
            raise KeyboardInterrupt from error  # Ctrl-C inside an operator that is written in Python
        raise AnimePoseError(
            f"{path} could not be written: {reported_reason(error)}",
            "Choose a folder that can be written to and has space left.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def reported_reason(error: Exception) -> str:
    """What an operator reported, in one line.

    Operators raise RuntimeError with "Error: " and their report, or with a traceback.
    """
    lines = [line for line in str(error).removeprefix("Error: ").splitlines() if line.strip()] or [repr(error)]
    if "Traceback" in lines[0]:
        # its last line names the exception; Blender adds where the operator was called from
        lines = [line for line in lines if not line.startswith((" ", "Location:"))][-1:]
    return lines[0].strip()
