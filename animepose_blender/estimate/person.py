"""One person over the whole clip: from joined tracklets to a moving skeleton in camera axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core import cameras, kinematics
from ..skeleton import BONE_COUNT, JOINT_COUNT, J
from ..take import State
from .lift import Lifted
from .place import place_roots
from .smooth import smooth
from .solve import bone_lengths, pose

JOINT_ACROSS_CUTOFF_HZ = 5.0
"""Half gain for joints relative to the pelvis, across the view: keeps a fast dance step, takes the network's shiver."""
JOINT_DEPTH_CUTOFF_HZ = 2.5
"""The same along the view, where the network's error is several times larger; measured on the demo clip, where it
takes jitter from 41 to 28 and foot slide from 21 to 17 mm."""
ROOT_ACROSS_CUTOFF_HZ = 5.0
"""The same for the root across the ray, which the picture shows well."""
ROOT_DEPTH_CUTOFF_HZ = 1.0
"""The same for the root's distance, which comes from the person's size alone and shivers by several per cent."""
SURE = 0.5
"""Confidence from which on a keypoint counts as seen."""
MAX_FILL_S = 1.5
"""Longer gaps are left empty; shorter ones are filled by the smoother and marked as predicted."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was seen of one person, n of the clip's F frames."""

    frames: np.ndarray
    """(n,) increasing."""
    lifted: Lifted
    box_px: np.ndarray
    """(n, 4)."""


@dataclass(frozen=True, eq=False)
class Solved:
    """One person in all F frames, camera axes; NaN where absent."""

    state: np.ndarray
    """(F,) `State`."""
    rotations: np.ndarray
    """(F, B, 4) local; that of the pelvis in camera axes."""
    root_camera_m: np.ndarray
    """(F, 3)."""
    joints_camera_m: np.ndarray
    """(F, J, 3)."""
    joint_confidence: np.ndarray
    """(F, J)."""
    bone_length_m: np.ndarray
    """(B,)."""
    misfit: float
    """Median distance of surely seen keypoints from the solved joints' projections, as a share of the box height."""


def merge(pieces: list[Evidence]) -> Evidence:
    """The evidence of tracklets that are one person."""
    lifted = [p.lifted for p in pieces]
    return Evidence(
        np.concatenate([p.frames for p in pieces]),
        Lifted(
            *(
                np.concatenate([getattr(part, name) for part in lifted])
                for name in ("keypoints_px", "keypoint_confidence", "joints_m", "joint_confidence")
            )
        ),
        np.concatenate([p.box_px for p in pieces]),
    )


def select(evidence: Evidence, chosen: np.ndarray) -> Evidence:
    """The evidence of some frames; `chosen` is (n,) bool."""
    lifted = Lifted(**{name: value[chosen] for name, value in vars(evidence.lifted).items()})
    return Evidence(evidence.frames[chosen], lifted, evidence.box_px[chosen])


