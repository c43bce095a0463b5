"""The moments of a clip and the camera at each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core import cameras


@dataclass(frozen=True, eq=False)
class View:
    """F frames."""

    time_s: np.ndarray
    """(F,) increasing."""
    intrinsics: np.ndarray
    """(F, 3, 3)."""
    camera_to_world: np.ndarray
    """(F, 4, 4)."""

    @property
    def centre_m(self) -> np.ndarray:
        """(F, 3) where the camera stands."""
        return self.camera_to_world[:, :3, 3]

    @property
    def world_to_camera(self) -> np.ndarray:
        """(F, 4, 4)"""
        return cameras.invert(self.camera_to_world)

    def at(self, frames: np.ndarray) -> View:
        """Some frames of it."""
        return View(self.time_s[frames], self.intrinsics[frames], self.camera_to_world[frames])
