"""Compares networks that are here, byte by byte, with what their records and the catalogue state."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from .catalogue import Catalogue
from .progress import OnProgress, tell_nobody


@dataclass(frozen=True)
class Verdict:
    """What became of a check."""

    id: str
    problems: tuple[str, ...]
    """What is wrong, for people; empty = all is well."""
    notes: tuple[str, ...] = ()
    """What else is to know: outdated, or not pinned by AnimePose."""

    @property
    def ok(self) -> bool:
        """Whether every file is what it should be."""
        return not self.problems


def verify(
    id_: str,
    catalogue: Catalogue,
    on_progress: OnProgress = tell_nobody,
    cancelled: threading.Event | None = None,
    *,
    store: Path | None = None,
) -> Verdict:
    """Hash every file of a network that is here, shipped or in the store.

    Raises:
        Cancelled: if that was asked for.
        AnimePoseError: if nothing of it is here.
    """
    raise NotImplementedError
