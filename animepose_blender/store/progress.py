"""What long work on the store tells while it goes on: bytes, and how long it may take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import Cancelled

EVERY_S = 0.1
"""How often progress is told."""
HALF_LIFE_S = 5.0
"""How fast an old speed is forgotten."""


@dataclass(frozen=True)
class StoreProgress:
    """How far the work on one network is."""

    id: str
    """Of the network."""
    file: str
    """The file that is being read or written."""
    done: int
    """Bytes, of all its files."""
    total: int
    """Bytes in all; 0 = not known yet."""
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        """0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


OnProgress = Callable[[StoreProgress], object]
"""Is called from the thread that works, a few times a second."""


def tell_nobody(progress: StoreProgress) -> None:
    """For who does not want to know."""


class Meter:
    """Counts the bytes of one network's work, tells of them and stops it when that is asked for."""

    def __init__(self, id_: str, total: int, on_progress: OnProgress, cancelled: threading.Event | None) -> None:
        self.total = total
        self.done = 0
        self._id = id_
        self._on_progress = on_progress
        self._cancelled = cancelled or threading.Event()
        self._rate = 0.0
        self._since = time.monotonic()
        self._counted = 0
        self._file = ""

    def starts(self, file: str, done: int) -> None:
        """A file is begun, or goes on, with so many bytes done of all; these do not count for the speed."""
        self._file, self.done = file, done
        self._since, self._counted = time.monotonic(), 0
        self._tell()

    def adds(self, count: int) -> None:
        """So many bytes more.

        Raises:
            Cancelled: if that was asked for.
        """
        self.check()
        self.done += count
        self._counted += count
        elapsed = time.monotonic() - self._since
        if elapsed >= EVERY_S:
            kept = 0.5 ** (elapsed / HALF_LIFE_S) if self._rate else 0.0
            self._rate = kept * self._rate + (1 - kept) * self._counted / elapsed
            self._since, self._counted = time.monotonic(), 0
            self._tell()

    def ends(self) -> None:
        """All of it is done."""
        self.done = self.total = max(self.done, self.total)
        self._tell()

    def check(self) -> None:
        """Raises Cancelled if that was asked for."""
        if self._cancelled.is_set():
            raise Cancelled

    def _tell(self) -> None:
        left = max(self.total - self.done, 0) / self._rate if self._rate and self.total else None
        self._on_progress(StoreProgress(self._id, self._file, self.done, self.total, left))
