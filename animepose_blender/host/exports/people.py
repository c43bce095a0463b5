"""What is exported of everybody: the bones that move their meshes and their motion, whatever rig made it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import bpy
import numpy as np

from ... import rigs
from ...core import quaternions as quat
from ...core.retarget.armature import Armature
from ...core.retarget.euler import rotations_of
from .. import compat
from ..retarget.read_rig import read_rig, world_matrices
from ..retarget.sample import poses_of
from .bones import exported_tree

_SHORTEST_M = 1e-3
"""Blender removes bones of no length."""


@dataclass(frozen=True, eq=False)
class Skin:
    """A mesh and what moves it."""

    source: bpy.types.Object
    to_rest: np.ndarray
    """(4, 4) from the mesh's axes to where it lies in the exported rest pose; metres."""
    is_weighted: bool
    """Whether bones move it; else it keeps its place to the armature's object."""
    bone: str = ""
    """The one bone it hangs on stiffly; empty = its own weights tell."""


@dataclass(frozen=True, eq=False)
class Person:
    """B bones over F frames; world axes, metres. Bones turn and move; what a rig scales or stretches is left out, and
    joints are in place all the same."""

    name: str
    names: tuple[str, ...]
    """Parents first."""
    parents: np.ndarray
    """(B,) -1 for the first bone alone."""
    rest_m: np.ndarray
    """(B, 3) heads."""
    rest: np.ndarray
    """(B, 4) orientations, Blender's bone axes: Y along the bone."""
    length_m: np.ndarray
    """(B,)"""
    head_m: np.ndarray
    """(F, B, 3)"""
    turn: np.ndarray
    """(F, B, 4) orientations."""
    frames: np.ndarray
    """(F,) whole numbers, each one more than the one before."""
    root: int
    """Index of a bone that the rig has on the ground, to carry everything; -1 = none."""
    skins: tuple[Skin, ...] = field(default_factory=tuple)

    @property
    def pelvis(self) -> int:
        """Index of the bone that the others hang on, besides a root: the one with most below it."""
        if self.root < 0:
            return 0
        below = np.zeros(len(self.names), dtype=int)
        for bone in range(len(self.names) - 1, 0, -1):
            below[self.parents[bone]] += 1 + below[bone]
        children = np.flatnonzero(self.parents == self.root)
        return int(children[np.argmax(below[children])]) if len(children) else 0


def read_people(
    context: bpy.types.Context,
    armatures: Sequence[bpy.types.Object],
    meshes: Sequence[bpy.types.Object],
    frame_range: tuple[int, int],
) -> list[Person]:
    """Everybody's bones in every frame of a range; nothing changes.

    Args:
        context: its scene tells the rate.
        armatures: one a person.
        meshes: each is given to the person whose rig moves it; those that are never rendered are left out.
        frame_range: first and last frame.
    Raises:
        AnimePoseError: if an armature cannot be read.
    """
    shown = [mesh for mesh in meshes if not _is_never_rendered(mesh)]
    return [_person(context, one, [m for m in shown if _carrier(m)[0] is one], frame_range) for one in armatures]


def _is_never_rendered(mesh: bpy.types.Object) -> bool:
    """Whether a mesh is hidden for good, as stand-ins and clothes that were not chosen are; not for a while only."""
    return mesh.hide_render and not any(curve.data_path == "hide_render" for curve in compat.curves_of(mesh))


