"""Dressed people on rigs that animators use: MakeHuman's own rigs, and a control rig that Rigify generates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np
from mathutils import Vector

from .clothing import Dressed
from .makehuman_rigs import TO_MIXAMO, TO_RIGIFY, RigBone, read_rig, weights_of
from .mesh import Body
from .render import add_person

SPINE_JOINTS = {
    "spine": ("spine", "spine.001"), "spine.001": ("spine.001", "spine.003"), "spine.002": ("spine.003", "spine.004"),
    "spine.003": ("spine.004", "spine.005"), "spine.006": ("spine.006", ""),
}  # fmt: skip
"""Rigify's human has one bone less between hips and neck than MakeHuman's metarig, and two in the neck: bone of the
one → bones of the other at whose heads it begins and ends (at its tail, where none is named)."""


@contextmanager
def _editing(armature: bpy.types.Object) -> Iterator[bpy.types.ArmatureEditBones]:
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        yield armature.data.edit_bones
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")


def _roll(edit: bpy.types.EditBone, bone: RigBone) -> None:
    if bone.aligned == "z":
        edit.align_roll((0.0, 0.0, 1.0))
    elif bone.aligned == "x":
        edit.align_roll(Vector((1.0, 0.0, 0.0)).cross(edit.tail - edit.head))
    else:
        edit.roll = bone.roll_rad


def add_rig(scene: bpy.types.Scene, name: str, bones: list[RigBone]) -> bpy.types.Object:
    """An armature with these bones; it becomes the active object."""
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    scene.collection.objects.link(armature)
    with _editing(armature) as made:
        for bone in bones:
            edit = made.new(bone.name)
            edit.head, edit.tail = bone.head_m.tolist(), bone.tail_m.tolist()
            _roll(edit, bone)
            if bone.parent:
                edit.parent = made[bone.parent]
                edit.use_connect = bone.connected
    return armature


def add_rigify(body: Body) -> bpy.types.Object:
    """Rigify's generated human, fitted to a body; the rig it is made from is removed.

    The face's bones only follow the head: its features stay where they are on the head.
    """
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    theirs = {bone.name: bone for bone in read_rig(body, "rigify")}
    with _editing(metarig) as bones:
        connected = [bone.name for bone in bones if bone.use_connect]
        for bone in bones:
            bone.use_connect = False
        head = bones["spine.006"]
        old_head, old_length = head.head.copy(), head.length
        for bone in bones:
            if bone.name in SPINE_JOINTS:
                start, end = SPINE_JOINTS[bone.name]
                bone.head = theirs[start].head_m.tolist()
                bone.tail = (theirs[end].head_m if end else theirs[start].tail_m).tolist()
            elif bone.name in ("spine.004", "spine.005"):
                ends = np.linspace(theirs["spine.005"].head_m, theirs["spine.006"].head_m, 3)
                number = ("spine.004", "spine.005").index(bone.name)
                bone.head, bone.tail = ends[number].tolist(), ends[number + 1].tolist()
            elif bone.name in theirs and bones["face"] not in (bone, *bone.parent_recursive):
                bone.head, bone.tail = theirs[bone.name].head_m.tolist(), theirs[bone.name].tail_m.tolist()
                _roll(bone, theirs[bone.name])
        size = head.length / old_length
        for bone in (bones["face"], *bones["face"].children_recursive):
            bone.head, bone.tail = (head.head + size * (end - old_head) for end in (bone.head, bone.tail))
        for name in connected:
            bones[name].use_connect = True
    bpy.ops.pose.rigify_generate()
    rig = bpy.context.object
    bpy.data.objects.remove(metarig)
    return rig


def bind(scene: bpy.types.Scene, name: str, dressed: Dressed, rig: bpy.types.Object) -> bpy.types.Object:
    """The mesh of a dressed person, moved by a rig of `add_rig` (Mixamo's bones) or `add_rigify`."""
    person = add_person(scene, name, dressed)
    if "DEF-spine" in rig.data.bones:
        takers = {bone: tuple(f"DEF-{n}" for n in names) for bone, names in TO_RIGIFY.items()}
    else:
        prefix = next(bone.name for bone in rig.data.bones).partition(":")[0] + ":"
        takers = {bone: (prefix + name,) for bone, name in TO_MIXAMO.items()}
    for bone, weights in weights_of(dressed.body, dressed.vertices, takers).items():
        group = person.vertex_groups.new(name=bone)
        for vertex in np.flatnonzero(weights > 1e-3):
            group.add([int(vertex)], float(weights[vertex]), "REPLACE")
    person.parent = rig
    person.modifiers.new("Armature", "ARMATURE").object = rig
    return person
