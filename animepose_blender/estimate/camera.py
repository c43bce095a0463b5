"""The camera of a clip: its focal length, from the best source there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..protocol import JobRequest
from .video import Clip

DEFAULT_35MM = 30.0
"""Where nothing is known: phones, which take most clips, film at 26 to 32 mm when video stabilisation has cropped."""
DEFAULT_SIGMA = 0.45
"""Spread of the logarithm of focal lengths about the default: from wide action cameras to short telephoto lenses."""
SENSOR_MM = 36.0
"""Width of the sensor that focal lengths in mm refer to; it lies along the longer side of the picture."""


@dataclass(frozen=True)
class Focal:
    """A focal length and where it is from."""

    focal_px: float
    source: str
    """`user`, `metadata`, `estimated` or `default`."""
    sigma: float = 0.0
    """Spread of its logarithm; 0 = it is known."""


def focal_of(job: JobRequest, clip: Clip) -> Focal:
    """The user's focal length, else the one in the file's metadata, else `DEFAULT_35MM`."""
    long_side = max(clip.width, clip.height)
    if job.focal_px is not None:
        return Focal(job.focal_px, "user")
    if job.focal_mm is not None:
        return Focal(job.focal_mm / SENSOR_MM * long_side, "user")
    if clip.focal_35mm is not None:
        return Focal(clip.focal_35mm / SENSOR_MM * long_side, "metadata")
    return Focal(DEFAULT_35MM / SENSOR_MM * long_side, "default", DEFAULT_SIGMA)


def more_certain(focal: Focal, found: tuple[float, float] | None) -> Focal:
    """An uncertain focal length together with a second, independent finding: focal length in pixels and the spread of
    its logarithm."""
    if found is None or focal.sigma == 0:
        return focal
    weight = np.array([focal.sigma, found[1]]) ** -2.0
    log_px = np.average(np.log([focal.focal_px, found[0]]), weights=weight)
    return Focal(float(np.exp(log_px)), "estimated", float(weight.sum() ** -0.5))
