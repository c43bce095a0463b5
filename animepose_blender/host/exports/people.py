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
        context: its scene's current frame tells where stiffly hung meshes are.
        armatures: one a person.
        meshes: each is given to the person whose rig moves it.
        frame_range: first and last frame.
    Raises:
        AnimePoseError: if an armature cannot be read.
    """
    context.view_layer.update()
    return [_person(context, one, [m for m in meshes if _carrier(m)[0] is one], frame_range) for one in armatures]


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
    at = int(np.clip(context.scene.frame_current - frames[0], 0, len(frames) - 1))
    return dataclasses.replace(person, skins=tuple(_skin(mesh, person, at, moved, standing) for mesh in meshes))


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


def _skin(mesh: bpy.types.Object, person: Person, at: int, moved: np.ndarray, standing: np.ndarray) -> Skin:
    """A mesh of a person.

    Args:
        at: index of the frame that Blender shows.
        moved: (4, 4) from the world to where the rest pose is put.
        standing: (4, 4) the armature's object in the first frame.
    """
    rig, bone = _carrier(mesh)
    if not bone:
        # It keeps its place to the armature's object. Channels tell it even where Blender has not evaluated it yet.
        return Skin(mesh, moved @ standing @ np.linalg.inv(_placed(rig)) @ _placed(mesh), _weighing(mesh) is not None)
    index = person.names.index(bone)
    posed = _matrix(person.head_m[at, index], person.turn[at, index])
    rest = _matrix(person.rest_m[index], person.rest[index])
    return Skin(mesh, rest @ np.linalg.inv(posed) @ np.array(mesh.matrix_world, dtype=np.float64), True, bone)


def _placed(one: bpy.types.Object) -> np.ndarray:
    """(4, 4) an object in the world, by its own channels and those of the objects it hangs on."""
    own = np.array(one.matrix_basis, dtype=np.float64)
    if one.parent is None:
        return own
    return _placed(one.parent) @ np.array(one.matrix_parent_inverse, dtype=np.float64) @ own


def _matrix(head_m: np.ndarray, turn: np.ndarray) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = quat.to_matrix(turn), head_m
    return matrix
