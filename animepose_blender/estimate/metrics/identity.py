"""Whether people keep their identities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment


@dataclass(frozen=True)
class Identity:
    """Counts over a clip; person-frames are a person in a frame."""

    idf1: float | None
    """2 IDTP / (true person-frames + estimated person-frames), 0 to 1; None without any person-frame."""
    id_true_positives: int
    id_switches: int
    """Times a true person is taken over by another id than the one it had last, gaps included."""


def identity_scores(cost: np.ndarray, truth_present: np.ndarray, predicted_present: np.ndarray) -> Identity:
    """IDF1 and identity switches.

    IDF1 gives each true person at most one estimated id for the whole clip, so that the frames they share are most in
    number. A switch is counted while matching frame by frame, where a true person keeps its last partner as long as
    that one is allowed, and the rest are matched at the least cost.

    Args:
        cost: (F, T, P), infinite where a match is not allowed.
        truth_present: (F, T) bool.
        predicted_present: (F, P) bool.
    References: Ristani et al., Performance measures and a data set for multi-target, multi-camera tracking (2016);
    Bernardin and Stiefelhagen, Evaluating multiple object tracking performance: the CLEAR MOT metrics (2008).
    Written to agree with py-motmetrics, which the tests compare it with.
    """
    allowed = np.isfinite(cost) & truth_present[:, :, None] & predicted_present[:, None, :]
    shared = allowed.sum(0)
    true_positives = int(shared[linear_sum_assignment(-shared)].sum()) if shared.size else 0
    total = int(truth_present.sum() + predicted_present.sum())
    return Identity(
        idf1=2 * true_positives / total if total else None,
        id_true_positives=true_positives,
        id_switches=_switches(np.where(allowed, cost, np.inf)),
    )


def _switches(cost: np.ndarray) -> int:
    """Walks over the frames, since each match depends on the one before."""
    people = cost.shape[1]
    partner = np.full(people, -1)
    switches = 0
    for frame in cost:
        allowed = np.isfinite(frame)
        if not allowed.any():
            continue
        kept = np.zeros(people, dtype=bool)
        taken = np.zeros(frame.shape[1], dtype=bool)
        for person in np.flatnonzero(partner >= 0):
            if allowed[person, partner[person]] and not taken[partner[person]]:
                kept[person] = taken[partner[person]] = True
        free = np.where(allowed & ~kept[:, None] & ~taken[None, :], frame, 1e6)
        for row, column in zip(*linear_sum_assignment(free)):
            if free[row, column] < 1e6:
                switches += int(partner[row] not in (-1, column))
                partner[row] = column
    return switches
