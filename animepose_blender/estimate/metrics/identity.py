"""Whether people keep their identities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from .clear import ClearCounts


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
    number. A switch is counted while matching frame by frame, see `clear.ClearCounts`.

    Args:
        cost: (F, T, P), infinite where a match is not allowed.
        truth_present: (F, T) bool.
        predicted_present: (F, P) bool.
    Reference: Ristani et al., Performance measures and a data set for multi-target, multi-camera tracking (2016).
    Written to agree with py-motmetrics, which the tests compare it with.
    """
    allowed = np.isfinite(cost) & truth_present[:, :, None] & predicted_present[:, None, :]
    shared = allowed.sum(0)
    true_positives = int(shared[linear_sum_assignment(-shared)].sum()) if shared.size else 0
    total = int(truth_present.sum() + predicted_present.sum())
    counts = ClearCounts()
    for frame, true_row, predicted_row in zip(np.where(allowed, cost, np.inf), truth_present, predicted_present):
        rows, columns = np.flatnonzero(true_row), np.flatnonzero(predicted_row)
        counts.update(frame[np.ix_(rows, columns)], rows.tolist(), columns.tolist())
    return Identity(
        idf1=2 * true_positives / total if total else None,
        id_true_positives=true_positives,
        id_switches=counts.switches,
    )
