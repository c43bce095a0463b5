"""One armature a person, at rest in a T-pose at the world's origin, and the curves that move its bones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import bpy
import numpy as np

from ..core import quaternions as quat
from ..core.armature_space import SHOWN_NAMES, RestBones, basis_rotations, pelvis_location_m
from ..take import State
from . import compat
from .curves import CurveWriter

_COLLECTIONS = {"": "Spine", "L": "Left", "R": "Right"}
_PALETTES = {"Spine": "THEME09", "Left": "THEME04", "Right": "THEME01"}
"""Theme colours of the bones: yellow, blue and red in Blender's own theme."""


@contextmanager
def _scene_for_editing() -> Iterator[bpy.types.Scene]:
    """A scene that exists for a moment.

    Bones can only be made in Edit Mode. Entering it in the user's scene would end the mode the user is in and change
    the active object; in a scene of its own it touches neither.
    """
    scene = bpy.data.scenes.new("AnimePose editing")
    try:
        yield scene
    finally:
        bpy.data.scenes.remove(scene)


def make_armatures(
    context: bpy.types.Context, names: Sequence[str], rests: Sequence[RestBones]
) -> list[bpy.types.Object]:
    """Armature objects with the bones of `rests`, linked to no collection yet; identity transform, metres."""
    made = []
    with _scene_for_editing() as scene:
        for name, rest in zip(names, rests, strict=True):
            armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
            made.append(armature)
            scene.collection.objects.link(armature)
            view_layer = scene.view_layers[0]
            view_layer.objects.active = armature
            with context.temp_override(
                scene=scene, view_layer=view_layer, object=armature, active_object=armature, selected_objects=[armature]
            ):
                bpy.ops.object.mode_set(mode="EDIT")
                _add_bones(armature.data, rest)
                bpy.ops.object.mode_set(mode="OBJECT")
            scene.collection.objects.unlink(armature)
            _dress(armature)
    return made


def _add_bones(data: bpy.types.Armature, rest: RestBones) -> None:
    bones: list[bpy.types.EditBone] = []
    for index, name in enumerate(SHOWN_NAMES):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = rest.head_m[index].tolist(), rest.tail_m[index].tolist()
        bone.align_roll(rest.orientation[index, :, 2].tolist())
        if rest.parent[index] >= 0:
            bone.parent = bones[rest.parent[index]]
            bone.use_connect = rest.connected[index]
        bones.append(bone)


def _dress(armature: bpy.types.Object) -> None:
    data = armature.data
    assert isinstance(data, bpy.types.Armature)
    data.display_type = "STICK"
    armature.show_in_front = True
    collections = {side: data.collections.new(name) for side, name in _COLLECTIONS.items()}
    for bone in data.bones:
        collection = collections[bone.name.partition(".")[2]]
        collection.assign(bone)
        bone.color.palette = _PALETTES[collection.name]
    for pose_bone in armature.pose.bones:
        pose_bone.rotation_mode = "QUATERNION"
    # Timeline and dope sheet show the keys of selected bones only, also of an armature selected in Object Mode.
    compat.select_bones(armature)


def rest_orientation(armature: bpy.types.Object) -> np.ndarray:
    """(A, 3, 3) rest orientations as Blender holds them, in the order of `SHOWN_NAMES`."""
    bones = armature.data.bones
    return np.array([bones[name].matrix_local.to_3x3() for name in SHOWN_NAMES])


def animate_armature(
    armature: bpy.types.Object,
    rest: RestBones,
    frames: np.ndarray,
    state: np.ndarray,
    rotations: np.ndarray,
    root_world_m: np.ndarray,
) -> None:
    """Key the pose in every frame where the person is present.

    Before a gap the pose is held instead of gliding to where the person turns up again. Keys of predicted frames are of
    a type of their own, which the dope sheet and the timeline show in another colour.

    Args:
        rest: what the armature was made from.
        frames: (F,) frame numbers.
        state: (F,) `State`, present in at least one frame.
        rotations: (F, B, 4) the take's local rotations, wxyz; read where present.
        root_world_m: (F, 3) the pelvis; read where present.
    """
    seen = np.flatnonzero(state != State.ABSENT)
    predicted = state[seen] == State.PREDICTED
    hold = np.append(np.diff(seen) > 1, False)
    frames = frames[seen]
    orientation = rest_orientation(armature)
    basis = quat.unroll(basis_rotations(rotations[seen].astype(np.float64), orientation), axis=0)
    # A rotation keyed near the identity reads best with a positive scalar part.
    basis *= np.where(basis[:1, :, :1] < 0, -1.0, 1.0)
    channels = np.ascontiguousarray(basis.transpose(1, 2, 0))

    writer = CurveWriter(armature, armature.name)
    pelvis = SHOWN_NAMES[0]
    location_m = pelvis_location_m(root_world_m[seen].astype(np.float64), rest)
    writer.write(f'pose.bones["{pelvis}"].location', frames, location_m.T, group=pelvis, hold=hold, filled_in=predicted)
    for name, values in zip(SHOWN_NAMES, channels, strict=True):
        path = f'pose.bones["{name}"].rotation_quaternion'
        writer.write(path, frames, values, group=name, hold=hold, filled_in=predicted)
