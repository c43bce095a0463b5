"""Feet said to stand on the floor, against those that do."""

from __future__ import annotations

import numpy as np

CONTACT_PROBABILITY = 0.5
"""From here on a foot joint counts as said to stand."""


def contact_figures(probability: np.ndarray, true_contact: np.ndarray, asked: np.ndarray) -> dict[str, float | None]:
    """Precision and recall of contacts, over the joints and over whole feet.

    Args:
        probability: (..., 4) left heel, left toe, right heel, right toe; NaN counts as not standing.
        true_contact: (..., 4) bool.
        asked: (...) bool: the person-frames to compare.
    Returns:
        `contact_precision`: of the joints said to stand, the share that does; `contact_recall`: of those that stand,
        the share that is said to. `foot_contact_...`: the same of feet, which stand with heel or toe. None where
        nothing is said to stand, or nothing stands.
    """
    said = (probability >= CONTACT_PROBABILITY)[asked]
    stands = true_contact[asked]
    figures: dict[str, float | None] = {}
    for name, ours, true in (
        ("contact", said, stands),
        ("foot_contact", _either(said), _either(stands)),
    ):
        right = int((ours & true).sum())
        figures[f"{name}_precision"] = right / int(ours.sum()) if ours.any() else None
        figures[f"{name}_recall"] = right / int(true.sum()) if true.any() else None
    return figures


def _either(joints: np.ndarray) -> np.ndarray:
    """(..., 2) left and right foot of heels and toes (..., 4)."""
    return joints.reshape(*joints.shape[:-1], 2, 2).any(-1)
