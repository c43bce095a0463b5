"""The worker's other job: a span of a take solved again."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..errors import AnimePoseError, ExitCode
from ..protocol import Result, SolveRequest
from ..take import Take
from .resolve import solve_again

TIME_SLACK_S = 1e-3
"""A frame this near to the end of a span belongs to it."""


class Reporter(Protocol):
    """The part of `observe.Reporter` that is used here, without what decodes clips."""

    def progress(self, stage: str, stage_fraction: float) -> None:
        """Raises `Cancelled` if the user wants to stop."""
        ...


def run_again(job: SolveRequest, report: Reporter) -> Result:
    """Read a take, solve the span that is asked for again, and write the new take.

    Raises:
        AnimePoseError: if the take cannot be read or written, or does not know the person or the span.
    """
    report.progress("open", 0.0)
    take = Take.load(job.source)
    if job.person_id not in take.person_id:
        raise AnimePoseError(
            f"The take knows no person {job.person_id}, but {', '.join(str(one) for one in take.person_id)}.",
            "Name one of these.",
            ExitCode.USAGE,
        )
    time_s = take.frame_time_s
    first = 0 if job.start_s is None else int(np.searchsorted(time_s, job.start_s - TIME_SLACK_S))
    last = len(time_s) - 1
    if job.end_s is not None:
        last = int(np.searchsorted(time_s, job.end_s + TIME_SLACK_S, side="right")) - 1
    if first > last:
        raise AnimePoseError(
            f"The span holds no frame; the take's are at {time_s[0]:g} to {time_s[-1]:g} s.",
            "Choose a span of the take.",
            ExitCode.USAGE,
        )
    report.progress("solve", 0.0)
    again = solve_again(
        take,
        take.person_id.tolist().index(job.person_id),
        first,
        last,
        wrong=job.wrong,
        foot_lock=job.foot_lock,
        smoothness_s=job.smoothness_s,
    )
    report.progress("write", 0.0)
    path = again.save(job.take)
    report.progress("write", 1.0)
    return Result(str(path), again.person_count, again.frame_count)
