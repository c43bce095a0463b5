"""People's sizes from the floor that they share.

One camera cannot tell a small person who is near from a large one who is far: scaling a person about the camera's
centre changes nothing in the picture. It does move the feet up or down, unless the camera lies on the floor. So for
everybody who stands on the floor there is one size that puts the feet on it.
"""

from __future__ import annotations

import numpy as np

from ..core import cameras
from .floor import SAME_FLOOR_M, SOLE_M, standing_feet
from .robust import weighted_median

SMALLEST, LARGEST = 0.85, 1.18
"""Sizes that are believed, as shares of what the estimator, which expects average adults, makes of a person."""
LOWEST_CAMERA_M = 0.5
"""A camera lower than this sees the floor too flat for it to tell anything."""


def sizes_on_floor(
    joints_camera_m: np.ndarray, confidence: np.ndarray, time_s: np.ndarray, camera_to_world: np.ndarray
) -> np.ndarray:
    """Factor for each person that puts the standing feet onto the floor.

    Heights count from where the joints of feet on the floor are. With the camera at height h and a person's standing
    feet at height b, scaling by s about the camera brings the feet to h - s (h - b), which is 0 for s = h / (h - b).

    Args:
        joints_camera_m: (P, F, J, 3); NaN where absent.
        confidence: (P, F, J).
        time_s: (F,).
        camera_to_world: (4, 4) from `floor.fit_floor`.
    Returns:
        (P,); 1 for people who stand on something else, or of whom it is not known.
    """
    factors = np.ones(len(joints_camera_m))
    height_m = camera_to_world[2, 3] - SOLE_M
    if height_m < LOWEST_CAMERA_M:
        return factors
    up_camera = camera_to_world[2, :3]
    for person, (joints_m, sure) in enumerate(zip(joints_camera_m, confidence, strict=True)):
        feet_m, weight = standing_feet(joints_m, sure, time_s, up_camera)
        if len(feet_m) == 0:
            continue
        above_m = cameras.transform(camera_to_world, feet_m)[:, 2] - SOLE_M
        level_m = float(weighted_median(above_m[:, None], weight[:, None])[0])
        if abs(level_m) < min(SAME_FLOOR_M, height_m / 2):
            factors[person] = np.clip(height_m / (height_m - level_m), SMALLEST, LARGEST)
    return factors
