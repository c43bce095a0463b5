"""An armature posed by channels as Blender does it, bone by bone: an oracle; and figures read off the result."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from animepose_blender.core.retarget.armature import Armature
from animepose_blender.core.retarget.controls import Keys
from animepose_blender.core.retarget.motion import Motion
from animepose_blender.core.retarget.plain_controls import plain_controls
from animepose_blender.core.retarget.settings import Settings
from animepose_blender.core.retarget.slots import SIDES
from animepose_blender.core.retarget.take_motion import motion_of
from animepose_blender.core.retarget.transfer import Result, Target, transfer
from animepose_blender.core.synthetic import walking_take

LIMBS = [
    (f"{first}.{side}", f"{second}.{side}")
    for side in SIDES
    for first, second in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))
]


def walk(frames: int = 40) -> Motion:
    """A person who walks in a circle."""
    return motion_of(walking_take(1, frames, gaps=False), 0)


def retargeted(made, motion: Motion, settings: Settings = Settings(pin_feet=False)) -> Result:  # noqa: B008
    """A rig of the catalogue with a motion on it."""
    controls = plain_controls(made.armature, made.rig_map)
    return transfer(motion, Target(made.armature, made.rig_map, controls, made.armature.to_world), settings)


def matrices(rotation: np.ndarray | None, location: np.ndarray | None, frames: int) -> np.ndarray:
    """(F, 4, 4) basis matrices."""
    made = np.tile(np.eye(4), (frames, 1, 1))
    if rotation is not None:
        made[:, :3, :3] = Rotation.from_quat(np.roll(rotation, -1, axis=-1)).as_matrix()
    if location is not None:
        made[:, :3, 3] = location
    return made


def pose(
    armature: Armature, keys: list[Keys], frames: int, basis: np.ndarray | None = None, free: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """Bone → (F, 4, 4) pose in the world: pose[c] = pose[p] rest[p]^-1 rest[c] basis[c].

    Args:
        basis: (N, 4, 4) of bones without keys; None = at rest.
        free: bones that do not inherit their parents' rotation.
    """
    keyed = {key.name: key for key in keys}
    made: list[np.ndarray] = []
    for number, name in enumerate(armature.names):
        parent = armature.parents[number]
        own = np.tile(np.eye(4) if basis is None else basis[number], (frames, 1, 1))
        if name in keyed:
            own = matrices(keyed[name].rotation, keyed[name].location, frames)
        carried = np.tile(armature.rest[number], (frames, 1, 1))
        if parent >= 0:
            carried = made[parent] @ np.linalg.inv(armature.rest[parent]) @ armature.rest[number]
            if name in free:
                carried[:, :3, :3] = armature.rest[number, :3, :3]
        made.append(carried @ own)
    return {name: armature.to_world @ matrix for name, matrix in zip(armature.names, made, strict=True)}


def heads(posed: dict[str, np.ndarray], truth: dict[str, str]) -> dict[str, np.ndarray]:
    """Slot → (F, 3) world axes, metres."""
    return {slot: posed[bone][:, :3, 3] for slot, bone in truth.items()}


def limb_errors_deg(motion: Motion, heads_m: dict[str, np.ndarray]) -> np.ndarray:
    """(F, 8) angle between the limbs of source and target."""
    errors = []
    for first, second in LIMBS:
        if first in heads_m and second in heads_m:
            a = heads_m[second] - heads_m[first]
            b = motion.head_m[:, motion.index[second]] - motion.head_m[:, motion.index[first]]
            errors.append(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))
    return np.degrees(np.stack(errors, axis=1))
