"""The motion of one humanoid, whatever it comes from: a take, or an armature and its action."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Motion:
    """S slots over F frames, world axes (Z up), metres.

    A slot that the source lacks is not in it. The rest pose may be any: what counts is how bones turn from it.
    """

    slots: tuple[str, ...]
    """Of `slots.SLOTS`, in that order; pelvis always, root never."""
    rest_head_m: np.ndarray
    """(S, 3)"""
    rest_tail_m: np.ndarray
    """(S, 3) where the slot's part ends: the head of the next slot of the limb, else the bone's own tail."""
    turned: np.ndarray
    """(F, S, 4) rotation from the rest pose, world axes: a direction d of the rest points along turned * d."""
    head_m: np.ndarray
    """(F, S, 3)"""
    rest_sole_m: np.ndarray
    """(2, 2, 3) left and right: below heel and tip of the toes at rest, on the plane that the figure stands on."""
    time_s: np.ndarray
    """(F,) increasing."""
    contact: np.ndarray
    """(F, 4) 0 to 1: left heel, left toe, right heel, right toe stand."""
    present: np.ndarray
    """(F,) bool; elsewhere the pose is that of the nearest frame with one."""
    rest_knuckle_m: np.ndarray | None = None
    """(2, 2, 3) left and right: knuckles of index and little finger at rest, where fingers do not tell; or None."""

    origin_m: np.ndarray | None = None
    """(3,) where an armature's object stands; None for a take, whose world is the target's as well."""

    @cached_property
    def index(self) -> dict[str, int]:
        """Slot → index."""
        return {slot: index for index, slot in enumerate(self.slots)}
