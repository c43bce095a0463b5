"""HOTA: finding people, telling them apart, and how tightly, in one figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

ALPHAS: np.ndarray = np.arange(0.05, 0.99, 0.05)
"""Similarities from which on a pair counts as found; the figures are means over them."""


@dataclass(frozen=True)
class Hota:
    """0 to 1; means over `ALPHAS`."""

    hota: float
    det_a: float
    """Detection: found over found, missed and invented."""
    ass_a: float
    """Association: for each found one, what its two tracks share over what either has."""
    loc_a: float
    """Mean similarity of what was found; 1 where nothing was, as TrackEval has it."""


def hota_scores(similarity: np.ndarray, truth_present: np.ndarray, predicted_present: np.ndarray) -> Hota | None:
    """HOTA and its parts.

    Args:
        similarity: (F, T, P) 0 to 1.
        truth_present: (F, T) bool.
        predicted_present: (F, P) bool.
    Returns:
        None if there is nobody, neither in the truth nor estimated.
    Reference: Luiten et al., HOTA: a higher order metric for evaluating multi-object tracking (2020), eqs. 10-26.
    Written to agree with TrackEval, which the tests compare it with.
    """
    there = truth_present[:, :, None] & predicted_present[:, None, :]
    similarity = np.where(there, similarity, 0.0)
    true_frames, predicted_frames = truth_present.sum(0), predicted_present.sum(0)
    total_true, total_predicted = int(true_frames.sum()), int(predicted_frames.sum())
    if not total_true and not total_predicted:
        return None
    if not total_true or not total_predicted:
        return Hota(0.0, 0.0, 0.0, 1.0)

    # Which tracks belong together over the whole clip, before anybody is matched: it decides the matches of a frame.
    rivals = similarity.sum(1, keepdims=True) + similarity.sum(2, keepdims=True) - similarity
    potential = np.divide(similarity, rivals, out=np.zeros_like(similarity), where=rivals > np.finfo(float).eps).sum(0)
    either = true_frames[:, None] + predicted_frames[None, :]
    alignment = potential / np.maximum(either - potential, np.finfo(float).eps)

    matched = np.zeros_like(there)
    for frame in np.flatnonzero(there.any((1, 2))):
        rows, columns = np.flatnonzero(truth_present[frame]), np.flatnonzero(predicted_present[frame])
        score = (alignment * similarity[frame])[np.ix_(rows, columns)]
        chosen = linear_sum_assignment(-score)
        matched[frame, rows[chosen[0]], columns[chosen[1]]] = True

    parts = []
    for alpha in ALPHAS:
        found = matched & (similarity >= alpha - np.finfo(float).eps)
        shared = found.sum(0)
        hits = int(shared.sum())
        detection = hits / (total_true + total_predicted - hits)
        association = float((shared * (shared / np.maximum(either - shared, 1))).sum()) / max(hits, 1)
        tightness = float(similarity[found].mean()) if hits else 1.0
        parts.append((np.sqrt(detection * association), detection, association, tightness))
    return Hota(*(float(value) for value in np.mean(parts, axis=0)))


def picture_iou(predicted_px: np.ndarray, truth_px: np.ndarray) -> np.ndarray:
    """Overlap of the boxes around people's joints in the picture, over their union.

    Args:
        predicted_px: (P, F, J, 2).
        truth_px: (T, F, J, 2); joints that nobody knows in truth are left out of both boxes.
    Returns:
        (F, T, P) 0 to 1; 0 where either is not there.
    """
    overlap = np.zeros((predicted_px.shape[1], len(truth_px), len(predicted_px)))
    # One true person at a time: all at once would hold every pair's joints.
    for person, points_px in enumerate(truth_px):
        known = np.isfinite(points_px).all(-1)
        own = _box(predicted_px, np.isfinite(predicted_px).all(-1) & known)
        other = _box(points_px, known)
        shared = np.maximum(np.minimum(own[..., 2:], other[:, 2:]) - np.maximum(own[..., :2], other[:, :2]), 0.0)
        both = shared.prod(-1)
        union = (own[..., 2:] - own[..., :2]).prod(-1) + (other[:, 2:] - other[:, :2]).prod(-1) - both
        overlap[:, person] = np.nan_to_num(both / np.where(union > 0, union, np.nan)).T
    return overlap


def _box(points_px: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(..., 4) low and high corner; NaN without a point."""
    low = np.where(known[..., None], points_px, np.inf).min(-2)
    high = np.where(known[..., None], points_px, -np.inf).max(-2)
    return np.where(known.any(-1)[..., None], np.concatenate([low, high], axis=-1), np.nan)
