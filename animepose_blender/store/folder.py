"""Where the weight store is: one folder for each network, named by its id."""

from __future__ import annotations

import os
import sys
from pathlib import Path

STORE_VARIABLE = "ANIMEPOSE_MODELS"
"""Environment variable with the folder; a worker is told by it."""

_chosen: Path | None = None


def choose_store_folder(folder: Path | None) -> None:
    """Set the folder for this process, as Blender's preferences do; None = by the environment, or the usual one."""
    global _chosen
    _chosen = folder


def store_folder() -> Path:
    """The folder of the store, which may not be there yet."""
    if _chosen is not None:
        return _chosen
    named = os.environ.get(STORE_VARIABLE)
    return Path(named).expanduser() if named else _usual_folder()


def _usual_folder() -> Path:
    """In the user's cache folder, by the habits of each system."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "animepose" / "models"
