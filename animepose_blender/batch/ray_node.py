"""What runs on the nodes of a cluster: estimators, whose networks stay loaded, and builders. Neither knows of Ray.

Estimators run the worker's code in their own process. Builders never load it, and never load Blender either: they talk
to a process each, one for Blender and one for previews, so that bpy and the networks' libraries stay apart.
"""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import AnimePoseError, ExitCode
from ..host.worker_client import WorkerClient
from ..protocol import (
    THREADS_VARIABLE,
    CancelledMessage,
    Error,
    Message,
    PreviewRequest,
    Progress,
    Result,
    Warning_,
    decode_job,
)
from .build import Built, decode_build
from .build_client import BuildClient
from .plan import blend_of

BLENDER = "ANIMEPOSE_BLENDER"
"""Environment variable of a node: an installed Blender with the add-on, for nodes whose Python has no bpy."""
PACKAGES = ("numpy", "scipy", "av", "opencv-python-headless", "mediapipe")
"""What estimates depend on; nodes should have the same versions."""

Shown = tuple[str, float | None]
"""What is being done now, and which part of it is done, if that is known."""
NOTHING: Shown = ("", None)


@dataclass(frozen=True)
class Outcome:
    """What became of a piece of work."""

    error: tuple[str, str, int] | None = None
    """Message, remedy and exit code; None if it is done."""
    warnings: tuple[str, ...] = ()
    files: tuple[tuple[str, int, int], ...] = ()
    """Path, bytes and time of change (ns) of each file that was written, as this node sees them."""
    built: Built | None = None
    memory_bytes: int = 0
    """What the process goes on holding; 0 if that is not known."""

    @property
    def is_strange(self) -> bool:
        """Whether it failed in a way that nobody foresaw, and may go well elsewhere."""
        return self.error is not None and self.error[2] == ExitCode.SOME_FAILED


