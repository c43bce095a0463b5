"""Job files: an order in TOML or JSON. docs/batch.md shows one.

| key | meaning |
|---|---|
| `version` | 1 |
| `output` | folder of the results, relative to the job file |
| `export`, `engine`, `preview`, `reduce_keys`, `name` | as the options of `animepose convert` |
| `[estimate]` | settings of the estimation, for all clips: the fields of `protocol.JobRequest` |
| `[rigs.NAME]` | `file`, `map`, `root`, `ik`, `keep_hands` |
| `[[castings]]` | `name`, and `people`: person's id or `*` → a rig's name, `mannequin` or `ignore`; one result each |
| `[[clips]]` | `input` (file, folder or pattern, relative to the job file), `name`, `[clips.estimate]`, `people` |

Without castings, everybody goes onto each rig in turn, or onto mannequins if there is none.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..core.retarget.settings import ROOT_MODES
from ..errors import AnimePoseError, ExitCode
from ..protocol import ESTIMATE_FIELDS, JobRequest
from .inputs import find_inputs
from .naming import checked_template
from .order import ENGINES, EVERYBODY, FORMATS, IGNORE, MANNEQUIN, ON_MANNEQUINS, Casting, Clip, Order, Rig

VERSION = 1
_TOP = (
    "version",
    "output",
    "export",
    "engine",
    "preview",
    "reduce_keys",
    "name",
    "estimate",
    "rigs",
    "castings",
    "clips",
)


def load_order(path: str | Path, output: Path | None = None) -> Order:
    """The order of a job file.

    Args:
        output: folder of the results, over that of the file.
    Raises:
        AnimePoseError: naming the place in the file, if it cannot be read or says something that is not known.
    """
    path = Path(path).absolute()
    return order_of(_parsed(path), path.parent, str(path), output)


def _parsed(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AnimePoseError(f"The job file {path} cannot be read: {error}.", "Check its path.") from error
    try:
        if path.suffix.lower() == ".json":
            return json.loads(text)
        try:
            import tomllib
        except ModuleNotFoundError as error:  # Python 3.10
            raise AnimePoseError("TOML needs Python 3.11 or newer.", "Write the job file as JSON.") from error
        return tomllib.loads(text)
    except ValueError as error:
        raise AnimePoseError(f"The job file {path} is not whole: {error}.", "Mend that line.") from error


def order_of(data: object, folder: Path, name: str, output: Path | None = None) -> Order:
    """The order of what was parsed.

    Args:
        folder: what relative paths are relative to.
        name: of the file, for messages.
    Raises:
        AnimePoseError: as `load_order`.
    """
    top = _Table(data, name, "")
    top.only(_TOP)
    version = top.get("version", (int,), VERSION)
    if version != VERSION:
        raise top.wrong(f"version is {version}, known is {VERSION}", "Update AnimePose.")
    folder_of_results = output
    if folder_of_results is None:
        told = top.get("output", (str,), "")
        if not told:
            raise top.wrong("output is missing", "Name the folder of the results.")
        folder_of_results = (folder / told).absolute()
    rigs = {rig: _rig(top.table("rigs").table(rig), folder) for rig in top.table("rigs").data}
    for rig in rigs:
        if rig in (MANNEQUIN, IGNORE):
            raise top.wrong(f"a rig is called {rig}, which means something else", "Give it another name.")
    castings = tuple(_casting(one, rigs) for one in top.tables("castings"))
    template = top.get("name", (str,), "")
    return Order(
        clips=tuple(clip for one in top.tables("clips") for clip in _clips(one, rigs, folder, folder_of_results)),
        output=folder_of_results,
        estimate=_estimate(top.table("estimate")),
        rigs=rigs,
        castings=castings or one_a_rig(rigs),
        formats=_formats(top),
        engine=_one_of(top, "engine", ("", *ENGINES)),
        preview=top.get("preview", (bool,), False),
        reduce_keys=_reduction(top),
        names=checked_template(template) if template else "",
    )


def one_a_rig(rigs: Mapping[str, Rig]) -> tuple[Casting, ...]:
    """Everybody onto each rig in turn, or onto mannequins if there is none."""
    return tuple(Casting(rig, {EVERYBODY: rig}) for rig in rigs) or (ON_MANNEQUINS,)


class _Table:
    """A table of the file, which knows where it is."""

    def __init__(self, data: object, file: str, place: str) -> None:
        self.file, self.place = file, place
        if not isinstance(data, dict):
            raise self.wrong(f"expected a table, got {data!r:.40}", "Write it as a table.")
        self.data: dict[str, Any] = data

    def wrong(self, what: str, remedy: str) -> AnimePoseError:
        """An error that names file and place."""
        where = f"{self.file}, {self.place}" if self.place else self.file
        return AnimePoseError(f"{where}: {what}.", remedy, ExitCode.USAGE)

    def only(self, known: Sequence[str] | frozenset[str]) -> None:
        """Refuse keys that are not known: a slip must not be taken for a default."""
        for key in self.data:
            if key not in known:
                near = difflib.get_close_matches(key, sorted(known), 1)
                remedy = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(sorted(known))}."
                raise self.wrong(f"{key} is not known", remedy)

    def get(self, key: str, types: tuple[type, ...], default: Any) -> Any:
        """A value of one of some types."""
        value = self.data.get(key, default)
        if value is not default and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
            expected = " or ".join(one.__name__ for one in types)
            raise self.wrong(f"{key} is {value!r:.40}, expected {expected}", "Correct it.")
        return value

    def table(self, key: str) -> _Table:
        """A table in it; an empty one if there is none."""
        return _Table(self.data.get(key, {}), self.file, f"{self.place}.{key}".lstrip("."))

    def tables(self, key: str) -> list[_Table]:
        """A list of tables in it."""
        data = self.data.get(key, [])
        if not isinstance(data, list):
            raise self.wrong(f"{key} is {data!r:.40}, expected a list of tables", f"Write [[{key}]].")
        return [_Table(one, self.file, f"{key} {number}") for number, one in enumerate(data, 1)]


def _one_of(table: _Table, key: str, known: Sequence[str]) -> str:
    value = table.get(key, (str,), known[0])
    if value not in known:
        raise table.wrong(f"{key} is {value!r:.40}", f"Choose one of {', '.join(filter(None, known))}.")
    return value


def _formats(top: _Table) -> tuple[str, ...]:
    formats = top.get("export", (list,), ["blend"])
    for one in formats:
        if one not in FORMATS:
            raise top.wrong(f"export has {one!r:.20}", f"Known are {', '.join(FORMATS)}.")
    return tuple(dict.fromkeys(formats))


def _reduction(top: _Table) -> tuple[float, float] | None:
    within = top.get("reduce_keys", (list,), None)
    if within is None:
        return None
    if len(within) != 2 or not all(type(one) in (int, float) and 0 < one < 1000 for one in within):
        raise top.wrong(f"reduce_keys is {within}", "Give millimetres and degrees above 0, such as [5, 2].")
    return float(within[0]), float(within[1])


def _rig(table: _Table, folder: Path) -> Rig:
    table.only([field.name for field in fields(Rig)])
    file = table.get("file", (str,), "")
    if not file:
        raise table.wrong("file is missing", "Name a .blend, or FILE.blend:OBJECT.")
    rig_map = table.get("map", (str,), "")
    if rig_map.lower().endswith(".json"):
        rig_map = str(folder / rig_map)
    root = _one_of(table, "root", ROOT_MODES)
    return Rig(
        str(folder / file), rig_map, root, table.get("ik", (bool,), False), table.get("keep_hands", (bool,), False)
    )


def _casting(table: _Table, rigs: Mapping[str, Rig]) -> Casting:
    table.only(("name", "people"))
    name = table.get("name", (str,), "")
    if not name:
        raise table.wrong("name is missing", "Give the casting a name; results are called by it.")
    return Casting(name, _people(table.table("people"), rigs))


def _people(table: _Table, rigs: Mapping[str, Rig]) -> dict[str, str]:
    if not table.data:
        raise table.wrong("nobody is named", 'Write people = { "*" = "RIG" }.')
    for person, role in table.data.items():
        if person != EVERYBODY and not person.isdecimal():
            raise table.wrong(f"{person!r:.20} is no person's number", 'Use numbers, or "*" for everybody else.')
        if role not in (*rigs, MANNEQUIN, IGNORE):
            raise table.wrong(
                f"person {person} goes onto {role!r:.40}", f"Known are {', '.join([*rigs, MANNEQUIN, IGNORE])}."
            )
    return dict(table.data)


def _estimate(table: _Table) -> dict[str, Any]:
    table.only(ESTIMATE_FIELDS)
    try:
        JobRequest("clip", "take", **table.data)
    except (AnimePoseError, TypeError) as error:
        raise table.wrong(str(error).rstrip("."), "Correct it.") from error
    return dict(table.data)


def _clips(table: _Table, rigs: Mapping[str, Rig], folder: Path, output: Path) -> list[Clip]:
    table.only(("input", "name", "estimate", "people"))
    word = table.get("input", (str,), "")
    if not word:
        raise table.wrong("input is missing", "Name a clip, a take, a folder or a pattern.")
    castings = None
    if "people" in table.data:
        castings = (Casting("people", _people(table.table("people"), rigs)),)
    found = find_inputs([str(folder / word)], leave_out=output)
    name = table.get("name", (str,), "")
    if name and len(found) > 1:
        raise table.wrong(f"{len(found)} clips would be called {name}", "Leave the name out, or name one file.")
    estimate = _estimate(table.table("estimate"))
    return [Clip(path, estimate, castings, name) for path in found]
