"""How many threads the networks may use side by side."""

from __future__ import annotations

import os

from ..protocol import THREADS_VARIABLE

MOST = 4
"""More copies of a small network than this take memory and save no time."""


def side_by_side() -> int:
    """How many copies of a network run at a time: as many as there are processors for this worker, up to `MOST`."""
    told = os.environ.get(THREADS_VARIABLE, "")
    own = int(told) if told.isdecimal() and int(told) else os.cpu_count() or 1
    return min(MOST, own)
