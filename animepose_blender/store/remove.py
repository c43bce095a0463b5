"""Removes networks from the store, whole or unfinished."""

from __future__ import annotations

from pathlib import Path

from ..errors import AnimePoseError, ExitCode
from .folder import store_folder
from .installed import folder_size, network_folder, shipped_networks, unfinished_folder
from .lock import cannot_write, only_one_changes
from .names import is_id
from .placing import settle, take_out


def remove(id_: str, store: Path | None = None) -> int:
    """Remove what is here of a network, and what an interrupted fetch has left of it.

    Returns:
        Bytes that are free now.
    Raises:
        AnimePoseError: if it ships with the extension, is not here, is in use, or cannot be removed.
    """
    store = store or store_folder()
    if id_ in shipped_networks():
        raise AnimePoseError(
            f"The model {id_} ships with AnimePose and stays.", "Name one of the store.", ExitCode.USAGE
        )
    folders = [network_folder(id_, store), unfinished_folder(id_, store)]
    if not is_id(id_) or not any(folder.is_dir() for folder in folders):
        raise AnimePoseError(
            f"The model {id_} is not in the store {store}.", "See `animepose models list`.", ExitCode.USAGE
        )
    with only_one_changes(id_, store):
        try:
            settle(id_, store)
            freed = sum(map(folder_size, folders))
            for folder in folders:
                take_out(folder)
        except OSError as error:
            raise cannot_write(store, error) from error
    return freed
