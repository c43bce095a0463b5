"""Fetches a network of the catalogue into the store: resumable, checked while it streams, there whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

from .access import Access
from .catalogue import ModelEntry
from .progress import OnProgress, tell_nobody
from .record import ModelRecord


def fetch(
    entry: ModelEntry,
    on_progress: OnProgress = tell_nobody,
    cancelled: threading.Event | None = None,
    *,
    access: Access | None = None,
    store: Path | None = None,
) -> ModelRecord:
    """Fetch a network, or go on with what an earlier try has left; one that is here already is left alone.

    Returns:
        Its record, as it is in the store.
    Raises:
        Cancelled: if that was asked for; the next call goes on.
        AnimePoseError: what is wrong and what the user can do; nothing half-done counts as being here.
    """
    raise NotImplementedError
