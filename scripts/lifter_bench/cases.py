"""People whose joints are known, as a lifter meets them: rendered clips, and one man in four calibrated views."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scenes.cast import CAST

from animepose_blender.core import cameras
from animepose_blender.estimate.detections import Seen, gather
from animepose_blender.estimate.lift import complete, lift_blazepose
from animepose_blender.estimate.lifting import Sequence
from animepose_blender.estimate.lifting.encoding import middle, view_axes
from animepose_blender.estimate.lifting.sequences import of_lifted
from animepose_blender.estimate.metrics.truth import Truth
from animepose_blender.estimate.observe import Observed
from animepose_blender.estimate.scene import ADULT_M
from animepose_blender.skeleton import J, from_keypoints

LIMBS = [
    J[f"{side}_{name}"] for side in ("left", "right") for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]
NEAR = 0.15
"""Median distance of keypoints from the true ones, as a share of the person's extent, up to which it is that person."""


@dataclass(frozen=True, eq=False)
class Case:
    """One person in n frames."""

    name: str
    seen: Sequence
    """As the estimator sees them."""
    true: Sequence | None
    """As they are, with their true depths; None where only some joints are known."""
    truth_m: np.ndarray
    """(n, J, 3) relative to the pelvis, camera axes; NaN = unknown."""
    size: float
    """Stature over 1.70 m."""
    raw_m: np.ndarray
    """(n, J, 3) MediaPipe's own joints as they come, relative to the pelvis."""
    turned_m: np.ndarray
    """(n, J, 3) the same turned into the camera's axes, for a person of standard size."""
    contact: np.ndarray | None
    """(n, 4) bool."""

    def error_mm(self, joints_m: np.ndarray, joints: list[int] | None = None) -> np.ndarray:
        """(n, joints) distances."""
        apart = np.linalg.norm(joints_m - joints_m[:, :1] - self.truth_m, axis=-1)
        return 1000 * (apart if joints is None else apart[:, joints])


def rendered(folder: Path, observed: Callable[[Path], Observed]) -> list[Case]:
    """Everybody of the clips of a folder of the benchmark."""
    described = {c["name"]: c for c in json.loads((folder.parent / "clips.json").read_text())}
    cases = []
    for path in sorted(folder.glob("*_truth.npz")):
        name = path.name.removesuffix("_truth.npz")
        truth = Truth.load(path)
        sizes = [CAST[who][0].stature_m / ADULT_M for who in described[name]["cast"]]
        cases += of_clip(f"{folder.name} {name}", gather(observed(folder / f"{name}.mp4").tracklets), truth, sizes)
    return cases


def of_clip(name: str, seen: Seen, truth: Truth, sizes: list[float]) -> list[Case]:
    """Every true person with the finds that fit them best."""
    to_camera = cameras.invert(truth.camera_to_world)
    points_px, _ = from_keypoints("blazepose_33", seen.landmarks_px, seen.confidence)
    cases = []
    camera_m = np.stack([cameras.transform(to_camera, one) for one in truth.joints_world_m])
    true_px = cameras.project(camera_m, truth.intrinsics)
    extent = np.ptp(np.nan_to_num(true_px), axis=2).max(axis=-1)
    apart = np.nanmedian(np.linalg.norm(true_px[:, seen.frame] - points_px, axis=-1), axis=-1) / extent[:, seen.frame]
    for person in range(len(camera_m)):
        best = {}
        for k in np.flatnonzero((apart[person] < NEAR) & (apart.argmin(axis=0) == person)):
            frame = int(seen.frame[k])
            if frame not in best or apart[person, k] < apart[person, best[frame]]:
                best[frame] = int(k)
        own = np.array([best[frame] for frame in sorted(best)], dtype=int)
        if len(own) < 5:
            continue
        frames = seen.frame[own]
        contact = None if truth.contact is None else truth.contact[person, frames]
        cases.append(
            _case(
                f"{name} {person + 1}", seen.where(own), truth.frame_time_s[frames], truth.intrinsics[frames],
                camera_m[person, frames], sizes[person], contact,
            )
        )  # fmt: skip
    return cases


def views(folder: Path, observed: Callable[[Path], Observed]) -> list[Case]:
    """The man of `pose2sim_single`, one case a view; known are his BlazePose landmarks, triangulated."""
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        landmarks_m, to_camera = reference["landmarks_world_m"], reference["world_to_camera"]
        intrinsics = reference["intrinsics"]
    cases = []
    for view in range(len(intrinsics)):
        observation = observed(folder / f"cam{view + 1:02}.mp4")
        longest = max(len(t.frames) for t in observation.tracklets)
        seen = gather([t for t in observation.tracklets if len(t.frames) == longest][:1])
        camera_m = cameras.transform(np.broadcast_to(to_camera[view], (len(landmarks_m), 4, 4)), landmarks_m)
        joints_m, _ = from_keypoints("blazepose_33", camera_m, np.ones(camera_m.shape[:2]))
        frames = seen.frame
        own = np.broadcast_to(intrinsics[view], (len(frames), 3, 3))
        cases.append(
            _case(f"view {view + 1}", seen, observation.time_s[frames], own, joints_m[frames], 1.0, None, whole=False)
        )
    return cases


def _case(name, seen: Seen, time_s, intrinsics, camera_m, size, contact, whole: bool = True) -> Case:
    lifted = lift_blazepose(seen.landmarks_px, seen.confidence, seen.landmarks_m, seen.region, intrinsics)
    raw_m, _ = complete(*from_keypoints("blazepose_33", seen.landmarks_m, seen.confidence))
    truth_m = camera_m - camera_m[:, :1]
    true = None
    if whole:
        rays = camera_m[..., :2] / camera_m[..., 2:]
        direction = middle(rays, np.ones(rays.shape[:-1]))
        depth_m = np.einsum("njc,nc->nj", truth_m, view_axes(direction)[..., 2]) / size
        true = Sequence(time_s, rays, np.ones(rays.shape[:-1]), depth_m, direction)
    return Case(
        name, of_lifted(time_s, lifted, intrinsics), true, truth_m, size, raw_m, lifted.joints_m, contact
    )  # fmt: skip


def without_depth(sequence: Sequence) -> Sequence:
    """The same keypoints alone."""
    return replace(sequence, depth_m=None)
