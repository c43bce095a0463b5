"""Copies of people in a scene that exists for a moment, for Blender's exporters; the user's scene stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import bpy
import numpy as np
from mathutils import Matrix, Quaternion

from ...core import quaternions as quat
from ..curves import CurveWriter
from ..retarget.read_rig import matrices_of
from .laid_out import LaidOut, local_motion
from .people import Person, Skin

STILL = 1e-6
"""Parts of a unit by which a bone may wander that is written as staying in place."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """One file's scene."""

    title: str
    """Name of the scene, which FBX gives to the animation."""
    rate: tuple[int, float]
    """Blender's `fps` and `fps_base`."""
    people: Sequence[tuple[str, LaidOut]]
    """Name of the armature's object, and the person."""
    centimetres: bool = False


@dataclass
class Copies:
    """What was made, and what was renamed for it."""

    scene: bpy.types.Scene
    armatures: list[bpy.types.Object] = field(default_factory=list)
    meshes: list[bpy.types.Object] = field(default_factory=list)
    data: list[bpy.types.ID] = field(default_factory=list)
    """Meshes, armatures and actions behind them."""
    renamed: list[tuple[bpy.types.ID, str]] = field(default_factory=list)

    def name(self, made: bpy.types.ID, name: str, there: bpy.types.bpy_prop_collection) -> None:
        """Give what was made a name, which another data-block of this file may have meanwhile."""
        for other in there:
            if other.name == name and other != made and other.library is None:
                self.renamed.append((other, name))
                other.name = f"{name[:48]} (exported)"
        made.name = name


@contextmanager
def scene_of_copies(context: bpy.types.Context, wanted: Wanted) -> Iterator[Copies]:
    """The people of one file in a scene of their own, all selected; within the block, operators work in it."""
    copies = Copies(bpy.data.scenes.new("AnimePose export"))
    try:
        copies.name(copies.scene, wanted.title[:60] or "Take", bpy.data.scenes)
        _set_up(copies.scene, wanted)
        view_layer = copies.scene.view_layers[0]
        for name, laid_out in wanted.people:
            armature = _armature(context, copies, name, laid_out)
            for skin in laid_out.person.skins:
                _mesh(copies, armature, skin, laid_out)
        for one in (*copies.armatures, *copies.meshes):
            one.select_set(True, view_layer=view_layer)
        view_layer.objects.active = copies.armatures[0]
        with context.temp_override(
            scene=copies.scene, view_layer=view_layer, collection=copies.scene.collection,
            object=copies.armatures[0], active_object=copies.armatures[0],
            selected_objects=[*copies.armatures, *copies.meshes], selected_editable_objects=[],
        ):  # fmt: skip
            view_layer.update()
            yield copies
    finally:
        bpy.data.scenes.remove(copies.scene)
        bpy.data.batch_remove([*copies.meshes, *copies.armatures])
        bpy.data.batch_remove(copies.data)
        for other, name in reversed(copies.renamed):
            other.name = name


def _set_up(scene: bpy.types.Scene, wanted: Wanted) -> None:
    _, laid_out = wanted.people[0]
    scene.render.fps, scene.render.fps_base = wanted.rate
    scene.frame_start = laid_out.first_frame
    scene.frame_end = laid_out.first_frame + len(laid_out.person.frames) - 1
    scene.frame_set(scene.frame_start)
    scene.unit_settings.system = "METRIC"
    scene.unit_settings.scale_length = 0.01 if wanted.centimetres else 1.0


def _armature(context: bpy.types.Context, copies: Copies, name: str, laid_out: LaidOut) -> bpy.types.Object:
    person = laid_out.person
    data = bpy.data.armatures.new("AnimePose export")
    armature = bpy.data.objects.new("AnimePose export", data)
    copies.data.append(data)
    copies.armatures.append(armature)
    copies.name(armature, name, bpy.data.objects)
    copies.name(data, name, bpy.data.armatures)
    scene = copies.scene
    scene.collection.objects.link(armature)
    view_layer = scene.view_layers[0]
    view_layer.objects.active = armature
    with context.temp_override(
        scene=scene, view_layer=view_layer, object=armature, active_object=armature, selected_objects=[armature]
    ):
        bpy.ops.object.mode_set(mode="EDIT")
        _add_bones(data, person)
        bpy.ops.object.mode_set(mode="OBJECT")
    armature.rotation_mode = "QUATERNION"
    armature.rotation_quaternion = Quaternion(laid_out.object_turn)
    _animate(copies, armature, laid_out)
    return armature


