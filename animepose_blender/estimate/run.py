"""The pipeline: a job request in, a take on disk out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Protocol

import numpy as np

from .. import __version__
from ..core import cameras
from ..errors import AnimePoseError, ExitCode
from ..protocol import JobRequest, Result
from .ahead import Ahead
from .assemble import assemble
from .camera import DEFAULT_35MM, SENSOR_MM, Focal, focal_of
from .lift import lift_blazepose, onto_rays
from .people import Tracklet, follow
from .person import Evidence, Solved, merge, select, solve_person
from .place import place_roots
from .track import join, long_enough
from .video import Clip, open_clip

FRAMES_AHEAD = 4
"""Frames that are decoded ahead of the networks; more only cost memory."""
MAX_MISFIT = 0.04
"""Solved people lie at 0.015 to 0.028 of their height off their keypoints, tree trunks and shadows at 0.042 to 0.06."""
DEFAULT_FOCAL_WARNING = (
    f"The clip does not say its focal length; {DEFAULT_35MM:.0f} mm (on a sensor {SENSOR_MM:.0f} mm wide) was assumed. "
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
    if job.device not in ("auto", "cpu"):
        report.warning(f"The preset {job.preset} runs on the CPU; the device {job.device} is not used.")
    clip = open_clip(job.clip)
    _require_place_for_take(Path(job.take), clip.path)
    focal = focal_of(job, clip)
    if focal.source == "default":
        report.warning(DEFAULT_FOCAL_WARNING)
    tracklets, time_s, start_frame = observe(job, clip, report)

    report.progress("place", 0.0)
    intrinsics = np.tile(cameras.intrinsics_of(focal.focal_px, clip.width, clip.height), (len(time_s), 1, 1))
    pieces, roots_m = place_tracklets(tracklets, intrinsics)
    report.progress("track", 0.0)
    numbers = [piece.frames for piece in pieces]
    chains = join(numbers, roots_m, time_s)
    people = [merge([pieces[i] for i in chain]) for chain in chains if long_enough(numbers, chain, time_s)]
    solved: list[tuple[Evidence, Solved]] = []
    for number, evidence in enumerate(people):
        report.progress("solve", number / len(people))
        solved.append((evidence, solve_person(evidence, time_s, intrinsics)))
    believed = [pair for pair in solved if pair[1].misfit <= MAX_MISFIT]
    if not believed:
        raise AnimePoseError(
            f"Nobody was found in {clip.path.name}.",
            "Choose a range in which people are seen whole, a tenth of the picture's height or more.",
        )
    kept = _first_seen_first(believed, job.max_people)
    _warn_of_dropped(report, len(chains) - len(people), len(solved) - len(believed), len(believed) - len(kept))
    report.progress("write", 0.0)
    source = _source(job, clip, focal, start_frame, time_s)
    take = assemble([evidence for evidence, _ in kept], [person for _, person in kept], time_s, intrinsics, source)
    report.check_cancelled()
    take.save(job.take)
    return Result(job.take, take.person_count, take.frame_count)


def _require_place_for_take(take: Path, clip: Path) -> None:
    """Refuse, before minutes of work, a take that would replace the clip or that cannot be written."""
    if take.exists() and take.samefile(clip):
        raise AnimePoseError(
            f"The take would overwrite its own clip {clip}.", "Give the take another name.", ExitCode.USAGE
        )
    folder = next(parent for parent in take.parents if parent.exists()) if take.name else take
    if take.is_dir():
        reason = "there is a folder of this name"
    elif not folder.is_dir():
        reason = f"{folder} is no folder"
    elif not os.access(folder, os.W_OK):
        reason = f"{folder} is write-protected"
    else:
        return
    raise AnimePoseError(
        f"The take could not be written to {take}: {reason}.",
        "Choose a folder that can be written to and has space left.",
    )


def observe(job: JobRequest, clip: Clip, report: Reporter) -> tuple[list[Tracklet], np.ndarray, int]:
    """Read the clip once: tracklets, (F,) times and the number of the first frame in the clip."""
    # Imported here: it takes seconds, and a clip that cannot be opened should be refused before.
    from .mediapipe_pose import MediaPipePose

    report.progress("detect", 0.0)
    backend = MediaPipePose()
    first_s = job.start_s or 0.0
    last_s = min(job.end_s or np.inf, clip.duration_s or np.inf)
    times: list[float] = []
    start_frame = 0

    def frames() -> Iterator[tuple[float, np.ndarray]]:
        nonlocal start_frame
        with Ahead(clip.frames(job.start_s, job.end_s, damaged), FRAMES_AHEAD) as ahead:
            for index, time_s, rgb in ahead:
                if not times:
                    start_frame = index
                times.append(time_s)
                yield time_s, rgb
                done = (time_s - first_s) / (last_s - first_s) if np.isfinite(last_s) and last_s > first_s else 0.0
                report.progress("detect", min(done, 1.0))

    def damaged(time_s: float, reason: str) -> None:
        report.warning(f"{clip.path.name} can be read only up to {time_s:.2f} s ({reason}); the rest was left out.")

    try:
        tracklets = follow(frames(), backend, backend, job.max_people)
    finally:
        backend.close()
    return tracklets, np.array(times), start_frame


def place_tracklets(tracklets: list[Tracklet], intrinsics: np.ndarray) -> tuple[list[Evidence], list[np.ndarray]]:
    """The evidence of each tracklet and its (n, 3) roots in camera axes."""
    pieces: list[Evidence] = []
    roots_m: list[np.ndarray] = []
    for tracklet in tracklets:
        frames = np.array(tracklet.frames)
        seen = tracklet.observations
        stacked = {
            name: np.stack([getattr(o, name) for o in seen])
            for name in ("landmarks_px", "confidence", "landmarks_m", "region", "box_px")
        }
        box_px = stacked.pop("box_px")
        lifted = lift_blazepose(**stacked, intrinsics=intrinsics[frames])
        root_m, _ = place_roots(lifted.joints_m, lifted.keypoints_px, lifted.keypoint_confidence, intrinsics[frames])
        good = np.isfinite(root_m).all(axis=-1)
        if good.any():
            on_rays = onto_rays(lifted, root_m, intrinsics[frames])
            pieces.append(select(Evidence(frames, on_rays, box_px), good))
            roots_m.append(root_m[good])
    return pieces, roots_m


def _warn_of_dropped(report: Reporter, short: int, misfits: int, too_many: int) -> None:
    for count, why in (
        (short, "seen too shortly"),
        (misfits, "no person by their proportions"),
        (too_many, "more than the most people asked for"),
    ):
        if count:
            report.warning(f"{count} {'find was' if count == 1 else 'finds were'} left out: {why}.")


def _first_seen_first(people: list[tuple[Evidence, Solved]], max_people: int) -> list[tuple[Evidence, Solved]]:
    """Those who are seen longest, in the order of their first appearance and, at once, from left to right."""
    longest = sorted(people, key=lambda p: -len(p[0].frames))[:max_people]
    return sorted(longest, key=lambda p: (int(p[0].frames[0]), float(p[0].box_px[0, 0])))


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
