"""Which networks there are in what somebody carries in, and what they are said to be."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from ..errors import AnimePoseError, ExitCode
from .carried import Carried
from .catalogue import Catalogue, ModelEntry, is_commit
from .installed import shipped_networks
from .names import WEIGHTS, is_file_name, is_id
from .progress import Meter
from .record import RECORD, ROLES, ModelFile, ModelRecord, parse_record

CONFIG = "config.json"
_LONGEST_RECORD = 1 << 20
_SAY = "Say what it is: --as ID of the list of models; or --as NAME --role ROLE --licence LICENCE for your own."


@dataclass(frozen=True)
class Described:
    """What a user says of a network that brings no record; the role and the licence are needed for their own."""

    id: str = ""
    """Of the catalogue, or a new one for the user's own."""
    role: str = ""
    licence: str = ""
    commercial: bool = True
    title: str = ""
    skeleton: str = ""
    """For poses: a key of `skeleton.KEYPOINT_MAPS`."""
    architecture: str = ""
    """Empty = as config.json says."""
    options: dict[str, Any] = field(default_factory=dict)
    """See `ModelRecord.options`."""


@dataclass(frozen=True)
class Arrival:
    """A network that is to be taken over."""

    record: ModelRecord
    """Hashes are empty where the files are to be believed."""
    folder: str
    """Before the paths of its files in what is carried in; ends with a slash unless it is empty."""


def arrivals(carried: Carried, catalogue: Catalogue, described: Described, meter: Meter) -> list[Arrival]:
    """The networks that are carried in.

    Raises:
        AnimePoseError: if there is none, or nobody says what it is.
    """
    recorded = [path for path in carried.sizes if PurePosixPath(path).name == RECORD]
    if not recorded:
        return [_plain(carried, catalogue, described, meter)]
    found = [_recorded(carried, path, catalogue) for path in recorded]
    ids = [arrival.record.id for arrival in found]
    if described.id and ids != [described.id]:
        raise AnimePoseError(
            f"{carried.name} says itself what it holds: {', '.join(ids)}.", "Leave --as out.", ExitCode.USAGE
        )
    if len(set(ids)) < len(ids):
        raise AnimePoseError(f"{carried.name} holds a model twice: {', '.join(ids)}.", "Choose another.")
    return found


def _recorded(carried: Carried, path: str, catalogue: Catalogue) -> Arrival:
    """A network with its record, as the store or an export has it."""
    try:
        if carried.sizes[path] > _LONGEST_RECORD:
            raise ValueError(f"it has {carried.sizes[path]} bytes")
        record = parse_record(carried.text(path).decode("utf-8"), path)
        if not record.files or not all(file.sha256 for file in record.files):
            raise ValueError("it does not state what its files are")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AnimePoseError(
            f"{path} in {carried.name} is no record of a model: {error}.", "Export it again."
        ) from error
    _refuse_shipped(record.id)
    entry = catalogue.get(record.id)
    if entry is not None:
        # What the licence allows is said by the catalogue, not by who carries the files in.
        if is_commit(entry.revision) and entry.record.source == record.source:
            _require_pinned(record, entry, carried.name)
        record = replace(entry.record, files=record.files, source=record.source)
    return Arrival(record, path.removesuffix(RECORD))


def _plain(carried: Carried, catalogue: Catalogue, described: Described, meter: Meter) -> Arrival:
    """A network as the hub has it, or one file of weights."""
    folder = _folder(carried)
    sizes = {
        path.removeprefix(folder): size
        for path, size in carried.sizes.items()
        if path.startswith(folder) and is_file_name(path.removeprefix(folder))
    }
    if not any(path.endswith(WEIGHTS) for path in sizes):
        pickles = f" {carried.refused[0]} is of a kind that may run code, and is not read." if carried.refused else ""
        raise AnimePoseError(
            f"{carried.name} has no weights as safetensors.{pickles}",
            "Convert them to safetensors (transformers: save_pretrained), or choose another folder or zip.",
        )
    architecture = _architecture(carried, folder, sizes)
    entry = catalogue.get(described.id) if described.id else _by_hash(carried, folder, sizes, catalogue, meter)
    if entry is not None:
        return Arrival(_as_catalogued(carried.name, entry, sizes, architecture), folder)
    if not described.id:
        alike = [entry.id for entry in catalogue.values() if entry.record.architecture == architecture]
        guesses = f" It is a {architecture}, as {', '.join(alike)}." if alike else ""
        raise AnimePoseError(
            f"{carried.name} is no model that AnimePose knows by its hash.{guesses}", _SAY, ExitCode.USAGE
        )
    return Arrival(_as_own(carried.name, described, sizes, architecture), folder)


def _folder(carried: Carried) -> str:
    """Where the network lies, with a slash at its end unless it is the top."""
    names = {path: PurePosixPath(path).name for path in carried.sizes}
    marks = [path for path, name in names.items() if name == CONFIG] or [p for p in names if p.endswith(WEIGHTS)]
    depth = min((mark.count("/") for mark in marks), default=0)
    folders = {mark[: mark.rfind("/") + 1] for mark in marks if mark.count("/") == depth}
    if len(folders) > 1:
        raise AnimePoseError(
            f"{carried.name} holds several models without records: {', '.join(sorted(folders))}.",
            "Import one folder at a time.",
        )
    return folders.pop() if folders else ""


