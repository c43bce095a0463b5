"""The controls of a rig: worked out where bones follow their parents and nothing else, tried out where they do not."""

from __future__ import annotations

import hashlib

import bpy
import numpy as np

from ...core.quaternions import IDENTITY
from ...core.retarget.armature import Armature
from ...core.retarget.plain_controls import plain_controls
from ...core.retarget.rig_map import RigMap
from ...rigs.family import Family, Property
from .probe import Probed, probe
from .read_curves import is_plain, with_ancestors
from .read_rig import matrices_of
from .wanted import Wanted, switches_of, wanted_controls

STILL = 1e-5
"""Present scales and turns nearer to none are rounding; of locations, parts of the rig's height."""
_REMEMBERED = 16

_probed: dict[str, Probed] = {}


def controls_of(
    context: bpy.types.Context,
    rig: bpy.types.Object,
    armature: Armature,
    rig_map: RigMap,
    family: Family | None,
    output: str,
) -> Probed:
    """What the mapped controls of a rig hang on.

    Bones outside the map, and the scale and location of mapped ones that get no such keys, stay as they are posed now.

    Args:
        context: unused by plain rigs.
        family: what is known of the rig's controls, or None.
        output: fk or ik; where the family knows no IK, both are the same.
    """
    wanted = wanted_controls(rig, rig_map, family, output)
    if all(one.kind == "joint" and one.keys_rotation for one in wanted) and _is_plain(rig, armature, wanted):
        basis = matrices_of(rig.pose.bones, "matrix_basis")
        controls = plain_controls(armature, rig_map, basis)
        return Probed(controls, np.tile(IDENTITY, (len(controls.names), 1)))
    switches = switches_of(rig, rig_map, family, output)
    key = _fingerprint(rig, armature, wanted, switches)
    if key not in _probed:
        while len(_probed) >= _REMEMBERED:
            del _probed[next(iter(_probed))]
        _probed[key] = probe(rig, armature, wanted, switches)
    return _probed[key]


def _is_plain(rig: bpy.types.Object, armature: Armature, wanted: list[Wanted]) -> bool:
    chain = with_ancestors(armature, [armature.index[one.name] for one in wanted])
    if not is_plain(rig, armature, chain):
        return False
    height = np.ptp(armature.heads, axis=0).max()
    moves = {one.name for one in wanted if one.keys_location}
    basis = matrices_of(rig.pose.bones, "matrix_basis")
    for one in wanted:
        matrix = basis[armature.index[one.name]]
        scaled = np.abs(np.linalg.norm(matrix[:3, :3], axis=0) - 1.0).max() > STILL
        if scaled or (one.name not in moves and np.abs(matrix[:3, 3]).max() > STILL * height):
            return False
    return True


def _fingerprint(rig: bpy.types.Object, armature: Armature, wanted: list[Wanted], switches: list[Property]) -> str:
    """What probing depends on, in short: a rig that changed is tried again."""
    digest = hashlib.sha256(f"{rig.session_uid} {rig.data.session_uid} {wanted} {switches}".encode())
    digest.update(armature.rest.tobytes())
    digest.update(matrices_of(rig.pose.bones, "matrix_basis").tobytes())
    for posed in rig.pose.bones:
        bone = posed.bone
        told = [(c.type, c.mute, c.influence, str(getattr(c, "target", None))) for c in posed.constraints]
        own = [(name, value) for name, value in posed.items() if isinstance(value, (int, float, str))]
        flags = (bone.use_inherit_rotation, bone.use_local_location, bone.inherit_scale, posed.rotation_mode)
        digest.update(f"{told} {own} {flags}".encode())
    return digest.hexdigest()
