"""How far depths are off, and whether the order of people in depth is right.

References: Eigen et al., "Depth map prediction from a single image" (2014), for the figures; silog as KITTI's.
"""

from __future__ import annotations

import numpy as np

APART = 0.05
"""People whose distances differ by this share or more have an order."""
LEAST_PX = 30
"""Pixels of somebody who is asked for, as the network sees the picture."""


def errors(found_m: np.ndarray, truth_m: np.ndarray) -> dict[str, float]:
    """Of the pixels (N,) of a picture: δ1 (share within a factor of 1.25), mean relative error and silog (deviation of
    the logarithm), percent; NaN of none."""
    if not len(truth_m):
        return dict.fromkeys(("delta1", "abs_rel", "silog"), float("nan"))
    found, truth = np.maximum(found_m, 1e-3), truth_m.astype(float)
    difference = np.log(found) - np.log(truth)
    return {
        "delta1": 100 * float((np.abs(difference) < np.log(1.25)).mean()),
        "abs_rel": 100 * float((np.abs(found - truth) / truth).mean()),
        "silog": 100 * float(difference.std()),
    }


def person_order(found_m: np.ndarray, truth_m: np.ndarray, ids: np.ndarray) -> tuple[int, int]:
    """How many pairs of people have the right order by their medians, of how many that have one in truth."""
    masks = [ids == k for k in range(1, int(ids.max(initial=0)) + 1)]
    masks = [mask for mask in masks if mask.sum() >= LEAST_PX]
    own = np.array([np.median(found_m[mask]) for mask in masks])
    true = np.array([np.median(truth_m[mask]) for mask in masks])
    first, second = np.triu_indices(len(masks), 1)
    apart = np.abs(np.log(true[first] / true[second])) > APART
    agrees = (own[first] - own[second]) * (true[first] - true[second]) > 0
    return int((agrees & apart).sum()), int(apart.sum())
