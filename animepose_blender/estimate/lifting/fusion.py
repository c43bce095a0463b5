"""The lifter's depths and the estimator's own, weighted by how sure each is.

The network has read the estimator's depths already, and learned to doubt them; a part of what it then still gets wrong
is its own. On the benchmark's `dev` clips the mean by uncertainty is better than either (`docs/lifters.md`).
"""

from __future__ import annotations

import numpy as np

from ...skeleton import JOINTS

DEPTH_SIGMA_M = np.array(
    [
        {
            "pelvis": 0.01, "spine": 0.045, "chest": 0.08, "neck": 0.125, "head_top": 0.18, "nose": 0.17, "ear": 0.16,
            "shoulder": 0.115, "elbow": 0.13, "wrist": 0.205, "index_knuckle": 0.23, "pinky_knuckle": 0.23,
            "hip": 0.025, "knee": 0.14, "ankle": 0.195, "heel": 0.21, "toe": 0.255,
        }[name.removeprefix("left_").removeprefix("right_")]
        for name in JOINTS
    ]
)  # fmt: skip
"""(J,) how far MediaPipe's depths are off: root mean square over the error bank (scripts/training)."""


def with_depths(joints_m: np.ndarray, sigma_m: np.ndarray, depth_m: np.ndarray) -> np.ndarray:
    """(T, J, 3) joints in view axes with depths that are means by uncertainty.

    Args:
        joints_m: (T, J, 3) the lifter's, relative to the pelvis.
        sigma_m: (T, J, 2) its uncertainty across the view and along it.
        depth_m: (T, J) the estimator's; NaN = none.
    """
    known = np.isfinite(depth_m)
    lifted = sigma_m[..., 1] ** 2
    share = np.where(known, lifted / (lifted + DEPTH_SIGMA_M**2), 0.0)
    result = joints_m.copy()
    result[..., 2] += share * (np.where(known, depth_m, 0.0) - joints_m[..., 2])
    return result - result[..., :1, :]
