"""Boxes whose edges run along the axes: overlap of every pair, in two dimensions or three."""

from __future__ import annotations

import numpy as np


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of every pair: areas for boxes in a plane, volumes for boxes in space.

    Args:
        a: (A, 2 D) lower corner, then upper corner.
        b: (B, 2 D).
    Returns:
        (A, B) 0 to 1; 0 where either box is not known (NaN).
    Reference: AnimePose, eq. 1, for D = 3.
    """
    shared, total, _ = _volumes(a, b)
    return np.nan_to_num(shared / np.maximum(total, 1e-12))


def generalized_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The same, less the share of the smallest box around both that neither fills: tells near from far where boxes do
    not touch.

    Returns:
        (A, B) -1 (far apart) to 1 (the same); -1 where either box is not known.
    Reference: Rezatofighi et al., Generalized intersection over union (2019), algorithm 1.
    """
    shared, total, around = _volumes(a, b)
    value = shared / np.maximum(total, 1e-12) - (around - total) / np.maximum(around, 1e-12)
    return np.where(np.isfinite(value), value, -1.0)


def _volumes(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(A, B) volumes of intersection, union and hull."""
    half = a.shape[-1] // 2
    low_a, high_a = a[:, None, :half], a[:, None, half:]
    low_b, high_b = b[None, :, :half], b[None, :, half:]
    shared = np.prod(np.maximum(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0.0), axis=-1)
    around = np.prod(np.maximum(high_a, high_b) - np.minimum(low_a, low_b), axis=-1)
    own_a, own_b = np.prod(high_a - low_a, axis=-1), np.prod(high_b - low_b, axis=-1)
    return shared, own_a + own_b - shared, around
