"""Put made text between two marks of a file, and leave the rest as it is."""

from __future__ import annotations

import sys
from pathlib import Path


def put_between(path: Path, name: str, lines: list[str]) -> None:
    """Replace what stands between the marks of this name.

    Raises:
        SystemExit: if the file has no such marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = path.read_text()
    if begin not in text or end not in text:
        sys.exit(f"{path} has no marks {begin} and {end}.")
    path.write_text(text.split(begin)[0] + begin + "\n".join(["", *lines, ""]) + end + text.split(end)[1])
