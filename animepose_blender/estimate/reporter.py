"""Where a run tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Where a run tells how far it is."""

    def progress(self, stage: str, stage_fraction: float) -> None:
        """Report; raises `errors.Cancelled` if the user wants to stop."""
        ...

    def warning(self, message: str) -> None:
        """Tell the user something; the work goes on."""
        ...

    def check_cancelled(self) -> None:
        """Raise `errors.Cancelled` if the user wants to stop."""
        ...
