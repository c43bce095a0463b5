"""What a perfect estimator would see of made-up people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np

from animepose_blender.core import cameras
from animepose_blender.core import quaternions as quat
from animepose_blender.core.synthetic import FOOT_HEIGHT_M, walking_take
from animepose_blender.estimate import lifting
from animepose_blender.estimate.appearance import ZONES
from animepose_blender.estimate.backends import PoseObservation
from animepose_blender.estimate.background import Tracks
from animepose_blender.estimate.depth import GRID
from animepose_blender.estimate.detections import Placed, Seen
from animepose_blender.estimate.fuse import Ground
from animepose_blender.estimate.lift import Lifted
from animepose_blender.estimate.lifting.encoding import view_axes
from animepose_blender.estimate.observe import Observed
from animepose_blender.estimate.people import Tracklet
from animepose_blender.estimate.person import Evidence
from animepose_blender.estimate.place import ALONG_SHARE, RAY_SIGMA_M
from animepose_blender.estimate.predict import History, Prediction
from animepose_blender.estimate.verticals import Segments
from animepose_blender.estimate.view import View
from animepose_blender.skeleton import BLAZEPOSE_33, JOINT_COUNT, KEYPOINT_MAPS, PARENTS, REST_JOINTS_M, J
from animepose_blender.take import State, Take

NO_KEYPOINT = [J[name] for name in ("spine", "chest", "head_top")]
"""Joints that BlazePose does not show."""
MASK = 96
"""Pixels along a side of the masks that are drawn."""
FLOOR = Ground(FOOT_HEIGHT_M, 0.0)
"""What the walkers walk on."""


class Lingers:
    """A predictor that leaves people where and as they were last seen, less and less sure of it."""

    def predict(self, history: History, time_s: np.ndarray) -> Prediction:
        since_s = (time_s - history.time_s[-1])[:, None]
        start_m = np.array([0.03, 0.2]) if history.root_sigma_m is None else history.root_sigma_m
        return Prediction(np.tile(history.joints_world_m[-1], (len(time_s), 1, 1)), np.hypot(start_m, 0.8 * since_s))


class Knows:
    """A lifter that knows the truth: its walkers are built and move unlike the people that networks learn from."""

    name = "truth"

    def __init__(self, take: Take) -> None:
        joints_m = cameras.transform(cameras.invert(take.camera_to_world)[None], take.joints_world_m.astype(float))
        self._time_s, self._rays = take.frame_time_s, joints_m[..., :2] / joints_m[..., 2:]
        self._relative_m = joints_m - joints_m[:, :, :1]
        self._contact = take.contact.astype(float)

    def lift(self, sequence: lifting.Sequence) -> lifting.LiftedSequence:
        """See `Lifter.lift`; people are of the size that the estimator takes them for."""
        at = np.searchsorted(self._time_s, sequence.time_s - 1e-6)
        off = np.linalg.norm(self._rays[:, at] - sequence.rays, axis=-1)
        person = int(np.argmin(np.nanmean(off, axis=(1, 2))))
        relative_m = self._relative_m[person, at]
        assert sequence.depth_m is not None
        deep_m = np.einsum("nj,nkj->nk", view_axes(sequence.direction)[:, :, 2], relative_m)
        deep_m[~np.isfinite(sequence.depth_m)] = np.nan
        size = np.nanstd(deep_m) / np.nanstd(sequence.depth_m)
        sigma_m = np.broadcast_to([0.004, 0.006], (len(at), JOINT_COUNT, 2))
        return lifting.LiftedSequence(relative_m / size, sigma_m, self._contact[person, at])


def colours_of(number: int) -> np.ndarray:
    """(Z, 3) somebody's clothes: unlike for unlike numbers."""
    angle = 2.4 * number
    lab = np.array([40.0 + 10 * (number % 4), 60 * np.cos(angle), 60 * np.sin(angle)])
    return np.tile(lab, (len(ZONES), 1))


