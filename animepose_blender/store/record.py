"""What the store knows of a network that is here: a JSON file in its folder, written when it was put there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import AnimePoseError

RECORD = "animepose-model.json"
"""Name of the record in a network's folder; written last, so that a folder without it is unfinished."""
SCHEMA = 1
ROLES = ("detector", "masks", "pose", "depth", "lifter", "predictor", "root")
"""What a network can be for."""
_REMEDY = "Fetch or import the model again."


@dataclass(frozen=True)
class ModelFile:
    """One file of a network."""

    path: str
    """Relative to the network's folder, with forward slashes."""
    size: int
    """Bytes."""
    sha256: str
    """Hex digits; empty where nobody has stated it yet."""


@dataclass(frozen=True)
class ModelRecord:
    """A network: what it is, whence it comes, and what it may be used for."""

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
    """Whether the licence of weights, and the terms of what they were made of, allow commercial use."""
    source: str
    """Where it came from: `repository@revision`, or what the user said."""
    skeleton: str = ""
    """For poses: a key of `skeleton.KEYPOINT_MAPS`."""
    card: str = ""
    """What it was made of, in a few sentences."""
    options: dict[str, Any] = field(default_factory=dict)
    """What else the code that runs it must know, such as `dataset_index`, `scene` (indoor or outdoor)."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def read_record(folder: Path) -> ModelRecord:
    """The record of a network's folder.

    Raises:
        AnimePoseError: if there is none, or it cannot be read.
    """
    path = folder / RECORD
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("schema") > SCHEMA:
            raise AnimePoseError(f"{path} was written by a newer AnimePose.", "Update AnimePose.")
        files = tuple(ModelFile(**file) for file in data.pop("files"))
        return ModelRecord(files=files, **data)
    except FileNotFoundError as error:
        raise AnimePoseError(f"There is no model in {folder}.", _REMEDY) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AnimePoseError(f"{path} cannot be read: {error}.", _REMEDY) from error


def record_text(record: ModelRecord) -> str:
    """The record as JSON text."""
    return json.dumps({"schema": SCHEMA} | {f.name: getattr(record, f.name) for f in fields(record)} | {
        "files": [asdict(file) for file in record.files]
    }, indent=1)  # fmt: skip
