"""Look at the background beside the networks, one picture behind them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from .backends import PoseObservation
from .background import Background
from .people import Tracklet
from .verticals import Lines


class BackgroundWatcher:
    """Gathers points and lines of what is behind the people, in a thread of its own.

    Args:
        width, height: of the pictures.
    """

    def __init__(self, width: int, height: int) -> None:
        self.background, self.lines = Background(width, height), Lines(width, height)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="background")
        self._last: Future[None] | None = None

    def __call__(self, _number: int, _time_s: float, rgb: np.ndarray, seen: Sequence[Tracklet]) -> None:
        """A `people.Watcher`."""
        people: list[PoseObservation] = [tracklet.observations[-1] for tracklet in seen]
        self.finish()
        self._last = self._pool.submit(self._add, rgb, people)

    def _add(self, rgb: np.ndarray, people: Sequence[PoseObservation]) -> None:
        self.background.add(rgb, people)
        self.lines.add(rgb, people)

    def finish(self) -> None:
        """Wait for the last picture."""
        if self._last is not None:
            self._last.result()
            self._last = None

    def close(self) -> None:
        """Stop the thread."""
        self._pool.shutdown()
