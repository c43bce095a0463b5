"""A change of a motion as new channels of a rig's own controls, whatever else moves these.

With Q the orientation in which a control is carried, the control stands at P = Q * basis. If a change turns what
carries it by D_p and the control itself by D, world axes, then

    D P = (D_p Q) basis'        basis' = Q^-1 D_p^-1 D P

and what is turned like what carries it keeps its channels. Places likewise: x is the way from the carried place along
the axes of Q, so the channel is (D_p Q)^-1 (wanted place - carried place).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import quaternions as quat
from ..retarget.controls import Keys
from ..retarget.slots import LIMB_SLOTS
from .pinning import Change


@dataclass(frozen=True, eq=False)
class Controls:
    """C controls, in an order in which what a control follows comes before it."""

    names: tuple[str, ...]
    slots: tuple[str, ...]
    kinds: tuple[str, ...]
    """joint, follower, ik, pole; see `core.retarget.controls`."""
    rotation_parent: np.ndarray
    """(C,) int, the control that it turns with; -1 = none that changes."""
    location_parent: np.ndarray
    """(C,) int, the control that its place goes with."""
    keys_rotation: np.ndarray
    """(C,) bool"""
    keys_location: np.ndarray
    """(C,) bool"""


@dataclass(frozen=True, eq=False)
class Posed:
    """The controls as they are over F frames."""

    orientation: np.ndarray
    """(C, F, 4) world axes."""
    head_m: np.ndarray
    """(C, F, 3) world axes."""
    basis: np.ndarray
    """(C, F, 4) each one's own rotation."""
    location: np.ndarray
    """(C, F, 3) each one's own place along the axes it is carried in, its armature's units."""
    joint_m: np.ndarray
    """(C, F, 3) the ankle that an IK control holds, the hip of the leg whose pole it is; else anything."""
    scale: float
    """Metres a unit."""


def rekeyed(controls: Controls, posed: Posed, change: Change) -> list[Keys]:
    """The channels of controls after a change."""
    still = np.broadcast_to(quat.IDENTITY, posed.basis.shape[1:])
    turned: list[np.ndarray] = []
    moved_m: list[np.ndarray] = []
    made = []
    for number, (name, slot, kind) in enumerate(zip(controls.names, controls.slots, controls.kinds, strict=True)):
        above, base = int(controls.rotation_parent[number]), int(controls.location_parent[number])
        carried_by = still if above < 0 else turned[above]
        turn = change.turned.get(slot, carried_by) if kind != "pole" else carried_by
        carried = quat.multiply(posed.orientation[number], quat.conjugate(posed.basis[number]))
        own_m = posed.scale * quat.rotate(carried, posed.location[number])
        head_m = posed.head_m[number]
        carried_m = head_m - own_m
        carried_to_m = carried_m if base < 0 else _carried(carried_m, posed.head_m[base], moved_m[base], turned[base])
        axes = quat.multiply(carried_by, carried)
        wanted_m = _wanted(controls, posed, change, number, head_m)
        rotation = location = None
        if controls.keys_rotation[number]:
            basis = quat.multiply(quat.conjugate(axes), quat.multiply(turn, posed.orientation[number]))
            rotation = quat.unroll(quat.normalize(basis))
        if controls.keys_location[number] and wanted_m is not None:
            location = quat.rotate(quat.conjugate(axes), wanted_m - carried_to_m) / posed.scale
        else:
            wanted_m = carried_to_m + quat.rotate(carried_by, own_m)
        turned.append(turn)
        moved_m.append(wanted_m - head_m)
        if rotation is not None or location is not None:
            made.append(Keys(name, rotation, location))
    return made


def _carried(place_m: np.ndarray, base_m: np.ndarray, moved_m: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """(F, 3) where a place comes to with what it hangs on."""
    return base_m + moved_m + quat.rotate(turn, place_m - base_m)


def _wanted(controls: Controls, posed: Posed, change: Change, number: int, head_m: np.ndarray) -> np.ndarray | None:
    """(F, 3) where a control with a place of its own comes to; None = it has none to be brought to."""
    slot, kind, joint_m = controls.slots[number], controls.kinds[number], posed.joint_m[number]
    if slot == "pelvis" and kind == "joint":
        return head_m + change.shift_m
    limb = next((limb for limb, slots in LIMB_SLOTS.items() if slot in slots and limb in change.ankle_m), None)
    if limb is None or kind not in ("ik", "pole"):
        return None
    if kind == "ik":
        turn = change.turned.get(slot)
        away_m = head_m - joint_m
        return joint_m + change.ankle_m[limb] + (away_m if turn is None else quat.rotate(turn, away_m))
    # The pole keeps its place beside the line from hip to ankle.
    return joint_m + change.shift_m + quat.rotate(change.line[limb], head_m - joint_m)
