"""Removes networks from the store, whole or unfinished."""

from __future__ import annotations

from pathlib import Path


def remove(id_: str, store: Path | None = None) -> int:
    """Remove what is here of a network, and what an interrupted fetch has left of it.

    Returns:
        Bytes that are free now.
    Raises:
        AnimePoseError: if it ships with the extension, is not here, is in use, or cannot be removed.
    """
    raise NotImplementedError
