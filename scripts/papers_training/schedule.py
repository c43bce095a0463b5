"""What changes while a network of crops learns: the size of its crops, how far they are altered, which loss leads."""

from __future__ import annotations

from dataclasses import dataclass

from .crops import Changes

JOINTS_WEIGHT, JOINTS_FROM, JOINTS_UNTIL = (0.05, 1.0), 0.5, 0.75
"""Of the distance to the expected cell: at first and at last, and the shares of the training between which it grows.
Until left and right are told apart, it only draws both into their middle."""
EASY, EASY_UNTIL = 0.3, 0.5
"""How much crops are altered at first, and the share of the training from which on they are altered in full."""


@dataclass(frozen=True)
class Schedule:
    """Progress goes from 0 to 1.

    Attributes:
        size_px: side of the crops in the end.
        small_px: before, until `small_until`: they teach nearly as much in less time.
        experienced: whether the network began with weights that tell left from right; nothing is made easier then.
    """

    size_px: int = 192
    small_px: int = 128
    small_until: float = 0.6
    experienced: bool = False

    def crop_px(self, progress: float) -> int:
        """Side of the crops."""
        return self.small_px if progress < self.small_until else self.size_px

    def changes(self, progress: float) -> Changes:
        """How crops are altered."""
        return Changes() if self.experienced else Changes().times(_between(EASY, 1.0, progress / EASY_UNTIL))

    def joints_weight(self, progress: float) -> float:
        """Weight of the distance between expected and true cells, of 1."""
        share = (progress - JOINTS_FROM) / (JOINTS_UNTIL - JOINTS_FROM)
        return 1.0 if self.experienced else _between(*JOINTS_WEIGHT, share)


def _between(first: float, last: float, progress: float) -> float:
    return first + (last - first) * min(max(progress, 0.0), 1.0)
