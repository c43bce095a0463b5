"""What was seen of one person, in the frames that they were seen in and in all frames of the clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core import cameras
from .fuse import RootEvidence
from .lift import Lifted
from .view import View

HIDDEN_WEIGHT = 0.02
"""Doubtful joints count, but little: without any weight a hidden arm would stay where it was last seen."""


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
    size: float = 1.0
    """The person's stature over 1.70 m."""
    looks_depth_m: np.ndarray | None = None
    """(n,) of the root along the camera's axis by the person's looks; NaN, or None, without."""

    def where(self, chosen: np.ndarray) -> Evidence:
        """The evidence of some frames, (n,) bool."""
        lifted = self.lifted.where(chosen)
        looks = None if self.looks_depth_m is None else self.looks_depth_m[chosen]
        return Evidence(self.frames[chosen], lifted, self.box_px[chosen], self.depth_m[chosen], self.size, looks)


@dataclass(frozen=True, eq=False)
class InFrames:
    """The evidence in F frames: NaN and weight 0 where there is none."""

    relative_m: np.ndarray
    """(F, J, 3) from the root, world axes."""
    sigma_m: np.ndarray
    """(F, J, 2) across the view and along it."""
    weight: np.ndarray
    """(F, J)"""
    confidence: np.ndarray
    """(F, J)"""
    contact: np.ndarray
    """(F, 4)"""
    keypoints_px: np.ndarray
    keypoint_confidence: np.ndarray
    depth_m: np.ndarray
    """(F,)"""
    looks_depth_m: np.ndarray
    """(F,)"""
    ray: np.ndarray
    """(F, 3) unit direction of the view of the person."""
    further: Sequence[RootEvidence]

    def at(self, frames: np.ndarray) -> InFrames:
        """Some frames of it."""
        own = {name: value[frames] for name, value in vars(self).items() if name != "further"}
        return InFrames(**own, further=[e.at(frames) for e in self.further])


def in_all_frames(evidence: Evidence, view: View, further: Sequence[RootEvidence]) -> InFrames:
    """The evidence in all frames of the clip, in world axes.

    Args:
        evidence: of the frames that the person was seen in.
        view: all frames.
        further: what else is known of the root, of all frames.
    """
    count, frames, lifted = len(view.time_s), evidence.frames, evidence.lifted

    def spread(values: np.ndarray, fill: float) -> np.ndarray:
        whole = np.full((count, *values.shape[1:]), fill)
        whole[frames] = values
        return whole

    own = view.at(frames)
    relative_m = np.einsum("nij,nkj->nki", own.camera_to_world[:, :3, :3], lifted.joints_m)
    middle_px = np.nanmean(np.where(np.isfinite(lifted.keypoints_px), lifted.keypoints_px, np.nan), axis=1)
    ray = np.concatenate([cameras.rays(middle_px[:, None], own.intrinsics)[:, 0], np.ones((len(frames), 1))], axis=-1)
    ray = np.einsum("nij,nj->ni", own.camera_to_world[:, :3, :3], ray / np.linalg.norm(ray, axis=-1, keepdims=True))
    # Where the person is not seen: the view of the last time they were, or of the first.
    last = np.searchsorted(frames, np.arange(count), side="right") - 1
    return InFrames(
        relative_m=spread(relative_m, np.nan),
        sigma_m=spread(lifted.sigma_m, np.nan),
        weight=spread(np.maximum(lifted.joint_confidence**2, HIDDEN_WEIGHT), 0.0),
        confidence=spread(lifted.joint_confidence, 0.0),
        contact=spread(lifted.contact, np.nan),
        keypoints_px=spread(lifted.keypoints_px, np.nan),
        keypoint_confidence=spread(lifted.keypoint_confidence, 0.0),
        depth_m=spread(evidence.depth_m, np.nan),
        looks_depth_m=spread(
            np.full(len(frames), np.nan) if evidence.looks_depth_m is None else evidence.looks_depth_m, np.nan
        ),
        ray=ray[last.clip(0)],
        further=further,
    )
