"""How many joints lie where they should in the picture, in lengths of the trunk.

Reference: Yang and Ramanan, "Articulated human detection with flexible mixtures of parts" (2013), for the share of
correct keypoints (PCK); the trunk, from the left hip to the right shoulder, as is usual for Leeds Sports Pose.
"""

from __future__ import annotations

import numpy as np

from animepose_blender.skeleton import J

AT = (0.5, 0.2)
PHOTOGRAPH_JOINTS = (
    "head_top", "neck", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
"""That the photographs tell; pelvis, spine and chest follow from them and do not count."""


def trunk_px(joints_px: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(N,) lengths of trunks, NaN where an end is not known; joints (N, 28, 2), known (N, 28)."""
    ends = [J["left_hip"], J["right_shoulder"]]
    length = np.linalg.norm(joints_px[:, ends[0]] - joints_px[:, ends[1]], axis=-1)
    return np.where(known[:, ends].all(axis=1) & (length > 0), length, np.nan)


def pck(
    found_px: np.ndarray, true_px: np.ndarray, known: np.ndarray, at: float, joints: tuple[str, ...]
) -> tuple[float, dict[str, float]]:
    """Percent of joints nearer to the truth than so many trunks, of all and of each, NaN of none.

    Args:
        found_px, true_px: (N, 28, 2).
        known: (N, 28) bool.
        at: trunks.
        joints: that count.
    """
    miss = np.linalg.norm(found_px - true_px, axis=-1) / trunk_px(true_px, known)[:, None]
    counts = known & np.isfinite(miss)
    columns = [J[name] for name in joints]
    right, asked = ((miss < at) & counts)[:, columns], counts[:, columns]
    each = {name: _percent(right[:, k], asked[:, k]) for k, name in enumerate(joints)}
    return _percent(right, asked), each


def _percent(right: np.ndarray, asked: np.ndarray) -> float:
    return 100.0 * float(right.sum()) / float(asked.sum()) if asked.any() else float("nan")


def order_accuracy(found_m: np.ndarray, true_m: np.ndarray, apart_m: float = 0.05) -> float:
    """Percent of the pairs of a person's joints whose order in depth is right, of those that far apart in truth.

    Args:
        found_m, true_m: (N, J) depths.
    """
    first, second = np.triu_indices(true_m.shape[1], 1)
    behind, found = true_m[:, second] - true_m[:, first], found_m[:, second] - found_m[:, first]
    asked = np.abs(behind) > apart_m
    return _percent((behind * found > 0) & asked, asked)
