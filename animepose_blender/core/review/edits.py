"""What an animator changes about the tracks of a take: small records, which leave the estimate itself alone.

A list of them is replayed over the estimate (`replay`), so the last one is undone by leaving it out. Records
name people by id and frames by time, in the seconds of `Take.frame_time_s`, and thus also fit the same clip imported at
another frame rate or from another start; a time means the frame that is nearest to it.

As JSON a record is an object of its `kind` and its fields.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from ...errors import AnimePoseError

LONGEST_NAME = 63
"""Bytes of a name in Blender before 5.0."""
ID_LIMIT = 2**31
"""Ids are stored as 32-bit integers."""


@dataclass(frozen=True)
class Rename:
    """Show a person under a name."""

    kind: ClassVar[str] = "rename"
    person: int
    name: str


@dataclass(frozen=True)
class Ignore:
    """Leave a person out, or take one in again who was left out."""

    kind: ClassVar[str] = "ignore"
    person: int
    ignored: bool = True


@dataclass(frozen=True)
class Merge:
    """Two tracks are one person, who keeps the id, the name and the place in the list of `kept`.

    Where both are there, each stretch of frames in which neither changes its state comes from one of them as a whole,
    so that the motion does not flicker: from who is observed rather than predicted, then from the more confident, then
    from `kept`.
    """

    kind: ClassVar[str] = "merge"
    kept: int
    merged: int


@dataclass(frozen=True)
class Split:
    """From a frame on, a person is somebody else."""

    kind: ClassVar[str] = "split"
    person: int
    time_s: float
    """The first frame of the new person."""
    new_person: int
    """An id that was never used in this take; see `replay.next_person_id`."""


@dataclass(frozen=True)
class Swap:
    """From a frame on, two people are each other."""

    kind: ClassVar[str] = "swap"
    first: int
    second: int
    time_s: float


@dataclass(frozen=True)
class MarkWrong:
    """A person's frames from one time to another, both included, are not right.

    They become absent, or are filled from both ends and become predicted; then frames of the span in which the person
    was absent are filled too.
    """

    kind: ClassVar[str] = "mark_wrong"
    person: int
    start_s: float
    end_s: float
    fill: bool = False


@dataclass(frozen=True)
class Solved:
    """A person's frames from one time to another, both included, are those of a file: they were solved again."""

    kind: ClassVar[str] = "solved"
    person: int
    start_s: float
    end_s: float
    file: str
    """Relative to the take's folder, with slashes; see `solved`."""


Edit = Rename | Ignore | Merge | Split | Swap | MarkWrong | Solved
KINDS: dict[str, type[Edit]] = {kind.kind: kind for kind in (Rename, Ignore, Merge, Split, Swap, MarkWrong, Solved)}


def to_json(edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """The records as what `json.dumps` takes."""
    return [{"kind": edit.kind, **asdict(edit)} for edit in edits]


def from_json(data: object) -> list[Edit]:
    """The records of what `json.loads` gave.

    Raises:
        AnimePoseError: if it is no list of records; nothing is skipped.
    """
    if not isinstance(data, list):
        raise _unreadable(f"expected a list, got {data!r:.40}")
    return [_record(number, item) for number, item in enumerate(data, start=1)]


def _record(number: int, item: object) -> Edit:
    if not isinstance(item, dict) or not isinstance(item.get("kind"), str):
        raise _unreadable(f"edit {number} is {item!r:.60}, expected an object with a kind")
    kind = KINDS.get(item["kind"])
    if kind is None:
        raise _unreadable(f"edit {number} is a {item['kind']!r:.40}, known are {', '.join(KINDS)}")
    values = {name: value for name, value in item.items() if name != "kind"}
    known = {field.name: str(field.type) for field in fields(kind)}
    if unknown := sorted(map(str, set(values) - set(known))):
        raise _unreadable(f"edit {number} ({kind.kind}) has the unknown field {unknown[0]!r:.40}")
    for name, value in values.items():
        if not _is(known[name], value):
            raise _unreadable(f"{name} of edit {number} ({kind.kind}) is {value!r:.40}, expected {known[name]}")
    try:
        return kind(**values)
    except TypeError as error:
        raise _unreadable(f"edit {number} ({kind.kind}) is not whole ({error})") from error


def _is(kind: str, value: object) -> bool:
    """Whether a value of JSON is of a field's type; a bool is no number, and a time is finite."""
    if kind == "str":
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool) or not isinstance(value, int if kind == "int" else (int, float)):
        return False
    return abs(value) < ID_LIMIT if kind == "int" else math.isfinite(value)


def _unreadable(what: str) -> AnimePoseError:
    return AnimePoseError(
        f"The edits of the take cannot be read: {what}.", "Update AnimePose, or discard the take's edits."
    )
