"""Where a figure goes: the way of its hips, for another length of legs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .motion import Motion

FLOOR_QUANTILE = 2.0
"""Percentile of the soles' height that is taken for an armature's floor, so that one bad frame does not sink it."""


@dataclass(frozen=True, eq=False)
class Path:
    """See the fields; world axes, metres."""

    hips_m: np.ndarray
    """(F, 3) middle of the hips of the target."""
    floor_m: float
    """Height of what the target stands on."""
    stays: bool
    """Whether the figure stays on its spot, so that standing feet slide and cannot be pinned."""


def hip_path(
    motion: Motion,
    source_hips_m: np.ndarray,
    ratio: float,
    mode: str,
    rest_hips_m: np.ndarray,
    rest_floor_m: float,
    origin_m: np.ndarray,
) -> Path:
    """The target's hips over time.

    Args:
        source_hips_m: (F, 3) middle of the source's hips.
        ratio: the target's legs' length by the source's.
        mode: of `settings.ROOT_MODES`.
        rest_hips_m: (3,) middle of the target's hips at rest.
        rest_floor_m: height of the target's soles at rest.
        origin_m: (3,) of the target's object.
    """
    there = motion.present
    floor_m = 0.0
    heights_m = np.fmin.reduce(motion.sole_m[there][..., 2], axis=(1, 2))
    if motion.origin_m is not None and np.isfinite(heights_m).all():
        floor_m = float(np.percentile(heights_m, FLOOR_QUANTILE))
    target_floor_m = floor_m
    place_m = source_hips_m.copy()
    if mode == "in_place":
        target_floor_m = rest_floor_m
        place_m[:] = rest_hips_m
    elif mode == "scaled":
        start_m = source_hips_m[np.argmax(there)] if motion.origin_m is None else motion.origin_m
        target_start_m = start_m if motion.origin_m is None else origin_m
        place_m = target_start_m + ratio * (source_hips_m - start_m)
        if motion.origin_m is not None:
            target_floor_m = rest_floor_m
    place_m[:, 2] = target_floor_m + ratio * (source_hips_m[:, 2] - floor_m)
    return Path(place_m, target_floor_m, mode == "in_place")
