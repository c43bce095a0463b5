"""What the user asks of the motion."""

from __future__ import annotations

from dataclasses import dataclass

from ...protocol import JobRequest


@dataclass(frozen=True)
class MotionSettings:
    """See the fields of the same names in `protocol.JobRequest`."""

    smoothness_s: float = 0.05
    foot_lock: str = "auto"
    floor: str = "flat"
    hold_still_m: float = 0.0

    @classmethod
    def of(cls, job: JobRequest) -> MotionSettings:
        """Those of a job."""
        return cls(job.smoothness_s, job.foot_lock, job.floor, job.hold_still_m)
