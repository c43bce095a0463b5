"""What killed processes have left of files that they were writing; a run clears it away as it begins and ends."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from .plan import PlannedClip
from .records import FOLDER

_UNFINISHED = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)\.part(?:\..*)?", re.DOTALL)
"""All temporary names are like this: `protocol.partial_take_path`, `host.whole_files`, `records.write_whole_text`."""


def clear_leftovers(planned: Sequence[PlannedClip], output: Path, report: Path) -> None:
    """Remove unfinished files of what is to be written. Whoever calls it holds the lock of the folder."""
    names: dict[Path, set[str]] = {report.parent: {report.name}}
    for one in planned:
        paths = [result.target for result in one.results]
        paths += [one.take] if one.job is not None else []
        paths += [one.preview] if one.preview is not None else []
        for path in paths:
            names.setdefault(path.parent, set()).add(path.name)
    for folder, known in names.items():
        for path, name in _unfinished_in(folder):
            if _is_of(name, known):
                _remove(path)
    for path, _ in _unfinished_in(output / FOLDER):
        _remove(path)


def _unfinished_in(folder: Path) -> list[tuple[Path, str]]:
    """Files of processes that have ended, and the names they were to get, without suffixes in some cases."""
    try:
        matches = [(entry.path, _UNFINISHED.fullmatch(entry.name)) for entry in os.scandir(folder)]
    except OSError:  # not there yet
        return []
    return [
        (Path(path), match["name"]) for path, match in matches if match is not None and not _runs(int(match["pid"]))
    ]


def _is_of(name: str, known: set[str]) -> bool:
    """Whether a name is one of those, or one of those with something behind a dot."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in known for count in range(1, len(parts) + 1))


def _runs(pid: int) -> bool:
    """Whether a process of this machine has this number; on Windows, open files cannot be removed anyway."""
    if sys.platform == "win32":
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # somebody else's
        return True
    return True


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
