"""Compare a take with a known truth: every figure of `animepose evaluate`.

Positions are compared in the camera axes of each frame, the take's through its own camera and the truth's through its
own, so that it does not matter where either put the origin of its world or which way it looks. Shaking, slide and
floor are measured in world axes, which stand still while the camera moves.

A true person counts in a frame while it is visible (`truth.visible`; without it, while a quarter of its known joints
lies in the picture). An estimated person that stands where a hidden true one is counts neither for nor against.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import cameras
from ..core.frame_numbers import nearest_frames
from ..errors import AnimePoseError
from ..skeleton import CONTACT_JOINTS, JOINTS
from ..take import State, Take
from .metrics import motion, pose
from .metrics.identity import identity_scores
from .metrics.truth import Truth

PCK_THRESHOLD_M = 0.15
_IN_PICTURE_SHARE = 0.25


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
          pelvises laid on each other or as they stand; those of a missed person count as wrong.
        - `mrpe_mm`: mean distance of the pelvises.
        - `coverage`: part of the counted true person-frames with a matched person.
        - `idf1`, `id_switches`: see `metrics.identity`.
        - `jitter_10m_s3`, `foot_slide_mm`, `penetration_mm`, `bone_cv`: see `metrics.motion`; with `_truth` at the
          end, the same of the truth.
        - `frames`, `person_frames`: how much was compared; `per_person`, `per_joint_mpjpe_mm`: the parts.
    Raises:
        AnimePoseError: if take and truth have no moment in common.
    """
    pairs = _pair(take, truth)
    predicted, true = pairs.predicted_camera_m, pairs.true_camera_m
    cost = pose.match_cost(
        cameras.project(predicted, pairs.predicted_intrinsics), cameras.project(true, pairs.true_intrinsics)
    )
    matches = pose.match_people(cost)
    matched = (matches >= 0) & pairs.counted.T
    chosen = _take_matched(predicted, np.where(matched, matches, -1))
    figures = _accuracy(chosen, true, pairs.counted)

    hidden = (matches >= 0) & ~pairs.counted.T
    estimated = np.isfinite(predicted[..., pose.ROOT, 0]).T
    rows, people = np.nonzero(hidden)
    estimated[rows, matches[rows, people]] = False
    identity = identity_scores(cost, pairs.counted.T, estimated)

    return {
        **figures,
        "coverage": motion.mean_of(matched[pairs.counted.T].astype(float)),
        "idf1": identity.idf1,
        "id_switches": identity.id_switches,
        **_naturalness(take, truth, pairs, matches),
        "frames": len(pairs.truth_frame),
        "person_frames": int(pairs.counted.sum()),
        "per_person": {
            str(person): _of_person(index, take, pairs, matches, matched, chosen)
            for index, person in enumerate(truth.person_id.tolist())
        },
    }


@dataclass(frozen=True)
class _Pairs:
    """Take and truth on the N compared frames of the truth; NaN where the take skips one."""

    truth_frame: np.ndarray
    """(N,)"""
    take_frame: np.ndarray
    """(N,) -1 where the take skips it."""
    predicted_camera_m: np.ndarray
    """(P, N, J, 3)"""
    true_camera_m: np.ndarray
    """(T, N, J, 3)"""
    predicted_intrinsics: np.ndarray
    """(N, 3, 3)"""
    true_intrinsics: np.ndarray
    """(N, 3, 3)"""
    counted: np.ndarray
    """(T, N) bool: the true person is known and visible."""


def _pair(take: Take, truth: Truth) -> _Pairs:
    step_s = float(np.median(np.diff(truth.frame_time_s))) if len(truth.frame_time_s) > 1 else 1 / 30
    # A hair more than half a frame, for times rounded to milliseconds.
    half_s = 0.505 * step_s
    times = truth.frame_time_s
    inside = np.flatnonzero((times >= take.frame_time_s[0] - half_s) & (times <= take.frame_time_s[-1] + half_s))
    nearest = nearest_frames(take.frame_time_s, times[inside])
    found = np.abs(take.frame_time_s[nearest] - times[inside]) <= half_s
    if not found.any():
        raise AnimePoseError(
            f"Take and truth have no moment in common: the take runs from {take.frame_time_s[0]:.2f} s to "
            f"{take.frame_time_s[-1]:.2f} s, the truth from {times[0]:.2f} s to {times[-1]:.2f} s.",
            "Evaluate a take of the clip that the truth belongs to.",
        )
    predicted = _to_camera(_present_joints(take)[:, nearest], take.camera_to_world[nearest])
    true = _to_camera(truth.joints_world_m[:, inside], truth.camera_to_world[inside])
    return _Pairs(
        truth_frame=inside,
        take_frame=np.where(found, nearest, -1),
        predicted_camera_m=np.where(found[:, None, None], predicted, np.nan),
        true_camera_m=true,
        predicted_intrinsics=take.intrinsics[nearest],
        true_intrinsics=truth.intrinsics[inside],
        counted=_counted(truth, inside, true),
    )


def _present_joints(take: Take) -> np.ndarray:
    """(P, F, J, 3) world joints; NaN where the person is absent."""
    return np.where((take.state != State.ABSENT)[..., None, None], take.joints_world_m.astype(np.float64), np.nan)


def _to_camera(joints_world_m: np.ndarray, camera_to_world: np.ndarray) -> np.ndarray:
    return cameras.transform(cameras.invert(camera_to_world), joints_world_m)


