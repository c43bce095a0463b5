"""Reports of several runs become one: of a farm's tasks, each of which has made one clip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from .. import __version__
from ..errors import AnimePoseError, ExitCode
from .report import VERSION, ClipReport, ResultReport, write_report


def read_report(path: Path) -> tuple[list[ClipReport], float]:
    """The clips of a report, and the seconds that its run took.

    Raises:
        AnimePoseError: if it is none of this version.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise AnimePoseError(f"The report {path} is of version {data['version']}, known is {VERSION}.")
        known = {field.name for field in fields(ClipReport)}
        clips = [ClipReport(**{name: value for name, value in clip.items() if name in known}) for clip in data["clips"]]
        for clip in clips:
            clip.results = [ResultReport(**result) for result in clip.results]  # type: ignore[arg-type]
        return clips, float(data["seconds"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AnimePoseError(f"The report {path} cannot be read: {error!r}.", "Make it again.") from error


def gather(words: Sequence[str], target: Path) -> list[ClipReport]:
    """Write the reports of several runs as one.

    Args:
        words: reports, or folders in whose folders they are called report.json.
        target: the report to write; it is not gathered itself.
    Returns:
        All clips, in the order of the words, and in folders of their names.
    Raises:
        AnimePoseError: if there is no report, one cannot be read, or the new one cannot be written.
    """
    paths: list[Path] = []
    for word in words:
        path = Path(word).absolute()
        paths += sorted(path.glob("*/report.json")) if path.is_dir() else [path]
    paths = [path for path in paths if path != target.absolute()]
    if not paths:
        raise AnimePoseError(f"There is no report in {', '.join(words)}.", "Check the path.", ExitCode.BAD_INPUT)
    read = [read_report(path) for path in paths]
    clips = [clip for some, _ in read for clip in some]
    write_report(target, clips, {"animepose": __version__}, sum(seconds for _, seconds in read))
    return clips
