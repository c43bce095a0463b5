"""The lowest point of the body on the floor in every frame, for motion without jumps and without pinned feet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..smooth import smooth
from .body import Pose

CUTOFF_HZ = 6.0
"""Half gain: the height follows the steps, not the change from one lowest joint to another."""


def grounded(pose: Pose, time_s: np.ndarray, lowest_m: np.ndarray) -> Pose:
    """The pose raised or lowered in every frame.

    Args:
        pose: n frames.
        time_s: (n,).
        lowest_m: (J,) heights that joints have when they lie on the floor.
    """
    above_m = (pose.relative_m()[..., 2] + pose.root_m[:, 2:] - lowest_m).min(axis=1)
    height_m = smooth(above_m[:, None, None], np.ones((len(time_s), 1)), time_s, CUTOFF_HZ)[:, 0, 0]
    # Never below: what smoothing takes too much of is added again.
    return replace(pose, root_m=pose.root_m - np.minimum(height_m, above_m)[:, None] * np.array([0.0, 0.0, 1.0]))
