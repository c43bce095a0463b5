"""How far joints are from the truth: position, alignment, and who is compared with whom.

Everything takes camera axes (metres), batched on leading axes; NaN = unknown, and an unknown joint counts for nothing.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from ...skeleton import MIRROR, J
from .alignment import fit_similarity

ROOT = J["pelvis"]

BODY_JOINTS: tuple[int, ...] = tuple(
    J[f"{side}_{name}"] for name in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist") for side in ("left", "right")
)
"""The twelve limb joints that every estimator has: the set to compare with published figures."""

MATCH_GATE = 0.15
"""Largest mean picture distance between a person and the one it may stand for, as part of the diagonal of the true
person's box in the picture. 0.15 of a standing person is about 0.28 m: more than a poor estimate is off, less than the
distance of two people side by side. MuPoTS's own gate of 40 px is 0.05 to 0.1 of its people."""


def errors_m(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(..., J) distance of each joint (..., J, 3); NaN where either is unknown."""
    return np.linalg.norm(predicted - truth, axis=-1)


def root_relative(joints: np.ndarray) -> np.ndarray:
    """(..., J, 3) with the pelvis at the origin; all NaN without a pelvis."""
    return joints - joints[..., ROOT : ROOT + 1, :]


def similarity_align(predicted: np.ndarray, truth: np.ndarray, *, scale: bool) -> np.ndarray:
    """Turn, shift and, if asked, scale each pose so that it lies on the truth in the sense of least squares.

    Args:
        predicted, truth: (..., J, 3); joints unknown in either have no say in the fit.
        scale: True for the usual PA-MPJPE (VideoPose3D's protocol 2), False for a rigid fit (3DMPPE's).
    Returns:
        (..., J, 3) `predicted` aligned; NaN where fewer than three joints are known in both.
    """
    return fit_similarity(predicted, truth, scale=scale).apply(predicted)


def match_cost(predicted_px: np.ndarray, truth_px: np.ndarray) -> np.ndarray:
    """How badly each estimated person fits each true one in the picture.

    The mean distance of the joints, over the diagonal of the box around the true person's joints. Each joint is first
    averaged with its mirror image, so that a person seen back to front is still matched, and pays in the accuracy.

    Args:
        predicted_px: (P, F, J, 2).
        truth_px: (T, F, J, 2).
    Returns:
        (F, T, P); infinite above `MATCH_GATE` and where nothing can be compared.
    """
    known = np.isfinite(truth_px).all(-1, keepdims=True)
    high = np.where(known, truth_px, -np.inf).max(-2)
    low = np.where(known, truth_px, np.inf).min(-2)
    diagonal_px = np.linalg.norm(np.where(np.isfinite(high), high - low, np.nan), axis=-1)
    own_px = _symmetric(predicted_px)
    cost = np.full((predicted_px.shape[1], len(truth_px), len(predicted_px)), np.nan)
    # One true person at a time: all at once would hold every pair's joints.
    for person, points_px in enumerate(_symmetric(truth_px)):
        distance_px = np.linalg.norm(points_px - own_px, axis=-1)
        comparable = np.isfinite(distance_px)
        count = np.where(comparable.any(-1), comparable.sum(-1), np.nan)
        mean_px = np.where(comparable, distance_px, 0.0).sum(-1) / count
        cost[:, person] = (mean_px / np.where(diagonal_px[person] > 0, diagonal_px[person], np.nan)).T
    return np.where(cost <= MATCH_GATE, cost, np.inf)


def match_people(cost: np.ndarray) -> np.ndarray:
    """The cheapest one-to-one match of each frame by itself, identities left aside.

    Args:
        cost: (F, T, P), infinite where a match is not allowed.
    Returns:
        (F, T) index of the matched person, -1 for none.
    Reference: Kuhn, The Hungarian method (1955). MuPoTS matches greedily in the order of the truth; the best
    assignment does not depend on that order.
    """
    matches = np.full(cost.shape[:2], -1)
    # A forbidden pair must cost more than any number of allowed ones, so that as many as possible are matched.
    padded = np.where(np.isfinite(cost), cost, 1e6)
    for frame in np.flatnonzero(np.isfinite(cost).any((1, 2))):
        rows, columns = linear_sum_assignment(padded[frame])
        allowed = np.isfinite(cost[frame, rows, columns])
        matches[frame, rows[allowed]] = columns[allowed]
    return matches


def _symmetric(joints_px: np.ndarray) -> np.ndarray:
    return (joints_px + joints_px[..., MIRROR, :]) / 2
