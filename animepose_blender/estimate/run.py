"""The pipeline: a job request in, a take on disk out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib import metadata
from queue import Empty, Full, Queue
from typing import Protocol

import numpy as np

from .. import __version__
from ..core import cameras
from ..core import quaternions as quat
from ..errors import AnimePoseError, ExitCode
from ..protocol import JobRequest, Result
from ..take import State, Take
from .camera import Focal, focal_of
from .floor import contacts, fit_floor
from .lift import lift_blazepose, onto_rays
from .people import Tracklet, follow
from .person import Evidence, Solved, merge, solve_person
from .place import place_roots
from .track import join, long_enough
from .video import Clip, open_clip

FRAMES_AHEAD = 4
"""Frames that are decoded ahead of the networks; more only cost memory."""
MAX_MISFIT = 0.04
"""Solved people lie at 0.015 to 0.028 of their height off their keypoints, tree trunks and shadows at 0.042 to 0.06."""
BOX_MARGIN_M = 0.1
"""Flesh around the joints, for the 3D box."""
DEFAULT_FOCAL_WARNING = (
    "The clip does not say its focal length; {focal_mm:.0f} mm (on a sensor 36 mm wide) was assumed. "
    "Give the focal length if you know it: distances scale with it."
)


class Reporter(Protocol):
    """Where a run tells how far it is."""

    def progress(self, stage: str, stage_fraction: float) -> None:
        """Report; raises `errors.Cancelled` if the user wants to stop."""
        ...

    def warning(self, message: str) -> None:
        """Tell the user something; the work goes on."""
        ...

    def check_cancelled(self) -> None:
        """Raise `errors.Cancelled` if the user wants to stop."""
        ...


def run(job: JobRequest, report: Reporter) -> Result:
    """Estimate one clip and write its take.

    Raises:
        AnimePoseError: if the clip cannot be used, nobody is in it, or the take cannot be written.
        Cancelled: if the user wants to stop; nothing is written then.
    """
    report.progress("open", 0.0)
    if job.settings:
        raise AnimePoseError(
            f"The preset {job.preset} knows no setting {', '.join(sorted(job.settings))}.",
            "Leave it out.",
            ExitCode.USAGE,
        )
    clip = open_clip(job.clip)
    focal = focal_of(job, clip)
    if focal.source == "default":
        report.warning(DEFAULT_FOCAL_WARNING.format(focal_mm=focal.focal_px * 36 / max(clip.width, clip.height)))
    tracklets, time_s, start_frame = _observe(job, clip, report)

    report.progress("track", 0.0)
    intrinsics = np.tile(cameras.intrinsics_of(focal.focal_px, clip.width, clip.height), (len(time_s), 1, 1))
    people = _people(tracklets, time_s, intrinsics)
    solved: list[tuple[Evidence, Solved]] = []
    for number, evidence in enumerate(people):
        report.progress("solve", number / len(people))
        person = solve_person(evidence, time_s, intrinsics)
        if person.misfit <= MAX_MISFIT:
            solved.append((evidence, person))
    if not solved:
        raise AnimePoseError(
            f"Nobody was found in {clip.path.name}.",
            "Choose a range in which people are seen whole and not too small (a tenth of the picture's height or more).",
        )
    solved = _first_seen_first(solved, job.max_people)
    report.progress("write", 0.0)
    source = _source(job, clip, focal, start_frame, time_s)
    take = assemble(*map(list, zip(*solved, strict=True)), time_s, intrinsics, source)
    report.check_cancelled()
    take.save(job.take)
    return Result(job.take, take.person_count, take.frame_count)


def _observe(job: JobRequest, clip: Clip, report: Reporter) -> tuple[list[Tracklet], np.ndarray, int]:
    """Read the clip once: tracklets, (F,) times and the number of the first frame in the clip."""
    # Imported here: it takes seconds, and a clip that cannot be opened should be refused before.
    from .mediapipe_pose import MediaPipePose

    report.progress("detect", 0.0)
    backend = MediaPipePose()
    first_s = job.start_s or 0.0
    last_s = min(job.end_s or np.inf, clip.duration_s or np.inf)
    times: list[float] = []
    start_frame = 0
    tracklets: list[Tracklet] = []

    def frames() -> Iterator[tuple[float, np.ndarray]]:
        nonlocal start_frame
        with _Ahead(clip.frames(job.start_s, job.end_s)) as ahead:
            for index, time_s, rgb in ahead:
                if not times:
                    start_frame = index
                times.append(time_s)
                yield time_s, rgb

    try:
        for _, tracklets in follow(frames(), backend, backend, job.max_people):
            done = (times[-1] - first_s) / (last_s - first_s) if np.isfinite(last_s) and last_s > first_s else 0.0
            report.progress("detect", min(done, 1.0))
    finally:
        backend.close()
    return tracklets, np.array(times), start_frame


def _people(tracklets: list[Tracklet], time_s: np.ndarray, intrinsics: np.ndarray) -> list[Evidence]:
    """Lift every tracklet, find its place, and join those of one person."""
    pieces: list[Evidence] = []
    roots: list[np.ndarray] = []
    for tracklet in tracklets:
        frames = np.array(tracklet.frames)
        seen = tracklet.observations
        lifted = lift_blazepose(
            *(np.stack([getattr(o, n) for o in seen]) for n in ("landmarks_px", "confidence", "landmarks_m", "region")),
            intrinsics[frames],
        )
        root_m, _ = place_roots(lifted.joints_m, lifted.keypoints_px, lifted.keypoint_confidence, intrinsics[frames])
        good = np.isfinite(root_m).all(axis=-1)
        if good.any():
            piece = Evidence(frames, onto_rays(lifted, root_m, intrinsics[frames]), np.stack([o.box_px for o in seen]))
            pieces.append(_select(piece, good))
            roots.append(root_m[good])
    numbers = [p.frames for p in pieces]
    chains = [c for c in join(numbers, roots, time_s) if long_enough(numbers, c, time_s)]
    return [merge([pieces[i] for i in chain]) for chain in chains]


def _first_seen_first(people: list[tuple[Evidence, Solved]], max_people: int) -> list[tuple[Evidence, Solved]]:
    """Those who are seen longest, in the order of their first appearance and, at once, from left to right."""
    longest = sorted(people, key=lambda p: -len(p[0].frames))[:max_people]
    return sorted(longest, key=lambda p: (int(p[0].frames[0]), float(p[0].box_px[0, 0])))


def _select(evidence: Evidence, chosen: np.ndarray) -> Evidence:
    lifted = type(evidence.lifted)(**{name: value[chosen] for name, value in vars(evidence.lifted).items()})
    return Evidence(evidence.frames[chosen], lifted, evidence.box_px[chosen])


def assemble(
    people: list[Evidence], solved: list[Solved], time_s: np.ndarray, intrinsics: np.ndarray, source: dict
) -> Take:
    """Put everybody on one floor and into one take."""
    joints_camera_m = np.stack([s.joints_camera_m for s in solved])
    confidence = np.stack([s.joint_confidence for s in solved])
    camera_to_world = fit_floor(joints_camera_m, confidence, time_s)
    turn = quat.from_matrix(camera_to_world[:3, :3])
    rotations = np.stack([s.rotations for s in solved])
    rotations[:, :, 0] = quat.unroll(quat.multiply(turn, rotations[:, :, 0]), axis=1)
    joints_world_m = cameras.transform(camera_to_world, joints_camera_m)
    state = np.stack([s.state for s in solved])
    shape = state.shape
    keypoints_px = np.full((*joints_world_m.shape[:3], 2), np.nan)
    keypoint_confidence = np.zeros(joints_world_m.shape[:3])
    box_px = np.full((*shape, 4), np.nan)
    contact = np.zeros((*shape, 4))
    for number, evidence in enumerate(people):
        keypoints_px[number, evidence.frames] = evidence.lifted.keypoints_px
        keypoint_confidence[number, evidence.frames] = evidence.lifted.keypoint_confidence
        box_px[number, evidence.frames] = evidence.box_px
        present = state[number] != State.ABSENT
        contact[number, present] = contacts(joints_world_m[number, present], time_s[present])
    return Take(
        source=source,
        frame_time_s=time_s,
        intrinsics=intrinsics,
        camera_to_world=np.tile(camera_to_world, (len(time_s), 1, 1)),
        person_id=np.arange(1, len(people) + 1),
        state=state,
        keypoints_px=keypoints_px,
        keypoint_confidence=keypoint_confidence,
        joints_world_m=joints_world_m,
        joint_confidence=confidence,
        box_px=box_px,
        box_camera_m=np.concatenate(
            [joints_camera_m.min(axis=2) - BOX_MARGIN_M, joints_camera_m.max(axis=2) + BOX_MARGIN_M], axis=-1
        ),
        contact=contact,
        rotations=rotations,
        root_world_m=joints_world_m[:, :, 0],
        bone_length_m=np.stack([s.bone_length_m for s in solved]),
    )


def _source(job: JobRequest, clip: Clip, focal: Focal, start_frame: int, time_s: np.ndarray) -> dict:
    from .mediapipe_pose import MODEL_NAME

    return {
        "clip": str(clip.path.resolve()),
        "sha256": clip.sha256(),
        "size": [clip.width, clip.height],
        "frame_rate": [clip.frame_rate.numerator, clip.frame_rate.denominator],
        "rotation": clip.rotation_deg,
        "start_frame": start_frame,
        "start_s": float(time_s[0]),
        "preset": job.preset,
        "focal": {"px": focal.focal_px, "source": focal.source},
        "models": [MODEL_NAME],
        "versions": {
            "animepose": __version__,
            **{name: metadata.version(name) for name in ("mediapipe", "numpy", "scipy", "av")},
        },
    }


class _Ahead:
    """An iterator whose items are made in a thread, a few ahead of their use."""

    def __init__(self, items: Iterator) -> None:
        self._items = items
        self._queue: Queue = Queue(FRAMES_AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="decode", daemon=True)

    def __enter__(self) -> Iterator:
        self._thread.start()
        return iter(self._take, None)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _fill(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
            self._put(None)
        except BaseException as error:  # handed to the thread that waits, which raises it
            self._put(error)

    def _put(self, item: object) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except Full:
                continue
        return False

    def _take(self) -> object:
        while True:
            try:
                item = self._queue.get(timeout=1.0)
            except Empty:
                continue
            if isinstance(item, BaseException):
                raise item
            return item
