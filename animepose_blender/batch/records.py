"""What is finished: a small file for each piece of work, written last of all, which names what it made.

A piece of work has a key, the hash of everything that its result depends on. Its record lies in a folder beside the
results. Work whose record is there, and whose files still are what the record says, need not be done again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import AnimePoseError

FOLDER = ".animepose"
"""In the folder of the results."""
VERSION = 1
_BLOCK = 1 << 20


def key_of(kind: str, **parts: object) -> str:
    """The key of a piece of work: a hash of its kind and of everything that it depends on, as JSON."""
    text = json.dumps([VERSION, kind, parts], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def content_hash(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes; of a file that has not changed since it is known.

    Raises:
        AnimePoseError: if it cannot be read.
    """
    try:
        stat = os.stat(path)
        return _content_hash(os.path.abspath(path), stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise AnimePoseError(f"{os.fspath(path)} cannot be read: {error.strerror}.", "Check its path.") from error


@lru_cache(maxsize=4096)
def _content_hash(path: str, size: int, changed_ns: int) -> str:
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
    """The records of one folder of results."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._folder = output / FOLDER

    def finished(self, key: str) -> Record | None:
        """The record of a key, if its files are still there and the same."""
        try:
            data = json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))
            record = Record(data["key"], data["files"], data["facts"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # none, or one that was not made by us: the work is done again
        if record.key != key:
            return None
        for name, digest in record.files.items():
            path = self._output / name
            if not path.is_file() or content_hash(path) != digest:
                return None
        return record

    def keep(self, key: str, paths: list[str], facts: Mapping[str, Any]) -> Record:
        """Note that a piece of work is finished; its files lie in the folder of the results.

        Raises:
            AnimePoseError: if the record cannot be written.
        """
        files = {Path(path).relative_to(self._output).as_posix(): content_hash(path) for path in paths}
        record = Record(key, files, facts)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole_text(self._folder / f"{key}.json", json.dumps(asdict(record), indent=1))
        except OSError as error:
            raise AnimePoseError(
                f"The record of what is finished could not be written: {error.strerror}.",
                "Make space on the disk, and start again with --resume.",
            ) from error
        return record


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
        temporary.unlink(missing_ok=True)
