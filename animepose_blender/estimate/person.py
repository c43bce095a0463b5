"""One person over the whole clip: from what was seen in single frames to a moving skeleton in the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core import cameras, kinematics
from ..skeleton import BONE_COUNT, JOINT_COUNT
from ..take import State
from .floor import standing_feet
from .fuse import Ground, RootEvidence, from_depth, from_floor, from_size, fuse, spread_of
from .gaps import fill_gaps, runs, states
from .lift import Lifted
from .place import place_roots, root_sigma
from .predict import TrajectoryPredictor
from .smooth import smooth_seen
from .solve import bone_lengths, pose
from .view import View

JOINT_ACROSS_CUTOFF_HZ = 5.0
"""Half gain for joints relative to the pelvis, across the view: keeps a fast dance step, takes the network's shiver."""
JOINT_DEPTH_CUTOFF_HZ = 2.5
"""The same along the view, where the network's error is several times larger; measured on the demo clip, where it
takes jitter from 41 to 28 and foot slide from 21 to 17 mm."""
SURE = 0.5
"""Confidence from which on a keypoint counts as seen."""
HIDDEN_WEIGHT = 0.02
"""Doubtful joints count, but little: without any weight a hidden arm would stay where it was last seen."""
PREDICTED_WEIGHT = 0.3
"""Weight of a predicted pose beside a seen one of 1."""
DEPTH_MAP_SIGMA = 0.03
"""How far a calibrated depth map is off, as a share of the depth."""
_UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was seen of one person, n of the clip's F frames, in the person's own size."""

    frames: np.ndarray
    """(n,) increasing."""
    lifted: Lifted
    box_px: np.ndarray
    """(n, 4)."""
    depth_m: np.ndarray
    """(n,) of the root along the camera's axis by a depth map; NaN without one."""

    def where(self, chosen: np.ndarray) -> Evidence:
        """The evidence of some frames, (n,) bool."""
        lifted = Lifted(**{name: value[chosen] for name, value in vars(self.lifted).items()})
        return Evidence(self.frames[chosen], lifted, self.box_px[chosen], self.depth_m[chosen])


@dataclass(frozen=True, eq=False)
class Solved:
    """One person in all F frames, world axes; NaN where absent."""

    state: np.ndarray
    """(F,) `State`."""
    rotations: np.ndarray
    """(F, B, 4) local; that of the pelvis in world axes."""
    root_world_m: np.ndarray
    """(F, 3)."""
    root_sigma_m: np.ndarray
    """(F, 2) how far the root may be off, across the ray and along it."""
    joints_world_m: np.ndarray
    """(F, J, 3)."""
    joint_confidence: np.ndarray
    """(F, J)."""
    bone_length_m: np.ndarray
    """(B,)."""
    misfit: float
    """Median distance of surely seen keypoints from the solved joints' projections, as a share of their box's size."""


@dataclass(frozen=True, eq=False)
class _Frames:
    """The evidence in all F frames: NaN and weight 0 where there is none."""

    relative_m: np.ndarray
    """(F, J, 3) from the root, world axes."""
    weight: np.ndarray
    """(F, J)"""
    confidence: np.ndarray
    """(F, J)"""
    keypoints_px: np.ndarray
    keypoint_confidence: np.ndarray
    depth_m: np.ndarray
    """(F,)"""
    ray: np.ndarray
    """(F, 3) unit direction of the view of the person."""
    further: Sequence[RootEvidence]


def solve_person(
    evidence: Evidence,
    view: View,
    ground: Ground,
    others_m: np.ndarray,
    predictor: TrajectoryPredictor,
    further: Sequence[RootEvidence] = (),
) -> Solved:
    """Smooth, give the bones constant lengths, find rotations, place the person in the world, and fill gaps.

    Args:
        evidence: of the whole clip.
        view: times and camera.
        ground: below this person.
        others_m: (O, F, 3) roots of the others, world axes, NaN where absent: people move about each other.
        predictor: carries people on who are not seen.
        further: what else is known of the root.
    """
    state = states(evidence.frames, view.time_s)
    lengths_m = bone_lengths(evidence.lifted.joints_m, evidence.lifted.joint_confidence)
    given = _in_all_frames(evidence, view, further)
    spans = runs(state != State.ABSENT)
    solved = [_solve_span(span, given, view, ground, lengths_m) for span in spans]
    if (state == State.PREDICTED).any():
        joints_m, sigma_m = _nothing(len(state), (JOINT_COUNT, 3)), _nothing(len(state), (2,))
        for span, part in zip(spans, solved, strict=True):
            joints_m[span], sigma_m[span] = part.joints_m, part.sigma_m
        filled_m, filled_sigma_m = fill_gaps(state, joints_m, sigma_m, others_m, view, predictor)
        solved = [_solve_span(span, given, view, ground, lengths_m, filled_m, filled_sigma_m) for span in spans]

    rotations, roots_m = _nothing(len(state), (BONE_COUNT, 4)), _nothing(len(state), (3,))
    joints_m, sigma_m = _nothing(len(state), (JOINT_COUNT, 3)), _nothing(len(state), (2,))
    for span, part in zip(spans, solved, strict=True):
        rotations[span], roots_m[span] = part.rotations, part.root_m
        joints_m[span], sigma_m[span] = part.joints_m, part.sigma_m
    misfit = _misfit(evidence, joints_m, view)
    return Solved(state, rotations, roots_m, sigma_m, joints_m, given.confidence, lengths_m, misfit)


@dataclass(frozen=True, eq=False)
class _Span:
    rotations: np.ndarray
    root_m: np.ndarray
    joints_m: np.ndarray
    sigma_m: np.ndarray


