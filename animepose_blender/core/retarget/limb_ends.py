"""The ends of limbs: the IK controls that hold them, and the places that offsets move them to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .. import quaternions as quat
from .armature import Armature
from .controls import Controls
from .easing import smooth_step
from .posing import Placement, Stance
from .slots import LIMB_SLOTS

STRAIGHT = (0.03, 0.12)
"""How far knee or elbow is off the straight line, parts of the limb's length: below, the pole follows the first bone;
above, the bend itself."""


def slot_heads(controls: Controls, stance: Stance) -> dict[str, np.ndarray]:
    """Slot → (F, 3) heads of the controls that hold slots."""
    return {
        slot: stance.head_m[number]
        for number, (slot, kind) in enumerate(zip(controls.slots, controls.kinds, strict=True))
        if kind == "joint"
    }


def wanted_heads(
    controls: Controls,
    armature: Armature,
    bones: Mapping[str, str],
    turned: Mapping[str, np.ndarray],
    stance: Stance,
    placement: Placement,
) -> dict[int, np.ndarray]:
    """Where IK ends and poles must be: control → (F, 3), world axes, metres.

    An end is carried by its hand or foot as one piece. A pole lies as far from knee or elbow as it does at rest, on the
    side to which the limb bends.

    Args:
        bones: slot → bone of the armature, whose rest heads are the joints.
    """
    heads_m = slot_heads(controls, stance)
    made = {}
    for number, (slot, kind) in enumerate(zip(controls.slots, controls.kinds, strict=True)):
        rest_m = placement.scale * quat.rotate(placement.at_rest, controls.rest[number][:3, 3])
        if kind == "ik" and slot in heads_m:
            joint_m = _rest_head(armature, bones[slot], placement)
            away_m = np.broadcast_to(rest_m - joint_m, heads_m[slot].shape)
            made[number] = heads_m[slot] + quat.rotate(turned[slot], away_m)
        if kind == "pole":
            limb = next((slots for slots in LIMB_SLOTS.values() if slots[1] == slot), None)
            if limb is not None and all(s in heads_m for s in limb):
                first, middle, end = limb
                away_m = rest_m - _rest_head(armature, bones[slot], placement)
                made[number] = _pole(heads_m[first], heads_m[middle], heads_m[end], turned[first], away_m)
    return made


def _rest_head(armature: Armature, bone: str, placement: Placement) -> np.ndarray:
    return placement.scale * quat.rotate(placement.at_rest, armature.heads[armature.index[bone]])


def _pole(
    first_m: np.ndarray, middle_m: np.ndarray, end_m: np.ndarray, turned: np.ndarray, away_m: np.ndarray
) -> np.ndarray:
    """(F, 3)"""
    line = end_m - first_m
    length = np.maximum(np.linalg.norm(line, axis=-1, keepdims=True), 1e-9)
    line = line / length
    off = middle_m - first_m
    off = off - line * np.sum(off * line, axis=-1, keepdims=True)
    distance = np.linalg.norm(off, axis=-1, keepdims=True)
    carried = quat.rotate(turned, np.broadcast_to(away_m, line.shape))
    carried = carried - line * np.sum(carried * line, axis=-1, keepdims=True)
    carried /= np.maximum(np.linalg.norm(carried, axis=-1, keepdims=True), 1e-9)
    share = smooth_step((distance / length - STRAIGHT[0]) / (STRAIGHT[1] - STRAIGHT[0]))
    side = share * off / np.maximum(distance, 1e-9) + (1 - share) * carried
    side /= np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-9)
    return middle_m + np.linalg.norm(away_m) * side
