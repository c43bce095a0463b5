"""A function in a thread that reports progress and can be cancelled. Free of bpy, as everything in a thread must be."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from ..errors import AnimePoseError
from .setup_commands import Report


class BackgroundTask:
    """Runs `work(report, cancelled)` in a thread.

    Its attributes are read from the main thread; each is replaced as a whole, so that no lock is needed.
    """

    def __init__(self, title: str, work: Callable[[Report, threading.Event], Any]) -> None:
        self.title = title
        self.line = ""
        self.fraction = 0.0
        self.error: AnimePoseError | None = None
        self.finished = False
        self._cancelled = threading.Event()
        self._work = work
        self._thread = threading.Thread(target=self._run, name=f"AnimePose {title}", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Ask it to stop."""
        self._cancelled.set()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Cancel and wait a moment: for when Blender closes."""
        self._cancelled.set()
        self._thread.join(timeout_s)

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancelled.is_set()

    def _run(self) -> None:
        try:
            self._work(self._report, self._cancelled)
        except AnimePoseError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - a thread has nobody above it: tell the user, keep the traceback in the console
            traceback.print_exc(file=sys.stderr)
            self.error = AnimePoseError(f"Something unexpected went wrong: {error!r}.", "Please report this as a bug.")
        finally:
            self.finished = True

    def _report(self, line: str, fraction: float) -> None:
        self.line, self.fraction = line, fraction
