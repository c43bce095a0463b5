"""One person over the whole clip: from what was seen in single frames to a moving skeleton in the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core import cameras
from ..skeleton import BONE_COUNT, JOINT_COUNT
from ..take import State
from .evidence import Evidence, in_all_frames
from .fit.settings import MotionSettings
from .fuse import Ground, RootEvidence
from .gaps import fill_gaps, runs, states
from .predict import TrajectoryPredictor
from .proportions import bone_lengths
from .span import Filled, Span, solve_span
from .view import View

DEFAULT_MOTION = MotionSettings()
SURE = 0.5
"""Confidence from which on a keypoint counts as seen."""


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
    contact: np.ndarray
    """(F, 4) probability that left heel, left toe, right heel, right toe stand."""
    bone_length_m: np.ndarray
    """(B,)."""
    misfit: float
    """Median distance of surely seen keypoints from the solved joints' projections, as a share of their box's size."""


def solve_person(
    evidence: Evidence,
    view: View,
    ground: Ground,
    others_m: np.ndarray,
    predictor: TrajectoryPredictor,
    further: Sequence[RootEvidence] = (),
    motion: MotionSettings = DEFAULT_MOTION,
    lengths_m: np.ndarray | None = None,
) -> Solved:
    """Give the bones constant lengths, solve every span of presence as one, and fill gaps.

    Args:
        evidence: of the whole clip.
        view: times and camera.
        ground: below this person.
        others_m: (O, F, 3) roots of the others, world axes, NaN where absent: people move about each other.
        predictor: carries people on who are not seen.
        further: what else is known of the root.
        motion: what the user asks of the motion.
        lengths_m: (B,) bone lengths, where they are known already; None = found here.
    """
    state = states(evidence.frames, view.time_s)
    lifted = evidence.lifted
    if lengths_m is None:
        lengths_m = bone_lengths(lifted.joints_m, lifted.joint_confidence, lifted.sigma_m, evidence.size)
    given = in_all_frames(evidence, view, further)
    spans = runs(state != State.ABSENT)

    def solve(filled: Filled | None, rough: bool) -> list[Span]:
        return [
            solve_span(
                given.at(at), view.at(at), ground, lengths_m, motion, filled.at(at) if filled else None, rough=rough
            )
            for at in spans
        ]

    gaps = bool((state == State.PREDICTED).any())
    solved = solve(None, rough=gaps)
    if gaps:
        joints_m, sigma_m = _nothing(len(state), (JOINT_COUNT, 3)), _nothing(len(state), (2,))
        for span, part in zip(spans, solved, strict=True):
            joints_m[span], sigma_m[span] = part.joints_m, part.sigma_m
        solved = solve(Filled(*fill_gaps(state, joints_m, sigma_m, others_m, view, predictor)), rough=False)

    rotations, roots_m = _nothing(len(state), (BONE_COUNT, 4)), _nothing(len(state), (3,))
    joints_m, sigma_m = _nothing(len(state), (JOINT_COUNT, 3)), _nothing(len(state), (2,))
    contact = np.zeros((len(state), 4))
    for span, part in zip(spans, solved, strict=True):
        rotations[span], roots_m[span] = part.rotations, part.root_m
        joints_m[span], sigma_m[span], contact[span] = part.joints_m, part.sigma_m, part.contact
    misfit = _misfit(evidence, joints_m, view)
    return Solved(state, rotations, roots_m, sigma_m, joints_m, given.confidence, contact, lengths_m, misfit)


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