def _add_bones(data: bpy.types.Armature, person: Person) -> None:
    made: list[bpy.types.EditBone] = []
    rotations = quat.to_matrix(person.rest)
    for number, name in enumerate(person.names):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = (0.0, 0.0, 0.0), (0.0, float(person.length_m[number]), 0.0)
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotations[number], person.rest_m[number]
        bone.matrix = Matrix(matrix.tolist())
        if person.parents[number] >= 0:
            bone.parent = made[person.parents[number]]
        made.append(bone)


def _animate(copies: Copies, armature: bpy.types.Object, laid_out: LaidOut) -> None:
    person = laid_out.person
    bones = [armature.data.bones[name] for name in person.names]
    places = {bone.name: number for number, bone in enumerate(armature.data.bones)}
    rest = matrices_of(armature.data.bones, "matrix_local")[[places[bone.name] for bone in bones]]
    location, rotation = local_motion(person, rest)
    # Bones that only turn get no wandering of rounding errors: exporters would write a key a frame for it.
    still = np.ptp(location, axis=0) < STILL * np.maximum(np.abs(person.head_m).max(), 1.0)
    location = np.where(still, location[:1], location)
    location[:, (np.abs(location) < STILL).all(axis=0)] = 0.0
    frames = laid_out.first_frame + np.arange(len(person.frames), dtype=np.float64)
    writer = CurveWriter(armature, armature.name)
    copies.data.append(writer.action)
    for number, name in enumerate(person.names):
        armature.pose.bones[name].rotation_mode = "QUATERNION"
        path = f'pose.bones["{bpy.utils.escape_identifier(name)}"]'
        writer.write(f"{path}.location", frames, np.ascontiguousarray(location[:, number].T), group=name)
        writer.write(f"{path}.rotation_quaternion", frames, np.ascontiguousarray(rotation[:, number].T), group=name)


def _mesh(copies: Copies, armature: bpy.types.Object, skin: Skin, laid_out: LaidOut) -> None:
    """A copy of a mesh, at rest in the copied armature's axes, moved by it."""
    source = skin.source
    made = source.copy()
    made.data = source.data.copy()
    copies.data.append(made.data)
    copies.meshes.append(made)
    copies.name(made, source.name, bpy.data.objects)
    copies.name(made.data, source.data.name, bpy.data.meshes)
    made.animation_data_clear()
    if made.data.shape_keys is not None:
        made.data.shape_keys.animation_data_clear()
    made.constraints.clear()
    made.hide_viewport = made.hide_render = False
    made.data.transform(Matrix((laid_out.to_data @ skin.to_rest).tolist()), shape_keys=True)  # type: ignore[call-arg]
    if np.linalg.det(skin.to_rest[:3, :3]) < 0:
        made.data.flip_normals()
    made.parent, made.parent_type = armature, "OBJECT"
    made.matrix_parent_inverse = made.matrix_basis = Matrix()
    copies.scene.collection.objects.link(made)
    made.hide_set(False, view_layer=copies.scene.view_layers[0])
    if not skin.is_weighted:
        return
    if skin.bone:
        made.vertex_groups.clear()
        group = made.vertex_groups.new(name=laid_out.new_names[skin.bone])
        group.add(range(len(made.data.vertices)), 1.0, "REPLACE")
    else:
        _rename_groups(made, laid_out.new_names)
    modifiers = [m for m in made.modifiers if m.type == "ARMATURE"]
    kept = modifiers[0] if modifiers else made.modifiers.new("Armature", "ARMATURE")
    for further in modifiers[1:]:
        made.modifiers.remove(further)
    kept.object = armature
    kept.show_viewport = kept.show_render = True


def _rename_groups(mesh: bpy.types.Object, new_names: dict[str, str]) -> None:
    for group in mesh.vertex_groups:
        if new_names.get(group.name, group.name) != group.name:
            group.name = new_names[group.name]
