"""The one piece of work on the weight store that goes on in a thread: fetching, verifying, importing.

A fetch that is cancelled, that fails or that Blender's end cuts short leaves what it has, and goes on from there.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import bpy

from ...errors import AnimePoseError, Cancelled, ExitCode
from ...store.progress import OnProgress, StoreProgress
from ..background_task import BackgroundTask
from ..jobs import tag_redraw
from . import known
from .words import amount_words

POLL_S = 0.2
TOLD_FROM = 0.02
"""Of a network: before, nobody can know how long the rest will take."""

Work = Callable[[OnProgress, threading.Event], str | None]
"""Does something to one network; what it returns is told to the user."""


@dataclass(frozen=True)
class Shown:
    """What is shown while it goes on; replaced as a whole by the thread."""

    title: str
    """What is done to which network."""
    count: str = ""
    """Which of how many networks it is; empty for one alone."""
    file: str = ""
    amount: str = ""
    fraction: float = 0.0
    seconds_left: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How it ended, in words."""

    message: str
    remedy: str = ""
    failed: bool = False


shown = Shown("")
outcome: Outcome | None = None
_task: BackgroundTask | None = None
_said: list[str] = []


def running() -> bool:
    """Whether something goes on."""
    return _task is not None and not _task.finished


def cancelling() -> bool:
    """Whether it was asked to stop and has not yet."""
    return _task is not None and _task.cancelled and not _task.finished


def start(works: Sequence[tuple[str, Work]]) -> None:
    """Do one thing after another.

    Args:
        works: what is done, in words such as `Fetching ViTPose++ Base`, and what does it.
    Raises:
        AnimePoseError: if something goes on already.
    """
    global _task, outcome, shown, _said
    if running():
        raise AnimePoseError("Networks are being worked on already.", "Wait for it or cancel it.", ExitCode.USAGE)
    outcome, said = None, []
    shown = Shown(works[0][0])
    _said = said

    def run(report: object, cancelled: threading.Event) -> None:
        for number, (title, work) in enumerate(works, start=1):
            first = Shown(title, f"{number} of {len(works)}" if len(works) > 1 else "")
            _show(first)
            message = work(lambda progress, first=first: _show(_with(first, progress)), cancelled)
            if message:
                said.append(message)

    _task = BackgroundTask("networks", run)
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=POLL_S, persistent=True)


def cancel() -> None:
    """Ask it to stop."""
    if _task is not None:
        _task.cancel()


def tell(message: str) -> None:
    """Show how something ended that needed no thread."""
    global outcome
    outcome = Outcome(message)


def dismiss() -> None:
    """Forget how the last one ended."""
    global outcome
    outcome = None


def advance() -> None:
    """Take in how it ended, if it has. The timer calls this."""
    global _task, outcome
    if _task is None or not _task.finished:
        return
    error, _task = _task.error, None
    if isinstance(error, Cancelled):
        outcome = Outcome("Cancelled.", "What is there already is kept; fetching goes on from there.")
    elif error is not None:
        outcome = Outcome(error.message, error.remedy, failed=True)
    else:
        outcome = Outcome(" ".join(_said))
    known.refresh()


def stop() -> None:
    """End it now: Blender closes, or the add-on is disabled."""
    global _task, outcome
    if _task is not None:
        _task.stop()
    _task = outcome = None


def _show(now: Shown) -> None:
    global shown
    shown = now


def _with(first: Shown, progress: StoreProgress) -> Shown:
    fraction = progress.fraction
    amount = amount_words(progress.done, progress.total)
    seconds_left = progress.seconds_left if fraction >= TOLD_FROM else None
    return replace(first, file=progress.file, amount=amount, fraction=fraction, seconds_left=seconds_left)


def _tick() -> float | None:
    advance()
    tag_redraw()
    return POLL_S if _task is not None else None


def register() -> None:
    """Stop it when Blender closes."""
    atexit.register(stop)


def unregister() -> None:
    """Stop it and undo `register`."""
    stop()
    atexit.unregister(stop)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
