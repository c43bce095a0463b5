"""The preset `dummy`: a made-up walking person in place of an estimate.

It never opens the clip. Protocol, progress, cancel and every way to fail can so be tried in a second, without a video
and without the estimators' packages.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np

from ..core.synthetic import walking_take
from ..errors import AnimePoseError, ExitCode
from ..protocol import STAGES, JobRequest, Result
from ..take import THUMBNAIL_PX

STEPS_PER_STAGE = 20
SLICE_S = 0.05
TINTS = ((205, 120, 70), (80, 140, 190), (120, 165, 85), (165, 105, 175))
"""Colours of the tiles that stand for pictures of the people."""


class Reporter(Protocol):
    """The part of `run.Reporter` that is used here."""

    def progress(self, stage: str, stage_fraction: float) -> None: ...
    def warning(self, message: str) -> None: ...
    def check_cancelled(self) -> None: ...


@dataclass(frozen=True)
class DummySettings:
    """What `JobRequest.settings` may say for this preset."""

    frames: int = 60
    people: int = 1
    fps: float = 30.0
    seconds_per_stage: float = 0.0
    fail_at: str = ""
    """Stage to fail at, as if the clip could not be used."""
    crash_at: str = ""
    """Stage to raise something unexpected at."""
    die_at: str = ""
    """Stage to die at, as if killed."""
    hang_at: str = ""
    """Stage to hang at without looking at the cancel flag, as a long native call does."""
    junk: bool = False
    """Print to standard output, as careless libraries do."""
    warn: str = ""
    """A warning to send."""


def run(job: JobRequest, report: Reporter) -> Result:
    """Write a take of walking people to `job.take`.

    Raises:
        AnimePoseError: if a setting is unknown, if asked to fail, or if the take cannot be written.
        Cancelled: if the user wants to stop.
    """
    settings = _settings(job)
    if settings.warn:
        report.warning(settings.warn)
    take = walking_take(people=min(settings.people, job.max_people), frames=settings.frames, fps=round(settings.fps))
    for stage in STAGES:
        _misbehave(stage, settings)
        for step in range(STEPS_PER_STAGE):
            report.progress(stage, step / STEPS_PER_STAGE)
            _work(settings.seconds_per_stage / STEPS_PER_STAGE, report)
        report.progress(stage, 1.0)
    take.source.update(clip=job.clip, preset=job.preset)
    tints = np.resize(np.array(TINTS, dtype=np.uint8), (take.person_count, 3))
    take.extras["thumbnails"] = np.tile(tints[:, None, None], (1, THUMBNAIL_PX, THUMBNAIL_PX, 1))
    take.save(job.take)
    return Result(job.take, take.person_count, take.frame_count)


def _work(seconds: float, report: Reporter) -> None:
    """Pass the time, ready to be cancelled."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        report.check_cancelled()
        time.sleep(min(left, SLICE_S))


def _settings(job: JobRequest) -> DummySettings:
    known = {f.name for f in fields(DummySettings)}
    unknown = sorted(set(job.settings) - known)
    if unknown:
        raise AnimePoseError(
            f"The preset dummy knows no setting {', '.join(unknown)}.",
            f"Known ones are {', '.join(sorted(known))}.",
            ExitCode.USAGE,
        )
    return DummySettings(**job.settings)


def _misbehave(stage: str, settings: DummySettings) -> None:
    if settings.junk:
        sys.stdout.write("printed by a library\n")
        sys.stdout.flush()
        os.write(1, b"written to file descriptor 1 by native code\n")
    if stage == settings.fail_at:
        raise AnimePoseError(f"The dummy was asked to fail at {stage}.", "Ask it not to.")
    if stage == settings.crash_at:
        raise ZeroDivisionError("the dummy was asked to crash")
    if stage == settings.die_at:
        os.kill(os.getpid(), 9)
    if stage == settings.hang_at:
        time.sleep(3600)
