"""Joints of people whom the pose network has seen in the picture alone, without metric joints: from their keypoints
over time, as far as the follower has strung them together. Once it is known who is who, `relift` does it again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..skeleton import J
from .lift import CROWN_CONFIDENCE, Lifted
from .lifting import Lifter
from .lifting.sequences import of_lifted


def with_missing_joints(
    lifted: Lifted, tracklet: np.ndarray, time_s: np.ndarray, intrinsics: np.ndarray, lifter: Lifter
) -> Lifted:
    """The same with joints everywhere; only rows without any are changed.

    Args:
        lifted: N person-frames in the order of time, some of them without joints (NaN).
        tracklet: (N,) which belong together.
        time_s: (N,) of each.
        intrinsics: (N, 3, 3) of each.
        lifter: reads one person's keypoints over time.
    """
    blind = ~np.isfinite(lifted.joints_m).all(axis=(1, 2))
    if not blind.any():
        return lifted
    joints_m, sigma_m = lifted.joints_m.copy(), lifted.sigma_m.copy()
    joint_confidence = lifted.joint_confidence.copy()
    for number in np.unique(tracklet[blind]):
        rows = np.flatnonzero(tracklet == number)
        answer = lifter.lift(of_lifted(time_s[rows], lifted.where(rows), intrinsics[rows]))
        own = blind[rows] & np.isfinite(answer.joints_m).all(axis=(1, 2))
        joints_m[rows[own]], sigma_m[rows[own]] = answer.joints_m[own], answer.sigma_m[own]
    joint_confidence[blind] = _confidence(lifted.keypoint_confidence[blind])
    return replace(lifted, joints_m=joints_m, sigma_m=sigma_m, joint_confidence=joint_confidence)


def _confidence(keypoints: np.ndarray) -> np.ndarray:
    """(n, J) of joints, by the confidence of the keypoints that they were made from."""
    confidence = keypoints.copy()
    trunk = np.minimum(keypoints[:, J["pelvis"]], keypoints[:, J["neck"]])
    confidence[:, J["spine"]] = confidence[:, J["chest"]] = trunk
    confidence[:, J["head_top"]] = keypoints[:, J["nose"]] * CROWN_CONFIDENCE
    return confidence
