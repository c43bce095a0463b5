"""A dead zone: what hardly moves stays where it is."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

LOOK_S = 0.5
"""Something is still that stays within the dead zone for so long."""
EASE_S = 0.15
"""Over which it comes to rest and leaves."""


def still(points_m: np.ndarray, time_s: np.ndarray, dead_zone_m: float) -> np.ndarray:
    """Points that stay within a dead zone, held at their mean while they do.

    Args:
        points_m: (n, N, 3).
        time_s: (n,).
        dead_zone_m: width of the zone.
    Returns:
        (n, N, 3).
    """
    if dead_zone_m <= 0 or len(time_s) < 3:
        return points_m
    step_s = float(np.median(np.diff(time_s)))
    look = 2 * max(1, round(LOOK_S / 2 / step_s)) + 1
    reach_m = maximum_filter1d(points_m, look, axis=0, mode="nearest")
    reach_m = np.linalg.norm(reach_m - minimum_filter1d(points_m, look, axis=0, mode="nearest"), axis=-1)
    quiet = reach_m < dead_zone_m
    # A moment about which all is quiet is quiet for the whole of that time.
    quiet = maximum_filter1d(quiet.astype(np.uint8), look, axis=0, mode="nearest").astype(bool)
    # The mean of each quiet span of each point, by the number of the span.
    begins = np.diff(np.pad(quiet, ((1, 0), (0, 0))).astype(int), axis=0) == 1
    count, series = quiet.shape
    number = np.cumsum(begins, axis=0) + np.arange(series) * (count + 1)
    length = np.bincount(number[quiet], minlength=series * (count + 1)).clip(1)
    mean_m = np.stack(
        [np.bincount(number[quiet], points_m[..., k][quiet], series * (count + 1)) / length for k in range(3)], axis=-1
    )
    ease = 2 * max(1, round(EASE_S / step_s)) + 1
    share = uniform_filter1d(quiet.astype(float), ease, axis=0, mode="nearest")
    share = (quiet * np.clip(2 * share - 1, 0.0, 1.0))[..., None]
    return points_m + share * (mean_m[number] - points_m)
