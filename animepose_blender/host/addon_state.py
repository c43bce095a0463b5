"""What the add-on knows of itself in this Blender: its id, its preferences, its folder, its worker's environment.

Drawing reads the status cached here. The disk is looked at when it is first asked for and whenever it may have
changed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..errors import AnimePoseError
from .environment import State, Status, environment_status, interpreter_status

if TYPE_CHECKING:
    from .preferences import AnimePosePreferences

ADDON_ID = (__package__ or "").rpartition(".host")[0].partition(".animepose_blender")[0]
"""`bl_ext.user_default.animepose` as an extension; the package's own name where it is just imported."""

_status: Status | None = None


def preferences() -> AnimePosePreferences | None:
    """The add-on's preferences; None where the package is imported without being enabled as an add-on."""
    addon = bpy.context.preferences.addons.get(ADDON_ID)
    return getattr(addon, "preferences", None)


def runtime_folder() -> Path:
    """The folder that the add-on may write to; it is not made here."""
    return own_folder("runtime")


def own_folder(name: str) -> Path:
    """A folder of the add-on's own, which Blender removes with it; it is not made here."""
    try:
        return Path(bpy.utils.extension_path_user(ADDON_ID, path=name, create=False))
    except ValueError:  # not installed as an extension
        return Path(bpy.utils.user_resource("DATAFILES", path="animepose"), name)


def online_allowed() -> bool:
    """Whether Blender may use the network."""
    return bool(bpy.app.online_access)


def refresh_status() -> Status:
    """Look at the disk how the worker's environment stands, and remember it."""
    global _status
    settings = preferences()
    if settings is None:
        _status = Status(State.READY, sys.executable, "the Python that runs this")
    elif settings.interpreter == "CUSTOM":
        # No .resolve(): a virtual environment's Python is a link that must be called by its own name.
        path = settings.python_path
        _status = interpreter_status(runtime_folder(), os.path.abspath(bpy.path.abspath(path)) if path else "")
    else:
        _status = environment_status(runtime_folder())
    return _status


def status() -> Status:
    """How the worker's environment stands, as last looked at; looks if nobody has yet."""
    return _status if _status is not None else refresh_status()


def worker_python() -> str:
    """The interpreter to run the worker with.

    Raises:
        AnimePoseError: if there is none yet, or it does not work.
    """
    current = refresh_status()
    if not current.usable:
        why = f": {current.problem}" if current.problem else ""
        raise AnimePoseError(
            f"AnimePose's own Python environment cannot be used. {current.state.value}{why}".rstrip(".") + ".",
            "Create or repair it in the add-on's preferences, or choose another Python there.",
        )
    return current.python


def worker_interpreter_path() -> str:
    """The interpreter that is chosen, whether it works or not.

    Raises:
        AnimePoseError: if there is none.
    """
    current = refresh_status()
    if not current.python:
        raise AnimePoseError("There is no environment yet.", "Create it, or choose another Python.")
    return current.python


def forget_status() -> None:
    """Look at the disk again when the status is next asked for."""
    global _status
    _status = None
