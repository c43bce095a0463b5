"""Round trips: what the solve makes of the truth itself, and what the rotations of a take give back."""

from __future__ import annotations

import numpy as np

from animepose_blender.core import cameras, kinematics
from animepose_blender.estimate.evidence import Evidence
from animepose_blender.estimate.fuse import Ground, RootEvidence
from animepose_blender.estimate.lift import Lifted
from animepose_blender.estimate.metrics import motion
from animepose_blender.estimate.metrics.contact import contact_figures
from animepose_blender.estimate.metrics.pose import BODY_JOINTS
from animepose_blender.estimate.metrics.truth import Truth
from animepose_blender.estimate.person import Solved, solve_person
from animepose_blender.estimate.predict import default_predictor
from animepose_blender.estimate.view import View
from animepose_blender.skeleton import CONTACT_JOINTS
from animepose_blender.take import State, Take

SIGMA_M = 0.005
"""How far the truth is said to be off."""
FLOOR_SIGMA_RAD = np.radians(0.5)
_FEET = list(CONTACT_JOINTS)


def kinematics_error_mm(take: Take) -> float:
    """The largest distance between a take's joints and those that its rotations, lengths and roots give."""
    joints_m, _ = kinematics.forward(
        take.rotations.astype(float),
        take.root_world_m.astype(float),
        np.broadcast_to(take.bone_length_m[:, None].astype(float), take.rotations.shape[:-1]),
    )
    present = take.state != State.ABSENT
    return 1000 * float(np.linalg.norm(joints_m - take.joints_world_m, axis=-1)[present].max(initial=0.0))


def truth_figures(truth: Truth) -> dict[str, float | None]:
    """Everybody solved from their true joints, roots, keypoints and contacts, in the true camera and on the true floor.

    Returns:
        `back_mm`, `back_limbs_mm`: mean distance of all joints (of ankles, knees, hips, shoulders, elbows and wrists)
        from where they were, in the world. `back_feet_mm`: of heels and toes while they stand. `back_slide_mm`,
        `back_slide_mm_truth`: how far these slide, and slid. `contact_...`: see `metrics.contact`.
    """
    view = View(truth.frame_time_s, truth.intrinsics, truth.camera_to_world)
    solved_m = np.full_like(truth.joints_world_m, np.nan)
    said = np.zeros((*truth.joints_world_m.shape[:2], len(_FEET)))
    for person in range(len(truth.person_id)):
        one = _solved(truth, person, view)
        if one is not None:
            solved_m[person], said[person] = one.joints_world_m, one.contact
    off_mm = 1000 * np.linalg.norm(solved_m - truth.joints_world_m, axis=-1)
    true_feet_m = truth.joints_world_m[:, :, _FEET]
    figures = {
        "back_mm": motion.mean_of(off_mm),
        "back_limbs_mm": motion.mean_of(off_mm[..., list(BODY_JOINTS)]),
        "back_slide_mm": motion.foot_slide_mm(solved_m[:, :, _FEET], true_feet_m, truth.frame_time_s, truth.contact),
        "back_slide_mm_truth": motion.foot_slide_mm(true_feet_m, true_feet_m, truth.frame_time_s, truth.contact),
    }
    if truth.contact is not None:
        figures["back_feet_mm"] = motion.mean_of(np.where(truth.contact, off_mm[..., _FEET], np.nan))
        figures |= contact_figures(said, truth.contact, np.isfinite(off_mm[..., 0]))
    return figures


def _solved(truth: Truth, person: int, view: View) -> Solved | None:
    """One true person solved from what is true of them; None if nothing is known of them."""
    camera_m = cameras.transform(cameras.invert(truth.camera_to_world), truth.joints_world_m[person])
    keypoints_px = cameras.project(camera_m, truth.intrinsics)
    frames = np.flatnonzero(np.isfinite(keypoints_px).all((1, 2)))
    if not len(frames):
        return None
    joints_m, points_px = camera_m[frames], keypoints_px[frames]
    sure = np.ones(joints_m.shape[:2])
    contact = (
        np.full((len(frames), 4), np.nan) if truth.contact is None else truth.contact[person, frames].astype(float)
    )
    lifted = Lifted(points_px, sure, joints_m - joints_m[:, :1], sure, np.full((*sure.shape, 2), SIGMA_M), contact)
    box_px = np.concatenate([points_px.min(axis=1), points_px.max(axis=1)], axis=-1)
    evidence = Evidence(frames, lifted, box_px, joints_m[:, 0, 2])
    feet_m = truth.joints_world_m[person][:, _FEET, 2]
    stands = np.zeros(feet_m.shape, bool) if truth.contact is None else truth.contact[person]
    level_m = float(np.median(feet_m[stands])) if stands.any() else 0.0
    nobody, roots_m = np.zeros((0, len(view.time_s), 3)), truth.joints_world_m[person, :, 0]
    known = np.isfinite(roots_m).all(axis=-1)[:, None, None] * np.eye(3) / SIGMA_M**2
    roots = [RootEvidence(np.nan_to_num(roots_m), known)]
    return solve_person(evidence, view, Ground(level_m, FLOOR_SIGMA_RAD), nobody, default_predictor(), roots)
