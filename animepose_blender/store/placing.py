"""How a network's folder comes into the store or goes out of it: whole, by renaming."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .installed import IMPORTED, REPLACED, network_folder
from .names import UNFINISHED
from .record import RECORD, ModelRecord, record_text


def import_folder(id_: str, store: Path) -> Path:
    """Where an import puts a network together."""
    return store / f"{id_}{IMPORTED}{UNFINISHED}"


def settle(id_: str, store: Path) -> None:
    """Bring in order what an interruption has left; the network is to be locked.

    Raises:
        OSError: if something cannot be renamed or removed.
    """
    old, folder = _old(id_, store), network_folder(id_, store)
    if old.exists() and not folder.exists():
        old.rename(folder)  # it was to be replaced, and nothing has taken its place
    for path in (old, import_folder(id_, store)):
        remove_folder(path)


def put_in_place(part: Path, record: ModelRecord, store: Path) -> None:
    """Make a folder with all files of a network that network; what was there before goes away.

    Raises:
        OSError: if that cannot be done; what was there before is there still.
    """
    write_whole(part / RECORD, record_text(record) + "\n")
    folder, old = network_folder(record.id, store), _old(record.id, store)
    if folder.exists():
        folder.rename(old)
    try:
        part.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)  # `settle` has another go at what is left


def take_out(folder: Path) -> None:
    """Remove a network's folder such that it never looks whole meanwhile.

    Raises:
        OSError: if it cannot be removed.
    """
    if folder.is_dir():
        (folder / RECORD).unlink(missing_ok=True)
        remove_folder(folder)


def remove_folder(folder: Path) -> None:
    """Remove a folder, if it is there."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)


def write_whole(path: Path, text: str) -> None:
    """Write a text file that appears whole or not at all."""
    temporary = path.with_name(f".{path.name}{UNFINISHED}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _old(id_: str, store: Path) -> Path:
    return store / f"{id_}{REPLACED}{UNFINISHED}"
