"""Stages carried out on a Ray cluster by actors that clips borrow, one piece of work at a time.

If an actor dies, or its node is lost, the piece of work is done once more elsewhere; if that dies too, the clip has
failed and the others go on. Files are exchanged through storage that all nodes mount at the same path.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import AnimePoseError, ExitCode
from ..protocol import JobRequest, encode_job, partial_take_path
from .build import Build, Built, encode_build
from .one_clip import Show
from .ray_node import Outcome

if TYPE_CHECKING:
    from .ray_cluster import Cluster
    from .ray_pool import Pool, Worker

TRIES = 2
"""How often a piece of work is begun whose process dies."""
MOST_MEMORY_BYTES = 2 * 2**30
"""An estimator that holds more between two clips is replaced."""
POLL_S = 0.3
CANCEL_GRACE_S = 6.0
"""How long what is cancelled may take to stop; a little over the worker's own grace period."""
SEEN_S = 90.0
"""How long a file may take to appear here; network file systems remember for a minute what was not there."""


class RayTools:
    """One slot's way to the cluster; see `one_clip.Tools`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._cancelled = threading.Event()

    def estimate(self, job: JobRequest, show: Show) -> list[str]:
        """See `one_clip.Tools`."""
        pool = self._cluster.estimators
        assert pool is not None
        text = encode_job(job)

        def clear(worker: Worker) -> None:
            with contextlib.suppress(OSError):
                partial_take_path(Path(job.take), worker.pid).unlink(missing_ok=True)

        room = self._cluster.builders.make_room
        return list(self._work(pool, room, lambda actor: actor.run.remote(text), show, clear).warnings)

    def build(self, build: Build, show: Show) -> Built:
        """See `one_clip.Tools`."""
        order, pool = encode_build(build), self._cluster.builders
        room = self._cluster.make_room_for_builders
        outcome = self._work(pool, room, lambda actor: actor.build.remote(order), show)
        assert outcome.built is not None
        outcome.built.warnings.extend(outcome.warnings)
        return outcome.built

    def preview(self, take: str, clip: str, video: str, show: Show) -> None:
        """See `one_clip.Tools`."""
        pool, room = self._cluster.builders, self._cluster.make_room_for_builders
        self._work(pool, room, lambda actor: actor.preview.remote(take, clip, video), show)

    def cancel(self) -> None:
        """Stop what runs; called from another thread."""
        self._cancelled.set()

    def close(self) -> None:
        """Nothing is held: what is borrowed is given back after each piece of work."""

    def _work(
        self,
        pool: Pool,
        make_room: Callable[[], None],
        begin: Callable[[Any], Any],
        show: Show,
        clear: Callable[[Worker], None] = lambda worker: None,
    ) -> Outcome:
        """Have a piece of work done, once more where it dies.

        Args:
            begin: calls an actor's method.
            clear: clears away what a dead actor left.
        Raises:
            AnimePoseError: if it cannot be done.
            KeyboardInterrupt: if cancelled.
        """
        from ray.exceptions import RayError

        again: list[str] = []
        for tried in range(1, TRIES + 1):
            show("waits for a node", None)
            worker = pool.take(self._cancelled, make_room)
            try:
                outcome = self._follow(worker, begin, show)
            except RayError as error:
                outcome = _death(pool.kind, worker, error)
            except KeyboardInterrupt:
                pool.drop(worker)
                clear(worker)
                raise
            if outcome.is_strange:  # a process that has met something unexpected is not trusted with the next clip
                pool.drop(worker)
                clear(worker)
            elif outcome.memory_bytes > MOST_MEMORY_BYTES:
                pool.drop(worker)
            else:
                pool.give(worker)
            if outcome.error is None:
                _wait_until_seen(outcome.files, worker.node, self._cancelled)
                return Outcome(None, (*again, *outcome.warnings), outcome.files, outcome.built)
            message, remedy, exit_code = outcome.error
            if not outcome.is_strange or tried == TRIES:
                raise AnimePoseError(message + (" It was tried twice." if again else ""), remedy, ExitCode(exit_code))
            again.append(f"It was done again, since this went wrong at first: {message}")
        raise AssertionError("unreachable")

    def _follow(self, worker: Worker, begin: Callable[[Any], Any], show: Show) -> Outcome:
        """Wait for an actor's work, asking how far it is."""
        import ray

        work = begin(worker.handle)
        asked = worker.handle.state.remote()
        while not ray.wait([work], timeout=POLL_S)[0]:
            if self._cancelled.is_set():
                worker.handle.cancel.remote()
                ray.wait([work], timeout=CANCEL_GRACE_S)
                raise KeyboardInterrupt
            if ray.wait([asked], timeout=0)[0]:
                stage, fraction = ray.get(asked)
                if stage:
                    show(stage, fraction)
                asked = worker.handle.state.remote()
        return ray.get(work)


def _death(kind: str, worker: Worker, error: Exception) -> Outcome:
    from ray.exceptions import RayTaskError

    if isinstance(error, RayTaskError):
        how = f"Something unexpected went wrong on {worker.node}: {error.cause!r}."
    elif "memory" in type(error).__name__.lower() or "running low on memory" in str(error):
        how = f"The {kind} on {worker.node} was ended, since memory ran out."
    else:
        how = f"The {kind} on {worker.node} died before it was done."
    return Outcome((how, f"Ray's logs on {worker.node} may say why.", int(ExitCode.SOME_FAILED)))


def _wait_until_seen(files: Sequence[tuple[str, int, int]], node: str, cancelled: threading.Event) -> None:
    """Wait until files that a node wrote are here, and as they are there.

    Raises:
        AnimePoseError: if they do not appear.
    """
    end = time.monotonic() + SEEN_S
    for path, size, changed_ns in files:
        while not _is_as(path, size, changed_ns):
            if time.monotonic() > end:
                raise AnimePoseError(
                    f"The node {node} has written {path}, which is not to be seen here.",
                    "Keep the results on storage that all nodes, and this machine, mount at the same path.",
                )
            if cancelled.wait(POLL_S):
                raise KeyboardInterrupt


def _is_as(path: str, size: int, changed_ns: int) -> bool:
    try:
        with open(path, "rb") as file:  # network file systems ask anew when a file is opened
            stat = os.fstat(file.fileno())
    except OSError:
        return False
    return stat.st_size == size and abs(stat.st_mtime_ns - changed_ns) < 1_000_000_000  # some keep whole seconds only
