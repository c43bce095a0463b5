"""When heels and toes stand, for motions that do not say: from how high they are and how fast they move.

All measures are parts of the legs' length, so that figures of any size are judged alike; those in metres below are of
legs of 0.85 m. The floors of recordings lean and drift by centimetres, so the floor is where the lower foot last came
to rest or will next, near a height for all of the motion: a foot held still in the air, beside one that is lower, does
not stand.
"""

from __future__ import annotations

import numpy as np

from .easing import above, gaussian, smooth_step
from .motion import Motion
from .slots import SIDES

FLOOR_QUANTILE = 0.10
"""Of the height of the lower foot; a tenth of the frames may lie below the floor, as in jumpy recordings."""
DRIFT, DRIFT_S = 0.12, 0.2
"""How far above that height the floor may drift (10 cm), and a third of the time within which the next foot rests."""
OWN_FLOOR_QUANTILE, OWN_FLOOR = 0.10, 0.035
"""Each point stands at its own height, up to 3 cm above the other: soles are guessed from the bones."""
HEIGHTS = (0.015, 0.06)
"""Above the floor a point surely stands up to the one (1 cm) and surely does not from the other on (5 cm)."""
SPEEDS_S = (0.2, 0.55)
"""A second; likewise 0.17 and 0.47 m/s."""
SMOOTH_S = 0.015
"""Sigma of the points' ways before their speed is taken: recordings shake."""


def contacts_of(motion: Motion, floor_m: float | None = None) -> np.ndarray:
    """(F, 4) 0 to 1: left heel, left toe, right heel, right toe stand; 0 where the motion is not present or a foot is
    missing.

    Args:
        floor_m: height of the floor; None = as found from the feet.
    """
    index = motion.index
    legs = [[f"{slot}.{side}" for slot in ("thigh", "shin", "foot")] for side in SIDES]
    joints = [motion.rest_head_m[[index[slot] for slot in leg]] for leg in legs if all(slot in index for slot in leg)]
    if not joints:
        return np.zeros((len(motion.time_s), 4))
    leg_m = float(np.linalg.norm(np.diff(np.array(joints), axis=1), axis=-1).sum(axis=1).mean())
    return contacts(motion.sole_m, motion.time_s, leg_m, floor_m, motion.present)


def contacts(
    sole_m: np.ndarray,
    time_s: np.ndarray,
    leg_m: float,
    floor_m: float | None = None,
    present: np.ndarray | None = None,
) -> np.ndarray:
    """Probabilities that heels and toes stand.

    Args:
        sole_m: (F, 2, 2, 3) left and right, heel and toe, Z up, metres; NaN = unknown.
        time_s: (F,) increasing.
        leg_m: length of thigh and shin.
        floor_m: height of the floor; None = as found from the feet.
        present: (F,) bool; elsewhere nothing stands and nothing is learnt of the floor.
    Returns:
        (F, 4) 0 to 1.
    """
    known = np.isfinite(sole_m).all(axis=-1)
    known &= True if present is None else present[:, None, None]
    if not known.any():
        return np.zeros((len(time_s), 4))
    height_m = np.where(known, sole_m[..., 2], np.inf)
    speed = np.where(known, _speed(np.nan_to_num(sole_m), time_s), np.inf) / leg_m
    slow = 1 - smooth_step((speed - SPEEDS_S[0]) / (SPEEDS_S[1] - SPEEDS_S[0]))
    if floor_m is None:
        lowest_m = height_m.min(axis=(1, 2))
        floor_m = float(np.quantile(lowest_m[np.isfinite(lowest_m)], FLOOR_QUANTILE))
        ground_m = _ground(np.where(slow > 0.5, height_m, np.inf), time_s, floor_m, floor_m + DRIFT * leg_m)
        height_m = height_m - ground_m[:, None, None]
        own_m = np.clip(_own_height(height_m, slow > 0.5), -OWN_FLOOR * leg_m, OWN_FLOOR * leg_m)
    else:
        own_m = floor_m
    rise = (height_m - own_m) / leg_m
    low = 1 - smooth_step((rise - HEIGHTS[0]) / (HEIGHTS[1] - HEIGHTS[0]))
    return (low * slow).reshape(-1, 4)


def _ground(resting_m: np.ndarray, time_s: np.ndarray, low_m: float, high_m: float) -> np.ndarray:
    """(F,) height of the floor, from heights (F, 2, 2) of resting points, else infinite: nowhere above one near by."""
    return -above(-np.clip(resting_m.min(axis=(1, 2)), low_m, high_m), time_s, DRIFT_S)


def _speed(points_m: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F, 2, 2) metres a second."""
    if len(time_s) < 2:
        return np.zeros(points_m.shape[:-1])
    flat = gaussian(points_m.reshape(len(points_m), -1), time_s, SMOOTH_S)
    return np.linalg.norm(np.gradient(flat.reshape(points_m.shape), time_s, axis=0), axis=-1)


def _own_height(height_m: np.ndarray, rests: np.ndarray) -> np.ndarray:
    """(2, 2) height above the floor at which each point stands: low among those at which it rests; 0 = never."""
    found = np.zeros(height_m.shape[1:])
    for leg, point in np.ndindex(found.shape):
        resting = height_m[rests[:, leg, point], leg, point]
        found[leg, point] = np.quantile(resting, OWN_FLOOR_QUANTILE) if len(resting) else 0.0
    return found
