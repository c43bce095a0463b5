"""Compares networks that are here, byte by byte, with what their records and the catalogue state."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from ..errors import AnimePoseError, Cancelled
from .catalogue import Catalogue
from .contents import check_contents, sha256_of
from .installed import FETCH_FIRST, Presence, look_up
from .listing import UNPINNED, is_outdated
from .progress import Meter, OnProgress, tell_nobody
from .record import ModelRecord


@dataclass(frozen=True)
class Verdict:
    """What became of a check."""

    id: str
    problems: tuple[str, ...]
    """What is wrong, for people; empty = all is well."""
    notes: tuple[str, ...] = ()
    """What else is to know: outdated, or not pinned by AnimePose."""

    @property
    def ok(self) -> bool:
        """Whether every file is what it should be."""
        return not self.problems


def verify(
    id_: str,
    catalogue: Catalogue,
    on_progress: OnProgress = tell_nobody,
    cancelled: threading.Event | None = None,
    *,
    store: Path | None = None,
) -> Verdict:
    """Hash every file of a network that is here, shipped or in the store.

    Raises:
        Cancelled: if that was asked for.
        AnimePoseError: if nothing of it is here.
    """
    found = look_up(id_, store)
    if found.presence is Presence.ABSENT:
        raise AnimePoseError(f"The model {id_} is not here.", FETCH_FIRST.format(id=id_))
    if found.presence is Presence.UNFINISHED:
        return Verdict(id_, ("It has been fetched in part only.",))
    if found.record is None or found.path is None:
        return Verdict(id_, (found.problem,))
    folder = found.path if found.path.is_dir() else found.path.parent
    meter = Meter(id_, found.record.size, on_progress, cancelled)
    problems = _problems(folder, found.record, meter)
    notes = []
    entry = catalogue.get(id_)
    if (
        entry
        and entry.shipped
        and {f.path: f.sha256 for f in entry.record.files} != {f.path: f.sha256 for f in found.record.files}
    ):
        problems.append("The list of models names another hash for it.")
    elif entry and is_outdated(found.record, entry):
        notes.append(f"It is {found.record.source}; the list of models names {entry.record.source} by now. Fetch it.")
    elif entry and not entry.pinned:
        notes.append(f"It is {UNPINNED}: its hashes are those that were stated or computed when it came here.")
    meter.ends()
    return Verdict(id_, tuple(problems), tuple(notes))


def _problems(folder: Path, record: ModelRecord, meter: Meter) -> list[str]:
    problems = []
    for file in record.files:
        meter.starts(file.path, meter.done)
        path = folder / file.path
        try:
            if (size := path.stat().st_size) != file.size:
                problems.append(f"{file.path} has {size} bytes, not {file.size}.")
            elif (sha256 := sha256_of(path, meter.adds)) != file.sha256:
                problems.append(f"{file.path} has the sha256 {sha256}, not {file.sha256}.")
            else:
                check_contents(path)
        except FileNotFoundError:
            problems.append(f"{file.path} is missing.")
        except OSError as error:
            problems.append(f"{file.path} cannot be read: {error.strerror or error}.")
        except Cancelled:
            raise
        except AnimePoseError as error:
            problems.append(error.message)
    return problems
