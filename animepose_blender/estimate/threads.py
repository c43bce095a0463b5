"""How many threads the networks may use side by side."""

from __future__ import annotations

import os

MOST = 4
"""More copies of a small network than this take memory and save no time."""
VARIABLE = "ANIMEPOSE_THREADS"
"""Environment variable with the number of threads of this worker, where several share a machine."""


def side_by_side() -> int:
    """How many copies of a network run at a time: as many as there are processors for this worker, up to `MOST`."""
    told = os.environ.get(VARIABLE, "")
    own = int(told) if told.isdecimal() and int(told) else os.cpu_count() or 1
    return min(MOST, own)
