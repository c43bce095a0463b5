"""`blender -b --command animepose …`: the same verbs inside an installed Blender."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

import bpy

from ..errors import AnimePoseError
from ..store.access import Access

_handle: Any = None


def run(arguments: Sequence[str]) -> int:
    """What Blender calls with the words after `--command animepose`; its return value is Blender's exit status."""
    from .. import cli
    from .addon_state import runtime_folder, worker_python

    # Blender leaves Ctrl-C at the system's default, which would end it on the spot.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        surroundings = cli.Surroundings(worker_python, _builder, _access, runtime_folder() / "logs")
        return cli.main(list(arguments), surroundings)
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)


def _builder() -> list[str]:
    """What starts another Blender that builds scenes, with the same extensions and preferences."""
    from ..cli.surroundings import BUILD_VERB

    return [bpy.app.binary_path, "-b", "--command", "animepose", BUILD_VERB]


def _access() -> Access:
    """How registries are reached, by the preferences.

    Raises:
        AnimePoseError: if Blender may not use the network.
    """
    from .addon_state import online_allowed
    from .models.store_preferences import access

    if not online_allowed():
        raise AnimePoseError(
            "Blender may not use the network.",
            "Allow Online Access in Preferences > System, or start Blender with --online-mode; or import a folder or "
            "zip (`animepose models import`).",
        )
    return access()


def register() -> None:
    """Make the command known; Blender from 4.2 on has such commands."""
    global _handle
    if hasattr(bpy.utils, "register_cli_command"):
        _handle = bpy.utils.register_cli_command("animepose", run)


def unregister() -> None:
    """Undo `register`."""
    global _handle
    if _handle is not None:
        bpy.utils.unregister_cli_command(_handle)
        _handle = None
