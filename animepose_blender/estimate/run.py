"""The pipeline: a job request in, a take on disk out."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path

from .. import __version__
from ..errors import AnimePoseError, Cancelled, ExitCode
from ..protocol import JobRequest, Result
from ..take import Take
from .assemble import assemble
from .camera import DEFAULT_35MM, SENSOR_MM, focal_of
from .lifting import lifter_of
from .metrics.own import own_figures
from .observe import Observed, observe
from .parts import OpenParts
from .predict import predictor_of
from .reconstruct import Reconstruction, reconstruct
from .reporter import Reporter
from .thumbnails import thumbnails
from .video import Clip, open_clip

DEFAULT_FOCAL_WARNING = (
    f"Neither the clip nor what is in it tells its focal length; about {DEFAULT_35MM:.0f} mm "
    f"(on a sensor {SENSOR_MM:.0f} mm wide) was assumed. "
    "Give the focal length if you know it: distances scale with it."
)


def run(job: JobRequest, report: Reporter, parts: OpenParts | None = None) -> Result:
    """Estimate one clip and write its take.

    Args:
        job: what to estimate.
        report: told how far it is.
        parts: who looks at the clip; None = as the job says.
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
    if job.device not in ("auto", "cpu") and not job.parts.networks():
        report.warning(f"The preset {job.preset} runs on the CPU; the device {job.device} is not used.")
    clip = open_clip(job.clip)
    _require_place_for_take(Path(job.take), clip.path)
    focal = focal_of(job, clip)
    observed = observe(job, clip, report, parts)
    solved = reconstruct(observed, focal, job, report)
    if solved is None:
        raise AnimePoseError(
            f"Nobody was found in {clip.path.name}.",
            "Choose a range in which people are seen whole, a tenth of the picture's height or more.",
        )
    _warn(report, solved)
    report.progress("write", 0.0)
    take = assemble(solved.people, solved.view, _source(job, clip, solved, observed))
    take.source["figures"] = own_figures(take)
    _add_thumbnails(take, clip, report)
    report.check_cancelled()
    take.save(job.take)
    return Result(job.take, take.person_count, take.frame_count)


def _add_thumbnails(take: Take, clip: Clip, report: Reporter) -> None:
    """Pictures of the people; a take is as good without them."""
    try:
        take.extras["thumbnails"] = thumbnails(take, clip, report.check_cancelled)
    except Cancelled:
        raise
    except AnimePoseError as error:
        report.warning(f"The take has no pictures of the people: {error.message}")


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


def _warn(report: Reporter, solved: Reconstruction) -> None:
    if solved.focal.source == "default":
        report.warning(DEFAULT_FOCAL_WARNING)
    for why, count in solved.dropped.items():
        if count:
            report.warning(f"{count} {'find was' if count == 1 else 'finds were'} left out: {why}.")


def _source(job: JobRequest, clip: Clip, solved: Reconstruction, observed: Observed) -> dict:
    packages = ["mediapipe", "numpy", "scipy", "av", *(["torch"] if job.parts.networks() else [])]
    if "transformers" in sys.modules:
        packages.append("transformers")
    lifter = lifter_of(job.parts.lifter)
    source = {
        "clip": str(clip.path.resolve()),
        "sha256": clip.sha256(),
        "size": [clip.width, clip.height],
        "frame_rate": [clip.frame_rate.numerator, clip.frame_rate.denominator],
        "rotation": clip.rotation_deg,
        "start_frame": observed.start_frame,
        "start_s": float(observed.time_s[0]),
        "preset": job.preset,
        "focal": {"px": solved.focal.focal_px, "source": solved.focal.source},
        "camera": solved.camera,
        "motion": {
            "smoothness_s": job.smoothness_s,
            "foot_lock": job.foot_lock,
            "floor": job.floor,
            "hold_still_m": job.hold_still_m,
            "hands": job.hands,
        },
        "models": [*observed.networks, *([lifter.name] if lifter else []), predictor_of(job.parts.predictor).name],
        "versions": {"animepose": __version__, **{name: metadata.version(name) for name in packages}},
    }
    if observed.profile is not None:
        source["profile"] = dict(observed.profile)
    return source
