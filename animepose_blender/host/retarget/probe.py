"""What the controls of a rig follow, found by trying.

In a control rig, constraints and helper bones stand between the controls, and what their family's names say of it
changes with every version. So a copy of the rig is posed a few times at random and evaluated; whatever a control keeps
its orientation (or place) to in all of these poses, once its own channels are taken out, is what it follows.

The copy is evaluated in a scene of its own and removed: nothing of the rig is touched. Blender turns references of an
object to itself, in constraints and drivers, into references of the copy to the copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix

from ...core import quaternions as quat
from ...core.retarget import euler
from ...core.retarget.armature import Armature
from ...core.retarget.controls import Controls
from ...rigs.family import Property
from .follow import RIGID_RAD, Poses, find_followed, in_order
from .read_rig import matrices_of, scene_with
from .wanted import Wanted

POSES = 6
TURN_DEG = (6.0, 22.0)
"""How far each control is turned: enough to tell what follows it, little enough to stay clear of limits."""
MOVE_SHARE = 0.02
"""How far controls that move are moved, parts of the rig's height: limbs must not be stretched."""
SMALLEST_SCALE = 1e-4
"""Bones scaled to nothing, as animators hide parts, still have directions."""
BEND_SHARE = 0.12
"""How far the end of a limb is drawn in towards where the limb begins, parts of the way there, to leave it slack."""


@dataclass(frozen=True, eq=False)
class Probed:
    """Controls, and what stands between their contract and Blender's channels."""

    controls: Controls
    location_turn: np.ndarray
    """(C, 4) from the axes in which `Keys.location` is given to those of Blender's channels: bones whose location is
    not local move along axes of their parent."""
    warnings: tuple[str, ...] = ()


def probe(
    rig: bpy.types.Object, armature: Armature, wanted: Sequence[Wanted], switches: Sequence[Property], seed: int = 1
) -> Probed:
    """Try out what each control follows.

    Args:
        rig: evaluated as it stands: muted constraints stay muted, bones without control stay in their present pose.
        wanted: the controls that get keys, and those that are there for the geometry.
        switches: custom properties and the values to have them at.
        seed: of the random poses.
    """
    names = [one.name for one in wanted]
    bones = np.array([armature.index[name] for name in names])
    random = np.random.default_rng(seed)
    with copy_at_hand(rig, switches) as (copy, view_layer):
        posed = [copy.pose.bones[name] for name in names]
        basis = _neutral(np.array([one.matrix_basis for one in posed], dtype=np.float64), wanted)
        matrices = np.empty((POSES, len(armature.names), 4, 4))
        bases = np.empty((POSES, len(names), 4, 4))
        for pose in range(POSES):
            bases[pose] = basis if pose == 0 else _random_pose(armature, bones, wanted, basis, random)
            for one, matrix in zip(posed, bases[pose]):
                one.matrix_basis = Matrix(matrix)
            view_layer.update()
            matrices[pose] = matrices_of(copy.evaluated_get(view_layer.depsgraph).pose.bones, "matrix")
        return _controls(rig, armature, wanted, bones, bases, matrices)


@contextmanager
def copy_at_hand(
    rig: bpy.types.Object, switches: Sequence[Property]
) -> Iterator[tuple[bpy.types.Object, bpy.types.ViewLayer]]:
    """A copy of the rig that no action moves, with its switches set, in a scene of its own."""
    copy = rig.copy()
    data = None
    try:
        if rig.data.pose_position == "REST":
            data = rig.data.copy()
            data.pose_position, copy.data = "POSE", data
        if copy.animation_data is not None:
            copy.animation_data.action = None
            copy.animation_data.use_nla = False
        # Values that drivers read are set before the first evaluation, which would not notice them later.
        for switch in switches:
            bone = copy.pose.bones[switch.bone]
            bone[switch.name] = type(bone[switch.name])(switch.value)
        with scene_with(copy) as scene:
            scene.view_layers[0].update()
            yield copy, scene.view_layers[0]
    finally:
        bpy.data.objects.remove(copy)
        if data is not None:
            bpy.data.armatures.remove(data)


def _neutral(present: np.ndarray, wanted: Sequence[Wanted]) -> np.ndarray:
    """(C, 4, 4) basis matrices without what will be keyed: present scales stay, and locations of those that only turn.

    The pose that the rig happens to be in may stretch limbs.
    """
    basis = np.tile(np.eye(4), (len(present), 1, 1))
    basis[:, :3, :3] *= np.maximum(np.linalg.norm(present[:, :3, :3], axis=1), SMALLEST_SCALE)[:, None, :]
    for number, one in enumerate(wanted):
        if not one.keys_location:
            basis[number, :3, 3] = present[number, :3, 3]
    return basis


