"""Names of results: templates such as `{clip}_{rig}`, and names that do not get into each other's way."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping

from ..errors import AnimePoseError, ExitCode

FIELDS: Mapping[str, str] = {
    "clip": "name of the clip",
    "rig": "name of the rig, or of the casting",
    "number": "number of the clip, from 1 on",
    "start": "first moment, in milliseconds",
    "preset": "preset of the estimation",
    "engine": "engine of the exports",
}
"""What a template may hold, with Python's format specifications: `{number:03d}`."""
USUAL, USUAL_WITH_RIG = "{clip}", "{clip}_{rig}"
_UNUSABLE = re.compile(r'[<>:"|?*\\\x00-\x1f]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
LONGEST = 150
"""Bytes of one part of a path; file systems allow 255, and suffixes come behind it."""


def checked_template(template: str) -> str:
    """The template.

    Raises:
        AnimePoseError: if it cannot be filled in, or leaves the folder of the results.
    """
    try:
        parsed = list(string.Formatter().parse(template))
        fill_in(template, _EXAMPLE)
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise AnimePoseError(
            f"The template {template!r} of names cannot be filled in: {error}.", f"Use {known}.", ExitCode.USAGE
        ) from error
    if not any(name for _, name, _, _ in parsed):
        raise AnimePoseError(
            f"With the template {template!r} all results would have one name.", "Use {clip} in it.", ExitCode.USAGE
        )
    return template


_EXAMPLE: Mapping[str, object] = {
    "clip": "walk", "rig": "hero", "number": 1, "start": 0, "preset": "offline", "engine": "unreal",
}  # fmt: skip


def fill_in(template: str, values: Mapping[str, object]) -> str:
    """A path relative to the folder of the results, without a suffix; `/` in the template makes folders.

    Raises:
        AnimePoseError: if it leaves the folder of the results.
        KeyError, ValueError: if the template is none.
    """
    known = {name: _clean(value) if isinstance(value, str) else value for name, value in values.items()}
    path = template.format_map(known).replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or path.startswith("/"):
        raise AnimePoseError(
            f"The name {path!r} does not lie in the folder of the results.", "Leave `..` and a leading / out.",
            ExitCode.USAGE,
        )  # fmt: skip
    return "/".join(map(_clean, parts))


def _clean(part: str) -> str:
    """A text as a part of a path that every system can write."""
    part = _UNUSABLE.sub("_", part).replace("/", "_")
    part = part.encode("utf-8", "ignore")[:LONGEST].decode("utf-8", "ignore").rstrip(". ") or "_"
    return f"_{part}" if _RESERVED.match(part) else part


def distinct(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """The names, with `-2`, `-3`, … behind those that repeat an earlier one or one of `taken`.

    Some file systems do not tell case apart, and so neither does this.
    """
    used = {name.lower() for name in taken}
    made: list[str] = []
    for base in names:
        name, number = base, 1
        while name.lower() in used:
            number += 1
            name = f"{base}-{number}"
        used.add(name.lower())
        made.append(name)
    return made
