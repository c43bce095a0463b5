"""What the store knows of a network that is here: a JSON file in its folder, written when it was put there."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import AnimePoseError
from .names import is_file_name, is_id, why_not

RECORD = "animepose-model.json"
"""Name of the record in a network's folder; written last, so that a folder without it is unfinished."""
SCHEMA = 1
ROLES = ("detector", "masks", "pose", "depth", "lifter", "predictor", "root")
"""What a network can be for."""
OWN_ARCHITECTURES = ("detect_net", "depth_net", "root_net", "pose_net", "cascade")
"""Modules of `models/` that look at pictures; all others of that kind are classes of `transformers`."""
_SHA256 = re.compile(r"([0-9a-f]{64})?")
_REMEDY = "Fetch or import the model again."


@dataclass(frozen=True)
class ModelFile:
    """One file of a network.

    Raises:
        ValueError: if a network may not have such a file.
    """

    path: str
    """Relative to the network's folder, with forward slashes."""
    size: int
    """Bytes."""
    sha256: str
    """Hex digits; empty where nobody has stated it yet."""

    def __post_init__(self) -> None:
        if not is_file_name(self.path) or self.path == RECORD:
            raise ValueError(why_not(self.path))
        if not isinstance(self.size, int) or self.size < 0:
            raise ValueError(f"the size of {self.path} is {self.size!r}")
        if not isinstance(self.sha256, str) or not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"the sha256 of {self.path} is {self.sha256!r}")


@dataclass(frozen=True)
class ModelRecord:
    """A network: what it is, whence it comes, and what it may be used for.

    Raises:
        ValueError: if its id or its role is none.
    """

    id: str
    """Its name here, and that of its folder: lower-case letters, digits, dots and dashes."""
    title: str
    role: str
    """One of `ROLES`."""
    architecture: str
    """Class of `transformers` (as in config.json's `architectures`) or module of `models/` that it is for."""
    files: tuple[ModelFile, ...]
    licence: str
    """SPDX identifier where there is one."""
    commercial: bool
    """Whether the publisher's licence of the weights allows commercial use, and no terms of their data are known that
    claim networks made of it."""
    source: str
    """Where it came from: `repository@revision`, or what the user said."""
    skeleton: str = ""
    """For poses: a key of `skeleton.KEYPOINT_MAPS`."""
    card: str = ""
    """What it was made of, in a few sentences."""
    caution: str = ""
    """What in the terms of its data is narrower than its licence, in a line."""
    options: dict[str, Any] = field(default_factory=dict)
    """What else the code that runs it must know, such as `dataset_index`, `scene` (indoor or outdoor)."""

    def __post_init__(self) -> None:
        if not is_id(self.id):
            raise ValueError(f"{self.id!r} cannot be a network's id: lower-case letters, digits, dots and dashes")
        if self.role not in ROLES:
            raise ValueError(f"the role of {self.id} is {self.role!r}, not one of {', '.join(ROLES)}")
        if not isinstance(self.commercial, bool):
            raise ValueError(f"commercial of {self.id} is {self.commercial!r}, not true or false")

    @property
    def is_own(self) -> bool:
        """Whether it is one of `OWN_ARCHITECTURES`."""
        return self.architecture in OWN_ARCHITECTURES

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def read_record(folder: Path) -> ModelRecord:
    """The record of a network's folder.

    Raises:
        AnimePoseError: if there is none, or it cannot be read.
    """
    return read_record_file(folder / RECORD)


def read_record_file(path: Path) -> ModelRecord:
    """A record, wherever it lies.

    Raises:
        AnimePoseError: if there is none, or it cannot be read.
    """
    try:
        return parse_record(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        raise AnimePoseError(f"There is no model in {path.parent}.", _REMEDY) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AnimePoseError(f"{path} cannot be read: {error}.", _REMEDY) from error


def parse_record(text: str, place: str) -> ModelRecord:
    """A record from its text.

    Raises:
        AnimePoseError: if it is of a newer AnimePose; `place` says whose.
        ValueError, KeyError, TypeError, AttributeError, RecursionError: if it is none.
    """
    data = json.loads(text)
    if data.pop("schema") > SCHEMA:
        raise AnimePoseError(f"{place} was written by a newer AnimePose.", "Update AnimePose.")
    files = tuple(ModelFile(**file) for file in data.pop("files"))
    return ModelRecord(files=files, **data)


def record_text(record: ModelRecord) -> str:
    """The record as JSON text."""
    return json.dumps({"schema": SCHEMA} | {f.name: getattr(record, f.name) for f in fields(record)} | {
        "files": [asdict(file) for file in record.files]
    }, indent=1)  # fmt: skip
