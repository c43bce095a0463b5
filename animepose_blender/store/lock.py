"""One process at a time changes a network: the system's own lock on a file, which is gone when its process is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import AnimePoseError
from ..file_lock import lock
from .folder import store_folder

FOLDER = ".locks"


@contextlib.contextmanager
def only_one_changes(id_: str, store: Path | None = None) -> Iterator[None]:
    """Hold a network while the block runs.

    Raises:
        AnimePoseError: if somebody else holds it, or the store cannot be written to.
    """
    store = store or store_folder()
    try:
        (store / FOLDER).mkdir(parents=True, exist_ok=True)
        descriptor = os.open(store / FOLDER / id_, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise cannot_write(store, error) from error
    try:
        if not lock(descriptor):
            raise AnimePoseError(
                f"The model {id_} is being fetched or changed already, here or in another window.",
                "Wait until that has ended, or cancel it there.",
            )
        yield
    finally:
        os.close(descriptor)  # and with it the lock


def cannot_write(place: Path, error: OSError) -> AnimePoseError:
    """What to tell about a folder that cannot be written to."""
    return AnimePoseError(
        f"The folder of models {place} cannot be written to: {error.strerror or error}.",
        "Check its permissions and the space left, or choose another folder (--store, or the preferences).",
    )
