"""Accuracy figures of people who have been matched."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...skeleton import JOINTS
from . import pose
from .motion import mean_of

PCK_THRESHOLD_M = 0.15
AUC_THRESHOLDS_M = np.arange(0.0, 0.151, 0.005)


def accuracy_figures(chosen: np.ndarray, true: np.ndarray, counted: np.ndarray) -> dict[str, Any]:
    """Figures of `evaluate` that tell how far joints are off.

    Args:
        chosen: (T, N, J, 3) camera axes, who stands for each true person; NaN for nobody.
        true: (T, N, J, 3) camera axes.
        counted: (T, N) bool: the true person is asked for.
    """
    relative_m = pose.errors_m(pose.root_relative(chosen), pose.root_relative(true))
    absolute_m = pose.errors_m(chosen, true)
    asked = counted[..., None] & np.isfinite(true).all(-1)
    joint_mm = [millimetres(relative_m[..., joint]) for joint in range(len(JOINTS))]
    return {
        "mpjpe_mm": millimetres(relative_m),
        "mpjpe_body_mm": millimetres(relative_m[..., list(pose.BODY_JOINTS)]),
        "pa_mpjpe_mm": millimetres(pose.errors_m(pose.similarity_align(chosen, true, scale=True), true)),
        "pa_rigid_mpjpe_mm": millimetres(pose.errors_m(pose.similarity_align(chosen, true, scale=False), true)),
        "pck150_rel": percent(relative_m[asked] < PCK_THRESHOLD_M),
        "pck150_abs": percent(absolute_m[asked] < PCK_THRESHOLD_M),
        "auc_rel": percent(relative_m[asked, None] < AUC_THRESHOLDS_M),
        "auc_abs": percent(absolute_m[asked, None] < AUC_THRESHOLDS_M),
        "mrpe_mm": millimetres(absolute_m[..., pose.ROOT]),
        "per_joint_mpjpe_mm": dict(zip(JOINTS, joint_mm)),
    }


def millimetres(distance_m: np.ndarray) -> float | None:
    """Mean of what is known, in millimetres; None where nothing is."""
    mean_m = mean_of(distance_m)
    return None if mean_m is None else mean_m * 1000.0


def percent(correct: np.ndarray) -> float | None:
    """Percent of what is true; None of nothing."""
    return float(correct.mean() * 100.0) if correct.size else None
