"""Batches as large as memory allows: where one does not fit, smaller ones are used from then on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from .faults import empty_cache, exhausted, has_stopped, is_out_of_memory, stopped

T = TypeVar("T")


class Batches:
    """Runs work on many items, so many at a time.

    Args:
        size: items at a time, at most; halved for good whenever memory does not suffice.
        name: of the network, for messages.
    """

    def __init__(self, size: int, name: str = "a network") -> None:
        if size < 1:
            raise ValueError(f"expected a size of 1 or more, got {size}")
        self.size = size
        self.name = name

    def run(self, count: int, work: Callable[[slice], T]) -> list[T]:
        """Results of `work` on consecutive slices of `count` items, in order; none of no items.

        Args:
            count: of items.
            work: may be called again for items of a slice that failed, so it must not have changed anything then.
        Raises:
            AnimePoseError: if a single item does not fit into memory, or the GPU stops working.
        """
        results: list[T] = []
        start = 0
        while start < count:
            part = slice(start, min(start + self.size, count))
            try:
                results.append(work(part))
            except (RuntimeError, MemoryError) as error:
                if has_stopped(error):
                    raise stopped(error) from error
                if not is_out_of_memory(error):
                    raise
                if part.stop - part.start == 1:
                    raise exhausted(error, f"A single picture of {self.name}") from error
            else:
                start = part.stop
                continue
            # Here rather than above: while the error is alive, its traceback keeps the tensors of the failed attempt.
            self.size = (part.stop - part.start) // 2
            empty_cache()
            print(f"{self.name}: memory does not suffice, {self.size} at a time from now on", file=sys.stderr)  # noqa: T201 - the log
        return results
