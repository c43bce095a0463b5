"""Progress on a terminal (one line that changes) or in a log (one line a stage)."""

from __future__ import annotations

from typing import TextIO

from .protocol import Message, Progress, Warning_

BAR_WIDTH = 24
_CLEAR = "\r\x1b[K"


class ConsoleProgress:
    """Shows a worker's messages; a context manager, so that the changing line is gone afterwards.

    Args:
        stream: where to; None where standard error is closed.
        warnings: the worker's warnings are added to it.
    """

    def __init__(self, stream: TextIO | None, warnings: list[str]) -> None:
        self._stream = stream
        self._warnings = warnings
        self._live = stream is not None and stream.isatty()
        self._stage = ""

    def __enter__(self) -> ConsoleProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._write(_CLEAR)

    def show(self, message: Message) -> None:
        """Show one message, if it is one to show."""
        if isinstance(message, Warning_):
            self._warnings.append(message.message)
            self._write(f"{_CLEAR if self._live else ''}warning: {message.message}\n")
        elif isinstance(message, Progress):
            if self._live:
                self._write(_CLEAR + self._line(message))
            elif message.stage != self._stage:
                self._write(f"{message.stage} ({message.fraction:.0%})\n")
            self._stage = message.stage

    def _line(self, message: Progress) -> str:
        filled = round(message.fraction * BAR_WIDTH)
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        left = "" if message.seconds_left is None else f"  {message.seconds_left:.0f} s left"
        return f"{message.stage:<7} [{bar}] {message.fraction:4.0%}{left}"

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # nobody looks any more (`2>&1 | head`); the work goes on
            self._stream = None
