"""How long each stage of a run takes, where stages run side by side in threads."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class StageTimes:
    """Seconds and counts of each stage; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = defaultdict(float)
        self._count: dict[str, int] = defaultdict(int)
        self._waited: dict[str, float] = defaultdict(float)

    @contextlib.contextmanager
    def __call__(self, stage: str, count: int = 0) -> Iterator[None]:
        """Time a piece of work.

        Args:
            stage: its name.
            count: frames, or people, that it works on.
        """
        started = time.perf_counter()
        yield
        with self._lock:
            self._seconds[stage] += time.perf_counter() - started
            self._count[stage] += count

    def waiting(self, stage: str, items: Iterable[T]) -> Iterator[T]:
        """The items, and how long a stage waited for each."""
        iterator = iter(items)
        while True:
            started = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                with self._lock:
                    self._waited[stage] += time.perf_counter() - started
            yield item

    def profile(self) -> dict[str, Any]:
        """For `source["profile"]` of a take."""
        with self._lock:
            return {
                "seconds": dict(self._seconds), "count": dict(self._count), "waited_s": dict(self._waited)
            }  # fmt: skip
