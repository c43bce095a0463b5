"""The motion of a take's person."""

from __future__ import annotations

import numpy as np

from ...skeleton import BONES, CONTACT_JOINTS, PARENTS, J
from ...take import State, Take
from .. import fingers
from .. import quaternions as quat
from ..armature_space import RestBones, rest_bones
from ..kinematics import forward
from .motion import Motion
from .slots import SIDES, SLOTS

SLOT_OF = {"abdomen": "spine_1", "spine": "spine_2", "chest": "spine_3"}
"""Bones of the skeleton whose slot has another name."""
_BODY: dict[str, int] = {
    slot: bone
    for bone, name in enumerate(BONES)
    if (slot := SLOT_OF.get(name, name)) in SLOTS and name not in ("toe.L", "toe.R")
}
"""Slot → bone of the skeleton. The skeleton's toe bone is rigid in the foot."""

_SIDES = {"L": "left", "R": "right"}
_Part = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Of a slot: head and end at rest (3,), rotation from rest (F, 4), head (F, 3)."""


def motion_of(take: Take, person: int) -> Motion:
    """One person of a take as a source; fingers too, if the take has them.

    Args:
        person: index of the person, present in at least one frame.
    Raises:
        ValueError: if the person is in no frame.
    """
    present = take.state[person] != State.ABSENT
    if not present.any():
        raise ValueError(f"person {take.person_id[person]} is in no frame")
    known = _nearest(present)
    rotations = take.rotations[person, known].astype(np.float64)
    lengths_m = take.bone_length_m[person].astype(np.float64)
    hand_lengths_m = take.extras["hand_bone_length_m"][person] if take.has_fingers else None
    rest = rest_bones(lengths_m, hand_lengths_m)
    joints_m, turned = forward(rotations, take.root_world_m[person, known].astype(np.float64), lengths_m)

    heads = {slot: max(int(PARENTS[bone]), 0) for slot, bone in _BODY.items()}
    parts: dict[str, _Part] = {
        slot: (rest.joints_m[heads[slot]], rest.joints_m[bone], turned[:, bone], joints_m[:, heads[slot]])
        for slot, bone in _BODY.items()
    }
    rest_up_m = rest.joints_m[J["spine"]] - rest.joints_m[J["pelvis"]]
    parts["pelvis"] = (parts["pelvis"][0], rest.joints_m[J["pelvis"]] + rest_up_m, *parts["pelvis"][2:])
    knuckles = [[J[f"{side}_{f}_knuckle"] for f in ("index", "pinky")] for side in ("left", "right")]
    if rest.fingers is not None:
        parts |= _finger_parts(take, person, known, rest, parts)
    for number, side in enumerate(SIDES):
        middle_m = rest.joints_m[knuckles[number]].mean(axis=0)
        # Drawn as hosts draw them: the hand to the middle of the knuckles, the foot to the tip of the toes.
        for slot, end_m in ((f"hand.{side}", middle_m), (f"foot.{side}", rest.joints_m[J[f"{_SIDES[side]}_toe"]])):
            parts[slot] = (parts[slot][0], end_m, *parts[slot][2:])

    slots = tuple(slot for slot in SLOTS if slot in parts)
    stacked = [[parts[slot][part] for slot in slots] for part in range(4)]
    # Heel and toe are joints within the foot, and it is these that stand still.
    soles_m = rest.joints_m[list(CONTACT_JOINTS)].reshape(2, 2, 3)
    contact = np.where(present[:, None], np.nan_to_num(take.contact[person].astype(np.float64)), 0.0)
    return Motion(
        slots=slots,
        rest_head_m=np.array(stacked[0]),
        rest_tail_m=np.array(stacked[1]),
        turned=np.stack(stacked[2], axis=1),
        head_m=np.stack(stacked[3], axis=1),
        rest_sole_m=soles_m,
        time_s=take.frame_time_s,
        contact=contact,
        present=present,
        rest_knuckle_m=rest.joints_m[np.array(knuckles)],
        sole_height_m=float(soles_m[..., 2].min()),
    )


def _nearest(present: np.ndarray) -> np.ndarray:
    """(F,) for each frame the nearest one that is present."""
    there = np.flatnonzero(present)
    right = np.minimum(np.searchsorted(there, np.arange(len(present))), len(there) - 1)
    left = np.maximum(right - 1, 0)
    frames = np.arange(len(present))
    return np.where(np.abs(frames - there[left]) <= np.abs(there[right] - frames), there[left], there[right])


def _finger_parts(
    take: Take, person: int, known: np.ndarray, rest: RestBones, parts: dict[str, _Part]
) -> dict[str, _Part]:
    """Rest ends, turns and heads of the fingers; see `core.fingers` for the convention."""
    local = take.extras["hand_rotations"][person, known].astype(np.float64)
    assert rest.fingers is not None
    made: dict[str, _Part] = {}
    for number, side in enumerate(SIDES):
        for bone, name in enumerate(fingers.BONES[number]):
            flat = number * fingers.BONE_COUNT + bone
            first = name.split("_")[1].startswith("1")
            above = parts[f"hand.{side}"] if first else made[fingers.BONES[number][bone - 1]]
            rest_m = rest.fingers.head_m[flat]
            carried_m = above[3] + quat.rotate(above[2], np.broadcast_to(rest_m - above[0], above[3].shape))
            made[name] = (rest_m, rest.fingers.tail_m[flat], quat.multiply(above[2], local[:, number, bone]), carried_m)
    return made
