"""What pulls on limbs after the transfer: feet that stand, hands that touch, ends that are moved by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .. import quaternions as quat
from .capsules import body_of
from .feet import Legs, Pinned, pin_feet
from .figures import Figure
from .hand_contact import keep_hands
from .motion import Motion
from .path import Path
from .slots import ARM, FINGER, LIMB_SLOTS, SIDES
from .two_bone import end_of, reach

_LEGS = tuple(tuple(f"{slot}.{side}" for slot in ("thigh", "shin", "foot")) for side in SIDES)


def hold_feet(
    heads_m: Mapping[str, np.ndarray], turned: Mapping[str, np.ndarray], target: Figure, motion: Motion, path: Path
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Feet held where they stand, on the target's own legs.

    Args:
        heads_m: slot → (F, 3) of the target.
        turned: slot → (F, 4)
        target: at rest.
    Returns:
        (F, 3) what the whole figure is shifted by, and the new rotations of thighs, shins and feet.
    """
    legs = legs_of(heads_m, turned, target)
    if legs is None:
        return np.zeros((len(motion.time_s), 3)), {}
    contact = np.zeros_like(motion.contact) if path.stays else motion.held
    floor_m = path.floor_m + target.sole_height_m
    pinned = pin_feet(legs, contact, motion.time_s, floor_m, motion.present)
    return pinned.shift_m, legs_turned(pinned, turned)


def legs_of(heads_m: Mapping[str, np.ndarray], turned: Mapping[str, np.ndarray], figure: Figure) -> Legs | None:
    """Both legs of a figure in motion; None if it lacks a part of one. Arguments as those of `hold_feet`."""
    if any(slot not in turned or slot not in heads_m for leg in _LEGS for slot in leg):
        return None
    return Legs(
        hip_m=np.stack([heads_m[leg[0]] for leg in _LEGS], axis=1),
        turned=np.stack([np.stack([turned[slot] for slot in leg], axis=1) for leg in _LEGS], axis=1),
        segments_m=np.array([_segments(figure, leg) for leg in _LEGS]),
        sole_m=np.array([figure.soles_m[n] - figure.rest.heads_m[leg[2]] for n, leg in enumerate(_LEGS)]),
        hinge=np.array([figure.frames[leg[1]][:, 1] for leg in _LEGS]),
    )


def legs_turned(pinned: Pinned, turned: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Slot → (F, 4) new rotations of thighs, shins, feet, and of the toes that hang on them."""
    made = {slot: pinned.turned[:, n, k] for n, leg in enumerate(_LEGS) for k, slot in enumerate(leg)}
    for side in SIDES:
        made |= _carried(turned, [f"toe.{side}"], turned[f"foot.{side}"], made[f"foot.{side}"])
    return made


def _segments(figure: Figure, limb: tuple[str, ...] | list[str]) -> np.ndarray:
    """(2, 3) both bones of a limb at rest."""
    points = np.array([figure.rest.heads_m[slot] for slot in limb])
    return np.diff(points, axis=0)


def bring_ends(
    heads_m: Mapping[str, np.ndarray],
    turned: Mapping[str, np.ndarray],
    target: Figure,
    ways_m: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """New rotations of the limbs whose hands or feet are moved.

    Args:
        ways_m: hand or foot slot → (F, 3) by how much it is moved, world axes.
    """
    made = {}
    for limb in LIMB_SLOTS.values():
        first, second, end = limb
        if end not in ways_m or any(slot not in turned or slot not in heads_m for slot in limb):
            continue
        both, segments_m = np.stack([turned[first], turned[second]], axis=1), _segments(target, limb)
        target_m = end_of(heads_m[first], both, segments_m) + ways_m[end]
        both = reach(heads_m[first], both, segments_m, target_m, hinge=target.frames[second][:, 1])
        made |= {first: both[:, 0], second: both[:, 1]}
    return made


def hold_hands(
    motion: Motion,
    heads_m: Mapping[str, np.ndarray],
    turned: Mapping[str, np.ndarray],
    source: Figure,
    target: Figure,
) -> dict[str, np.ndarray]:
    """New rotations of arms whose hands touch body or hands in the source, fingers included; see `hand_contact`."""
    index = motion.index
    theirs = body_of(
        {slot: motion.head_m[:, number] for slot, number in index.items()},
        {slot: motion.turned[:, number] for slot, number in index.items()},
        source.rest.heads_m, source.rest.tails_m, source.frames,
    )  # fmt: skip
    ours = body_of(heads_m, turned, target.rest.heads_m, target.rest.tails_m, target.frames)
    if theirs is None or ours is None:
        return {}
    arms = keep_hands(theirs, ours, motion.time_s)
    made = {f"{slot}.{side}": arms[:, n, k] for n, side in enumerate(SIDES) for k, slot in enumerate(ARM[1:])}
    for side in SIDES:
        hand = f"hand.{side}"
        made |= _carried(turned, [f"{slot}.{side}" for slot in FINGER], turned[hand], made[hand])
    return made


def _carried(
    turned: Mapping[str, np.ndarray], slots: list[str], before: np.ndarray, after: np.ndarray
) -> dict[str, np.ndarray]:
    """Rotations of what hangs on a part that is turned otherwise than before."""
    change = quat.multiply(after, quat.conjugate(before))
    return {slot: quat.multiply(change, turned[slot]) for slot in slots if slot in turned}
