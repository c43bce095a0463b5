"""How work on the weight store is shown: a bar where a terminal and `rich` are there, else as for an estimate."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ..console_progress import ConsoleProgress
from ..protocol import Progress
from ..store.progress import OnProgress, StoreProgress


@contextmanager
def shown(title: str) -> Iterator[OnProgress]:
    """What shows the progress of one network, on standard error."""
    if sys.stderr is not None and sys.stderr.isatty() and importlib.util.find_spec("rich") is not None:
        with _bar(title) as on_progress:
            yield on_progress
    else:
        with ConsoleProgress(sys.stderr, []) as console:
            yield lambda now: console.show(
                Progress(f"{title}: {now.file}", now.fraction, seconds_left=now.seconds_left)
            )


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
