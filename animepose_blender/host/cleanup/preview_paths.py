"""Which bones get a path: those that are selected, or else those that say most about a figure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ...core.reshape.other_side import counterparts

MOST = 8
_TELLING = ("hand|wrist", "foot|ankle", "head", r"pelvis|hips?\b")
"""Parts of names, lower case."""


def paths_of(names: Sequence[str], parents: np.ndarray, selected: Sequence[str], shown: np.ndarray) -> np.ndarray:
    """Indices of the bones that get a path.

    Args:
        names: N bones.
        parents: (N,) index of each bone's parent; below 0 = none.
        selected: names of bones.
        shown: (N,) bool, those that can have one.
    """
    if selected:
        chosen = [number for number, name in enumerate(names) if name in selected and shown[number]]
        return np.array(chosen[:MOST], dtype=np.int64)
    other = counterparts(names)
    telling: set[int] = set()
    for pattern in _TELLING:
        fitting = [number for number, name in enumerate(names) if shown[number] and re.search(pattern, name.lower())]
        if fitting:
            # The plainest name is that of no finger and no helper.
            first = min(fitting, key=lambda number: (len(names[number]), number))
            telling |= {first, int(other[first])} & set(fitting)
    if not telling:
        telling = set(np.flatnonzero(shown).tolist()) - set(parents.tolist())
    return np.array(sorted(telling)[:MOST], dtype=np.int64)
