"""Where the command line runs: in a virtual environment, or inside Blender."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import AnimePoseError
from ..store.access import Access

BUILD_VERB = "build-worker"
"""The verb that serves as the process which builds scenes, inside an installed Blender."""


def _builder_here() -> list[str]:
    """What starts a process that builds scenes with the Python that runs this.

    Raises:
        AnimePoseError: if it has no bpy.
    """
    if importlib.util.find_spec("bpy") is None:
        raise AnimePoseError(
            "convert needs Blender's Python module bpy, which is not here.",
            "Install bpy into this environment, or use blender -b --command animepose convert.",
        )
    return [sys.executable, "-m", "animepose_blender.host.build_worker"]


def _temporary_folder() -> Path:
    """Where logs go; also where nothing can be written, as on a full disk, for whoever needs it to tell."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return Path(os.environ.get("TMPDIR") or os.curdir)


@dataclass(frozen=True)
class Surroundings:
    """Where the command line runs."""

    worker_python: Callable[[], str] = lambda: sys.executable
    """Interpreter that estimates; raises AnimePoseError if there is none."""
    build_command: Callable[[], Sequence[str]] = _builder_here
    """What starts a process that builds scenes; raises AnimePoseError if there is none."""
    access: Callable[[], Access] = Access
    """How registries of networks are reached; raises AnimePoseError if the network may not be used."""
    log_folder: Path = field(default_factory=_temporary_folder)

    @property
    def log_path(self) -> Path:
        """Log of the worker of this process."""
        return self.log_folder / f"animepose-worker-{os.getpid()}.log"
