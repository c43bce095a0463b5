"""Small files of the worker's environment, and its removal, so that an interruption is noticed. Free of bpy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from ..errors import AnimePoseError

READY = "ready.json"
"""Written last into an environment."""


def read_json(path: Path) -> dict[str, object]:
    """The object in a file; empty if there is none or it is damaged, which counts as not written."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def write_json(path: Path, data: dict[str, object]) -> None:
    """Write an object to a file, whole or not at all.

    Raises:
        AnimePoseError: if it cannot be written.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(data, indent=1), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise AnimePoseError(f"{path} could not be written: {error}.", "Check that the disk has space left.") from error


def remove_folder(folder: Path) -> None:
    """Remove a folder and all that is in it, if it is there.

    Raises:
        AnimePoseError: if a file cannot be removed.
    """
    problems: list[str] = []

    def note(function: Callable[..., object], path: str, error: object) -> None:
        problems.append(path)

    if folder.exists():
        # The marker goes first: whatever happens next, the environment then counts as unfinished.
        (folder / READY).unlink(missing_ok=True)
        shutil.rmtree(folder, onerror=note)
    if folder.exists():
        raise AnimePoseError(
            f"{problems[0] if problems else folder} cannot be removed.", "Close programs that use it, then try again."
        )