def _random_pose(
    armature: Armature, bones: np.ndarray, wanted: Sequence[Wanted], present: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """(C, 4, 4) basis matrices: each control turned, those that move also moved."""
    count = len(bones)
    axes = random.normal(size=(count, 3))
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    half = np.radians(random.uniform(*TURN_DEG, size=(count, 1))) / 2
    turns = quat.to_matrix(np.concatenate([np.cos(half), np.sin(half) * axes], axis=-1))
    basis = present.copy()
    basis[:, :3, :3] = turns @ present[:, :3, :3]
    height = np.ptp(armature.heads, axis=0).max()
    heads = armature.heads
    for number, one in enumerate(wanted):
        if not one.keys_location:
            continue
        bone = bones[number]
        way = random.uniform(-1, 1, 3) * MOVE_SHARE * height
        if one.limb_from:
            way += BEND_SHARE * (heads[armature.index[one.limb_from]] - heads[bone])
        basis[number, :3, 3] = armature.rest[bone, :3, :3].T @ way
    return basis


def _controls(
    rig: bpy.types.Object,
    armature: Armature,
    wanted: Sequence[Wanted],
    bones: np.ndarray,
    bases: np.ndarray,
    matrices: np.ndarray,
) -> Probed:
    keys_location = np.array([one.keys_location for one in wanted])
    posed = matrices[:, bones]
    turned = euler.rotations_of(posed)
    identity = quat.multiply(turned, quat.conjugate(euler.rotations_of(bases)))
    axes = _location_axes(rig, armature, bones, matrices, identity)
    moved = quat.rotate(axes, bases[..., :3, 3])
    places = posed[..., :3, 3] - np.where(keys_location[:, None], moved, 0.0)
    above = _above(armature, bones)
    poses = Poses(turned, posed[..., :3, 3], identity, places, above, float(np.ptp(armature.heads, axis=0).max()))
    found = in_order(find_followed(poses), poses, bones)

    names = [wanted[number].name for number in found.order]
    in_turn = [wanted[number] for number in found.order]
    # Where the axes of the location keep to the control's own, the turn between them is all there is to know.
    location_turn = quat.multiply(quat.conjugate(axes), identity)
    astray = keys_location & (euler.angle_between(location_turn, location_turn[:1]).max(axis=0) > RIGID_RAD)
    loose = sorted({*found.loose, *np.flatnonzero(astray)})
    controls = Controls(
        names=tuple(names),
        slots=tuple(one.slot for one in in_turn),
        kinds=tuple(one.kind for one in in_turn),
        rest=armature.rest[bones[found.order]],
        rotation_parent=found.rotation_parent,
        rotation_offset=found.rotation_offset,
        location_parent=found.location_parent,
        location_offset=found.location_offset,
        location_axes=np.ones(len(names), dtype=bool),
        keys_rotation=np.array([one.keys_rotation for one in in_turn], dtype=bool),
        keys_location=np.array([one.keys_location for one in in_turn], dtype=bool),
    )
    return Probed(
        controls, quat.normalize(location_turn[0][found.order]), _told(rig, [wanted[one].name for one in loose])
    )


def _told(rig: bpy.types.Object, loose: Sequence[str]) -> tuple[str, ...]:
    """Sentences about controls that follow nothing rigidly."""
    held, free = [], []
    for name in loose:
        posed = rig.pose.bones[name]
        busy = [one.name for one in posed.constraints if not one.mute and one.influence > 0]
        (held if busy or posed.is_in_ik_chain else free).append(name)
    warnings = []
    if held:
        warnings.append(
            f"Constraints hold {', '.join(held)}, over the motion's keys: mute them if the motion is wrong."
        )
    if free:
        warnings.append(f"{', '.join(free)} follow no bone of the map rigidly and may be a little off.")
    return tuple(warnings)


def _location_axes(
    rig: bpy.types.Object, armature: Armature, bones: np.ndarray, matrices: np.ndarray, identity: np.ndarray
) -> np.ndarray:
    """(T, C, 4) axes along which the location channels move, in each pose.

    Those of the bone without its channels; with local location off, the parent's own, or the armature's for a bone
    without a parent (`BKE_bone_parent_transform_calc_from_matrices`); where the bone does not turn with its parent,
    those that it would have if it did.
    """
    axes = identity.copy()
    for number, index in enumerate(bones):
        bone, parent = rig.data.bones[armature.names[index]], int(armature.parents[index])
        if not bone.use_local_location:
            axes[:, number] = euler.rotations_of(matrices[:, parent]) if parent >= 0 else quat.IDENTITY
        elif not bone.use_inherit_rotation and parent >= 0:
            offset = np.linalg.inv(armature.rest[parent]) @ armature.rest[index]
            axes[:, number] = euler.rotations_of(matrices[:, parent] @ offset)
    return axes


def _above(armature: Armature, bones: np.ndarray) -> np.ndarray:
    """(C, C) how many bones up the chain one control lies above another; 0 = not above it."""
    places = {int(bone): number for number, bone in enumerate(bones)}
    above = np.zeros((len(bones), len(bones)), dtype=np.int64)
    for number, bone in enumerate(bones):
        steps, up = 1, int(armature.parents[bone])
        while up >= 0:
            if up in places:
                above[number, places[up]] = steps
            steps, up = steps + 1, int(armature.parents[up])
    return above
