"""Where a rig's controls stand once it is known how its parts are turned, and the channels that put them there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .. import quaternions as quat
from .controls import Controls, Keys


@dataclass(frozen=True, eq=False)
class Placement:
    """The armature in the world over F frames."""

    rotation: np.ndarray
    """(4,) or (F, 4) from armature axes to world axes."""
    scale: float
    """Metres a unit of the armature."""
    origin_m: np.ndarray
    """(3,) or (F, 3)"""
    at_rest: np.ndarray
    """(4,) the rotation with which the rest pose is looked at: turns from rest refer to it."""

    @classmethod
    def of(cls, to_world: np.ndarray, at_rest: np.ndarray) -> Placement:
        """From matrices of one uniform scale.

        Args:
            to_world: (4, 4) or (F, 4, 4).
            at_rest: (4, 4)
        """
        scale = float(np.cbrt(np.linalg.det(at_rest[:3, :3])))
        return cls(quat.from_matrix(_axes(to_world)), scale, to_world[..., :3, 3], quat.from_matrix(_axes(at_rest)))


@dataclass(frozen=True, eq=False)
class Stance:
    """C controls over F frames, world axes, metres."""

    orientation: np.ndarray
    """(C, F, 4)"""
    carried: np.ndarray
    """(C, F, 4) the orientation with an identity basis, from what each follows."""
    carried_head_m: np.ndarray
    """(C, F, 3) the head with no location of its own."""
    head_m: np.ndarray
    """(C, F, 3)"""


def stand(controls: Controls, turned: Mapping[str, np.ndarray], placement: Placement, moved_m: np.ndarray) -> Stance:
    """Forward kinematics over the graph of controls.

    Args:
        turned: slot → (F, 4) rotation from rest, world axes; a control whose slot is missing, and a pole, keeps its
            basis rotation at identity.
        moved_m: (F, 3) by how much the pelvis's control leaves the place that its parents give it, world axes.
    """
    frames = len(moved_m)
    origin = np.broadcast_to(placement.rotation, (frames, 4))
    origin_m = np.broadcast_to(placement.origin_m, (frames, 3))
    at_rest = quat.multiply(placement.at_rest, quat.from_matrix(_axes(controls.rest)))
    root = pelvis_of(controls)
    orientation, carried, heads_m, carried_heads_m = [], [], [], []
    for number, (slot, kind) in enumerate(zip(controls.slots, controls.kinds, strict=True)):
        turning, moving = int(controls.rotation_parent[number]), int(controls.location_parent[number])
        own = quat.multiply(origin if turning < 0 else orientation[turning], controls.rotation_offset[number])
        base, base_m = (origin, origin_m) if moving < 0 else (orientation[moving], heads_m[moving])
        offset_m = placement.scale * controls.location_offset[number]
        head_m = base_m + quat.rotate(base, np.broadcast_to(offset_m, (frames, 3)))
        follows = kind != "pole" and slot in turned
        carried.append(own)
        orientation.append(quat.multiply(turned[slot], at_rest[number]) if follows else own)
        carried_heads_m.append(head_m)
        heads_m.append(head_m + moved_m if number == root else head_m)
    return Stance(np.stack(orientation), np.stack(carried), np.stack(carried_heads_m), np.stack(heads_m))


def pelvis_of(controls: Controls) -> int:
    """The control that carries the figure; -1 if there is none."""
    for number, (slot, kind) in enumerate(zip(controls.slots, controls.kinds, strict=True)):
        if slot == "pelvis" and kind == "joint":
            return number
    return -1


def channels(
    controls: Controls, stance: Stance, placement: Placement, wanted_head_m: Mapping[int, np.ndarray]
) -> list[Keys]:
    """The basis rotations and locations that make a stance.

    With P the orientation and Q the one carried, the basis rotation is Q^-1 P; the location is the way from the
    carried head to the wanted one, along Q or along the armature's axes.

    Args:
        wanted_head_m: control → (F, 3) for those with location keys, world axes, metres.
    """
    made = []
    for number, name in enumerate(controls.names):
        rotation = location = None
        if controls.keys_rotation[number]:
            basis = quat.multiply(quat.conjugate(stance.carried[number]), stance.orientation[number])
            rotation = quat.unroll(quat.normalize(basis))
            rotation *= -1.0 if rotation[0, 0] < 0 else 1.0
        if controls.keys_location[number] and number in wanted_head_m:
            axes = stance.carried[number] if controls.location_axes[number] else placement.rotation
            way_m = wanted_head_m[number] - stance.carried_head_m[number]
            location = quat.rotate(np.broadcast_to(quat.conjugate(axes), (*way_m.shape[:1], 4)), way_m)
            location /= placement.scale
        if rotation is not None or location is not None:
            made.append(Keys(name, rotation, location))
    return made


def _axes(matrices: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rotations of matrices that may be scaled."""
    axes = matrices[..., :3, :3]
    return axes / np.linalg.norm(axes, axis=-2, keepdims=True)
