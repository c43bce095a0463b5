"""What is finished: a small file for each piece of work, written last of all, which names what it made.

A piece of work has a key, the hash of everything that its result depends on, and a place, that of what it writes. Its
record lies in a folder beside the results. Work whose record is there with the same key, and whose files still are what
the record says, need not be done again. The record is removed before its place is written to again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import AnimePoseError

FOLDER = ".animepose"
"""In the folder of the results."""
VERSION = 2
_BLOCK = 1 << 20


def key_of(kind: str, **parts: object) -> str:
    """The key of a piece of work: a hash of its kind and of everything that it depends on, as JSON."""
    text = json.dumps([VERSION, kind, parts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def content_hash(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes; of a file that has not changed since it is known.

    Raises:
        AnimePoseError: if it cannot be read.
    """
    try:
        stat = os.stat(path)
        return _content_hash(os.path.abspath(path), (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))
    except OSError as error:
        raise AnimePoseError(f"{os.fspath(path)} cannot be read: {error.strerror}.", "Check its path.") from error


@lru_cache(maxsize=4096)
def _content_hash(path: str, state: tuple[int, ...]) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True)
class Record:
    """One finished piece of work."""

    key: str
    files: Mapping[str, str]
    """Path relative to the folder of the results → SHA-256 of the file."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is told of it in the report: people, frames, seconds, warnings."""


class Records:
    """The records of one folder of results.

    A piece of work is told by its kind and by its place: the path of what it writes, without suffixes where it writes
    several files.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        self._folder = output / FOLDER

    def finished(self, kind: str, place: Path, key: str, facts: Sequence[str] = ()) -> Record | None:
        """The record of a piece of work, if it has this key and its files are still there and the same.

        Args:
            facts: which it must tell.
        """
        record = self._read(kind, place)
        if record is None or record.key != key or not set(facts) <= set(record.facts):
            return None
        return None if self._missing(record) or self._changed(record) else record

    def mended(self, kind: str, place: Path, key: str, facts: Sequence[str] = ()) -> Record | None:
        """The record of a take that somebody has changed since, if it has this key and the take is whole."""
        record = self._read(kind, place)
        if record is None or record.key != key or not set(facts) <= set(record.facts) or self._missing(record):
            return None
        return record if all(_is_whole_archive(self._output / name) for name in record.files) else None

    def make_room(self, kind: str, place: Path) -> list[str]:
        """Get ready to write to a place again: files that somebody has changed since are put aside under other names.

        Returns:
            What the user should know.
        Raises:
            AnimePoseError: if the folder cannot be written to.
        """
        record = self._read(kind, place)
        if record is None:
            return []
        told = []
        try:
            for path in self._changed(record):
                if path.suffix == ".npz" and not _is_whole_archive(path):
                    continue  # a damaged take is nobody's work
                aside = _free_name(path)
                path.rename(aside)
                told.append(f"{path.name} was changed after it was made; it is now called {aside.name}.")
            # From here on nobody has made them, should this run be killed before its record is written.
            self._path(kind, place).unlink(missing_ok=True)
        except OSError as error:
            raise AnimePoseError(
                f"What an earlier run made at {place} could not be put aside: {error.strerror}.",
                "Make the folder writable, or choose another.",
            ) from error
        return told

    def keep(self, kind: str, place: Path, key: str, paths: Sequence[str], facts: Mapping[str, Any]) -> Record:
        """Note that a piece of work is finished; its files lie in the folder of the results.

        Raises:
            AnimePoseError: if the record cannot be written, or a file is not there.
        """
        files = {Path(path).relative_to(self._output).as_posix(): content_hash(path) for path in paths}
        record = Record(key, files, facts)
        try:
            for folder in {Path(path).parent for path in paths}:
                _bring_names_to_disk(folder)
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole_text(self._path(kind, place), json.dumps(asdict(record), indent=1))
        except OSError as error:
            raise AnimePoseError(
                f"The record of what is finished could not be written: {error.strerror}.",
                "Make space on the disk, and start again with --resume.",
            ) from error
        return record

    def _path(self, kind: str, place: Path) -> Path:
        relative = place.relative_to(self._output).as_posix()
        return self._folder / f"{kind}-{key_of(kind, place=relative)[:32]}.json"

    def _read(self, kind: str, place: Path) -> Record | None:
        try:
            data = json.loads(self._path(kind, place).read_text(encoding="utf-8"))
            record = Record(data["key"], dict(data["files"]), dict(data["facts"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # none, or one that was not made by us: the work is done again
        return record if all(isinstance(one, str) for one in (record.key, *record.files.values())) else None

    def _missing(self, record: Record) -> list[Path]:
        paths = [self._output / name for name in record.files]
        return [path for path in paths if not path.is_file()]

    def _changed(self, record: Record) -> list[Path]:
        paths = {self._output / name: digest for name, digest in record.files.items()}
        return [path for path, digest in paths.items() if path.is_file() and content_hash(path) != digest]


def _is_whole_archive(path: Path) -> bool:
    """Whether a take can be read to its end; each part of it has a checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        return False


def _free_name(path: Path) -> Path:
    stem, dot, suffix = path.name.partition(".")
    number = 1
    while (free := path.with_name(f"{stem}-changed-{number}{dot}{suffix}")).exists():
        number += 1
    return free


def _bring_names_to_disk(folder: Path) -> None:
    """Return when the names of a folder's files are on the disk; their bytes are, before they get their names."""
    if sys.platform == "win32":
        return  # which does so by itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole_text(path: Path, text: str) -> None:
    """Write a small file so that it appears whole or not at all, also after a power cut."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