@dataclass
class _Now:
    """What is being done, for others to ask while it goes on."""

    shown: Shown = NOTHING
    warnings: list[str] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Never cleared: who cancels has no use for this process any more."""

    def take(self, message: Message) -> None:
        """Note what a worker says."""
        if isinstance(message, Progress):
            self.shown = (message.stage, message.fraction)
        elif isinstance(message, Warning_):
            self.warnings.append(message.message)


class Estimator:
    """Estimates clips, one after the other, in this process."""

    def __init__(self) -> None:
        self._now = _Now()

    def hello(self, folder: str, token: str, loads: bool, threads: int) -> dict[str, Any]:
        """Get ready, and tell about this node; see `_hello`.

        Args:
            loads: whether the networks' libraries are needed.
            threads: how many processors are there for it.
        """
        # As the worker's own process has it; to be set before numpy is loaded.
        os.environ |= {"OPENBLAS_NUM_THREADS": "1", THREADS_VARIABLE: str(threads)}
        os.environ["OPENCV_FOR_THREADS_NUM"] = str(threads)
        try:
            if loads:
                from ..estimate import run  # noqa: F401 - so that the first clip does not wait for it
        except ImportError as error:
            return _hello(folder, token) | {"lacks": f"the worker's package {error.name}"}
        return _hello(folder, token)

    def run(self, job: str) -> Outcome:
        """Estimate the clip of a job request."""
        from ..estimate.worker import run_job

        request = decode_job(job)
        clip = getattr(request, "clip", "")
        if clip and request.preset != "dummy" and not Path(clip).is_file():
            return Outcome(_unseen("clip", clip))
        self._now.warnings = []
        last: list[Message] = []

        def send(message: Message) -> None:
            self._now.take(message)
            last.append(message)

        run_job(request, send, self._now.cancelled)
        self._now.shown = NOTHING
        return replace(_outcome(last[-1], self._now.warnings, request.take), memory_bytes=_memory_after_clearing())

    def state(self) -> Shown:
        """What is being done now."""
        return self._now.shown

    def cancel(self) -> None:
        """Stop what runs, for good."""
        self._now.cancelled.set()


class Builder:
    """Builds scenes and draws previews, one at a time, by processes of this node."""

    def __init__(self) -> None:
        self._now = _Now()
        self._log = Path(tempfile.gettempdir(), f"animepose-{os.getpid()}")
        self._client: BuildClient | None = None
        self._drawer: WorkerClient | None = None

    def hello(self, folder: str, token: str) -> dict[str, Any]:
        """Start the process that builds, and tell about this node; see `_hello`."""
        told = _hello(folder, token)
        try:
            self._client = BuildClient(build_command(), Path(f"{self._log}-build.log"))
            told["versions"] |= self._client.start()
        except AnimePoseError as error:
            return told | {"lacks": f"Blender ({error})"}
        return told

    def build(self, order: str) -> Outcome:
        """Make one result."""
        build = decode_build(order)
        used = [("take", build.take)]
        used += [("rig", str(blend_of(rig))) for rig in build.rigs.values()]
        used += [("map", rig.map) for rig in build.rigs.values() if rig.map.lower().endswith(".json")]
        for what, path in used:
            if not Path(path).is_file():
                return Outcome(_unseen(what, path))
        assert self._client is not None
        try:
            built = self._client.run(build, self._show)
        except AnimePoseError as error:
            return Outcome((error.message, error.remedy, int(error.exit_code)))
        except KeyboardInterrupt:  # `cancel` was called
            return Outcome(("Cancelled.", "", int(ExitCode.CANCELLED)))
        finally:
            self._now.shown = NOTHING
        return Outcome(files=_seen(path for paths in built.files.values() for path in paths), built=built)

    def preview(self, take: str, clip: str, video: str) -> Outcome:
        """Draw the people of a take over its clip."""
        for what, path in (("take", take), ("clip", clip)):
            if path and not Path(path).is_file():
                return Outcome(_unseen(what, path))
        self._now.warnings = []
        log = Path(f"{self._log}-preview.log")
        try:
            self._drawer = WorkerClient(sys.executable, PreviewRequest(take, video, clip), log)
            last = self._drawer.run(self._now.take)
        except AnimePoseError as error:
            return Outcome((error.message, error.remedy, int(error.exit_code)))
        finally:
            self._drawer, self._now.shown = None, NOTHING
        return _outcome(last, self._now.warnings, video)

    def state(self) -> Shown:
        """What is being done now."""
        return self._now.shown

    def cancel(self) -> None:
        """Stop what runs, for good."""
        if self._client is not None:
            self._client.cancel()
        if self._drawer is not None:
            self._drawer.cancel()

    def _show(self, stage: str) -> None:
        self._now.shown = (stage, None)


def build_command() -> list[str]:
    """What starts a process that builds scenes on this node.

    Raises:
        AnimePoseError: if it has neither bpy nor a Blender that is named.
    """
    from ..cli.surroundings import BUILD_VERB, Surroundings

    blender = os.environ.get(BLENDER)
    if blender:
        return [blender, "-b", "--command", "animepose", BUILD_VERB]
    return list(Surroundings().build_command())


def _memory_after_clearing() -> int:
    """Give freed memory back to the system, and tell what is left, in bytes.

    The C library keeps it in pieces: without this, an estimator grew from 0.5 to 0.8 GiB over eight short clips; with
    it, to 0.6 GiB, less than it has in the middle of a clip.
    """
    gc.collect()
    if not sys.platform.startswith("linux"):
        return 0
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # the GNU C library has it
    if trim is not None:
        trim(0)
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _hello(folder: str, token: str) -> dict[str, Any]:
    """Who this is, and whether it sees the folder of the results: a plain dictionary, which other versions can read.

    Args:
        folder: in which a file named by the token holds the token; a second one is written beside it.
    """
    node = platform.node()
    told = {"node": node, "pid": os.getpid(), "versions": _versions(), "lacks": "", "answer": ""}
    try:
        seen = Path(folder, token).read_text(encoding="utf-8")
        answer = Path(folder, f"{token}-{node}-{os.getpid()}")
        answer.write_text(seen, encoding="utf-8")
    except OSError as error:
        return told | {"lacks": f"the folder of the results ({error.strerror}: {error.filename})"}
    return told | {"answer": str(answer)}


def _versions() -> dict[str, str]:
    versions = {"animepose": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _unseen(what: str, path: str) -> tuple[str, str, int]:
    return (
        f"The node {platform.node()} does not see the {what} {path}.",
        "Keep clips, rigs and results on storage that all nodes mount at the same path.",
        int(ExitCode.BAD_INPUT),
    )


def _outcome(last: Message, warnings: Sequence[str], path: str) -> Outcome:
    if isinstance(last, Result):
        return Outcome(warnings=tuple(warnings), files=_seen([path]))
    if isinstance(last, Error):
        return Outcome((last.message, last.remedy, last.exit_code), tuple(warnings))
    assert isinstance(last, CancelledMessage)
    return Outcome(("Cancelled.", "", int(ExitCode.CANCELLED)))


def _seen(paths: Any) -> tuple[tuple[str, int, int], ...]:
    stats = [(path, os.stat(path)) for path in paths]
    return tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats)