@dataclass(frozen=True, eq=False)
class Sight:
    """The truth, and what is seen of it."""

    take: Take
    joints_camera_m: np.ndarray
    """(P, F, J, 3)."""
    evidence: list[Evidence]

    @property
    def view(self) -> View:
        return View(self.take.frame_time_s, self.take.intrinsics, self.take.camera_to_world)

    @property
    def joints_world_m(self) -> np.ndarray:
        """(P, F, J, 3)."""
        return self.take.joints_world_m.astype(float)


def see_walkers(people: int = 1, frames: int = 90, fps: int = 30, *, moving_camera: bool = False) -> Sight:
    """Everybody seen in every frame, without error."""
    take = walking_take(people=people, frames=frames, fps=fps, gaps=False, moving_camera=moving_camera)
    joints_m = cameras.transform(cameras.invert(take.camera_to_world)[None], take.joints_world_m.astype(float))
    evidence = []
    for person in range(people):
        keypoints_px = take.keypoints_px[person].astype(float)
        keypoints_px[:, NO_KEYPOINT] = np.nan
        confidence = np.full((frames, JOINT_COUNT), 0.95)
        keypoint_confidence = confidence.copy()
        keypoint_confidence[:, NO_KEYPOINT] = 0
        relative_m = joints_m[person] - joints_m[person, :, :1]
        lifted = Lifted.of(keypoints_px, keypoint_confidence, relative_m, confidence)
        lifted = replace(lifted, sigma_m=0.2 * lifted.sigma_m)
        box_px = take.box_px[person].astype(float)
        evidence.append(Evidence(np.arange(frames), lifted, box_px, np.full(frames, np.nan)))
    return Sight(take, joints_m, evidence)


def landmarks_of(joints: np.ndarray) -> np.ndarray:
    """(..., 33, D) BlazePose's landmarks of joints (..., J, D); those of the face lie at the nose, thumbs at the index
    fingers."""
    source = {names[0]: joint for joint, names in KEYPOINT_MAPS["blazepose_33"][1].items() if len(names) == 1}
    near = {"thumb": "index_knuckle"}
    index = [
        J[source[name]] if name in source else J.get(f"{name.split('_')[0]}_{near.get(name.split('_')[-1])}", J["nose"])
        for name in BLAZEPOSE_33
    ]
    return joints[..., index, :]


def observations_of(
    joints_camera_m: np.ndarray, intrinsics: np.ndarray, *, colours: np.ndarray, size: float = 1.0, score: float = 0.9
) -> list[PoseObservation]:
    """Somebody as the backend sees them in n frames.

    Args:
        joints_camera_m: (n, J, 3).
        intrinsics: (n, 3, 3).
        colours: (Z, 3).
        size: what they are larger than the estimator takes them for.
        score: of every observation.
    """
    landmarks_px = cameras.project(landmarks_of(joints_camera_m), intrinsics)
    joints_px = cameras.project(joints_camera_m, intrinsics)
    low, high = joints_px.min(axis=1) - 4, joints_px.max(axis=1) + 4
    middle, extent = (low + high) / 2, 1.25 * (high - low).max(axis=1)
    region = np.concatenate([middle, extent[:, None], np.zeros((len(low), 1))], axis=1)
    ray = np.concatenate([cameras.rays(middle[:, None], intrinsics)[:, 0], np.ones((len(low), 1))], axis=1)
    straight = quat.conjugate(quat.between(np.array([0.0, 0.0, 1.0]), ray))
    relative_m = landmarks_of(joints_camera_m - joints_camera_m[:, :1])
    landmarks_m = quat.rotate(straight[:, None], relative_m) / size
    result = []
    for n in range(len(low)):
        crop = ((joints_px[n] - middle[n]) / extent[n] + 0.5) * MASK
        mask = np.zeros((MASK, MASK), np.uint8)
        for joint in range(1, JOINT_COUNT):
            ends = np.round(crop[[PARENTS[joint], joint]]).astype(int).tolist()
            cv2.line(mask, ends[0], ends[1], 255, 6)
        result.append(
            PoseObservation(
                landmarks_px=landmarks_px[n],
                confidence=np.full(33, 0.95),
                landmarks_m=landmarks_m[n],
                region=region[n],
                next_region=region[n],
                mask=mask,
                box_px=np.concatenate([low[n], high[n]]),
                score=score,
                colours=colours,
            )
        )
    return result


