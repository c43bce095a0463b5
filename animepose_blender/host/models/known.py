"""The networks of the catalogue and of the store as last looked at, since drawing must not look at the disk.

They are looked at when first asked for, after whatever this Blender did to them, when a file is loaded and when the
user asks for it, as after a fetch by the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import bpy
from bpy.app.handlers import persistent

from ...errors import AnimePoseError
from ...store.catalogue import Catalogue, read_catalogue
from ...store.installed import Presence
from ...store.listing import Row, rows
from .words import licence_words

USABLE = (Presence.HERE, Presence.SHIPPED)


class Choosable(NamedTuple):
    """A network that an estimate can use."""

    id: str
    title: str
    about: str
    commercial: bool


class _Known(NamedTuple):
    catalogue: Catalogue
    networks: Mapping[str, Row]
    choosable: Mapping[str, tuple[Choosable, ...]]
    problem: AnimePoseError | None


_known: _Known | None = None


def networks() -> Mapping[str, Row]:
    """All networks by id, in the order of the catalogue; empty if it cannot be read."""
    return _now().networks


def catalogue() -> Catalogue:
    """What can be fetched; empty if it cannot be read."""
    return _now().catalogue


def problem() -> AnimePoseError | None:
    """Why the catalogue or the store cannot be read."""
    return _now().problem


def choosable(role: str) -> tuple[Choosable, ...]:
    """Networks of a role that are here."""
    return _now().choosable.get(role, ())


def is_usable(row: Row) -> bool:
    """Whether a network can be run; an outdated one can."""
    return row.presence in USABLE


def is_fetchable(row: Row) -> bool:
    """Whether a fetch would bring something."""
    return bool(row.page) and (row.outdated or not is_usable(row))


def titles(ids: str) -> str:
    """Titles of networks whose ids are separated by commas."""
    return ", ".join(networks()[id_].title if id_ in networks() else id_ for id_ in ids.split(","))


def forget() -> None:
    """Look again when next asked."""
    global _known
    _known = None


def refresh() -> None:
    """Look at the disk now, and fill the list. Not while drawing."""
    forget()
    items = bpy.context.window_manager.animepose_models.items
    ids = list(networks())
    if [item.name for item in items] != ids:
        items.clear()
        for id_ in ids:
            items.add().name = id_


def _now() -> _Known:
    global _known
    if _known is None:
        _known = _look()
    return _known


def _look() -> _Known:
    try:
        catalogue = read_catalogue()
        listed = rows(catalogue)
    except AnimePoseError as error:
        return _Known({}, {}, {}, error)
    here: dict[str, tuple[Choosable, ...]] = {}
    for row in filter(is_usable, listed):
        one = Choosable(row.id, row.title, licence_words(row.licence, row.badge), row.commercial)
        here[row.role] = (*here.get(row.role, ()), one)
    return _Known(catalogue, {row.id: row for row in listed}, here, None)


@persistent
def _refresh_after_load(*_: object) -> None:
    refresh()


def _refresh_once() -> None:
    refresh()


def register() -> None:
    """Fill the list as soon as Blender lets us, and again for each file: the list is not kept with files."""
    bpy.app.timers.register(_refresh_once, first_interval=0.0)
    bpy.app.handlers.load_post.append(_refresh_after_load)


def unregister() -> None:
    """Undo `register`."""
    if bpy.app.timers.is_registered(_refresh_once):
        bpy.app.timers.unregister(_refresh_once)
    if _refresh_after_load in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_refresh_after_load)
    forget()
