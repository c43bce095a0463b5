"""What pinning changes of a motion: how far the figure is shifted, and how parts of the legs are turned beyond it.

Changes are told, not poses: whoever writes them to a rig's own channels leaves everything else of these as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .. import quaternions as quat
from ..retarget.easing import ease
from ..retarget.feet import HALF_LIFE_S, pin_feet
from ..retarget.figures import Figure
from ..retarget.motion import Motion
from ..retarget.pulls import legs_of, legs_turned
from ..retarget.slots import LIMB_SLOTS, SIDES
from ..retarget.two_bone import end_of
from .spans import STANDS

FLOOR_QUANTILE = 2.0
"""Percentile of the lower sole's height near which the floor is."""
NEAR = 0.1
"""Part of the leg's length within which feet that stand near it stand on it, and not on a wall or a chair."""
OWN_FLOOR_M = 0.05
"""People of a take who never stand have their world's floor, unless they were lifted off it by more."""
_LEGS = tuple(LIMB_SLOTS[f"leg.{side}"] for side in SIDES)


@dataclass(frozen=True, eq=False)
class Change:
    """What becomes of a motion of F frames; world axes, metres."""

    shift_m: np.ndarray
    """(F, 3) of the whole figure."""
    turned: Mapping[str, np.ndarray]
    """Slot → (F, 4) the rotation by which a part of a leg is turned beyond what it was, toes included."""
    ankle_m: Mapping[str, np.ndarray]
    """Limb → (F, 3) by how much the ankle comes to lie elsewhere, the shift included."""
    line: Mapping[str, np.ndarray]
    """Limb → (F, 4) rotation of the line from hip to ankle."""


def floor_of(motion: Motion, contact: np.ndarray, leg_m: float) -> float:
    """Height of the floor that the motion itself tells: nearly the lowest that feet come, and where they stand there.

    Args:
        contact: (F, 4) 0 to 1.
        leg_m: length of thigh and shin.
    """
    height_m = motion.sole_m[..., 2].reshape(-1, 4) - motion.sole_height_m
    known = motion.present[:, None] & np.isfinite(height_m)
    if not known.any():
        return 0.0
    lowest_m = np.where(known, height_m, np.inf).min(axis=1)[known.any(axis=1)]
    floor_m = float(np.percentile(lowest_m, FLOOR_QUANTILE))
    stands = known & (np.nan_to_num(contact) > STANDS) & (np.abs(height_m - floor_m) < NEAR * leg_m)
    if stands.any():
        return float(np.median(height_m[stands]))
    return 0.0 if motion.origin_m is None and abs(floor_m) < OWN_FLOOR_M else floor_m


def pinned(
    motion: Motion, figure: Figure, contact: np.ndarray, told: np.ndarray | None, floor_m: float
) -> Change | None:
    """Hold heels and toes where they stand; None if the motion lacks a part of a leg.

    Args:
        figure: of the motion (`figures.figure_of`).
        contact, told: see `feet.pin_feet`.
        floor_m: height of what the figure stands on.
    """
    turned = {slot: motion.turned[:, number] for slot, number in motion.index.items()}
    heads_m = {slot: motion.head_m[:, number] for slot, number in motion.index.items()}
    legs = legs_of(heads_m, turned, figure)
    if legs is None:
        return None
    made = pin_feet(legs, contact, motion.time_s, floor_m + motion.sole_height_m, motion.present, told)
    after = legs_turned(made, turned)
    hip_m = legs.hip_m + made.shift_m[:, None]
    before_m = end_of(legs.hip_m, legs.turned[:, :, :2], legs.segments_m)
    ankle_m = end_of(hip_m, made.turned[:, :, :2], legs.segments_m)
    line = quat.between(before_m - legs.hip_m, ankle_m - hip_m)
    # Legs that IK may stretch or shorten a little do not end where their bones at rest would: in a stand they do.
    off_m = before_m - np.stack([heads_m[leg[-1]] for leg in _LEGS], axis=1)
    stands = (np.nan_to_num(contact).reshape(-1, 2, 2) > STANDS).any(axis=-1) & motion.present[:, None]
    way_m = ankle_m - before_m + ease(off_m, stands, motion.time_s, HALF_LIFE_S)
    return Change(
        made.shift_m,
        {slot: quat.normalize(quat.multiply(turn, quat.conjugate(turned[slot]))) for slot, turn in after.items()},
        {f"leg.{side}": way_m[:, number] for number, side in enumerate(SIDES)},
        {f"leg.{side}": line[:, number] for number, side in enumerate(SIDES)},
    )


def lifted(up_m: np.ndarray) -> Change:
    """The whole figure goes up by (F,) metres."""
    shift_m = up_m[:, None] * np.array([0.0, 0.0, 1.0])
    legs = [limb for limb in LIMB_SLOTS if limb.startswith("leg")]
    still = np.broadcast_to(quat.IDENTITY, (len(up_m), 4))
    return Change(shift_m, {}, {leg: shift_m for leg in legs}, {leg: still for leg in legs})  # noqa: C420 typed so