def tracklet_of(frames: np.ndarray, time_s: np.ndarray, observations: Sequence[PoseObservation]) -> Tracklet:
    """Somebody followed through the given frames."""
    tracklet = Tracklet()
    for frame, observation in zip(frames, observations, strict=True):
        tracklet.add(int(frame), float(time_s[frame]), observation)
    return tracklet


def piece_of(tracklet: Tracklet, chosen: slice, change: Callable[[PoseObservation], PoseObservation] | None = None):
    """Part of a tracklet, each observation changed as told; the masks that were let go stay gone.

    Returns:
        A new `Tracklet`.
    """
    piece = Tracklet(last_seen_s=tracklet.last_seen_s)
    piece.frames, piece.silhouettes = tracklet.frames[chosen], tracklet.silhouettes[chosen]
    piece.depths = tracklet.depths[chosen]
    piece.observations = [change(o) if change else o for o in tracklet.observations[chosen]]
    return piece


def observe_take(take: Take, *, sizes: Sequence[float] | None = None) -> Observed:
    """What decoding leaves of a made-up take: one tracklet for each stretch in which somebody is observed.

    Args:
        take: the truth.
        sizes: what people are larger than the estimator takes them for.
    """
    camera = cameras.invert(take.camera_to_world)
    tracklets = []
    for person in range(take.person_count):
        joints_m = cameras.transform(camera, take.joints_world_m[person].astype(float))
        seen = np.flatnonzero(take.state[person] == State.OBSERVED)
        for run in np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1):
            size = 1.0 if sizes is None else sizes[person]
            own = observations_of(joints_m[run], take.intrinsics[run], colours=colours_of(person), size=size)
            tracklets.append(tracklet_of(run, take.frame_time_s, own))
    width, height = take.source["size"]
    return Observed(tracklets, take.frame_time_s, 0, (width, height), *_no_background(take.frame_count, width, height))


def _no_background(count: int, width: int, height: int) -> tuple[Tracks, Segments]:
    nothing = np.zeros(0, np.int32)
    return (
        Tracks(nothing, nothing, np.zeros((0, 2), np.float32), count, (width, height)),
        Segments(np.zeros(0, int), np.zeros((0, 2, 2)), (width, height)),
    )


WIDTH, HEIGHT, FOCAL_PX = 1280, 720, 1000.0
HALF_BOX_M = np.array([0.3, 0.9, 0.25])
_UPRIGHT_M = (REST_JOINTS_M - REST_JOINTS_M[0]) * [1.0, -1.0, -1.0]
"""The rest pose in camera axes, which faces the camera: x stays, up is -y, and what looks along -Y of the world looks
along -z."""
_FACING_M = np.stack([_UPRIGHT_M[:, 0], _UPRIGHT_M[:, 2], -_UPRIGHT_M[:, 1]], axis=-1)


