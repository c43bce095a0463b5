"""The networks as lists show them: pure data, for the command line and for Blender."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .catalogue import Catalogue, ModelEntry, is_commit, presets_of
from .installed import Found, Presence, ids_here, look_up, shipped_networks
from .record import ModelRecord

COMMERCIAL, NOT_COMMERCIAL = "commercial use allowed", "NOT for commercial use"
RESERVED = "commercial use allowed, see its card"
OUTDATED = "outdated"
UNPINNED = "not pinned by AnimePose"
OWN = "your own"


@dataclass(frozen=True)
class Row:
    """One network of a list."""

    id: str
    title: str
    role: str
    architecture: str
    licence: str
    commercial: bool
    presence: Presence
    state: str
    """For people: `shipped`, `here`, `outdated`, `damaged`, `unfinished 42 %`, `not here`."""
    size: int
    """Bytes of all files; 0 = not known."""
    pinned: bool
    """Whether AnimePose states what its files must be."""
    catalogued: bool
    """Whether AnimePose knows it; else it is the user's own."""
    outdated: bool = False
    """Whether what is here is not what the catalogue names by now."""
    presets: tuple[str, ...] = ()
    """Presets that use it."""
    source: str = ""
    page: str = ""
    """Address where people read about it; empty for the user's own and the shipped."""
    problem: str = ""
    """Why it is damaged."""
    path: str = ""
    """Where it lies; empty if it is not here."""
    card: str = ""
    caution: str = ""

    @property
    def badge(self) -> str:
        """What its licence allows."""
        if not self.commercial:
            return NOT_COMMERCIAL
        return RESERVED if self.caution else COMMERCIAL

    @property
    def size_text(self) -> str:
        """Its size for people; empty if it is not known."""
        return size_text(self.size) if self.size else ""


def rows(catalogue: Catalogue, store: Path | None = None, commercial_only: bool = False) -> list[Row]:
    """All networks: those of the catalogue in its order, then what else is in the store.

    Looks at the store's folders, not at the contents of files; fast, though not for every redraw.
    """
    found = {id_: look_up(id_, store) for id_ in (*catalogue, *shipped_networks(), *ids_here(store))}
    listed = [_row(id_, catalogue.get(id_), here) for id_, here in found.items()]
    return [row for row in listed if row.commercial or not commercial_only]


def is_outdated(record: ModelRecord, entry: ModelEntry) -> bool:
    """Whether a network that is here is not the one that the catalogue names by now."""
    have = {file.path: file.sha256 for file in record.files}
    pinned = [file for file in entry.record.files if file.sha256]
    if any(have.get(file.path) != file.sha256 for file in pinned if file.path not in entry.optional):
        return True
    revision = record.source.rpartition("@")[2]
    return not entry.pinned and is_commit(entry.revision) and is_commit(revision) and revision != entry.revision


def size_text(size: int) -> str:
    """Bytes for people."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} B"


def _row(id_: str, entry: ModelEntry | None, found: Found) -> Row:
    record = found.record or (entry.record if entry else None)
    outdated = bool(entry and found.record and found.presence is Presence.HERE and is_outdated(found.record, entry))
    size = found.record.size if found.record else entry.about_bytes if entry else found.bytes_here
    return Row(
        id=id_,
        title=record.title if record else id_,
        role=record.role if record else "",
        architecture=record.architecture if record else "",
        licence=record.licence if record else "unknown",
        commercial=record.commercial if record else False,
        presence=found.presence,
        state=OUTDATED if outdated else _state(found, entry.about_bytes if entry else 0),
        size=size,
        pinned=entry.pinned if entry else False,
        catalogued=entry is not None,
        outdated=outdated,
        presets=presets_of(id_),
        source=record.source if record else "",
        page=entry.page_address if entry else "",
        problem=found.problem,
        path=str(found.path or ""),
        card=record.card if record else "",
        caution=record.caution if record else "",
    )


def _state(found: Found, total: int) -> str:
    if found.presence is Presence.UNFINISHED and total:
        return f"{found.presence.value} {min(found.bytes_here / total, 0.99):.0%}".replace("%", " %")
    return found.presence.value
