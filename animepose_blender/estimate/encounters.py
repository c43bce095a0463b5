"""Finds that overlap in the picture, where a follower may slip from one body to the other."""

from __future__ import annotations

import numpy as np

from ..core import boxes
from .detections import Seen

OVERLAP = 0.15
"""Overlap of two boxes in the picture, as intersection over union, from which on finds may be mixed up."""


def overlapping(seen: Seen) -> np.ndarray:
    """(N,) bool: which finds overlap another of their frame."""
    mixed = np.zeros(len(seen), dtype=bool)
    if len(seen) == 0:
        return mixed
    starts = np.flatnonzero(np.diff(seen.frame, prepend=-1))
    for first, stop in zip(starts, np.append(starts[1:], len(seen)), strict=True):
        if stop - first > 1:
            overlap = boxes.iou(seen.box_px[first:stop], seen.box_px[first:stop])
            np.fill_diagonal(overlap, 0.0)
            mixed[first:stop] = (overlap > OVERLAP).any(axis=1)
    return mixed