def states(frames: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F,) `State` of somebody seen in the given frames: gaps up to `MAX_FILL_S` count as predicted."""
    state = np.full(len(time_s), State.ABSENT, dtype=np.uint8)
    for gap in np.flatnonzero((np.diff(frames) > 1) & (np.diff(time_s[frames]) <= MAX_FILL_S)):
        state[frames[gap] + 1 : frames[gap + 1]] = State.PREDICTED
    state[frames] = State.OBSERVED
    return state


def solve_person(evidence: Evidence, time_s: np.ndarray, intrinsics: np.ndarray) -> Solved:
    """Smooth, give the bones constant lengths, find rotations, and place the person on the rays.

    Args:
        evidence: of the whole clip.
        time_s: (F,).
        intrinsics: (F, 3, 3).
    """
    count = len(time_s)
    state = states(evidence.frames, time_s)
    lifted = evidence.lifted
    lengths_m = bone_lengths(lifted.joints_m, lifted.joint_confidence)
    rotations = np.full((count, BONE_COUNT, 4), np.nan)
    root_m = np.full((count, 3), np.nan)
    joints_m = np.full((count, JOINT_COUNT, 3), np.nan)
    confidence = np.zeros((count, JOINT_COUNT))
    confidence[evidence.frames] = lifted.joint_confidence
    for span in _runs(state != State.ABSENT):
        seen = np.isin(evidence.frames, span)
        rotations[span], root_m[span], joints_m[span] = _solve_span(
            span, evidence.frames[seen] - span[0], lifted, seen, time_s[span], intrinsics[span], lengths_m
        )
    confidence[state == State.PREDICTED] = 0
    return Solved(state, rotations, root_m, joints_m, confidence, lengths_m, _misfit(evidence, joints_m, intrinsics))


def _misfit(evidence: Evidence, joints_camera_m: np.ndarray, intrinsics: np.ndarray) -> float:
    frames, lifted = evidence.frames, evidence.lifted
    projected_px = cameras.project(joints_camera_m[frames], intrinsics[frames])
    distance_px = np.linalg.norm(projected_px - lifted.keypoints_px, axis=-1)
    share = distance_px / np.maximum(evidence.box_px[:, 3] - evidence.box_px[:, 1], 1.0)[:, None]
    sure = (lifted.keypoint_confidence > SURE) & np.isfinite(share)
    return float(np.median(share[sure])) if sure.any() else np.inf


def _solve_span(
    span: np.ndarray,
    seen_frames: np.ndarray,
    lifted: Lifted,
    seen: np.ndarray,
    time_s: np.ndarray,
    intrinsics: np.ndarray,
    lengths_m: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rotations (n, B, 4), roots (n, 3) and joints (n, J, 3) of one span without absence."""
    count = len(span)

    def spread(values: np.ndarray, fill: float) -> np.ndarray:
        whole = np.full((count, *values.shape[1:]), fill)
        whole[seen_frames] = values[seen]
        return whole

    observed_m, weight = spread(lifted.joints_m, np.nan), spread(lifted.joint_confidence, 0.0)
    # Doubtful joints count, but little: without any weight a hidden arm would stay where it was last seen.
    floor_weight = np.where(np.isfinite(observed_m).all(axis=-1), 0.02, 0.0)
    joint_weight = np.maximum(weight**2, floor_weight)
    smoothed_m = np.concatenate(
        [
            smooth(observed_m[..., :2], joint_weight, time_s, JOINT_ACROSS_CUTOFF_HZ),
            smooth(observed_m[..., 2:], joint_weight, time_s, JOINT_DEPTH_CUTOFF_HZ),
        ],
        axis=-1,
    )
    rotations = pose(smoothed_m, weight, time_s)
    relative_m, _ = kinematics.forward(rotations, np.zeros((count, 3)), lengths_m)
    raw_root_m, _ = place_roots(
        relative_m, spread(lifted.keypoints_px, np.nan), spread(lifted.keypoint_confidence, 0.0), intrinsics
    )
    root_m = _smooth_root(raw_root_m, weight[:, J["pelvis"]], time_s)
    return rotations, root_m, relative_m + root_m[:, None]


def _smooth_root(root_m: np.ndarray, confidence: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Smooth along and across the ray apart, since their errors differ by an order of magnitude."""
    depth = root_m[:, 2:]
    weight = np.maximum(confidence, 0.05)[:, None]
    across = smooth((root_m[:, :2] / depth)[:, None], weight, time_s, ROOT_ACROSS_CUTOFF_HZ)[:, 0]
    log_depth = smooth(np.log(depth)[:, None], weight, time_s, ROOT_DEPTH_CUTOFF_HZ)[:, 0]
    depth = np.exp(log_depth)
    return np.concatenate([across * depth, depth], axis=-1)


def _runs(present: np.ndarray) -> list[np.ndarray]:
    """Index ranges of consecutive True values."""
    indices = np.flatnonzero(present)
    return [run for run in np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1) if len(run)]
