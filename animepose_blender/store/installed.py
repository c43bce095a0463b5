"""Which networks are here: in the store, and among those that ship with the extension. Reads records only.

<store>/ID/             a network: its files, and its record, written last
<store>/ID.part/        one that is being fetched, or whose fetch was interrupted
<store>/*.part/         what an import or a removal has left, when it was interrupted
<store>/.locks/ID       held by whoever changes that network
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from ..errors import AnimePoseError
from .folder import store_folder
from .names import UNFINISHED, WEIGHTS, is_id
from .published import CONVERT_FIRST, PUBLISHED
from .record import ModelRecord, read_record, read_record_file

SHIPPED_FOLDER = Path(__file__).resolve().parents[2] / "models" / "weights"
"""Networks that ship with the extension, each with its record `NAME.json` beside `NAME.safetensors`."""
IMPORTED, REPLACED = "..import", "..old"
PASSING = (IMPORTED, REPLACED)
"""Before `UNFINISHED`, in names of folders that last only as long as the work on them; no id ends like this."""
FETCH_FIRST = "Fetch it with `animepose models fetch {id}` or in Blender's list of models, or use the preset offline."


class Presence(Enum):
    """How far a network is here."""

    SHIPPED = "shipped"
    HERE = "here"
    DAMAGED = "damaged"
    """A file is missing or of another size, or the record cannot be read."""
    UNFINISHED = "unfinished"
    ABSENT = "not here"


@dataclass(frozen=True)
class Found:
    """What is here of a network."""

    presence: Presence
    record: ModelRecord | None = None
    path: Path | None = None
    """The network's folder, or the file that ships with the extension."""
    bytes_here: int = 0
    problem: str = ""
    """Why it is damaged."""


def network_folder(id_: str, store: Path | None = None) -> Path:
    """Where a network of the store lies, whether it is there or not."""
    return (store or store_folder()) / id_


def unfinished_folder(id_: str, store: Path | None = None) -> Path:
    """Where a network is put together."""
    return (store or store_folder()) / f"{id_}{UNFINISHED}"


def find_network(id_: str, store: Path | None = None) -> tuple[Path, ModelRecord]:
    """A network that is ready to be loaded, of the store or shipped.

    Returns:
        Its folder, or the file that ships with the extension; and its record.
    Raises:
        AnimePoseError: if it is not here, or not whole; the remedy says how to get it.
    """
    found = look_up(id_, store)
    if found.presence in (Presence.HERE, Presence.SHIPPED) and found.path and found.record:
        return found.path, found.record
    why = {
        Presence.ABSENT: f"The model {id_} is not in the store {store or store_folder()}.",
        Presence.UNFINISHED: f"The model {id_} has been fetched in part only.",
        Presence.DAMAGED: f"The model {id_} is damaged: {found.problem}",
    }
    raise AnimePoseError(why[found.presence], (CONVERT_FIRST if id_ in PUBLISHED else FETCH_FIRST).format(id=id_))


def weights_file(path: Path, record: ModelRecord) -> Path:
    """The one file of weights of a network that `find_network` gave.

    Raises:
        AnimePoseError: if it has none, or several.
    """
    if path.is_file():
        return path
    names = [file.path for file in record.files if file.path.endswith(WEIGHTS)]
    if len(names) != 1:
        raise AnimePoseError(f"The model {record.id} has {len(names)} files of weights, not one.", "Import another.")
    return path / names[0]


def look_up(id_: str, store: Path | None = None) -> Found:
    """What is here of a network, damaged or not.

    Raises:
        AnimePoseError: if the store itself cannot be read.
    """
    if not is_id(id_):
        return Found(Presence.ABSENT)
    try:
        return _look_up(id_, store)
    except OSError as error:
        raise _cannot_read(store, error) from error


def _look_up(id_: str, store: Path | None) -> Found:
    shipped = shipped_networks().get(id_)
    if shipped is not None:
        path, record = shipped
        return _checked(Presence.SHIPPED, path.parent, path, record)
    folder = network_folder(id_, store)
    if folder.is_dir():
        try:
            record = read_record(folder)
        except AnimePoseError as error:
            return Found(Presence.DAMAGED, path=folder, problem=error.message)
        if record.id != id_:
            return Found(Presence.DAMAGED, path=folder, problem=f"Its record is that of {record.id}.")
        return _checked(Presence.HERE, folder, folder, record)
    part = unfinished_folder(id_, store)
    if part.is_dir():
        return Found(Presence.UNFINISHED, path=part, bytes_here=folder_size(part))
    return Found(Presence.ABSENT)


@cache
def shipped_networks() -> Mapping[str, tuple[Path, ModelRecord]]:
    """File and record of each network that ships with the extension, by id."""
    records = [(path, read_record_file(path)) for path in sorted(SHIPPED_FOLDER.glob("*.json"))]
    return {record.id: (path.with_suffix(WEIGHTS), record) for path, record in records}


def ids_here(store: Path | None = None) -> list[str]:
    """Ids of all networks of which something is in the store, whole or not.

    Raises:
        AnimePoseError: if the store cannot be read.
    """
    names = {path.name.removesuffix(UNFINISHED) for path in _folders(store)}
    return sorted(filter(is_id, names - {path.name for path in leftovers(store)}))


def leftovers(store: Path | None = None) -> list[Path]:
    """What interrupted imports and removals have left; nobody goes on with it."""
    return [
        path
        for path in _folders(store)
        if path.name.endswith(UNFINISHED) and path.name.removesuffix(UNFINISHED).endswith(PASSING)
    ]


def folder_size(folder: Path) -> int:
    """Bytes of all files in a folder; what vanishes meanwhile does not count."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def _folders(store: Path | None) -> list[Path]:
    try:
        return [path for path in sorted((store or store_folder()).iterdir()) if path.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []  # there is no store yet
    except OSError as error:
        raise _cannot_read(store, error) from error


def _cannot_read(store: Path | None, error: OSError) -> AnimePoseError:
    return AnimePoseError(
        f"The folder of models {store or store_folder()} cannot be read: {error.strerror or error}.",
        "Check its permissions, choose another folder, or use the preset offline.",
    )


def _checked(presence: Presence, folder: Path, path: Path, record: ModelRecord) -> Found:
    here = 0
    for file in record.files:
        try:
            size = (folder / file.path).stat().st_size
        except FileNotFoundError:
            return Found(Presence.DAMAGED, record, path, here, f"Its file {file.path} is missing.")
        if size != file.size:
            told = f"Its file {file.path} has {size} bytes, not {file.size}."
            return Found(Presence.DAMAGED, record, path, here, told)
        here += size
    if not record.files:
        return Found(Presence.DAMAGED, record, path, here, "Its record names no files.")
    return Found(presence, record, path, here)
