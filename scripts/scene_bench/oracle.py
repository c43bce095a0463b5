"""Stages of the pipeline replaced by the truth, one at a time, to see which of them is to blame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from animepose_blender.core import cameras
from animepose_blender.core import quaternions as quat
from animepose_blender.core.frame_numbers import nearest_frames
from animepose_blender.estimate.backends import PoseObservation
from animepose_blender.estimate.camera_motion import CameraMotion
from animepose_blender.estimate.depth import GRID
from animepose_blender.estimate.detections import Seen, gather
from animepose_blender.estimate.lifting import LiftedSequence, Sequence
from animepose_blender.estimate.metrics.truth import Truth
from animepose_blender.estimate.observe import Observed
from animepose_blender.estimate.people import Tracklet
from animepose_blender.estimate.scene import Scene
from animepose_blender.skeleton import BLAZEPOSE_33, CONTACT_JOINTS, JOINT_COUNT, REST_JOINTS_M, J

_NO_COLOURS = np.full((6, 3), np.nan)
_STAND_INS = {"eye": "nose", "mouth": "nose", "thumb": "index_knuckle", "index": "index_knuckle",
              "pinky": "pinky_knuckle", "foot": "toe"}  # fmt: skip
MISSED = 0.35
"""Distance from a true person beyond which a find is nobody, as a share of their height in the picture."""


def _joint_of(landmark: str) -> int:
    """The joint of ours that stands for one of BlazePose's landmarks."""
    side, _, stem = landmark.partition("_")
    if landmark in J:
        return J[landmark]
    if side == "mouth":
        return J["nose"]
    name = _STAND_INS[stem.split("_")[0]]
    return J[name] if name == "nose" else J[f"{side}_{name}"]


_LANDMARKS = [_joint_of(name) for name in BLAZEPOSE_33]
_TOE_ABOVE = REST_JOINTS_M[J["left_toe"], 2]


class LeavesAlone:
    """A lifter that knows nothing, so that joints stay as the estimator, or the truth in its place, has them."""

    name = "none"

    def lift(self, sequence: Sequence) -> LiftedSequence:
        """See `Lifter.lift`."""
        count = len(sequence.time_s)
        joints_m = np.full((count, JOINT_COUNT, 3), np.nan)
        return LiftedSequence(joints_m, joints_m[..., :2], np.full((count, len(CONTACT_JOINTS)), np.nan))


