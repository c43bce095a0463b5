"""Which feet stand in each mode, and how a figure is kept on the floor.

The modes are those of the solve (`protocol.FOOT_LOCKS`), for a motion that is there already.
"""

from __future__ import annotations

import numpy as np

from ..retarget.easing import gaussian, spans
from ..retarget.feet import BEGINS, ENDS, GAP_S, SHORTEST_S

MODES: tuple[str, ...] = ("auto", "always", "never", "grounding")
CHANGE = 0.035
"""Part of the leg's length (3 cm) by which the other foot must be lower to be the one that stands."""
LEVEL = 0.03
"""Likewise up to which heel and toe of a foot are level and stand together."""
SETTLED_S = 0.05
"""Sigma of the smooth heights that tell who stands."""
GROUNDED_S = 0.06
"""Sigma of the smooth way in which a figure is raised and lowered."""
GROUNDED_M = 0.004
"""How far the lowest sole may be off the floor for the sake of smoothness."""


def standing_feet(contact: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F, 2) bool, feet of which heel or toe stands: with hysteresis, as feet are pinned.

    Args:
        contact: (F, 4) 0 to 1: left heel, left toe, right heel, right toe; NaN = does not stand.
    """
    either = spans(contact.reshape(-1, 2, 2), time_s, BEGINS, ENDS, SHORTEST_S, GAP_S).any(axis=-1)
    # The heel may leave the floor a moment before the toes are said to stand.
    return spans(either, time_s, BEGINS, ENDS, SHORTEST_S, GAP_S)


def one_stands(
    stands: np.ndarray, sole_m: np.ndarray, time_s: np.ndarray, leg_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where no foot stands, the lower one does.

    Args:
        stands: (F, 2) bool
        sole_m: (F, 2, 2, 3) left and right, heel and toe.
        time_s: (F,)
        leg_m: length of thigh and shin.
    Returns:
        (F, 2) bool, and (F, 2, 2) bool which of heel and toe it is where nothing is known of that.
    """
    height_m = gaussian(sole_m[..., 2], time_s, SETTLED_S)
    low_m = height_m.min(axis=-1)
    # What a footstep says of who stands counts more than heights.
    lead = np.where(stands[:, 0] == stands[:, 1], (low_m[:, 1] - low_m[:, 0]) / (CHANGE * leg_m),
                    np.where(stands[:, 0], np.inf, -np.inf))  # fmt: skip
    left = _switched(lead)
    alone = ~stands.any(axis=-1)
    made = stands.copy()
    made[:, 0] |= alone & left
    made[:, 1] |= alone & ~left
    rise = (height_m[..., 1] - height_m[..., 0]) / (LEVEL * leg_m)
    return made, np.stack([rise > -1, rise < 1], axis=-1)


def _switched(lead: np.ndarray) -> np.ndarray:
    """(F,) bool, true from where `lead` (F,) exceeds 1 until it falls below -1."""
    told = np.abs(lead) > 1
    if not told.any():
        return np.full(len(lead), float(np.mean(lead)) >= 0)
    last = np.maximum.accumulate(np.where(told, np.arange(len(lead)), -1))
    return lead[np.where(last < 0, int(np.argmax(told)), last)] > 0


def grounded_m(sole_m: np.ndarray, time_s: np.ndarray, floor_m: float) -> np.ndarray:
    """(F,) metres by which a figure goes up so that its lowest sole is on the floor, within `GROUNDED_M`.

    Args:
        sole_m: (F, 2, 2, 3); NaN for a foot that is not there.
        floor_m: height that the soles' points have on the floor.
    """
    lacks_m = floor_m - np.fmin.reduce(sole_m[..., 2], axis=(1, 2))
    return np.clip(gaussian(lacks_m, time_s, GROUNDED_S), lacks_m - GROUNDED_M, lacks_m + GROUNDED_M)
