"""Which bones get a path: those that are selected, or else those that say most about a figure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

MOST = 8
_TELLING = (r"hand|wrist", r"foot|ankle", r"head", r"pelvis|hips?$")
"""Parts of names, lower case."""


def paths_of(names: Sequence[str], selected: Sequence[str], shown: np.ndarray) -> np.ndarray:
    """Indices of the bones that get a path.

    Args:
        names: N bones, parents first.
        selected: of them.
        shown: (N,) bool, those that can have one.
    """
    if selected:
        chosen = [number for number, name in enumerate(names) if name in selected and shown[number]]
        return np.array(chosen[:MOST], dtype=np.int64)
    chosen = []
    for pattern in _TELLING:
        fitting = [number for number, name in enumerate(names) if shown[number] and re.search(pattern, name.lower())]
        # One on either side at most; the first ones are not fingers or helpers.
        chosen += _shortest(names, fitting, 1 if pattern in _TELLING[2:] else 2)
    return np.array(sorted(chosen[:MOST]), dtype=np.int64)


def _shortest(names: Sequence[str], fitting: list[int], count: int) -> list[int]:
    """Of the bones that fit those with the plainest names."""
    return sorted(fitting, key=lambda number: (len(names[number]), number))[:count]
