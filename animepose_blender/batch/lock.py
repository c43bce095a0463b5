"""One run at a time writes to a folder of results.

The operating system's own lock on a file: it is gone when its process is, however that ended, so nothing stale is ever
left. Where descriptors can be handed on, the processes that a run starts hold the lock too: after a run was killed, the
next one waits until the last of them has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from ..errors import AnimePoseError
from ..file_lock import lock, unlock
from ..host.worker_client import handed_on
from .records import FOLDER

NAME = "lock"
PATIENCE_S = 30.0
"""How long the processes of a killed run may take to end; they notice within a second."""
STEP_S = 0.1


@contextlib.contextmanager
def only_run_in(output: Path) -> Iterator[None]:
    """Hold the folder while the block runs.

    Raises:
        AnimePoseError: if another run holds it, or the folder cannot be written to.
    """
    path = output / FOLDER / NAME
    descriptor = _open(path)
    try:
        began = time.monotonic()
        while not (lock(descriptor) and _is_same(path, descriptor)):
            if not _is_same(path, descriptor):  # somebody has removed the folder meanwhile
                os.close(descriptor)
                descriptor = _open(path)
            elif _is_dead(told := _told(path)) and time.monotonic() - began < PATIENCE_S:
                time.sleep(STEP_S)
            else:
                raise AnimePoseError(
                    f"Another run is writing to {output}{_who(told)}.", "Wait for it, or choose another folder."
                )
        _write(descriptor, {"pid": os.getpid(), "host": platform.node(), "since": _now()})
        handed_on.add(descriptor)
        try:
            yield
        finally:
            handed_on.discard(descriptor)
            _write(descriptor, None)
            unlock(descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise AnimePoseError(
            f"The folder {path.parents[1]} cannot be written to: {error.strerror}.", "Choose another folder."
        ) from error


def _is_same(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except OSError:
        return False


def _write(descriptor: int, told: dict[str, object] | None) -> None:
    """Who holds it, for messages; on a full disk nobody is told."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        if told is not None:
            os.write(descriptor, json.dumps(told).encode())


def _told(path: Path) -> dict[str, object]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return told if isinstance(told, dict) else {}
    except (OSError, ValueError):
        return {}


def _who(told: dict[str, object]) -> str:
    if not {"pid", "host", "since"} <= set(told):
        return ""
    return f" (process {told['pid']} on {told['host']}, since {told['since']})"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


if sys.platform == "win32":

    def _is_dead(told: dict[str, object]) -> bool:
        return False  # no other process holds the lock of a dead one

else:

    def _is_dead(told: dict[str, object]) -> bool:
        """Whether the run that wrote this was on this machine and has ended; its processes are about to."""
        pid = told.get("pid")
        if told.get("host") != platform.node() or not isinstance(pid, int) or pid <= 0:
            return False
        with contextlib.suppress(OSError):  # of another user, perhaps
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return True
            # One that its parent has not asked for yet still has its number; Linux tells.
            return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2][1] == "Z"
        return False