class Oracle:
    """The truth of one clip, in the frames of what was observed of it."""

    def __init__(self, truth_path: Path, observed: Observed) -> None:
        truth = Truth.load(truth_path)
        self.truth = truth
        at = nearest_frames(truth.frame_time_s, observed.time_s)
        self.joints_world_m = truth.joints_world_m[:, at].astype(float)
        self.camera_to_world, self.intrinsics = truth.camera_to_world[at], truth.intrinsics[at]
        self.joints_camera_m = cameras.transform(cameras.invert(self.camera_to_world), self.joints_world_m)
        self.joints_px = cameras.project(self.joints_camera_m, self.intrinsics)
        with np.load(truth_path, allow_pickle=False) as arrays:
            seen = arrays["visible"][:, at] if "visible" in arrays else np.isfinite(self.joints_px[..., 0])
        self.joint_visible = seen if seen.ndim == 3 else np.repeat(seen[..., None], self.joints_px.shape[2], axis=2)
        visible = truth.visible
        self.visible = self.joint_visible.any(-1) if visible is None else visible[:, at]

    @property
    def focal_px(self) -> float:
        """Of the first frame."""
        return float(self.intrinsics[0, 0, 0])

    def motion(self) -> CameraMotion:
        """The camera's path, in metres."""
        path = cameras.invert(self.camera_to_world[:1]) @ self.camera_to_world
        kind = "still" if np.allclose(path, np.eye(4), atol=1e-6) else "turning"
        # `turning` keeps its lengths as they are; only a path in unknown units is scaled.
        return CameraMotion(path, kind, np.zeros(len(path)), 1.0, np.zeros((0, 4)), 0.0)

    def scene(self, found: Scene) -> Scene:
        """The true floor, with the sizes that were found."""
        return replace(found, start_to_world=self.camera_to_world[0], tilt_sigma_rad=0.002, focal_factor=1.0)

    def people_of(self, seen: Seen) -> np.ndarray:
        """(N,) which true person each find is, -1 for nobody: the nearest in the picture, one to one in each frame."""
        named = [k for k, joint in enumerate(_LANDMARKS) if BLAZEPOSE_33[k] in J and joint != J["nose"]]
        joints = [_LANDMARKS[k] for k in named]
        person = np.full(len(seen), -1)
        for frame in np.unique(seen.frame):
            own = np.flatnonzero(seen.frame == frame)
            true_px = self.joints_px[:, frame][:, joints]
            height_px = np.nanmax(true_px[..., 1], axis=1) - np.nanmin(true_px[..., 1], axis=1)
            distance = np.linalg.norm(seen.landmarks_px[own][:, named][:, None] - true_px[None], axis=-1).mean(-1)
            share = np.nan_to_num(distance / height_px, nan=1e6, posinf=1e6)
            for row, column in zip(*linear_sum_assignment(share), strict=True):
                if share[row, column] < MISSED:
                    person[own[row]] = column
        return person

    def perfect(self, observed: Observed, *, metric: bool) -> Observed:
        """As observed with the true keypoints of everybody who can be seen; identities are left to be found.

        Args:
            observed: with the estimator's keypoints.
            metric: also true joints relative to the root; otherwise the estimator's, where it saw the person, and
                nobody where it did not.
        """
        seen = gather(observed.tracklets) if observed.tracklets else None
        person = self.people_of(seen) if seen else np.zeros(0, int)
        frames = seen.frame if seen else person
        found = {(int(p), int(f)): k for k, (p, f) in enumerate(zip(person, frames, strict=True)) if p >= 0}
        tracklets: list[Tracklet] = []
        for number in range(len(self.joints_px)):
            current: Tracklet | None = None
            for frame in range(len(observed.time_s)):
                index = found.get((number, frame))
                if not self.visible[number, frame] or (index is None and not metric):
                    current = None
                    continue
                if current is None:
                    current = Tracklet()
                    tracklets.append(current)
                observation = self._observation(number, frame, seen, index, metric)
                current.add(frame, float(observed.time_s[frame]), observation)
        return replace(observed, tracklets=tracklets)

    def _observation(
        self, number: int, frame: int, seen: Seen | None, index: int | None, metric: bool
    ) -> PoseObservation:
        joints_px = self.joints_px[number, frame]
        landmarks_px = joints_px[_LANDMARKS]
        low, high = np.nanmin(joints_px, axis=0), np.nanmax(joints_px, axis=0)
        region = np.array([*(low + high) / 2, 1.25 * (high - low).max(), 0.0])
        if metric or index is None or seen is None:
            joints_m = self.joints_camera_m[number, frame]
            ray = np.append(cameras.rays(region[None, :2], self.intrinsics[frame])[0], 1.0)
            back = quat.between(ray[None], np.array([[0.0, 0.0, 1.0]]))
            relative_m = joints_m - joints_m[[J["left_hip"], J["right_hip"]]].mean(axis=0)
            landmarks_m = quat.rotate(back, relative_m[_LANDMARKS])
        else:
            landmarks_m, region = seen.landmarks_m[index], seen.region[index]
        return PoseObservation(
            landmarks_px=landmarks_px,
            confidence=np.where(self.joint_visible[number, frame][_LANDMARKS], 1.0, 0.5),
            landmarks_m=landmarks_m,
            region=region,
            next_region=region,
            mask=np.zeros((GRID, GRID), np.uint8),
            box_px=np.concatenate([low, high]),
            score=1.0,
            colours=_NO_COLOURS if index is None or seen is None else seen.colours[index],
        )
