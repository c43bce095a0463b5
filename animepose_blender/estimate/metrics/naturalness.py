"""Animation figures of a take beside those of the truth: shaking, slide, floor, bones."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...skeleton import CONTACT_JOINTS
from ...take import Take
from . import motion
from .camera import floor_gap_figures
from .pairing import Pairs, present_joints
from .truth import Truth

_FEET = list(CONTACT_JOINTS)


def naturalness_figures(take: Take, truth: Truth, pairs: Pairs, matches: np.ndarray) -> dict[str, Any]:
    """Figures of `evaluate` measured in world axes, which stand still while the camera moves.

    Args:
        matches: (N, T) index of the matched person, -1 for none.
    """
    joints_m = present_joints(take)
    frames = pairs.truth_frame
    true_m, times = truth.joints_world_m[:, frames], truth.frame_time_s[frames]
    true_feet_m = true_m[:, :, _FEET]
    contact = None if truth.contact is None else truth.contact[:, frames]

    # The feet of the person matched in each frame; a change of person is a gap, not a slide.
    feet_m = pairs.predicted_world_m[:, :, _FEET]
    slides, standing_true = [], []
    for person in range(len(truth.person_id)):
        mine = matches[:, person]
        for other in np.unique(mine[mine >= 0]):
            slides.append(np.where((mine == other)[:, None, None], feet_m[other], np.nan))
            standing_true.append(person)
    of_true = None if contact is None else contact[standing_true]
    slide = motion.foot_slide_mm(np.stack(slides), true_feet_m[standing_true], times, of_true) if slides else None
    stands = np.zeros((len(slides), *true_feet_m.shape[1:3]), bool) if of_true is None else of_true
    stands = stands & pairs.counted[standing_true][..., None]
    gaps = np.stack(slides) if slides else np.zeros((0, *true_feet_m.shape[1:]))
    return {
        "jitter_10m_s3": motion.jitter_10m_s3(joints_m, take.frame_time_s),
        "jitter_10m_s3_truth": motion.jitter_10m_s3(true_m, times),
        "foot_slide_mm": slide,
        "foot_slide_mm_truth": motion.foot_slide_mm(true_feet_m, true_feet_m, times, contact),
        **floor_gap_figures(gaps, true_feet_m[standing_true], stands),
        "penetration_mm": motion.penetration_mm(joints_m[:, :, _FEET]),
        "penetration_mm_truth": motion.penetration_mm(true_feet_m),
        "bone_cv": motion.bone_cv(joints_m),
        "bone_cv_truth": motion.bone_cv(true_m),
    }
