"""Files that appear whole or not at all."""

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
    except (OSError, RuntimeError) as error:  # operators raise RuntimeError
        reason = str(error).removeprefix("Error: ").strip().splitlines()[0]
        raise AnimePoseError(
            f"{path} could not be written: {reason}", "Choose a folder that can be written to and has space left."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
