"""Figures of a take that need no truth, for whoever looks over many of them."""

from __future__ import annotations

import numpy as np

from ...skeleton import CONTACT_JOINTS
from ...take import Take
from . import motion
from .pairing import present_joints
from .reprojection import reprojection_figures

STANDS = 0.5
"""Contact from which on a heel or toe is said to stand."""
DIGITS = 4


def own_figures(take: Take) -> dict[str, float | None]:
    """Distance from the keypoints, shaking, slide of feet that the take says stand, depth below the floor.

    Returns:
        Names as those of `evaluate`; None where a figure is not defined.
    """
    joints_m = present_joints(take)
    feet_m = joints_m[:, :, list(CONTACT_JOINTS)]
    stands = np.nan_to_num(take.contact) > STANDS
    figures = {
        **reprojection_figures(take),
        "jitter_10m_s3": motion.jitter_10m_s3(joints_m, take.frame_time_s),
        # The take's word is all that there is of who stands.
        "foot_slide_mm": motion.foot_slide_mm(feet_m, np.zeros_like(feet_m), take.frame_time_s, stands),
        "penetration_mm": motion.penetration_mm(feet_m),
    }
    return {name: None if value is None else round(float(value), DIGITS) for name, value in figures.items()}
