"""The motion of one humanoid, whatever it comes from: a take, or an armature and its action."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .. import quaternions as quat
from .slots import SIDES

SLIDES_M_S: tuple[float, float] = (0.2, 0.5)
"""A heel or toe that is said to stand does so up to the one speed, and does not from the other on."""


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
    """(2, 2, 3) left and right: the points of heel and toes that `contact` speaks of, at rest. The tip of the toes, or
    the ball of the foot where the source has toes that bend."""
    time_s: np.ndarray
    """(F,) increasing."""
    contact: np.ndarray
    """(F, 4) 0 to 1: left heel, left toe, right heel, right toe stand."""
    present: np.ndarray
    """(F,) bool; elsewhere the pose is that of the nearest frame with one."""
    rest_knuckle_m: np.ndarray | None = None
    """(2, 2, 3) left and right: knuckles of index and little finger at rest, where fingers do not tell; or None."""

    sole_height_m: float = 0.0
    """How high above what the figure stands on those points lie."""
    origin_m: np.ndarray | None = None
    """(3,) where an armature's object stands; None for a take, whose world is the target's as well."""

    @cached_property
    def index(self) -> dict[str, int]:
        """Slot → index."""
        return {slot: index for index, slot in enumerate(self.slots)}

    @cached_property
    def sole_m(self) -> np.ndarray:
        """(F, 2, 2, 3) left and right: the points of `rest_sole_m` over time; NaN for a foot that is not there."""
        made = np.full((len(self.time_s), 2, 2, 3), np.nan)
        for number, side in enumerate(SIDES):
            foot = self.index.get(f"foot.{side}")
            if foot is not None:
                away_m = self.rest_sole_m[number] - self.rest_head_m[foot]
                made[:, number] = self.head_m[:, None, foot] + quat.rotate(self.turned[:, None, foot], away_m)
        return made

    @cached_property
    def held(self) -> np.ndarray:
        """(F, 4) `contact`, less where heel or toe moves all the same: nothing that slides in the source is pinned."""
        if len(self.time_s) < 2:
            return self.contact
        step_m = np.linalg.norm(np.diff(self.sole_m.reshape(-1, 4, 3), axis=0), axis=-1)
        speed = step_m / np.diff(self.time_s)[:, None]
        slowest = np.pad(speed, ((1, 0), (0, 0)), mode="edge")
        slowest = np.fmin(slowest, np.pad(speed, ((0, 1), (0, 0)), mode="edge"))
        share = np.clip((SLIDES_M_S[1] - slowest) / (SLIDES_M_S[1] - SLIDES_M_S[0]), 0, 1)
        return self.contact * np.nan_to_num(share)