def sighting(
    frames: np.ndarray,
    roots_m: np.ndarray,
    *,
    tracklet: int | np.ndarray = 0,
    colours: np.ndarray | None = None,
    score: float | np.ndarray = 0.9,
    camera_to_start: np.ndarray | None = None,
    yaw_rad: float = 0.0,
) -> tuple[Seen, Placed]:
    """Somebody who stands stiffly, in n frames.

    Args:
        frames: (n,).
        roots_m: (n, 3) in axes that stand still.
        tracklet: which the follower put them in, one or (n,).
        colours: (Z, 3) or (n, Z, 3); None = not seen.
        score: one or (n,).
        camera_to_start: (F, 4, 4); None = the still axes are the camera's.
        yaw_rad: which way they face.
    """
    n = len(frames)
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    joints_m = np.tile(_FACING_M @ np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]]), (n, 1, 1))
    roots_m = np.asarray(roots_m, float)
    if camera_to_start is not None:
        to_camera = cameras.invert(camera_to_start)[frames]
        roots_m = cameras.transform(to_camera, roots_m[:, None])[:, 0]
        joints_m = joints_m @ np.swapaxes(to_camera[:, :3, :3], -1, -2)
    middle_px = roots_m[:, :2] / roots_m[:, 2:] * FOCAL_PX + [WIDTH / 2, HEIGHT / 2]
    half_px = HALF_BOX_M[:2] / roots_m[:, 2:] * FOCAL_PX
    nothing = np.full((n, len(ZONES), 3), np.nan)
    seen = Seen(
        frame=np.asarray(frames),
        tracklet=np.broadcast_to(tracklet, n).copy(),
        landmarks_px=np.zeros((n, 33, 2)),
        confidence=np.ones((n, 33)),
        landmarks_m=np.zeros((n, 33, 3)),
        region=np.concatenate([middle_px, np.full((n, 2), [300.0, 0.0])], axis=1),
        box_px=np.concatenate([middle_px - half_px, middle_px + half_px], axis=1),
        score=np.broadcast_to(np.asarray(score, float), n).copy(),
        colours=nothing if colours is None else np.broadcast_to(colours, nothing.shape).copy(),
        silhouette=np.zeros((n, GRID, GRID), bool),
        depth=np.full(n, np.nan),
        hands_px=np.full((n, 2, 21, 2), np.nan),
        hands_m=np.full((n, 2, 21, 3), np.nan),
        hand_score=np.zeros((n, 2)),
    )
    no_keypoints = np.full((n, JOINT_COUNT, 2), np.nan)
    sure = np.ones((n, JOINT_COUNT))
    along_m = ALONG_SHARE * np.linalg.norm(roots_m, axis=1)
    placed = Placed(
        Lifted.of(no_keypoints, sure, joints_m, sure),
        roots_m,
        np.stack([np.full(n, RAY_SIGMA_M), along_m], axis=1),
        np.concatenate([roots_m - HALF_BOX_M, roots_m + HALF_BOX_M], axis=1),
    )
    return seen, placed


def together(*sightings: tuple[Seen, Placed]) -> tuple[Seen, Placed, np.ndarray]:
    """All sightings in the order of frames, and (N,) which of them each person-frame is of."""
    frames = np.concatenate([seen.frame for seen, _ in sightings])
    order = np.argsort(frames, kind="stable")
    who = np.repeat(np.arange(len(sightings)), [len(seen) for seen, _ in sightings])[order]
    all_seen, all_placed = [seen for seen, _ in sightings], [placed for _, placed in sightings]
    seen = Seen(**{f.name: np.concatenate([getattr(s, f.name) for s in all_seen])[order] for f in fields(Seen)})
    lifted = {f.name: np.concatenate([getattr(p.lifted, f.name) for p in all_placed])[order] for f in fields(Lifted)}
    placed = Placed(
        Lifted(**lifted),
        *(np.concatenate([getattr(p, name) for p in all_placed])[order] for name in ("root_m", "sigma_m", "box_m")),
    )
    return seen, placed, who


def noisy(
    evidence: Evidence, rng: np.random.Generator, *, joints_m: float = 0.0, keypoints_px: float = 0.0
) -> Evidence:
    """The same evidence with errors of these standard deviations."""
    lifted = replace(
        evidence.lifted,
        joints_m=evidence.lifted.joints_m + rng.normal(0, joints_m, evidence.lifted.joints_m.shape),
        keypoints_px=evidence.lifted.keypoints_px + rng.normal(0, keypoints_px, evidence.lifted.keypoints_px.shape),
    )
    return replace(evidence, lifted=lifted)
