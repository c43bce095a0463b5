"""Where a figure goes: the way of its hips, for another length of legs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .motion import Motion

FLOOR_QUANTILE = 2.0
"""Percentile of the soles' height that is taken for an armature's floor, so that one bad frame does not sink it."""
STANDS = 0.5
"""What a heel or toe is held by at least to tell what height somebody stands at."""
RAISED_SHARE = 0.2
"""Who stands this much above the floor, parts of the hips' height at rest, stands on something."""
KEPT_RATIO = (0.75, 1.35)
"""Legs of half or double length cannot make the steps of a path that is kept: feet would slide by centimetres."""


@dataclass(frozen=True, eq=False)
class Path:
    """See the fields; world axes, metres."""

    hips_m: np.ndarray
    """(F, 3) middle of the hips of the target."""
    floor_m: float
    """Height of what the target stands on."""
    stays: bool
    """Whether the figure stays on its spot, so that standing feet slide and cannot be pinned."""
    warnings: list[str]
    """Sentences for the user."""


@dataclass(frozen=True, eq=False)
class AtRest:
    """The target's stance at rest; world axes, metres."""

    hips_m: np.ndarray
    """(3,) middle of the hips."""
    floor_m: float
    """Height of the soles."""
    origin_m: np.ndarray
    """(3,) of its object."""


def hip_path(motion: Motion, source_hips_m: np.ndarray, ratio: float, mode: str, rest: AtRest) -> Path:
    """The target's hips over time.

    Legs are longer or shorter from what the figure stands on: with L its height, hips at z come to L + ratio (z - L).
    That is the floor, or a wall somebody stands on, and in between what they come from and go to.

    Args:
        source_hips_m: (F, 3) middle of the source's hips.
        ratio: the target's legs' length by the source's.
        mode: of `settings.ROOT_MODES`.
        rest: the target.
    """
    foreign = motion.origin_m is not None
    warnings = []
    if mode == "auto":
        mode = "scaled" if foreign else "kept"
        if mode == "kept" and not KEPT_RATIO[0] < ratio < KEPT_RATIO[1]:
            mode = "scaled"
            text = f"The rig's legs are {ratio:.2f} times the person's: the path is scaled, and leaves the plate."
            warnings.append(text)
    floor_m = _floor(motion) if foreign else 0.0
    level_m = _level(motion, floor_m, source_hips_m)
    target_floor_m = rest.floor_m if mode == "in_place" or (foreign and mode == "scaled") else floor_m
    if mode == "in_place":
        place_m = np.tile(rest.hips_m, (len(source_hips_m), 1))
    elif mode == "scaled":
        start_m = motion.origin_m if foreign else source_hips_m[np.argmax(motion.present)]
        place_m = (rest.origin_m if foreign else start_m) + ratio * (source_hips_m - start_m)
        # Where somebody goes grows, heights included; a wall they begin on does not.
        level_m = np.full_like(level_m, level_m[np.argmax(motion.present)])
    else:
        place_m = source_hips_m.copy()
    place_m[:, 2] = target_floor_m + (level_m - floor_m) + ratio * (source_hips_m[:, 2] - level_m)
    return Path(place_m, target_floor_m, mode == "in_place", warnings)


def _floor(motion: Motion) -> float:
    heights_m = np.fmin.reduce(motion.sole_m[motion.present][..., 2], axis=(1, 2))
    heights_m = heights_m - motion.sole_height_m
    return float(np.percentile(heights_m, FLOOR_QUANTILE)) if np.isfinite(heights_m).all() else 0.0


def _level(motion: Motion, floor_m: float, hips_m: np.ndarray) -> np.ndarray:
    """(F,) height of what the source stands on; between two stances it goes from the one to the other."""
    stands = (motion.held >= STANDS).reshape(-1, 2, 2) & np.isfinite(motion.sole_m[..., 2])
    known = np.flatnonzero(stands.any(axis=(1, 2)))
    if not len(known):
        return np.full(len(hips_m), floor_m)
    height_m = np.where(stands, motion.sole_m[..., 2], np.inf)[known].min(axis=(1, 2)) - motion.sole_height_m
    hips_height_m = np.median(hips_m[known, 2] - height_m)
    height_m = np.where(height_m - floor_m > RAISED_SHARE * hips_height_m, height_m, floor_m)
    level_m = np.interp(np.arange(len(hips_m)), known, height_m)
    # Who is lower than what they last stood on has left it.
    lowest_m = np.fmin.reduce(motion.sole_m[..., 2], axis=(1, 2)) - motion.sole_height_m
    return np.clip(level_m, floor_m, np.maximum(lowest_m, floor_m))