def _counted(truth: Truth, frames: np.ndarray, true_camera_m: np.ndarray) -> np.ndarray:
    known = np.isfinite(true_camera_m[..., pose.ROOT, :]).all(-1)
    if truth.visible is not None:
        return known & truth.visible[:, frames]
    pixels = cameras.project(true_camera_m, truth.intrinsics[frames])
    # The principal point is taken for the middle of the picture, whose size the truth does not tell.
    size_px = 2 * truth.intrinsics[frames][:, None, :2, 2]
    inside = ((pixels >= 0) & (pixels <= size_px)).all(-1)
    joint_known = np.isfinite(true_camera_m).all(-1)
    return known & (inside.sum(-1) >= _IN_PICTURE_SHARE * joint_known.sum(-1))


def _take_matched(values: np.ndarray, matches: np.ndarray) -> np.ndarray:
    """(T, N, ...) of `values` (P, N, ...) for the person that `matches` (N, T) names; NaN for none."""
    frames, people = matches.shape
    if not len(values):
        return np.full((people, *values.shape[1:]), np.nan)
    gathered = values[matches.T, np.arange(frames)[None, :]]
    return np.where((matches.T >= 0).reshape(people, frames, *[1] * (values.ndim - 2)), gathered, np.nan)


def _accuracy(chosen: np.ndarray, true: np.ndarray, counted: np.ndarray) -> dict[str, Any]:
    relative_m = pose.errors_m(pose.root_relative(chosen), pose.root_relative(true))
    absolute_m = pose.errors_m(chosen, true)
    asked = counted[..., None] & np.isfinite(true).all(-1)
    joint_mm = [_millimetres(relative_m[..., joint]) for joint in range(len(JOINTS))]
    return {
        "mpjpe_mm": _millimetres(relative_m),
        "mpjpe_body_mm": _millimetres(relative_m[..., list(pose.BODY_JOINTS)]),
        "pa_mpjpe_mm": _millimetres(pose.errors_m(pose.similarity_align(chosen, true, scale=True), true)),
        "pa_rigid_mpjpe_mm": _millimetres(pose.errors_m(pose.similarity_align(chosen, true, scale=False), true)),
        "pck150_rel": _percent(relative_m[asked] < PCK_THRESHOLD_M),
        "pck150_abs": _percent(absolute_m[asked] < PCK_THRESHOLD_M),
        "mrpe_mm": _millimetres(absolute_m[..., pose.ROOT]),
        "per_joint_mpjpe_mm": dict(zip(JOINTS, joint_mm)),
    }


def _naturalness(take: Take, truth: Truth, pairs: _Pairs, matches: np.ndarray) -> dict[str, Any]:
    joints_m = _present_joints(take)
    frames = pairs.truth_frame
    true_m, times = truth.joints_world_m[:, frames], truth.frame_time_s[frames]
    true_feet_m = true_m[:, :, list(CONTACT_JOINTS)]
    contact = None if truth.contact is None else truth.contact[:, frames]

    # The feet of the person matched in each frame; a change of person is a gap, not a slide.
    feet_m = joints_m[:, np.maximum(pairs.take_frame, 0)][:, :, list(CONTACT_JOINTS)]
    slides, standing_true = [], []
    for person in range(len(truth.person_id)):
        mine = matches[:, person]
        for other in np.unique(mine[mine >= 0]):
            own = np.where(((mine == other) & (pairs.take_frame >= 0))[:, None, None], feet_m[other], np.nan)
            slides.append(own)
            standing_true.append(person)
    slide = (
        motion.foot_slide_mm(
            np.stack(slides), true_feet_m[standing_true], times, None if contact is None else contact[standing_true]
        )
        if slides
        else None
    )
    return {
        "jitter_10m_s3": motion.jitter_10m_s3(joints_m, take.frame_time_s),
        "jitter_10m_s3_truth": motion.jitter_10m_s3(true_m, times),
        "foot_slide_mm": slide,
        "foot_slide_mm_truth": motion.foot_slide_mm(true_feet_m, true_feet_m, times, contact),
        "penetration_mm": motion.penetration_mm(joints_m[:, :, list(CONTACT_JOINTS)]),
        "penetration_mm_truth": motion.penetration_mm(true_feet_m),
        "bone_cv": motion.bone_cv(joints_m),
        "bone_cv_truth": motion.bone_cv(true_m),
    }


def _of_person(
    index: int, take: Take, pairs: _Pairs, matches: np.ndarray, matched: np.ndarray, chosen: np.ndarray
) -> dict[str, Any]:
    ids, counts = np.unique(matches[matched[:, index], index], return_counts=True)
    figures = _accuracy(
        chosen[index : index + 1], pairs.true_camera_m[index : index + 1], pairs.counted[index : index + 1]
    )
    del figures["per_joint_mpjpe_mm"]
    return {
        **figures,
        "coverage": motion.mean_of(matched[pairs.counted[index], index].astype(float)),
        "frames_by_take_id": {str(int(take.person_id[i])): int(n) for i, n in zip(ids, counts)},
    }


def _millimetres(distance_m: np.ndarray) -> float | None:
    mean_m = motion.mean_of(distance_m)
    return None if mean_m is None else mean_m * 1000.0


def _percent(correct: np.ndarray) -> float | None:
    return float(correct.mean() * 100.0) if correct.size else None
