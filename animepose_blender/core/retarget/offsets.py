"""An animator's constant corrections, part by part."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .. import quaternions as quat
from ..swing_twist import slerp
from .settings import Offset
from .slots import ARM, FINGER, LEG, NECK, SIDES, SLOTS, SPINE

CARRIERS: dict[str, tuple[str, ...]] = {"hips": ("pelvis",), "spine": ("pelvis",), "head": (*SPINE[::-1], "pelvis")} | {
    f"{part}.{side}": carriers
    for side in SIDES
    for part, carriers in {
        "arm": (*SPINE[::-1], "pelvis"), "hand": (*SPINE[::-1], "pelvis"), "leg": ("pelvis",), "foot": ("pelvis",),
    }.items()
}  # fmt: skip
"""Part → the slots that carry it, the first that is there: offsets are along the body's axes as turned by it."""


def _moving(part: str) -> tuple[str, ...]:
    """The slots that turn with a part: everything that hangs on it."""
    stem, _, side = part.partition(".")
    arms = tuple(f"{slot}.{s}" for s in SIDES for slot in (*ARM, *FINGER))
    return {
        "hips": tuple(slot for slot in SLOTS if slot != "root"),
        "spine": (*SPINE, *NECK, "head", *arms),
        "head": (*NECK, "head"),
        "arm": tuple(f"{slot}.{side}" for slot in (*ARM[1:], *FINGER)),
        "hand": tuple(f"{slot}.{side}" for slot in ("hand", *FINGER)),
        "leg": tuple(f"{slot}.{side}" for slot in LEG),
        "foot": tuple(f"{slot}.{side}" for slot in LEG[2:]),
    }[stem]


def _rotation(turn_deg: tuple[float, float, float]) -> np.ndarray:
    """(4,) about x, then y, then z, the axes standing still."""
    result = quat.IDENTITY
    for axis, angle in zip(np.eye(3), np.radians(turn_deg), strict=True):
        result = quat.multiply(np.array([np.cos(angle / 2), *(np.sin(angle / 2) * axis)]), result)
    return result


def axes_of(part: str, turned: Mapping[str, np.ndarray], body: np.ndarray) -> np.ndarray:
    """(F, 4) the body's axes as they are turned by what carries a part.

    Args:
        turned: slot → (F, 4) rotations from rest, world axes; the pelvis among them.
        body: (3, 3) the body's axes at rest.
    """
    carrier = next(slot for slot in CARRIERS[part] if slot in turned)
    return quat.multiply(turned[carrier], quat.from_matrix(body))


def turn_parts(
    turned: Mapping[str, np.ndarray], offsets: Mapping[str, Offset], body: np.ndarray
) -> dict[str, np.ndarray]:
    """Rotations from rest after the offsets' turns; what hangs on a part turns with it. The neck takes a half."""
    made = dict(turned)
    for part in CARRIERS:  # from the hips outwards, so that outer parts are offset along axes that are offset already
        offset = offsets.get(part)
        if offset is None or not any(offset.turn_deg):
            continue
        axes = axes_of(part, made, body)
        local = _rotation(offset.turn_deg)
        turn = quat.multiply(quat.multiply(axes, local), quat.conjugate(axes))
        half = quat.multiply(quat.multiply(axes, slerp(quat.IDENTITY, local, 0.5)), quat.conjugate(axes))
        for slot in _moving(part):
            if slot in made:
                made[slot] = quat.multiply(half if part == "head" and slot in NECK else turn, made[slot])
    return made


def move_m(part: str, offsets: Mapping[str, Offset], turned: Mapping[str, np.ndarray], body: np.ndarray) -> np.ndarray:
    """(F, 3) world axes, metres: by how much a part is moved."""
    offset = offsets.get(part)
    frames = len(turned["pelvis"])
    if offset is None or not any(offset.move_cm):
        return np.zeros((frames, 3))
    way_m = np.broadcast_to(np.asarray(offset.move_cm, dtype=np.float64) / 100, (frames, 3))
    return quat.rotate(axes_of(part, turned, body), way_m)
