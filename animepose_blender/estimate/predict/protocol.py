"""What a trajectory predictor is given, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class History:
    """What is known of one person up to a moment, world axes (Z up, floor at z = 0)."""

    time_s: np.ndarray
    """(h,) increasing; any frame rate, also a varying one."""
    joints_world_m: np.ndarray
    """(h, J, 3); rows of NaN where the person was not known. At least one pelvis is known."""
    others_world_m: np.ndarray
    """(O, h, 3) roots of the other people at the same times, or (O, h, J, 3) all their joints; NaN where absent."""
    camera_m: np.ndarray
    """(3,) or (h, 3) centre of the camera."""
    root_sigma_m: np.ndarray | None = None
    """(2,) how far the last known root may be off across the ray and along it; None = as the predictor was made for."""

    def reversed(self) -> History:
        """The same with time running backwards, to predict what was before."""
        camera_m = self.camera_m if self.camera_m.ndim == 1 else self.camera_m[::-1]
        return History(
            -self.time_s[::-1], self.joints_world_m[::-1], self.others_world_m[:, ::-1], camera_m, self.root_sigma_m
        )


@dataclass(frozen=True, eq=False)
class Prediction:
    """One person at n times."""

    joints_world_m: np.ndarray
    """(n, J, 3); bones keep their lengths."""
    root_sigma_m: np.ndarray
    """(n, 2) standard deviations of the root: for each axis across the camera's ray, and along the ray. They grow."""


class TrajectoryPredictor(Protocol):
    """Where somebody goes who is no longer seen."""

    def predict(self, history: History, time_s: np.ndarray) -> Prediction:
        """Carry a person on.

        Args:
            history: what is known.
            time_s: (n,) in any order, after the last time at which the person is known.
        Raises:
            ValueError: if the person is never known, or a time is not after that.
        """
        ...
