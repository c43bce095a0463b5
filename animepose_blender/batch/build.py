"""The contract with the process that builds scenes: one order a line on its standard input, JSON lines back.

The process answers `ready` once, then for every order any number of `stage` lines and one `built` or `failed`. It ends
when its standard input does. Several orders go to one process one after another, since Blender takes a second to start.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib import metadata
from typing import Any, ClassVar

from ..errors import AnimePoseError, ExitCode
from .order import Rig


@dataclass(frozen=True)
class Build:
    """One result to make: a take's people onto what they are cast for."""

    take: str
    """Path of the take; edits saved in it are applied."""
    target: str
    """Path of the results, without a suffix."""
    people: Mapping[str, str]
    """As `order.Casting.people`."""
    rigs: Mapping[str, Rig] = field(default_factory=dict)
    formats: tuple[str, ...] = ("blend",)
    engine: str = ""
    reduce_keys: tuple[float, float] | None = None


@dataclass(frozen=True)
class Ready:
    """The process has started."""

    type: ClassVar[str] = "ready"
    versions: Mapping[str, str]
    """Of Blender and the add-on."""


@dataclass(frozen=True)
class Stage:
    """What is being done now."""

    type: ClassVar[str] = "stage"
    name: str


@dataclass(frozen=True)
class Built:
    """A result is there."""

    type: ClassVar[str] = "built"
    files: Mapping[str, list[str]]
    """Format → absolute paths."""
    warnings: list[str]
    facts: Mapping[str, Any]
    """For the report: people, frames, seconds of each stage."""


@dataclass(frozen=True)
class Failed:
    """A result could not be made; the process goes on with the next."""

    type: ClassVar[str] = "failed"
    message: str
    remedy: str = ""
    exit_code: int = int(ExitCode.BAD_INPUT)


Answer = Ready | Stage | Built | Failed
_ANSWERS: dict[str, type] = {one.type: one for one in (Ready, Stage, Built, Failed)}


@lru_cache(maxsize=1)
def blender_version() -> str:
    """The version of the Blender that builds here: this one, or that of the Python module; empty = unknown."""
    if "bpy" in sys.modules:
        return str(sys.modules["bpy"].app.version_string)
    try:
        return metadata.version("bpy")
    except metadata.PackageNotFoundError:
        return ""


def encode_build(build: Build) -> str:
    """One order as one line."""
    return json.dumps(asdict(build)) + "\n"


def decode_build(line: str) -> Build:
    """The order of a line.

    Raises:
        AnimePoseError: if it is none.
    """
    try:
        data = json.loads(line)
        rigs = {name: Rig(**rig) for name, rig in data["rigs"].items()}
        within = tuple(data["reduce_keys"]) if data["reduce_keys"] is not None else None
        return Build(**{**data, "rigs": rigs, "formats": tuple(data["formats"]), "reduce_keys": within})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AnimePoseError(f"What is to be built cannot be read: {error!r}.", "Report this as a bug.") from error


def encode_answer(answer: Answer) -> str:
    """One answer as one line."""
    return json.dumps({"type": answer.type, **asdict(answer)}) + "\n"


def decode_answer(line: str) -> Answer | None:
    """The answer of a line; None if it is none, but something that a library prints."""
    try:
        data = json.loads(line)
        return _ANSWERS[data.pop("type")](**data)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
