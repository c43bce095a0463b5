"""CLEAR MOT: what a tracker finds, misses, invents and mixes up, counted frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment


@dataclass
class ClearCounts:
    """Counts so far; `update` with one frame after another.

    A true object keeps the partner it had last as long as that one is there and allowed; the rest are matched at the
    least cost.

    Reference: Bernardin and Stiefelhagen, Evaluating multiple object tracking performance: the CLEAR MOT metrics
    (2008). Written to agree with py-motmetrics, which the tests compare it with.
    """

    objects: int = 0
    """True objects, one for each frame that it is in."""
    hits: int = 0
    false_positives: int = 0
    switches: int = 0
    """Times a true object was taken over by another id than the one it had last, gaps included."""
    distance: float = 0.0
    """Sum of the costs of the hits."""
    _partner: dict[int, int] = field(default_factory=dict, repr=False)

    @property
    def misses(self) -> int:
        """True objects that nobody stands for."""
        return self.objects - self.hits

    def update(self, cost: np.ndarray, true_ids: Sequence[int], predicted_ids: Sequence[int]) -> None:
        """Count one frame.

        Args:
            cost: (T, P), infinite or NaN where a match is not allowed.
            true_ids: of the T objects in this frame; predicted_ids: of the P.
        """
        allowed = np.isfinite(cost)
        column_of = {name: column for column, name in enumerate(predicted_ids)}
        pairs: list[tuple[int, int]] = []
        for row, name in enumerate(true_ids):
            column = column_of.get(self._partner[name]) if name in self._partner else None
            if column is not None and allowed[row, column]:
                pairs.append((row, column))
                allowed[row] = False
                allowed[:, column] = False
        if allowed.any():
            # A forbidden pair must cost more than any number of allowed ones, so that as many as possible match.
            ceiling = 1.0 + float(np.abs(cost[allowed]).max()) * min(cost.shape)
            for row, column in zip(*linear_sum_assignment(np.where(allowed, cost, ceiling))):
                if allowed[row, column]:
                    pairs.append((int(row), int(column)))
        for row, column in pairs:
            before = self._partner.get(true_ids[row])
            self.switches += int(before is not None and before != predicted_ids[column])
            self._partner[true_ids[row]] = predicted_ids[column]
            self.distance += float(cost[row, column])
        self.objects += len(true_ids)
        self.hits += len(pairs)
        self.false_positives += len(predicted_ids) - len(pairs)

    def __add__(self, other: ClearCounts) -> ClearCounts:
        """Counts of two clips together; nobody of the one is in the other."""
        return ClearCounts(
            self.objects + other.objects,
            self.hits + other.hits,
            self.false_positives + other.false_positives,
            self.switches + other.switches,
            self.distance + other.distance,
        )

    @property
    def mota(self) -> float | None:
        """1 less misses, false positives and switches over objects; 1 at best, below 0 at worst; None without any."""
        return 1 - (self.misses + self.false_positives + self.switches) / self.objects if self.objects else None

    @property
    def precision(self) -> float | None:
        """Hits over what was estimated; None if nothing was."""
        estimated = self.hits + self.false_positives
        return self.hits / estimated if estimated else None

    @property
    def recall(self) -> float | None:
        """Hits over objects; None without any."""
        return self.hits / self.objects if self.objects else None
