"""How many threads the networks may use side by side."""

from __future__ import annotations

import os

from ..protocol import THREADS_VARIABLE

MOST = 4
"""More copies of a small network than this take memory and save no time."""
MOST_FOR_MANY = 12
"""The same where many pictures are at hand at once, so that all copies have work; each takes 10 MB."""


def threads_told() -> int | None:
    """How many threads this worker was told to use; None where it was not told."""
    told = os.environ.get(THREADS_VARIABLE, "")
    return int(told) if told.isdecimal() and int(told) else None


def side_by_side(most: int = MOST) -> int:
    """How many copies of a network run at a time: as many as there are processors for this worker, up to `most`."""
    return min(most, threads_told() or os.cpu_count() or 1)
