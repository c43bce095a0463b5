"""A body as capsules: lines with a radius, for head, trunk, thighs and arms, so that two bodies' surfaces compare.

Radii go by the skeleton's own measures, since there may be no skin: broad shoulders make a broad chest, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .. import quaternions as quat
from .slots import FINGER, NECK, SIDES, SPINE

HEAD_RADIUS, HEAD_OF_NECKLESS = 0.36, 0.75
"""Of the head's height, and what of the head's bone is head if it begins at the base of the neck."""
CHEST_RADIUS, BELLY_RADIUS, THIGH_RADIUS = 0.40, 0.72, 0.17
"""Of the distance between the arms, that between the thighs, and a thigh's length."""
CHEST, BELLY = (0.5, 0.85), (0.0, 0.5)
"""Where they lie on the way from between the hips to between the arms."""
ARM_RADII = (0.16, 0.14)
"""Of upper arm and forearm, parts of each one's length."""
PALM, PALM_RANGE = 0.36, (0.2, 0.7)
"""From the wrist to the middle of the knuckles by the forearm's length: usually, and what is believed of a rig."""
PARTS: tuple[str, ...] = ("head", "chest", "belly", "thigh.L", "thigh.R")
"""Parts that arms do not move."""


@dataclass(frozen=True, eq=False)
class Body:
    """K parts (`PARTS`) and both arms, left and right, over F frames; world axes, metres."""

    ends_m: np.ndarray
    """(F, K, 2, 3)"""
    radius_m: np.ndarray
    """(K,)"""
    axes: np.ndarray
    """(F, K, 4) how each part lies; the same in two bodies of the same pose."""
    shoulder_m: np.ndarray
    """(F, 2, 3) where the upper arms begin."""
    turned: np.ndarray
    """(F, 2, 3, 4) rotations from rest of upper arm, forearm and hand."""
    segments_m: np.ndarray
    """(2, 2, 3) at rest: shoulder to elbow, elbow to wrist."""
    palm_m: np.ndarray
    """(2, 3) at rest: wrist to the middle of the knuckles."""
    hinge: np.ndarray
    """(2, 3) rest axis of each elbow; a positive turn bends it."""
    frames: np.ndarray
    """(2, 3, 4) of upper arm, forearm and hand at rest: turned * frames is the same in two bodies of the same pose."""

    def at(self, frames: np.ndarray) -> Body:
        """The body in some of its frames."""
        moving = {name: getattr(self, name)[frames] for name in ("ends_m", "axes", "shoulder_m", "turned")}
        still = {name: getattr(self, name) for name in ("radius_m", "segments_m", "palm_m", "hinge", "frames")}
        return Body(**moving, **still)

    def arms(self, turned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends of upper arms, forearms and hands (F, 2, 3, 2, 3), hands to the knuckles; and how they lie (F, 2, 3, 4).

        Args:
            turned: (F, 2, 3, 4)
        """
        bones = np.concatenate([self.segments_m, self.palm_m[:, None]], axis=1)
        steps = quat.rotate(turned, bones)
        tails = self.shoulder_m[:, :, None] + np.cumsum(steps, axis=2)
        return np.stack([tails - steps, tails], axis=3), quat.multiply(turned, self.frames)

    @property
    def arm_radius_m(self) -> np.ndarray:
        """(2, 2) of upper arms and forearms."""
        return np.linalg.norm(self.segments_m, axis=-1) * ARM_RADII


def body_of(
    heads_m: Mapping[str, np.ndarray],
    turned: Mapping[str, np.ndarray],
    rest_heads_m: Mapping[str, np.ndarray],
    rest_tails_m: Mapping[str, np.ndarray],
    frames: Mapping[str, np.ndarray],
) -> Body | None:
    """The capsules of a figure; None if it lacks a head, a limb or the like.

    Args:
        heads_m: slot → (F, 3).
        turned: slot → (F, 4) rotations from rest.
        rest_heads_m, rest_tails_m: slot → (3,).
        frames: slot → (3, 3) of `rest_frames.part_frames`: along each part and across it, at rest.
    """
    limbs = [[f"{slot}.{side}" for side in SIDES] for slot in ("upper_arm", "forearm", "hand", "thigh", "shin")]
    needed = ["pelvis", "head", *(slot for pair in limbs for slot in pair)]
    if any(slot not in group for slot in needed for group in (heads_m, turned, rest_heads_m, rest_tails_m, frames)):
        return None
    upper, fore, hand, thigh, shin = limbs

    def apart(pair: list[str]) -> float:
        return float(np.linalg.norm(rest_heads_m[pair[0]] - rest_heads_m[pair[1]]))

    low, high = (np.mean([heads_m[slot] for slot in pair], axis=0) for pair in (thigh, upper))
    skull = rest_tails_m["head"] - rest_heads_m["head"]
    skull = skull if any(slot in rest_heads_m for slot in NECK) else HEAD_OF_NECKLESS * skull
    height = float(np.linalg.norm(skull))
    radius = HEAD_RADIUS * height
    to_top = quat.rotate(turned["head"], rest_tails_m["head"] - rest_heads_m["head"])
    up = quat.rotate(turned["head"], skull / max(height, 1e-9))
    top = heads_m["head"] + to_top - radius * up
    thigh_m = np.mean([np.linalg.norm(rest_heads_m[b] - rest_heads_m[a]) for a, b in zip(thigh, shin, strict=True)])
    lines = [
        [top - max(height - 2 * radius, 0.0) * up, top],
        *([low + share * (high - low) for share in part] for part in (CHEST, BELLY)),
        *([heads_m[a], heads_m[b]] for a, b in zip(thigh, shin, strict=True)),
    ]
    radii = [radius, CHEST_RADIUS * apart(upper), BELLY_RADIUS * apart(thigh), *[THIGH_RADIUS * thigh_m] * 2]
    chest = next((slot for slot in reversed(SPINE) if slot in turned and slot in frames), "pelvis")
    lie = {slot: quat.from_matrix(frames[slot]) for slot in {*needed, chest}}
    arms = [[pair[side] for pair in (upper, fore, hand)] for side in (0, 1)]
    return Body(
        ends_m=np.stack([np.stack(line, axis=1) for line in lines], axis=1),
        radius_m=np.array(radii),
        axes=np.stack([quat.multiply(turned[s], lie[s]) for s in ("head", chest, "pelvis", *thigh)], axis=1),
        shoulder_m=np.stack([heads_m[slot] for slot in upper], axis=1),
        turned=np.stack([np.stack([turned[slot] for slot in arm], axis=1) for arm in arms], axis=1),
        segments_m=np.array([np.diff([rest_heads_m[slot] for slot in arm], axis=0) for arm in arms]),
        palm_m=np.array([_palm(arm, rest_heads_m, rest_tails_m, frames) for arm in arms]),
        hinge=np.array([frames[slot][:, 1] for slot in upper]),
        frames=np.array([[lie[slot] for slot in arm] for arm in arms]),
    )


def _palm(
    arm: list[str],
    rest_heads_m: Mapping[str, np.ndarray],
    rest_tails_m: Mapping[str, np.ndarray],
    frames: Mapping[str, np.ndarray],
) -> np.ndarray:
    """(3,) from the wrist to the middle of the knuckles at rest."""
    _, fore, hand = arm
    wrist, along = rest_heads_m[hand], frames[hand][:, 0]
    forearm_m = float(np.linalg.norm(wrist - rest_heads_m[fore]))
    roots = [f"{slot}.{hand[-1]}" for slot in FINGER if slot.endswith("_1") and not slot.startswith("thumb")]
    knuckles = [rest_heads_m[slot] for slot in roots if slot in rest_heads_m]
    end = np.mean(knuckles, axis=0) if knuckles else rest_tails_m[hand]
    length = float((end - wrist) @ along)
    low, high = PALM_RANGE
    return along * (length if low * forearm_m < length < high * forearm_m else PALM * forearm_m)
