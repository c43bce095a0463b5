"""A Ray cluster for one run: connected to, looked over, and shared out among estimators and builders."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..console import note
from ..errors import AnimePoseError
from .plan import PlannedClip
from .ray_node import Builder, Estimator
from .records import FOLDER

if TYPE_CHECKING:
    from .ray_pool import Pool

LOCAL = "local"
"""The address of a cluster that is started on this machine, for this run."""
STORE_BYTES = 80 * 2**20
"""Of Ray's own memory for objects, in a cluster that is started here: only words go through it."""
A_BUILDER_S_ESTIMATORS = 5
"""Estimators that one builder keeps up with: to build takes a tenth of the time, or a fifth with many exports."""
LOG = "ray.log"
"""In the folder of the records: what Ray prints of nodes and processes that die."""
CONNECT_S = 5.0
MOST_THREADS = 4
"""Processors that an estimator makes use of."""
PROBE_S = 30.0
"""How long what a node writes may take to appear here."""


@dataclass(frozen=True)
class Shares:
    """How a cluster's processors are shared out."""

    estimators: int
    builders: int
    cpus: float
    """Of each builder."""
    threads: int
    """Of each estimator; times `cpus` are the processors that it holds."""
    gpus: float
    """Of each estimator."""


def share_out(nodes: Sequence[dict[str, float]], planned: Sequence[PlannedClip], jobs: int | None) -> Shares:
    """How many actors of each kind a cluster is to carry.

    Args:
        nodes: the resources of each node, as Ray tells them.
        jobs: how many clips at a time at most; None = as many as the cluster carries.
    Raises:
        AnimePoseError: if it has no processors, or no GPUs and they are asked for.
    """
    cpus = sum(int(node.get("CPU", 0)) for node in nodes)
    gpus = sum(int(node.get("GPU", 0)) for node in nodes)
    if cpus < 1:
        raise AnimePoseError("The Ray cluster has no processors.", "Start nodes with --num-cpus.")
    wanted = [one.job for one in planned if one.job is not None]
    most = min(len(planned), jobs or len(planned))
    if not wanted:
        return Shares(0, min(cpus, most), 1.0, 1, 0.0)
    forced = any(job.device == "cuda" for job in wanted)
    if forced and not gpus:
        raise AnimePoseError("The Ray cluster has no GPU.", "Leave --device out, or add nodes with --num-gpus.")
    if forced or (gpus and any(job.parts.networks() and job.device == "auto" for job in wanted)):
        estimators = min(gpus, most, max(1, cpus - 1))
        builders = max(1, min(cpus - estimators, most))
        return Shares(estimators, builders, 1.0 if cpus > 1 else 0.5, 1, 1.0)
    builders = max(1, min(cpus // (A_BUILDER_S_ESTIMATORS + 1), most))
    estimators = min(max(1, cpus - builders), most, len(wanted))
    fit = [
        k for k in range(1, MOST_THREADS + 1) if sum(int(n.get("CPU", 0)) // k for n in nodes) >= estimators + builders
    ]
    return Shares(estimators, builders, 1.0 if cpus > 1 else 0.5, max(fit, default=1), 0.0)


@dataclass(frozen=True)
class Cluster:
    """A cluster with its actors."""

    estimators: Pool | None
    """None if nothing is to be estimated."""
    builders: Pool
    jobs: int
    """Clips at a time: some are built while others are estimated."""

    def make_room_for_builders(self) -> None:
        """Let an idle estimator go, as when the only builder's node is lost."""
        if self.estimators is not None:
            self.estimators.make_room()


@contextlib.contextmanager
def ray_cluster(address: str, planned: Sequence[PlannedClip], output: Path, jobs: int | None) -> Iterator[Cluster]:
    """A cluster with its actors, for a run.

    Args:
        address: `auto` for the cluster that this machine is a node of, HOST:PORT of one, or `LOCAL`.
        output: folder of the results, which all nodes see.
        jobs: see `share_out`.
    Raises:
        AnimePoseError: if there is none, or none of its nodes can be used.
    """
    with _probe(output) as (folder, token), _connected(address, Path(folder, LOG)) as ray:
        from .ray_pool import Pool

        shares = share_out([node["Resources"] for node in ray.nodes() if node["Alive"]], planned, jobs)
        loads = any(one.job is not None and one.job.preset != "dummy" for one in planned)
        check = _Check(output)

        def estimator() -> tuple[Any, Any]:
            options = {
                "num_cpus": shares.threads * shares.cpus,
                "num_gpus": shares.gpus,
                "max_concurrency": 2,
            }
            handle = ray.remote(Estimator).options(**options).remote()
            return handle, handle.hello.remote(folder, token, loads, shares.threads)

        def builder() -> tuple[Any, Any]:
            handle = ray.remote(Builder).options(num_cpus=shares.cpus, max_concurrency=2).remote()
            return handle, handle.hello.remote(folder, token)

        builders = Pool("builder", shares.builders, builder, check)
        estimators = Pool("estimator", shares.estimators, estimator, check) if shares.estimators else None
        opened = [pool for pool in (builders, estimators) if pool is not None]
        try:
            for pool in opened:
                pool.open(time.sleep)
            told = f"{shares.estimators} estimators, {shares.builders} builders"
            note(f"animepose: on Ray with {told}")
            yield Cluster(estimators, builders, jobs or shares.estimators + shares.builders)
        finally:
            for pool in opened:
                pool.close()


class _Check:
    """Whether an actor can be used: it and this machine see what the other writes, and it is of this version."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._first: dict[str, str] = {}

    def __call__(self, told: dict[str, Any]) -> None:
        node, versions = told["node"], told["versions"]
        if versions.get("animepose") != __version__:
            raise AnimePoseError(
                f"The node {node} has AnimePose {versions.get('animepose')}; this is {__version__}.",
                "Install the same version on all nodes.",
            )
        if told["lacks"]:
            raise AnimePoseError(
                f"The node {node} lacks {told['lacks']}.",
                "Install the same packages on all nodes, and mount the storage of the results at the same path.",
            )
        answer = Path(told["answer"])
        end = time.monotonic() + PROBE_S
        while not answer.is_file():
            if time.monotonic() > end:
                raise AnimePoseError(
                    f"What the node {node} writes into {self._output} is not to be seen here.",
                    "Keep the results on storage that all nodes, and this machine, mount at the same path.",
                )
            time.sleep(0.2)
            with contextlib.suppress(OSError):
                os.listdir(answer.parent)  # lets network file systems look again
        for name, version in versions.items():
            if self._first.setdefault(name, version) != version:
                note(f"animepose: {node} has {name} {version}, others {self._first[name]}: results may differ slightly")


@contextlib.contextmanager
def _probe(output: Path) -> Iterator[tuple[str, str]]:
    """A small file in the folder of the results, by which nodes show that they see it: (its folder, its name)."""
    folder, token = output / FOLDER, f"probe-{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove(folder.glob("probe-*"))  # of a run that was killed; the lock sees to it that no other goes on here
        (folder / token).write_text(token, encoding="utf-8")
    except OSError as error:
        raise AnimePoseError(
            f"The folder {output} cannot be written to: {error.strerror}.", "Choose another folder."
        ) from error
    try:
        yield str(folder), token
    finally:
        _remove(folder.glob(f"{token}*"))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


@contextlib.contextmanager
def _connected(address: str, log: Path) -> Iterator[Any]:
    """Ray, connected; what it prints goes to a log, since standard output is for results."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anybody
    try:
        import ray
    except ImportError as error:
        raise AnimePoseError(
            "Ray is not installed here.", "Install it into this environment (pip install ray), or leave --on ray out."
        ) from error
    note(f"animepose: connecting to Ray ({address})")
    _refuse_silent(address)
    own = {"include_dashboard": False, "object_store_memory": STORE_BYTES} if address == LOCAL else {}
    before = signal.getsignal(signal.SIGTERM)  # Ray puts its own in its place
    with open(log, "a", encoding="utf-8") as printed, contextlib.redirect_stdout(printed):
        try:
            ray.init(address, log_to_driver=False, configure_logging=False, **own)
        except (ConnectionError, TimeoutError, RuntimeError, ValueError) as error:
            raise _no_cluster(address, error) from error
        try:
            with contextlib.suppress(ValueError):  # not in the main thread: nothing was replaced
                signal.signal(signal.SIGTERM, before)
            yield ray
        finally:
            ray.shutdown()
    if not log.stat().st_size:
        log.unlink()


def _refuse_silent(address: str) -> None:
    """Refuse HOST:PORT where nobody listens: Ray would try for ten minutes and more.

    Raises:
        AnimePoseError: then.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> AnimePoseError:
    first = next((line for line in str(error).splitlines() if line.strip()), repr(error))
    return AnimePoseError(
        f"There is no Ray cluster at {address}: {first}",
        "Start one with `ray start --head`, join it with `ray start --address HOST:PORT`, or use --ray-address local.",
    )
