"""What the bones of a plain rig hang on: nothing but their parents, no constraints, no drivers."""

from __future__ import annotations

import numpy as np

from .. import quaternions as quat
from .armature import Armature
from .controls import Controls
from .rig_map import RigMap


def plain_controls(
    armature: Armature,
    rig_map: RigMap,
    basis: np.ndarray | None = None,
    inherit_rotation: np.ndarray | None = None,
    local_location: np.ndarray | None = None,
) -> Controls:
    """Every mapped bone but the root follows the nearest mapped one above; bones between stay as they are posed.

    A child's matrix is its parent's, times the rest of one in the other, times its own basis:

        pose[c] = pose[p] rest[p]^-1 rest[c] basis[c]

    so that over unmapped bones p > u > … > c it is pose[p] times a constant.

    Args:
        basis: (N, 4, 4) present basis matrices (Blender's `matrix_basis`), of which those of unmapped bones are read;
            None = at rest.
        inherit_rotation: (N,) bool, Blender's `use_inherit_rotation`; None = all.
        local_location: (N,) bool, Blender's `use_local_location`; None = all.
    """
    names, parents, rest = armature.names, armature.parents, armature.rest
    slot_of = {bone: slot for slot, bone in rig_map.bones.items() if slot != "root"}
    picked = [index for index, name in enumerate(names) if name in slot_of]
    place = {bone: number for number, bone in enumerate(picked)}
    turns = np.ones(len(names), dtype=bool) if inherit_rotation is None else inherit_rotation
    unscaled = _without_scale(rest)

    rotation_parent, rotation_offset, location_parent, location_offset = [], [], [], []
    for bone in picked:
        carried, above, free = unscaled[bone], int(parents[bone]), not turns[bone]
        child = bone
        while above >= 0 and above not in place:
            if basis is not None:
                carried = unscaled[above] @ _without_scale(basis[above]) @ np.linalg.inv(unscaled[above]) @ carried
            child, above = above, int(parents[above])
            free |= not turns[child]
        followed = place[above] if above >= 0 else -1
        relative = carried if above < 0 else np.linalg.inv(unscaled[above]) @ carried
        location_parent.append(followed)
        location_offset.append(relative[:3, 3])
        rotation_parent.append(-1 if free else followed)
        rotation_offset.append(quat.from_matrix((carried if free else relative)[:3, :3]))
    count = len(picked)
    slots = tuple(slot_of[names[bone]] for bone in picked)
    return Controls(
        names=tuple(names[bone] for bone in picked),
        slots=slots,
        kinds=("joint",) * count,
        rest=rest[picked],
        rotation_parent=np.array(rotation_parent, dtype=np.int64),
        rotation_offset=np.array(rotation_offset).reshape(count, 4),
        location_parent=np.array(location_parent, dtype=np.int64),
        location_offset=np.array(location_offset).reshape(count, 3),
        location_axes=np.ones(count, dtype=bool) if local_location is None else local_location[picked],
        keys_rotation=np.ones(count, dtype=bool),
        keys_location=np.array([slot == "pelvis" for slot in slots], dtype=bool),
    )


def _without_scale(matrices: np.ndarray) -> np.ndarray:
    """(..., 4, 4) with columns of unit length."""
    made = np.array(matrices, dtype=np.float64)
    made[..., :3, :3] /= np.linalg.norm(made[..., :3, :3], axis=-2, keepdims=True)
    return made
