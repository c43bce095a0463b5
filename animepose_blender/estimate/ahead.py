"""Make the items of an iterator in a thread, a few ahead of their use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """A context whose value iterates over `items`; what they raise is raised there, and leaving it ends the thread.

    Args:
        items: made in the thread.
        count: how many are kept ready; more only cost memory.
    """

    def __init__(self, items: Iterator[T], count: int) -> None:
        self._items = items
        self._queue: Queue[T | BaseException | None] = Queue(count)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="ahead", daemon=True)

    def __enter__(self) -> Iterator[T]:
        self._thread.start()
        return self._results()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _fill(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
            self._put(error)

    def _put(self, item: T | BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except Full:
                continue
        return False

    def _results(self) -> Iterator[T]:
        while True:
            try:
                item = self._queue.get(timeout=1.0)
            except Empty:
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
