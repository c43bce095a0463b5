"""The networks that AnimePose knows: `models/models.toml`, whose hosts are data and stand nowhere in code."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import AnimePoseError, ExitCode
from ..presets import PARTS
from .names import is_file_name
from .record import ModelFile, ModelRecord

CATALOGUE = Path(__file__).resolve().parents[2] / "models" / "models.toml"
CATALOGUE_VARIABLE = "ANIMEPOSE_CATALOGUE"
"""Environment variable with a file of the same form in place of ours: a studio's own list."""
SCHEMA = 1
OWN_SOURCE = "AnimePose"
"""`ModelRecord.source` of the networks that ship with the extension."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REPAIR = "Install AnimePose again, or correct the file."
_NEEDED = ("id", "title", "role", "architecture", "licence", "commercial", "files")
_KNOWN = frozenset(
    (*_NEEDED, "registry", "repository", "revision", "shipped", "skeleton", "card", "caution", "options", "about_mb")
)


@dataclass(frozen=True)
class Registry:
    """Where networks are fetched from; templates of addresses, filled in by `file_address` and `page_address`."""

    endpoint: str
    file: str
    page: str


@dataclass(frozen=True)
class ModelEntry:
    """A network of the catalogue."""

    record: ModelRecord
    """As it will be here; sizes may be 0 and hashes empty where nobody has pinned them yet."""
    registry: Registry | None = None
    """None = it ships with the extension."""
    repository: str = ""
    revision: str = ""
    shipped: Path | None = None
    """The file that ships with the extension."""
    about_bytes: int = 0
    """Size of all files as far as known, for display."""
    optional: frozenset[str] = frozenset()
    """Files that a registry need not have."""

    @property
    def id(self) -> str:
        """Its name."""
        return self.record.id

    @property
    def pinned(self) -> bool:
        """Whether AnimePose states the revision and the hash of every file."""
        return (not self.registry or is_commit(self.revision)) and all(file.sha256 for file in self.record.files)

    def file_address(self, path: str, endpoint: str, revision: str) -> str:
        """Where a file of it lies."""
        assert self.registry is not None
        names = {"repository": self.repository, "revision": revision, "path": path, "endpoint": endpoint}
        return _filled(self.registry.file, names)

    @property
    def page_address(self) -> str:
        """Where people read about it; empty for networks that ship with the extension."""
        if self.registry is None:
            return ""
        return _filled(self.registry.page, {"repository": self.repository, "endpoint": self.registry.endpoint})


Catalogue = Mapping[str, ModelEntry]
"""Networks by id, in the order of the file."""


def is_commit(revision: str) -> bool:
    """Whether a revision names one state for good, as a branch does not."""
    return _COMMIT.fullmatch(revision) is not None


def read_catalogue(path: Path | None = None) -> Catalogue:
    """Read a catalogue; without a path, the one that the environment names, or else ours.

    Raises:
        AnimePoseError: if it cannot be read; the message names the entry and what is wrong with it.
    """
    try:
        import tomllib
    except ImportError as error:  # a worker may have Python 3.10, and reads records only
        raise AnimePoseError("The list of models needs Python 3.11.", "Use another Python, or Blender's.") from error
    named = os.environ.get(CATALOGUE_VARIABLE)
    path = path or (Path(named).expanduser() if named else CATALOGUE)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AnimePoseError(f"The list of models {path} cannot be read: {error}.", _REPAIR) from error
    if data.get("schema") != SCHEMA:
        raise AnimePoseError(f"{path} is of schema {data.get('schema')!r}; this AnimePose knows {SCHEMA}.", _REPAIR)
    place = str(path)
    try:
        registries = {name: _registry(table) for name, table in data.get("registry", {}).items()}
        entries: dict[str, ModelEntry] = {}
        for number, table in enumerate(data.get("model", []), start=1):
            place = f"{path}, model {table.get('id') or number}"
            entry = _entry(table, registries, path.parent)
            if entry.id in entries:
                raise ValueError("the id is there twice")
            entries[entry.id] = entry
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise AnimePoseError(f"{place}: {why}.", _REPAIR) from error
    return entries


def entries_for(names: Iterable[str], catalogue: Catalogue) -> list[ModelEntry]:
    """The networks that ids and presets name, each once.

    Raises:
        AnimePoseError: if a name is neither.
    """
    found: dict[str, ModelEntry] = {}
    for name in names:
        ids = PARTS[name].networks() if name in PARTS else (name,)
        for id_ in ids:
            if id_ not in catalogue:
                presets = ", ".join(preset for preset, parts in PARTS.items() if parts.networks())
                raise AnimePoseError(
                    f"No model is called {id_!r}.",
                    f"Choose a preset ({presets}) or an id that `animepose models list` shows.", ExitCode.USAGE,
                )  # fmt: skip
            found[id_] = catalogue[id_]
    return list(found.values())


def presets_of(id_: str) -> tuple[str, ...]:
    """The presets that use a network."""
    return tuple(name for name, parts in PARTS.items() if id_ in parts.networks())


def _filled(template: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: names[match[1]], template)


def _registry(table: Mapping[str, Any]) -> Registry:
    registry = Registry(str(table["endpoint"]), str(table["file"]), str(table["page"]))
    for template in (registry.file, registry.page):
        _filled(template, dict.fromkeys(("endpoint", "repository", "revision", "path"), ""))
    return registry


def _entry(table: Mapping[str, Any], registries: Mapping[str, Registry], folder: Path) -> ModelEntry:
    missing = [name for name in _NEEDED if name not in table]
    unknown = sorted(set(table) - _KNOWN)
    if missing or unknown:
        raise ValueError(f"it lacks {missing} and has unknown keys {unknown}")
    if not isinstance(table["commercial"], bool):
        raise ValueError(f"commercial is {table['commercial']!r}; say true or false")
    if ("shipped" in table) == ("registry" in table):
        raise ValueError("it must have either a registry or a shipped file")
    registry = registries[table["registry"]] if "registry" in table else None
    repository, revision = (str(table["repository"]), str(table["revision"])) if registry else ("", "")
    if any(".." in text.split("/") or not re.fullmatch(r"[\w./-]+", text) for text in (repository, revision) if text):
        raise ValueError(f"{repository!r} at {revision!r} is no repository and revision")
    record = ModelRecord(
        id=table["id"], title=str(table["title"]), role=table["role"], architecture=str(table["architecture"]),
        files=tuple(map(_file, table["files"])), licence=str(table["licence"]), commercial=table["commercial"],
        source=f"{repository}@{revision}" if registry else OWN_SOURCE, skeleton=str(table.get("skeleton", "")),
        card=(folder / table["card"]).read_text(encoding="utf-8") if table.get("card") else "",
        caution=str(table.get("caution", "")), options=dict(table.get("options", {})),
    )  # fmt: skip
    shipped = folder / table["shipped"] if "shipped" in table else None
    if shipped and [file.path for file in record.files] != [shipped.name]:
        raise ValueError(f"a shipped network has one file, {shipped.name}")
    optional = frozenset(file["path"] for file in table["files"] if file.get("optional"))
    about = max(record.size, int(table.get("about_mb", 0) * 1_000_000))
    return ModelEntry(record, registry, repository, revision, shipped, about, optional)


def _file(table: Mapping[str, Any]) -> ModelFile:
    path, size, sha256 = table["path"], table.get("size", 0), table.get("sha256", "")
    unknown = sorted(set(table) - {"path", "size", "sha256", "optional"})
    if unknown or not is_file_name(path):
        raise ValueError(f"the file {path!r} is not allowed, or has unknown keys {unknown}")
    if not isinstance(size, int) or size < 0:
        raise ValueError(f"the size of {path} is {size!r}; say how many bytes, or 0")
    if sha256 and not _SHA256.fullmatch(sha256):
        raise ValueError(f"the sha256 of {path} is {sha256!r}; say 64 hex digits in lower case, or nothing")
    return ModelFile(path, size, sha256)
