"""How work on the weight store is shown: a bar on a terminal, lines in a log."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..console import note
from ..console_progress import ConsoleProgress
from ..protocol import Progress
from ..store.progress import OnProgress, StoreProgress

LINE_EVERY_S = 10.0
"""How often a log is told of a file that takes long."""


@contextmanager
def shown(title: str) -> Iterator[OnProgress]:
    """What shows the progress of one network, on standard error."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield _Lines(title).show
    elif importlib.util.find_spec("rich") is None:
        with ConsoleProgress(sys.stderr, []) as console:
            yield lambda now: console.show(
                Progress(f"{title}: {now.file}", now.fraction, seconds_left=now.seconds_left)
            )
    else:
        with _bar(title) as on_progress:
            yield on_progress


class _Lines:
    """A line for each file, and one now and then for a large one, as a log wants it."""

    def __init__(self, title: str) -> None:
        self._title, self._file, self._since = title, "", 0.0

    def show(self, now: StoreProgress) -> None:
        """Print it, if it is news."""
        if now.file != self._file or time.monotonic() - self._since >= LINE_EVERY_S:
            self._file, self._since = now.file, time.monotonic()
            note(f"{self._title}: {now.file} ({now.fraction:.0%})")


@contextmanager
def _bar(title: str) -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars
    from rich.progress import TimeRemainingColumn as Left

    words = TextColumn("{task.description}  [dim]{task.fields[file]}[/]")
    columns = (words, BarColumn(), DownloadColumn(), TransferSpeedColumn(), Left())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(escape(title), total=None, file="")

        def show(now: StoreProgress) -> None:
            bars.update(task, completed=now.done, total=now.total or None, file=escape(now.file))

        yield show
