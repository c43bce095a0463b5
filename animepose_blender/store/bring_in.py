"""Networks from a folder, a zip or a file that somebody carries in: checked, copied, then put in place at once."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from .catalogue import Catalogue
from .progress import OnProgress, tell_nobody
from .record import ModelRecord


@dataclass(frozen=True)
class Described:
    """What a user says of a network that brings no record; the role and the licence are needed for their own."""

    id: str = ""
    """Of the catalogue, or a new one for the user's own."""
    role: str = ""
    licence: str = ""
    commercial: bool = True
    title: str = ""
    skeleton: str = ""
    architecture: str = ""
    """Empty = as config.json says."""


def bring_in(
    source: Path,
    catalogue: Catalogue,
    described: Described | None = None,
    on_progress: OnProgress = tell_nobody,
    cancelled: threading.Event | None = None,
    *,
    store: Path | None = None,
    commercial_only: bool = False,
) -> list[ModelRecord]:
    """Take over networks: an exported store, a folder or zip as the hub has them, or a file of weights.

    Returns:
        Records of what is in the store now.
    Raises:
        Cancelled: if that was asked for; nothing is changed.
        AnimePoseError: what is wrong and what the user can do; nothing is changed.
    """
    raise NotImplementedError