def _architecture(carried: Carried, folder: str, sizes: dict[str, int]) -> str:
    if CONFIG not in sizes:
        return _named_by_weights(carried, folder, sizes)
    try:
        named = json.loads(carried.text(folder + CONFIG)).get("architectures") or [""]
        return str(named[0])
    except (ValueError, AttributeError, LookupError, TypeError, RecursionError) as error:
        raise AnimePoseError(f"{CONFIG} in {carried.name} cannot be read: {error}.", "Choose another.") from error


def _named_by_weights(carried: Carried, folder: str, sizes: dict[str, int]) -> str:
    """One of our own kinds, if the weights' metadata name it, as our trainers write them; "" if not.

    A file of safetensors begins with the length of its header (8 bytes, little-endian) and the header, JSON; that of
    our networks ends within the first piece that is read.
    """
    path = next(path for path in sizes if path.endswith(WEIGHTS))
    with closing(carried.chunks(folder + path)) as chunks:
        begin = next(chunks, b"")
    try:
        named = json.loads(begin[8 : 8 + int.from_bytes(begin[:8], "little")])["__metadata__"]["network"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""  # whether they are safetensors at all is looked at when they are taken over
    return named if named in {record.architecture for _, record in shipped_networks().values()} else ""


def _by_hash(
    carried: Carried, folder: str, sizes: dict[str, int], catalogue: Catalogue, meter: Meter
) -> ModelEntry | None:
    """The entry whose weights these are, if AnimePose has pinned them."""
    known = {f.sha256: entry for entry in catalogue.values() for f in entry.record.files if f.path.endswith(WEIGHTS)}
    known.pop("", None)
    if not known:
        return None
    for path in sizes:
        if path.endswith(WEIGHTS):
            digest = hashlib.sha256()
            meter.starts(path, 0)
            for chunk in carried.chunks(folder + path):
                meter.adds(len(chunk))
                digest.update(chunk)
            if (entry := known.get(digest.hexdigest())) is not None:
                return entry
    return None


def _as_catalogued(name: str, entry: ModelEntry, sizes: dict[str, int], architecture: str) -> ModelRecord:
    _refuse_shipped(entry.id)
    missing = [f.path for f in entry.record.files if f.path not in sizes and f.path not in entry.optional]
    if missing:
        raise AnimePoseError(f"{name} lacks {', '.join(missing)} of {entry.id}.", "Choose the whole folder.")
    if architecture and architecture != entry.record.architecture:
        raise AnimePoseError(
            f"{name} is a {architecture}; {entry.id} is a {entry.record.architecture}.", "Name another with --as."
        )
    files = tuple(ModelFile(f.path, f.size or sizes[f.path], f.sha256) for f in entry.record.files if f.path in sizes)
    source = entry.record.source if entry.pinned else f"{entry.repository}, imported from {name}"
    return replace(entry.record, files=files, source=source)


def _as_own(name: str, described: Described, sizes: dict[str, int], architecture: str) -> ModelRecord:
    _refuse_shipped(described.id)
    ours = {record.architecture for _, record in shipped_networks().values() if record.role == described.role}
    only = next(iter(ours)) if len(ours) == 1 else ""
    architecture = described.architecture or architecture or only
    problem = (
        f"{described.id!r} cannot be a name: lower-case letters, digits, dots and dashes" if not is_id(described.id)
        else f"the role is {described.role!r}, not one of {', '.join(ROLES)}" if described.role not in ROLES
        else "nobody says its licence" if not described.licence
        else "nobody says its architecture, no config.json, no weights, no --architecture" if not architecture
        else "nobody says its skeleton (--skeleton)" if described.role == "pose" and not described.skeleton
        else ""
    )  # fmt: skip
    if problem:
        raise AnimePoseError(f"{name} cannot be taken over as your own: {problem}.", _SAY, ExitCode.USAGE)
    return ModelRecord(
        id=described.id, title=described.title or described.id, role=described.role, architecture=architecture,
        files=tuple(ModelFile(path, size, "") for path, size in sorted(sizes.items())), licence=described.licence,
        commercial=described.commercial, source=f"imported from {name}", skeleton=described.skeleton,
        options=dict(described.options),
    )  # fmt: skip


def _require_pinned(record: ModelRecord, entry: ModelEntry, name: str) -> None:
    have = {file.path: file.sha256 for file in record.files}
    for file in entry.record.files:
        if file.sha256 and have.get(file.path, file.sha256) != file.sha256:
            raise AnimePoseError(
                f"{file.path} of {record.id} in {name} is not what AnimePose knows: sha256 {file.sha256} was expected, "
                f"{have[file.path]} is there.", "Choose another zip or folder.",
            )  # fmt: skip


def _refuse_shipped(id_: str) -> None:
    if id_ in shipped_networks():
        raise AnimePoseError(
            f"The model {id_} ships with AnimePose and is not replaced.", "Give yours another name.", ExitCode.USAGE
        )
