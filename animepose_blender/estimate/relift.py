"""Everybody's joints lifted anew, now that it is known who is who: from the whole clip instead of single frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..skeleton import MIRROR
from .detections import Placed, Seen, place_lifted
from .lift import lift_blazepose
from .lifting import Lifter
from .lifting.sequences import of_lifted
from .lifting.sides import put_right


def relift(
    placed: Placed, seen: Seen, person: np.ndarray, time_s: np.ndarray, intrinsics: np.ndarray, lifter: Lifter | None
) -> Placed:
    """People's joints by a lifter, where it knows them, and roots that put these onto the keypoints' rays.

    Where left and right are exchanged for a while, the keypoints are put right as well.

    Args:
        placed: N person-frames by the estimator's own joints.
        seen: the same ones.
        person: (N,) who each is, -1 for nobody.
        time_s: (F,) of all frames.
        intrinsics: (F, 3, 3).
        lifter: reads one person's keypoints and joint depths over time; None = the estimator's joints stay.
    """
    if lifter is None:
        return placed
    own = intrinsics[seen.frame]
    # Joints moved onto their rays would tell the lifter the same as the keypoints do.
    before = lift_blazepose(seen.landmarks_px, seen.confidence, seen.landmarks_m, seen.region, own)
    lifted = placed.lifted
    joints_m, sigma_m, contact = lifted.joints_m.copy(), lifted.sigma_m.copy(), lifted.contact.copy()
    exchanged = np.zeros(lifted.joint_confidence.shape, dtype=bool)
    for number in range(person.max(initial=-1) + 1):
        rows = np.flatnonzero(person == number)
        if len(rows) == 0:
            continue
        sequence, exchanged[rows] = put_right(of_lifted(time_s[seen.frame[rows]], before.where(rows), own[rows]))
        answer = lifter.lift(sequence)
        known = np.isfinite(answer.joints_m).all(axis=(1, 2))
        joints_m[rows[known]] = answer.joints_m[known]
        sigma_m[rows[known]], contact[rows[known]] = answer.sigma_m[known], answer.contact[known]
    lifted = replace(
        lifted,
        keypoints_px=np.where(exchanged[..., None], lifted.keypoints_px[:, MIRROR], lifted.keypoints_px),
        keypoint_confidence=np.where(exchanged, lifted.keypoint_confidence[:, MIRROR], lifted.keypoint_confidence),
        joints_m=joints_m,
        sigma_m=sigma_m,
        contact=contact,
    )
    better, good = place_lifted(lifted, seen, own)
    return placed.with_rows(better, good)
