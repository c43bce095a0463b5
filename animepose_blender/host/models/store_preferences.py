"""Where networks are kept and how registries are reached: part of the add-on's preferences."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import os
from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ...store.access import Access
from ...store.folder import STORE_VARIABLE, choose_store_folder
from .. import addon_state
from . import known


def apply(*_: object) -> None:
    """Use the folder that the preferences name, here, in the command line inside Blender and in workers."""
    choose_store_folder(_chosen_folder())
    known.forget()


def _folder_changes(self: Any, context: bpy.types.Context) -> None:
    apply()
    known.refresh()


class StoreProperties:
    """Properties of the preferences."""

    models_folder: StringProperty(  # type: ignore
        name="Models Folder", description="Where networks are kept; empty: a folder of the add-on's own",
        subtype="DIR_PATH", update=_folder_changes,
    )  # fmt: skip
    mirror: StringProperty(  # type: ignore
        name="Mirror", description="Address of a server that has the same files as the registry of the networks, "
        "such as a studio's own; empty: the registry itself",
    )  # fmt: skip
    proxy: StringProperty(  # type: ignore
        name="Proxy", description="Address of a proxy, such as http://proxy.studio:3128; empty: the system's"
    )


def access() -> Access:
    """How registries are reached.

    Raises:
        AnimePoseError: if an address of the preferences is none.
    """
    settings = addon_state.preferences()
    return Access(settings.mirror.strip(), settings.proxy.strip()) if settings is not None else Access()


def _chosen_folder() -> Path | None:
    """The folder of the preferences; None where only the environment may say it."""
    settings = addon_state.preferences()
    if settings is not None and settings.models_folder:
        return Path(os.path.abspath(bpy.path.abspath(settings.models_folder)))
    if settings is None or os.environ.get(STORE_VARIABLE):
        return None
    return addon_state.own_folder("models")


def register() -> None:
    """Use the folder of the preferences."""
    apply()


def unregister() -> None:
    """Undo `register`."""
    choose_store_folder(None)
