"""One armature a person, at rest in a T-pose at the world's origin, and the curves that move its bones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import bpy
import numpy as np

from ..core import finger_space
from ..core import quaternions as quat
from ..core.armature_space import SHOWN_NAMES, RestBones, basis_rotations, pelvis_location_m
from ..take import State
from . import compat
from .curves import CurveWriter

_COLLECTIONS = {"": "Spine", "L": "Left", "R": "Right"}
_FINGER_COLLECTIONS = {"L": "Left Fingers", "R": "Right Fingers"}
_PALETTES = {
    "Spine": "THEME09", "Left": "THEME04", "Right": "THEME01", "Left Fingers": "THEME04", "Right Fingers": "THEME01",
}  # fmt: skip
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
    if rest.fingers is not None:
        _add_fingers(data, rest.fingers)


def _add_fingers(data: bpy.types.Armature, rest: finger_space.FingerBones) -> None:
    for index, name in enumerate(finger_space.NAMES):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = rest.head_m[index].tolist(), rest.tail_m[index].tolist()
        bone.align_roll(rest.orientation[index, :, 2].tolist())
        bone.parent = data.edit_bones[finger_space.PARENT_NAMES[index]]
        bone.use_connect = finger_space.CONNECTED[index]


def _dress(armature: bpy.types.Object) -> None:
    data = armature.data
    assert isinstance(data, bpy.types.Armature)
    data.display_type = "STICK"
    armature.show_in_front = True
    collections = {side: data.collections.new(name) for side, name in _COLLECTIONS.items()}
    finger_collections = {}
    if finger_space.NAMES[0] in data.bones:
        finger_collections = {side: data.collections.new(name) for side, name in _FINGER_COLLECTIONS.items()}
    for bone in data.bones:
        own = finger_collections if bone.name in finger_space.NAMES else collections
        collection = own[bone.name.partition(".")[2]]
        collection.assign(bone)
        bone.color.palette = _PALETTES[collection.name]
    for pose_bone in armature.pose.bones:
        pose_bone.rotation_mode = "QUATERNION"
    # Timeline and dope sheet show the keys of selected bones only, also of an armature selected in Object Mode.
    compat.select_bones(armature)


def rest_orientation(armature: bpy.types.Object, names: Sequence[str] = SHOWN_NAMES) -> np.ndarray:
    """(A, 3, 3) rest orientations of some bones, as Blender holds them."""
    bones = armature.data.bones
    return np.array([bones[name].matrix_local.to_3x3() for name in names])


def animate_armature(
    armature: bpy.types.Object,
    rest: RestBones,
    frames: np.ndarray,
    state: np.ndarray,
    rotations: np.ndarray,
    root_world_m: np.ndarray,
    hand_rotations: np.ndarray | None = None,
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
        hand_rotations: (F, 2, 15, 4) local rotations of the fingers, if the armature has some; read where present.
    """
    seen = np.flatnonzero(state != State.ABSENT)
    predicted = state[seen] == State.PREDICTED
    hold = np.append(np.diff(seen) > 1, False)
    frames = frames[seen]
    names = list(SHOWN_NAMES)
    basis = basis_rotations(rotations[seen].astype(np.float64), rest_orientation(armature))
    if hand_rotations is not None:
        names += finger_space.NAMES
        orientation = rest_orientation(armature, finger_space.NAMES)
        fingers = finger_space.basis_rotations(hand_rotations[seen].astype(np.float64), orientation)
        basis = np.concatenate([basis, fingers], axis=1)
    basis = quat.unroll(basis, axis=0)
    # A rotation keyed near the identity reads best with a positive scalar part.
    basis *= np.where(basis[:1, :, :1] < 0, -1.0, 1.0)
    channels = np.ascontiguousarray(basis.transpose(1, 2, 0))

    writer = CurveWriter(armature, armature.name)
    pelvis = SHOWN_NAMES[0]
    location_m = pelvis_location_m(root_world_m[seen].astype(np.float64), rest)
    writer.write(f'pose.bones["{pelvis}"].location', frames, location_m.T, group=pelvis, hold=hold, filled_in=predicted)
    for name, values in zip(names, channels, strict=True):
        path = f'pose.bones["{name}"].rotation_quaternion'
        writer.write(path, frames, values, group=name, hold=hold, filled_in=predicted)
