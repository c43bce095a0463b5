"""What pulls on limbs after the transfer: feet that stand, hands that touch, ends that are moved by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .. import quaternions as quat
from .feet import Legs, pin_feet
from .motion import Motion
from .path import Path
from .slots import LIMB_SLOTS, SIDES
from .stance import Rest
from .two_bone import end_of, reach


def hold_feet(
    heads_m: Mapping[str, np.ndarray],
    turned: Mapping[str, np.ndarray],
    rest: Rest,
    frames: Mapping[str, np.ndarray],
    soles_m: np.ndarray,
    motion: Motion,
    path: Path,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Feet held where they stand, on the target's own legs.

    Args:
        heads_m: slot → (F, 3) of the target.
        turned: slot → (F, 4)
        rest, frames, soles_m: the target's at rest, see `stance` and `rest_frames`.
    Returns:
        (F, 3) what the whole figure is shifted by, and the new rotations of thighs, shins and feet.
    """
    legs = [[f"{slot}.{side}" for slot in ("thigh", "shin", "foot")] for side in SIDES]
    if any(slot not in turned or slot not in heads_m for leg in legs for slot in leg):
        return np.zeros((len(motion.time_s), 3)), {}
    contact = np.zeros_like(motion.contact) if path.stays else motion.held
    pinned = pin_feet(
        Legs(
            hip_m=np.stack([heads_m[leg[0]] for leg in legs], axis=1),
            turned=np.stack([np.stack([turned[slot] for slot in leg], axis=1) for leg in legs], axis=1),
            segments_m=np.array([_segments(rest, leg) for leg in legs]),
            sole_m=np.array([soles_m[n] - rest.heads_m[leg[2]] for n, leg in enumerate(legs)]),
            hinge=np.array([frames[leg[1]][:, 1] for leg in legs]),
        ),
        contact,
        motion.time_s,
        path.floor_m,
        motion.present,
    )
    made = {slot: pinned.turned[:, n, k] for n, leg in enumerate(legs) for k, slot in enumerate(leg)}
    # Toes that have no motion of their own stay straight in their feet.
    for side in SIDES:
        toe, foot = f"toe.{side}", f"foot.{side}"
        if toe in turned:
            change = quat.multiply(made[foot], quat.conjugate(turned[foot]))
            made[toe] = quat.multiply(change, turned[toe])
    return pinned.shift_m, made


def _segments(rest: Rest, limb: tuple[str, ...] | list[str]) -> np.ndarray:
    """(2, 3) both bones of a limb at rest."""
    points = np.array([rest.heads_m[slot] for slot in limb])
    return np.diff(points, axis=0)


def bring_ends(
    heads_m: Mapping[str, np.ndarray],
    turned: Mapping[str, np.ndarray],
    rest: Rest,
    frames: Mapping[str, np.ndarray],
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
        both, segments_m = np.stack([turned[first], turned[second]], axis=1), _segments(rest, limb)
        target_m = end_of(heads_m[first], both, segments_m) + ways_m[end]
        both = reach(heads_m[first], both, segments_m, target_m, hinge=frames[second][:, 1])
        made |= {first: both[:, 0], second: both[:, 1]}
    return made


def hold_hands(
    motion: Motion,
    heads_m: Mapping[str, np.ndarray],
    turned: Mapping[str, np.ndarray],
    source: Rest,
    target: Rest,
    frames: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """New rotations of arms whose hands touch the body, see `hand_contact`."""
    return {}
