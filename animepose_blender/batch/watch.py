"""How a batch is shown while it runs, and its summary: bars where a terminal and `rich` are there, else plain lines."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..console import note
from .plan import PlannedClip
from .report import ClipReport
from .schedule import Watcher

STATUS_COLOURS = {"done": "green", "failed": "red", "cancelled": "yellow"}


@contextmanager
def watching(count: int) -> Iterator[Watcher]:
    """A watcher for so many clips, for standard error."""
    if count and _has_bars():
        with RichWatcher(count) as watcher:
            yield watcher
    else:
        yield PlainWatcher(count)


def _has_bars() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and importlib.util.find_spec("rich") is not None


class PlainWatcher(Watcher):
    """One line for each stage of each clip, as a log wants it."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._stage: dict[int, str] = {}

    def begins(self, planned: PlannedClip) -> None:
        """See `Watcher`."""
        note(f"{self._name(planned)}: {planned.clip.input}")

    def shows(self, planned: PlannedClip, stage: str, fraction: float | None) -> None:
        """See `Watcher`."""
        if self._stage.get(planned.number) != stage:
            self._stage[planned.number] = stage
            note(f"{self._name(planned)}: {stage}" + (f" ({fraction:.0%})" if fraction is not None else ""))

    def ends(self, planned: PlannedClip, report: ClipReport) -> None:
        """See `Watcher`."""
        said = f": {report.message}" if report.message else ""
        for warning in _warnings(report):
            note(f"{self._name(planned)}: warning: {warning}")
        note(f"{self._name(planned)}: {report.status}{said}")

    def _name(self, planned: PlannedClip) -> str:
        return f"[{planned.number}/{self._count}] {planned.name}"


class RichWatcher(Watcher):
    """A bar for each clip that is being done, and one for all."""

    def __init__(self, count: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn
        from rich.progress import TimeRemainingColumn as Left

        self._console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[stage]}"),
        )
        self._each = Progress(*columns, console=self._console, transient=True)
        self._all = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Left(), console=self._console,
            transient=True,
        )  # fmt: skip
        self._total = self._all.add_task("All", total=count)
        self._bars: dict[int, Any] = {}

    def __enter__(self) -> RichWatcher:
        from rich.console import Group
        from rich.live import Live

        self._live = Live(Group(self._each, self._all), console=self._console, transient=True, refresh_per_second=8)
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def begins(self, planned: PlannedClip) -> None:
        """See `Watcher`."""
        from rich.markup import escape

        self._bars[planned.number] = self._each.add_task(escape(planned.name), total=1.0, stage="")

    def shows(self, planned: PlannedClip, stage: str, fraction: float | None) -> None:
        """See `Watcher`."""
        self._each.update(self._bars[planned.number], stage=stage, completed=fraction)

    def ends(self, planned: PlannedClip, report: ClipReport) -> None:
        """See `Watcher`."""
        from rich.markup import escape

        self._each.remove_task(self._bars.pop(planned.number))
        self._all.advance(self._total)
        said = f": {report.message}" if report.message else ""
        colour = STATUS_COLOURS[report.status]
        self._console.print(f"[{colour}]{report.status:<9}[/] {escape(planned.name + said)}", highlight=False)
        for warning in _warnings(report):
            self._console.print(f"          [dim]{escape(warning)}[/]", highlight=False)


def _warnings(report: ClipReport) -> list[str]:
    told = [*report.warnings, *(text for result in report.results for text in result.warnings)]
    return list(dict.fromkeys(told))


HEAD = ("clip", "status", "people", "frames", "coverage", "estimate", "build", "why")


def summary(reports: Sequence[ClipReport]) -> str:
    """A table of what became of the clips, for a terminal or a log."""
    rows = [HEAD, *map(_row, reports)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD) - 1)]
    numbers = ("people", "frames", "coverage", "estimate", "build")
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if name in numbers else cell.ljust(width)
            for name, cell, width in zip(HEAD, row, widths, strict=False)
        ]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def _row(report: ClipReport) -> tuple[str, ...]:
    built = sum(sum(result.seconds.values()) for result in report.results if not result.reused)
    covered = [person["coverage"] for person in report.people]
    estimate_s = report.seconds.get("estimate")
    return (
        report.name or Path(report.input).name,
        report.status,
        str(len(report.people)) if report.people else "",
        str(report.frames) if report.frames else "",
        f"{sum(covered) / len(covered):.0%}" if covered else "",
        "" if estimate_s is None else "kept" if report.reused else f"{estimate_s:.1f} s",
        f"{built:.1f} s" if built else "",
        report.message,
    )
