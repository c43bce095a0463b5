"""So many actors of one kind: lent for one piece of work at a time, and replaced where they die."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError

from ..console import note
from ..errors import AnimePoseError, ExitCode

WAIT_S = 0.1
ANSWER_S = 30.0
"""An actor that does not answer a question of no work for so long is taken for dead."""
LOST_STARTS = 3
"""So many actors in a row may die while they start, as on a node that is being lost."""
PATIENCE_S = 20.0
"""When nobody has come for so long, another pool is asked to make room."""


@dataclass(frozen=True)
class Worker:
    """An actor that is ready."""

    handle: Any
    node: str
    pid: int
    versions: dict[str, str] = field(default_factory=dict)


class Pool:
    """The actors of one kind. Methods may be called from any thread.

    Args:
        kind: for messages.
        size: how many there are at most.
        start: starts an actor; gives its handle, and what becomes true of it when it is ready.
        check: looks at what an actor says of itself; raises AnimePoseError if it cannot be used.
    """

    def __init__(
        self,
        kind: str,
        size: int,
        start: Callable[[], tuple[Any, Any]],
        check: Callable[[dict[str, Any]], None],
    ) -> None:
        self.kind, self.size = kind, size
        self._start, self._check = start, check
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._lent: list[Worker] = []
        self._starting: dict[Any, Any] = {}
        self._lost = 0
        """Those that died while they started, since one was ready."""
        self._why = AnimePoseError(f"There is no {kind}.", exit_code=ExitCode.SOME_FAILED)

    @property
    def workers(self) -> list[Worker]:
        """Those that are ready, at work or not."""
        with self._lock:
            return [*self._idle, *self._lent]

    def open(self, wait: Callable[[float], None]) -> None:
        """Start all actors, and wait until the first is ready: the others come while it works.

        Args:
            wait: waits for some seconds.
        Raises:
            AnimePoseError: if none can be used.
        """
        began: float | None = time.monotonic()
        while True:
            with self._lock:
                self._fill()
                if self._idle:
                    return
            if began is not None and time.monotonic() - began > PATIENCE_S:
                began = None
                note(f"animepose: the Ray cluster has no {self.kind} ready yet; perhaps others use it. Waiting.")
            wait(WAIT_S)

    def take(self, cancelled: threading.Event, make_room: Callable[[], None]) -> Worker:
        """One that is alive and has nothing to do, waited for.

        Args:
            make_room: is called now and then where nobody comes.
        Raises:
            AnimePoseError: if none can be used any more.
            KeyboardInterrupt: if cancelled.
        """
        asked = time.monotonic()
        while not cancelled.is_set():
            with self._lock:
                self._fill()
                worker = self._idle.pop() if self._idle else None
                if worker is not None:
                    self._lent.append(worker)
                alone = worker is None and not self._lent
            if worker is not None:
                if _answers(worker):
                    return worker
                self.drop(worker)
                continue
            if alone and time.monotonic() - asked > PATIENCE_S:
                asked = time.monotonic()
                make_room()
            cancelled.wait(WAIT_S)
        raise KeyboardInterrupt

    def give(self, worker: Worker) -> None:
        """Give one back."""
        with self._lock:
            self._lent.remove(worker)
            self._idle.append(worker)

    def drop(self, worker: Worker) -> None:
        """End one that was lent; another is started when it is needed."""
        with self._lock:
            self._lent.remove(worker)
        _kill(worker.handle)

    def make_room(self) -> None:
        """End one that has nothing to do, if there is any, so that its place in the cluster is free."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is not None:
            _kill(worker.handle)

    def close(self) -> None:
        """End all."""
        with self._lock:
            handles = [worker.handle for worker in (*self._idle, *self._lent)] + list(self._starting.values())
            self._idle, self._lent, self._starting, self.size = [], [], {}, 0
        for handle in handles:
            _kill(handle)

    def _fill(self) -> None:
        """Welcome those that have become ready, and start as many as are missing."""
        ready = ray.wait(list(self._starting), num_returns=len(self._starting), timeout=0)[0] if self._starting else []
        for ref in ready:
            handle = self._starting.pop(ref)
            try:
                told = ray.get(ref)
                self._check(told)
                self._idle.append(Worker(handle, told["node"], told["pid"], told["versions"]))
                self._lost = 0
            except (RayError, RuntimeError, AnimePoseError) as error:
                _kill(handle)
                self._lost += 1
                if not isinstance(error, RayActorError) or self._lost > LOST_STARTS:
                    self._refuse(error)
        while len(self._idle) + len(self._lent) + len(self._starting) < self.size:
            handle, ref = self._start()
            self._starting[ref] = handle
        if not self.size:
            raise self._why

    def _refuse(self, error: Exception) -> None:
        """One that cannot be used is not started again: its node would be found wanting for ever."""
        self.size -= 1
        if not isinstance(error, AnimePoseError):
            first = next((line for line in str(error).splitlines() if line.strip()), repr(error))
            error = AnimePoseError(
                f"A node could not start {self.kind}: {first}",
                "Install AnimePose on every node of the cluster, in the Python that Ray uses.",
            )
        self._why = error
        note(f"animepose: one {self.kind} less: {error}")


def _answers(worker: Worker) -> bool:
    try:
        ray.get(worker.handle.state.remote(), timeout=ANSWER_S)
    except RayError:
        return False
    return True


def _kill(handle: Any) -> None:
    with contextlib.suppress(RayError, RuntimeError, ValueError):  # it may be dead, or its cluster gone
        ray.kill(handle)
