"""The camera of a clip: its focal length, from the best source there is."""

from __future__ import annotations

from dataclasses import dataclass

from ..protocol import JobRequest
from .video import Clip

DEFAULT_35MM = 30.0
"""Where nothing is known: phones, which take most clips, film at 26 to 32 mm when video stabilisation has cropped."""
SENSOR_MM = 36.0
"""Width of the sensor that focal lengths in mm refer to; it lies along the longer side of the picture."""


@dataclass(frozen=True)
class Focal:
    """A focal length and where it is from."""

    focal_px: float
    source: str
    """`user`, `metadata` or `default`."""


def focal_of(job: JobRequest, clip: Clip) -> Focal:
    """The user's focal length, else the one in the file's metadata, else `DEFAULT_35MM`."""
    long_side = max(clip.width, clip.height)
    if job.focal_px is not None:
        return Focal(job.focal_px, "user")
    if job.focal_mm is not None:
        return Focal(job.focal_mm / SENSOR_MM * long_side, "user")
    if clip.focal_35mm is not None:
        return Focal(clip.focal_35mm / SENSOR_MM * long_side, "metadata")
    return Focal(DEFAULT_35MM / SENSOR_MM * long_side, "default")