def _solve_span(
    span: np.ndarray,
    given: _Frames,
    view: View,
    ground: Ground,
    lengths_m: np.ndarray,
    filled_m: np.ndarray | None = None,
    filled_sigma_m: np.ndarray | None = None,
) -> _Span:
    """n frames without absence; `filled_m` (F, J, 3) and `filled_sigma_m` (F, 2) stand in where nobody was seen."""
    target_m, weight, turn_weight = given.relative_m[span], given.weight[span], given.confidence[span]
    predicted = np.zeros(len(span), dtype=bool)
    if filled_m is not None:
        predicted = np.isfinite(filled_m[span, 0, 0])
        target_m = np.where(predicted[:, None, None], filled_m[span] - filled_m[span, :1], target_m)
        weight = np.where(predicted[:, None], PREDICTED_WEIGHT, weight)
        turn_weight = np.where(predicted[:, None], PREDICTED_WEIGHT, turn_weight)
    own, ray = view.at(span), given.ray[span]
    smoothed_m = smooth_seen(target_m, weight, ray, own.time_s, JOINT_ACROSS_CUTOFF_HZ, JOINT_DEPTH_CUTOFF_HZ)
    rotations = pose(smoothed_m, turn_weight, own.time_s)
    relative_m, _ = kinematics.forward(rotations, np.zeros((len(span), 3)), lengths_m)
    known = _root_evidence(span, given, own, ground, relative_m)
    if predicted.any() and filled_m is not None and filled_sigma_m is not None:
        at = np.flatnonzero(predicted)
        known.append(from_size(at, filled_m[span[at], 0], own.centre_m[at], filled_sigma_m[span[at]], len(span)))
    root_m = fuse(known, own.time_s)
    return _Span(rotations, root_m, relative_m + root_m[:, None], spread_of(known, ray))


def _root_evidence(
    span: np.ndarray, given: _Frames, own: View, ground: Ground, relative_m: np.ndarray
) -> list[RootEvidence]:
    """All that is known of the roots of a span from a skeleton (n, J, 3) whose bones have constant lengths."""
    in_camera_m = np.einsum("nji,nkj->nki", own.camera_to_world[:, :3, :3], relative_m)
    root_camera_m, variance = place_roots(
        in_camera_m, given.keypoints_px[span], given.keypoint_confidence[span], own.intrinsics
    )
    at = np.flatnonzero(np.isfinite(root_camera_m).all(axis=-1))
    root_m = cameras.transform(own.camera_to_world[at], root_camera_m[at, None])[:, 0]
    seen, sigma_m = own.at(at), root_sigma(root_camera_m[at], variance[at])
    feet = standing_feet(at, relative_m[at], root_m, given.confidence[span[at]], seen.time_s, seen.camera_to_world, _UP)
    known = [
        from_size(at, root_m, seen.centre_m, sigma_m, len(span)),
        from_floor(feet, ground, len(span)),
    ]
    depth_m = given.depth_m[span[at]]
    if np.isfinite(depth_m).any():
        axis = seen.camera_to_world[:, :3, 2]
        known.append(from_depth(at, root_m, seen.centre_m, axis, depth_m, DEPTH_MAP_SIGMA, len(span)))
    known += [RootEvidence(e.root_m[span], e.information[span]) for e in given.further]
    return known


def _in_all_frames(evidence: Evidence, view: View, further: Sequence[RootEvidence]) -> _Frames:
    count, frames, lifted = len(view.time_s), evidence.frames, evidence.lifted

    def spread(values: np.ndarray, fill: float) -> np.ndarray:
        whole = np.full((count, *values.shape[1:]), fill)
        whole[frames] = values
        return whole

    own = view.at(frames)
    relative_m = np.einsum("nij,nkj->nki", own.camera_to_world[:, :3, :3], lifted.joints_m)
    confidence = spread(lifted.joint_confidence, 0.0)
    middle_px = np.nanmean(np.where(np.isfinite(lifted.keypoints_px), lifted.keypoints_px, np.nan), axis=1)
    ray = np.concatenate([cameras.rays(middle_px[:, None], own.intrinsics)[:, 0], np.ones((len(frames), 1))], axis=-1)
    ray = np.einsum("nij,nj->ni", own.camera_to_world[:, :3, :3], ray / np.linalg.norm(ray, axis=-1, keepdims=True))
    # Where the person is not seen: the view of the last time they were, or of the first.
    last = np.searchsorted(frames, np.arange(count), side="right") - 1
    return _Frames(
        relative_m=spread(relative_m, np.nan),
        weight=spread(np.maximum(lifted.joint_confidence**2, HIDDEN_WEIGHT), 0.0),
        confidence=confidence,
        keypoints_px=spread(lifted.keypoints_px, np.nan),
        keypoint_confidence=spread(lifted.keypoint_confidence, 0.0),
        depth_m=spread(evidence.depth_m, np.nan),
        ray=ray[last.clip(0)],
        further=further,
    )


def _misfit(evidence: Evidence, joints_world_m: np.ndarray, view: View) -> float:
    frames, lifted = evidence.frames, evidence.lifted
    own = view.at(frames)
    projected_px = cameras.project(cameras.transform(own.world_to_camera, joints_world_m[frames]), own.intrinsics)
    distance_px = np.linalg.norm(projected_px - lifted.keypoints_px, axis=-1)
    # The longer side: who lies is as large as who stands.
    size_px = (evidence.box_px[:, 2:] - evidence.box_px[:, :2]).max(axis=1)
    share = distance_px / np.maximum(size_px, 1.0)[:, None]
    sure = (lifted.keypoint_confidence > SURE) & np.isfinite(share)
    return float(np.median(share[sure])) if sure.any() else np.inf


def _nothing(count: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.full((count, *shape), np.nan)