def _person(
    context: bpy.types.Context, source: bpy.types.Object, meshes: list[bpy.types.Object], frame_range: tuple[int, int]
) -> Person:
    armature = read_rig(context, source)
    root, is_of_skeleton = _root_of(armature)
    hung = {bone for _, bone in map(_carrier, meshes) if bone}
    tree = exported_tree(armature, hung | ({root} if is_of_skeleton else set()))
    names = tuple(armature.names[bone] for bone in tree.bones)
    frames = np.arange(frame_range[0], frame_range[1] + 1)
    to_world = world_matrices(context, source, frames.astype(np.float64))
    poses = to_world @ poses_of(source, armature, tree.bones.tolist(), frames.astype(np.float64))
    # Where an object stands at first is where its bones rest, moved above the world's origin.
    standing = (to_world if to_world.ndim == 2 else to_world[0]).copy()
    moved = np.eye(4)
    moved[:2, 3] = -standing[:2, 3]
    rest = moved @ standing @ armature.rest[tree.bones]
    scale = float(np.cbrt(np.linalg.det(standing[:3, :3])))
    person = Person(
        name=source.name,
        names=names,
        parents=tree.parents,
        rest_m=rest[:, :3, 3],
        rest=rotations_of(rest),
        length_m=np.maximum(scale * armature.lengths[tree.bones], _SHORTEST_M),
        head_m=np.ascontiguousarray(poses[..., :3, 3].transpose(1, 0, 2)),
        turn=np.ascontiguousarray(quat.unroll(rotations_of(poses), axis=1).transpose(1, 0, 2)),
        frames=frames,
        root=0 if names[0] == root else -1,
    )
    skins = tuple(_skin(mesh, armature, moved @ standing) for mesh in meshes)
    return dataclasses.replace(person, skins=skins)


def _root_of(armature: Armature) -> tuple[str, bool]:
    """A rig's bone on the ground, empty if it has none; and whether it is exported though it may not deform.

    That of a skeleton made for engines is; that of a control rig is a control.
    """
    known = rigs.recognise(armature)
    rig_map = known[1] if known is not None else rigs.map_rig(armature)
    root = rig_map.bones.get("root", "")
    return root, bool(root) and known is not None and not known[0].ik


def _carrier(mesh: bpy.types.Object) -> tuple[bpy.types.Object | None, str]:
    """The armature that moves a mesh, and the bone it hangs on stiffly; empty if it hangs on none."""
    rig = _weighing(mesh)
    if rig is not None:
        return rig, ""
    one = mesh
    while one.parent is not None and one.parent.type != "ARMATURE":
        one = one.parent
    return one.parent, one.parent_bone if one.parent is not None and one.parent_type == "BONE" else ""


def _weighing(mesh: bpy.types.Object) -> bpy.types.Object | None:
    """The armature that moves a mesh by its weights."""
    for modifier in mesh.modifiers:
        if modifier.type == "ARMATURE" and modifier.object is not None:
            return modifier.object
    return mesh.parent if mesh.parent is not None and mesh.parent_type == "ARMATURE" else None


def _skin(mesh: bpy.types.Object, armature: Armature, resting: np.ndarray) -> Skin:
    """A mesh of a person.

    Its place is taken from channels: what is hidden or new, Blender has not evaluated.

    Args:
        resting: (4, 4) the armature's object where the exported rest pose is.
    """
    rig, bone = _carrier(mesh)
    if not bone:
        # It keeps its place to the armature's object.
        to_rest = resting @ np.linalg.inv(_placed(rig)) @ _placed(mesh)
        return Skin(mesh, to_rest, _weighing(mesh) is not None)
    # What hangs on a bone counts from the bone's tail.
    index = armature.index[bone]
    tail = np.eye(4)
    tail[1, 3] = armature.lengths[index]
    return Skin(mesh, resting @ armature.rest[index] @ tail @ _placed(mesh, rig), True, bone)


def _placed(one: bpy.types.Object | None, below: bpy.types.Object | None = None) -> np.ndarray:
    """(4, 4) an object in the world, or in the axes of what carries it below another, by its own channels and those of
    the objects between."""
    if one is None or one is below:
        return np.eye(4)
    own = np.array(one.matrix_basis, dtype=np.float64)
    if one.parent is None:
        return own
    return _placed(one.parent, below) @ np.array(one.matrix_parent_inverse, dtype=np.float64) @ own
