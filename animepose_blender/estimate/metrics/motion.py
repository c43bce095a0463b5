"""How natural the motion is: shaking, sliding feet, feet below the floor, bones that change their length."""

from __future__ import annotations

import numpy as np

from ...skeleton import PARENTS

REFERENCE_HZ = 30.0
"""Foot slide is told in millimetres a frame at this rate, whatever the rate of the clip, as published figures are."""

STILL_SPEED_M_S = 0.3
"""A true foot below this speed stands: 1 cm a frame at 30 frames a second."""

_GAP = 1.5
"""A step between frames longer than this many usual ones is a gap, and nothing is measured across it."""


def jitter_10m_s3(joints_world_m: np.ndarray, frame_time_s: np.ndarray) -> float | None:
    """Mean size of the jerk of the joints, in 10 m/s³: the norm of the third difference times the rate cubed.

    Args:
        joints_world_m: (..., F, J, 3) in axes that do not move; NaN where absent.
        frame_time_s: (F,)
    Returns:
        None where nobody is there for four frames in a row.
    Reference: Shen et al., GVHMR (2024), as reported for RICH and EMDB.
    """
    if len(frame_time_s) < 4:
        return None
    step_s = np.diff(frame_time_s)
    usual_s = float(np.median(step_s))
    jerk = np.linalg.norm(np.diff(joints_world_m, n=3, axis=-3), axis=-1) / usual_s**3
    even = np.lib.stride_tricks.sliding_window_view(step_s, 3).max(-1) < _GAP * usual_s
    return mean_of(jerk[..., even, :] / 10.0)


def foot_slide_mm(
    feet_m: np.ndarray, true_feet_m: np.ndarray, frame_time_s: np.ndarray, contact: np.ndarray | None = None
) -> float | None:
    """How far a foot moves per frame while the true foot stands.

    A true foot joint stands between two frames if it moves slower than `STILL_SPEED_M_S` and, where that is known, is
    in contact in both.

    Args:
        feet_m: (..., F, 4, 3) foot joints as estimated, in axes that do not move; NaN where unknown.
        true_feet_m: (..., F, 4, 3) the same joints in truth, in axes of their own that do not move.
        frame_time_s: (F,)
        contact: (..., F, 4) bool, or None.
    Returns:
        Millimetres a frame at `REFERENCE_HZ`, the mean over joints and frames; None where no known foot stands.
    Reference: the slide metric of WHAM and GVHMR, with the joints of the skeleton in place of vertices.
    """
    step_s = np.diff(frame_time_s)
    if not step_s.size:
        return None
    standing = np.linalg.norm(np.diff(true_feet_m, axis=-3), axis=-1) < STILL_SPEED_M_S * step_s[:, None]
    standing &= (step_s < _GAP * np.median(step_s))[:, None]
    if contact is not None:
        standing &= contact[..., 1:, :] & contact[..., :-1, :]
    speed_m_s = np.linalg.norm(np.diff(feet_m, axis=-3), axis=-1) / step_s[:, None]
    return mean_of(np.where(standing, speed_m_s * 1000.0 / REFERENCE_HZ, np.nan))


def penetration_mm(feet_world_m: np.ndarray) -> float | None:
    """Mean depth of the foot joints below the floor z = 0; a joint above the floor counts as 0.

    Args:
        feet_world_m: (..., 4, 3); NaN where absent.
    Returns:
        Mean over every foot joint of every frame; None where there is none.
    """
    return mean_of(np.maximum(-feet_world_m[..., 2], 0.0) * 1000.0)


def bone_cv(joints_m: np.ndarray) -> float | None:
    """Mean coefficient of variation of the bone lengths: standard deviation over time, over the mean.

    Args:
        joints_m: (P, F, J, 3); NaN where absent.
    Returns:
        Mean over people and bones, 0 for rigid bones; None where nobody is there for two frames.
    """
    lengths_m = np.linalg.norm(joints_m[..., 1:, :] - joints_m[..., PARENTS[1:], :], axis=-1)
    known = np.isfinite(lengths_m)
    count = known.sum(-2)
    divisor = np.where(count >= 2, count, np.nan)
    mean_m = np.where(known, lengths_m, 0.0).sum(-2) / divisor
    variance = np.where(known, (lengths_m - mean_m[..., None, :]) ** 2, 0.0).sum(-2) / divisor
    return mean_of(np.sqrt(variance) / np.where(mean_m > 0, mean_m, np.nan))


def mean_of(values: np.ndarray) -> float | None:
    """Mean of what is known; None where nothing is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None
