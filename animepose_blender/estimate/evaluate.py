"""Compare a take with a known truth: every figure of `animepose evaluate` (docs/metrics.md).

Positions are compared in the camera axes of each frame, see `metrics.pairing`. Shaking, slide and floor are measured in
world axes, which stand still while the camera moves. An estimated person that stands where a hidden true one is, or
outside the picture, counts neither for nor against.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..core import cameras
from ..take import Take
from .metrics import mupots, pose
from .metrics.accuracy import accuracy_figures
from .metrics.camera import camera_figures
from .metrics.contact import contact_figures
from .metrics.conventions import to_convention
from .metrics.hota import hota_scores, picture_iou
from .metrics.identity import identity_scores
from .metrics.joint_tracking import PoseFrame, head_sizes_px, joint_counts, joint_figures
from .metrics.motion import mean_of
from .metrics.naturalness import naturalness_figures
from .metrics.pairing import Pairs, in_picture, pair, take_matched
from .metrics.reprojection import picture_error_percent, reprojection_figures
from .metrics.swaps import swap_figures, swapped_limbs
from .metrics.truth import Truth
from .metrics.world import world_figures


def evaluate_files(take_path: str | os.PathLike[str], truth_path: str | os.PathLike[str]) -> dict[str, Any]:
    """`evaluate` of two files.

    Raises:
        AnimePoseError: if either cannot be read, or they have no moment in common.
    """
    return evaluate(Take.load(take_path), Truth.load(truth_path))


def evaluate(take: Take, truth: Truth) -> dict[str, Any]:
    """Measure a take.

    Frames are paired by time, each true one with the nearest of the take within half a frame; true frames before or
    after the take are left out, those it skips inside count as missed.

    Returns:
        What JSON can hold; None where a figure is not defined (nobody matched, say).

        - `mpjpe_mm`: mean distance of all joints with the pelvises laid on each other; over matched people.
          `mpjpe_body_mm`: the same over hips, knees, ankles, shoulders, elbows and wrists.
        - `pa_mpjpe_mm`: after turning, shifting and scaling each pose onto the true one; `pa_rigid_mpjpe_mm`: without
          scaling.
        - `pck150_rel`, `pck150_abs`: percent of the true joints of all counted people with an estimate within 150 mm,
          pelvises laid on each other or as they stand; those of a missed person count as wrong. `auc_rel`, `auc_abs`:
          mean of that over the thresholds 0, 5 ... 150 mm.
        - `mrpe_mm`: mean distance of the pelvises.
        - `coverage`: part of the counted true person-frames with a matched person.
        - `idf1`, `id_switches`: see `metrics.identity`; `hota`, `det_a`, `ass_a`, `loc_a`: `metrics.hota`;
          `joint_mota` and its parts: `metrics.joint_tracking`.
        - `ap_root25`, `mupots_...`: the same in the protocol of MuPoTS-3D, see `metrics.mupots`.
        - `w_mpjpe_mm`, `wa_mpjpe_mm`, `rte_percent`: see `metrics.world`.
        - `camera_...`, `focal_error_percent`, `floor_tilt_deg`, `still_camera_error_...`, `floor_gap_...`: see
          `metrics.camera`.
        - `jitter_10m_s3`, `foot_slide_mm`, `penetration_mm`, `bone_cv`: see `metrics.motion`; with `_truth` at the
          end, the same of the truth.
        - `contact_...`, `foot_contact_...`: see `metrics.contact`; `swap_...`: `metrics.swaps`; `reprojection_...`,
          `picture_error_percent`: `metrics.reprojection`.
        - `frames`, `person_frames`: how much was compared; `per_person`, `per_joint_mpjpe_mm`, `per_joint_mota`: the
          parts.
    Raises:
        AnimePoseError: if take and truth have no moment in common.
    """
    pairs = pair(take, truth)
    predicted, true = pairs.predicted_camera_m, pairs.true_camera_m
    predicted_px = cameras.project(predicted, pairs.predicted_intrinsics)
    true_px = cameras.project(true, pairs.true_intrinsics)
    cost = pose.match_cost(predicted_px, true_px)
    matches = pose.match_people(cost)
    matched = (matches >= 0) & pairs.counted.T
    counted_matches = np.where(matched, matches, -1)
    chosen = take_matched(predicted, counted_matches)

    hidden = (matches >= 0) & ~pairs.counted.T
    estimated = np.isfinite(predicted[..., pose.ROOT, 0]).T
    rows, people = np.nonzero(hidden)
    estimated[rows, matches[rows, people]] = False
    # Nor does who is said to be outside the picture, where nobody can be checked.
    estimated &= (matches[..., None] == np.arange(len(predicted))).any(1) | in_picture(
        predicted, pairs.predicted_intrinsics
    ).T
    identity = identity_scores(cost, pairs.counted.T, estimated)
    # Overlap in the picture, as in published figures: a distance in space would need a scale of its own to become a
    # similarity, and errors along the ray, which other figures tell, would pass for a lack of detection.
    hota = hota_scores(picture_iou(predicted_px, true_px), pairs.counted.T, estimated)
    seen = np.flatnonzero(pairs.take_frame >= 0)

    return {
        **accuracy_figures(chosen, true, pairs.counted),
        "coverage": mean_of(matched[pairs.counted.T].astype(float)),
        "idf1": identity.idf1,
        "id_switches": identity.id_switches,
        **{name: getattr(hota, name, None) for name in ("hota", "det_a", "ass_a", "loc_a")},
        **_joint_tracking(predicted_px, true_px, estimated.T, pairs.counted),
        **_mupots(take, pairs, predicted_px, true_px, estimated.T),
        **world_figures(
            take_matched(pairs.predicted_world_m, counted_matches), truth.joints_world_m[:, pairs.truth_frame]
        ),
        **camera_figures(
            pairs.predicted_to_world[seen],
            truth.camera_to_world[pairs.truth_frame[seen]],
            pairs.predicted_intrinsics[seen],
            pairs.true_intrinsics[seen],
        ),
        **naturalness_figures(take, truth, pairs, matches),
        **_contacts(take, truth, pairs, counted_matches),
        **swap_figures(swapped_limbs(chosen, true), matched.T, truth.frame_time_s[pairs.truth_frame]),
        **reprojection_figures(take),
        "picture_error_percent": picture_error_percent(take_matched(predicted_px, counted_matches), true_px),
        "frames": len(pairs.truth_frame),
        "person_frames": int(pairs.counted.sum()),
        "per_person": {
            str(person): _of_person(index, take, pairs, matches, matched, chosen)
            for index, person in enumerate(truth.person_id.tolist())
        },
    }


def _contacts(take: Take, truth: Truth, pairs: Pairs, matches: np.ndarray) -> dict[str, float | None]:
    """Contacts of the matched people; without contacts in the truth there is nothing to tell."""
    if truth.contact is None:
        return dict.fromkeys(contact_figures(np.zeros((0, 4)), np.zeros((0, 4), bool), np.zeros(0, bool)))
    said = np.where((pairs.take_frame >= 0)[:, None], take.contact[:, np.maximum(pairs.take_frame, 0)], 0.0)
    return contact_figures(take_matched(said, matches), truth.contact[:, pairs.truth_frame], matches.T >= 0)


def _joint_tracking(
    predicted_px: np.ndarray, true_px: np.ndarray, estimated: np.ndarray, counted: np.ndarray
) -> dict[str, Any]:
    """Joint MOTA of the joints as they lie in the picture, without hidden people and those who stand for them."""
    ours, true = to_convention("posetrack_15", predicted_px), to_convention("posetrack_15", true_px)
    head_px = head_sizes_px(true_px)
    if not np.isfinite(head_px[counted]).any():
        return dict.fromkeys(joint_figures([]))
    frames = [
        PoseFrame(t.tolist(), true[t, frame], head_px[t, frame], p.tolist(), ours[p, frame])
        for frame in range(counted.shape[1])
        for t, p in [(np.flatnonzero(counted[:, frame]), np.flatnonzero(estimated[:, frame]))]
    ]
    return joint_figures(joint_counts(frames))


def _mupots(
    take: Take, pairs: Pairs, predicted_px: np.ndarray, true_px: np.ndarray, estimated: np.ndarray
) -> dict[str, float | None]:
    predicted_mm, true_mm, ours_px, theirs_px = (
        to_convention("mupots_17", values)
        for values in (pairs.predicted_camera_m * 1000, pairs.true_camera_m * 1000, predicted_px, true_px)
    )
    matches = mupots.match(theirs_px, ours_px, pairs.counted)
    figures = mupots.pck_figures(predicted_mm, true_mm, matches, pairs.counted)
    scores = take.joint_confidence.mean(-1)[:, np.maximum(pairs.take_frame, 0)]
    ap = mupots.ap_root(
        predicted_mm[:, :, mupots.ROOT], true_mm[:, :, mupots.ROOT], scores, estimated, pairs.counted
    )  # fmt: skip
    return {"ap_root25": ap, **{f"mupots_{name}": value for name, value in figures.items()}}


def _of_person(
    index: int, take: Take, pairs: Pairs, matches: np.ndarray, matched: np.ndarray, chosen: np.ndarray
) -> dict[str, Any]:
    ids, counts = np.unique(matches[matched[:, index], index], return_counts=True)
    only = slice(index, index + 1)
    figures = accuracy_figures(chosen[only], pairs.true_camera_m[only], pairs.counted[only])
    del figures["per_joint_mpjpe_mm"]
    return {
        **figures,
        "coverage": mean_of(matched[pairs.counted[index], index].astype(float)),
        "frames_by_take_id": {str(int(take.person_id[i])): int(n) for i, n in zip(ids, counts)},
    }
