"""What seen hands say of the palms, as evidence for the body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..core import fingers
from ..core import quaternions as quat
from ..core.crop_axes import crop_turn
from ..skeleton import REST_JOINTS_M, J
from .backends import Hands
from .lift import Lifted

SHARE = 0.5
"""Weight of a seen hand's palm beside the body's own. On rendered clips the palms of hands are 28 degrees off in the
median, those of the body's landmarks 32, and those half-way 24; on the views of `pose2sim_single`, against its
triangulated knuckles, 42, 39 and 35."""

_SIDES = ("left", "right")


def palm_rotations(hands: Hands, intrinsics: np.ndarray) -> np.ndarray:
    """How palms are turned.

    Args:
        hands: of n person-frames.
        intrinsics: (n, 3, 3).
    Returns:
        (n, 2, 4) global rotation of the skeleton's hand bones, wxyz, camera axes; NaN where a hand is not seen.
    """
    rotations = np.full((*hands.score.shape, 4), np.nan)
    seen = hands.score > 0
    # The network sees each hand as if a camera looked straight at it.
    middle_px = hands.points_px[:, :, 9].astype(np.float64)
    turn = crop_turn(middle_px[seen], intrinsics[np.nonzero(seen)[0]])
    rotations[seen] = quat.multiply(turn, fingers.palm_rotations(hands.or_at_rest())[seen])
    return rotations


def with_palms(lifted: Lifted, hands: Hands, intrinsics: np.ndarray) -> Lifted:
    """Turn the knuckles about their wrists half-way to the palms of seen hands; their distances stay as they are.

    Args:
        lifted: n person-frames, camera axes.
        hands: of the same ones.
        intrinsics: (n, 3, 3).
    """
    rotations = palm_rotations(hands, intrinsics)
    joints_m = lifted.joints_m.copy()
    for side, name in enumerate(_SIDES):
        rows = np.flatnonzero(hands.score[:, side] > 0)
        wrist = J[f"{name}_wrist"]
        knuckles = np.array([J[f"{name}_index_knuckle"], J[f"{name}_pinky_knuckle"]])
        offset_m = joints_m[rows][:, knuckles] - joints_m[rows, None, wrist]
        rest = REST_JOINTS_M[knuckles] - REST_JOINTS_M[wrist]
        rest /= np.linalg.norm(rest, axis=-1, keepdims=True)
        length_m = np.linalg.norm(offset_m, axis=-1, keepdims=True)
        own = quat.rotate(rotations[rows, side, None], rest)
        way = SHARE * own + (1 - SHARE) * offset_m / (length_m + 1e-9)
        way *= length_m / (np.linalg.norm(way, axis=-1, keepdims=True) + 1e-9)
        joints_m[np.ix_(rows, knuckles)] = joints_m[rows, None, wrist] + way
    return replace(lifted, joints_m=joints_m)
