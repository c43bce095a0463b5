"""Networks of the store into one zip, which `bring_in` reads elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from .progress import OnProgress, tell_nobody


def carry_out(
    ids: Sequence[str],
    target: Path,
    on_progress: OnProgress = tell_nobody,
    cancelled: threading.Event | None = None,
    *,
    store: Path | None = None,
) -> None:
    """Write networks that are here into a zip.

    Raises:
        Cancelled: if that was asked for; nothing is written.
        AnimePoseError: if one is not here, or the zip cannot be written.
    """
    raise NotImplementedError
