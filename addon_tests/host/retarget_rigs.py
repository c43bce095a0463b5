"""Rigs for the tests of retargeting, and everything about them that must not change. No pytest here or in the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import radians

import bpy
import numpy as np

from animepose_blender.core import quaternions as quat
from animepose_blender.core.retarget.rig_map import RigMap
from animepose_blender.errors import AnimePoseError

Bones = dict[str, tuple[tuple[float, float, float], tuple[float, float, float], str]]
"""Name → head, tail, parent."""
SLOT_OF = {"spine": "spine_1", "chest": "spine_2", "neck": "neck_1"}
FRAMES = 24


def fresh_scene() -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def error_of(call: Callable[[], object]) -> AnimePoseError:
    try:
        call()
    except AnimePoseError as error:
        return error
    raise AssertionError("no AnimePoseError was raised")


def person_bones(arms_down_deg: float = 0.0) -> Bones:
    """A person of 1.7 m in a T-pose, or with lowered arms; every slot but fingers, and a root."""
    bones: Bones = {
        "root": ((0, 0, 0), (0, 0.3, 0), ""),
        "pelvis": ((0, 0, 0.95), (0, 0, 1.05), "root"),
        "spine": ((0, 0, 1.05), (0, 0, 1.25), "pelvis"),
        "chest": ((0, 0, 1.25), (0, 0, 1.45), "spine"),
        "neck": ((0, 0, 1.45), (0, -0.01, 1.53), "chest"),
        "head": ((0, -0.01, 1.53), (0, -0.01, 1.73), "neck"),
    }
    for side, sign in (("L", 1.0), ("R", -1.0)):
        down = radians(arms_down_deg)
        along = np.array([sign * np.cos(down), 0.0, -np.sin(down)])
        joints = [np.array([sign * 0.17, 0.0, 1.41])]
        joints += [joints[0] + reach * along for reach in (0.28, 0.53, 0.7)]
        arm = [(sign * 0.03, 0.0, 1.42), *(tuple(joint) for joint in joints)]
        leg = [(sign * 0.1, 0, 0.92), (sign * 0.1, -0.01, 0.5), (sign * 0.1, 0.02, 0.09), (sign * 0.1, -0.12, 0.02)]
        leg.append((sign * 0.1, -0.2, 0.02))
        for above, names, points in (
            ("chest", ("shoulder", "upper_arm", "forearm", "hand"), arm),
            ("pelvis", ("thigh", "shin", "foot", "toe"), leg),
        ):
            for name, head, tail in zip(names, points[:-1], points[1:], strict=True):
                bones[f"{name}.{side}"] = (head, tail, above)
                above = f"{name}.{side}"
    return bones


def person_map(prefix: str = "") -> RigMap:
    """The map of `person_bones`."""
    return RigMap({SLOT_OF.get(name, name): prefix + name for name in person_bones()})


def make_rig(name: str, bones: Bones, prefix: str = "", rolls_deg: float = 0.0) -> bpy.types.Object:
    """An armature object in the scene, in Object Mode."""
    data = bpy.data.armatures.new(name)
    rig = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(rig)
    with editing(rig):
        for number, (bone_name, (head, tail, _)) in enumerate(bones.items()):
            bone = data.edit_bones.new(prefix + bone_name)
            bone.head, bone.tail, bone.roll = head, tail, radians(rolls_deg * number)
        for bone_name, (_, _, parent) in bones.items():
            bone = data.edit_bones[prefix + bone_name]
            if parent:
                bone.parent = data.edit_bones[prefix + parent]
    return rig


@contextmanager
def editing(rig: bpy.types.Object) -> Iterator[None]:
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        yield
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")


def set_basis(bone: bpy.types.PoseBone, q: np.ndarray) -> None:
    """Turn a pose bone in whatever mode it is."""
    from mathutils import Quaternion

    bone.matrix_basis = Quaternion(q.tolist()).to_matrix().to_4x4()


def rotation_path(bone: bpy.types.PoseBone) -> str:
    paths = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}
    return paths.get(bone.rotation_mode, "rotation_euler")


def animate(rig: bpy.types.Object, every: int = 1, seed: int = 5, turn_deg: float = 25.0) -> None:
    """Key all bones but the root with smooth random turns, and the pelvis's place; frames 1 to `FRAMES`."""
    random = np.random.default_rng(seed)
    speed = random.uniform(-1, 1, (len(rig.pose.bones), 3))
    for frame in range(1, FRAMES + 1, every):
        phase = frame / FRAMES * 2 * np.pi
        for number, bone in enumerate(rig.pose.bones):
            if bone.name.endswith("root"):
                continue
            vector = radians(turn_deg) * speed[number] * np.sin(phase + number)
            set_basis(bone, quat.normalize(np.array([1.0, *(vector / 2)])))
            bone.keyframe_insert(rotation_path(bone), frame=frame)
            if bone.name.endswith("pelvis"):
                bone.location = (0.1 * np.sin(phase), 0.05 * phase, 0.02)
                bone.keyframe_insert("location", frame=frame)


def evaluated_matrices(rig: bpy.types.Object) -> dict[str, np.ndarray]:
    """Pose matrices as the user's scene shows them, world axes."""
    evaluated = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
    world = np.array(evaluated.matrix_world)
    return {bone.name: world @ np.array(bone.matrix) for bone in evaluated.pose.bones}


def _plain(value: object) -> object:
    if isinstance(value, (bool, int, float, str, type(None))):
        return value
    if isinstance(value, bpy.types.ID):
        return value.session_uid
    if hasattr(value, "to_dict"):
        return str(value.to_dict())
    try:
        return tuple(_plain(one) for one in value)  # type: ignore[union-attr]
    except TypeError:
        return str(value)


def _properties(block: bpy.types.bpy_struct) -> dict[str, object]:
    skipped = {"rna_type", "action", "action_slot", "nla_tracks", "drivers", "is_active", "children", "users"}
    return {
        prop.identifier: _plain(getattr(block, prop.identifier))
        for prop in block.bl_rna.properties
        if prop.identifier not in skipped and prop.type not in ("POINTER", "COLLECTION")
    }


def everything_but_animation(rig: bpy.types.Object) -> dict[str, object]:
    """Rest pose, flags, constraints, drivers, custom properties, transforms, mode and selection, exactly."""
    told: dict[str, object] = {"object": _properties(rig), "data": _properties(rig.data)}
    told["custom"] = {name: _plain(value) for name, value in (*rig.items(), *rig.data.items())}
    told["active"] = getattr(bpy.context.view_layer.objects.active, "session_uid", None)
    told["selected"] = sorted(one.session_uid for one in bpy.context.view_layer.objects if one.select_get())
    told["frame"] = (bpy.context.scene.frame_current, bpy.context.scene.frame_subframe)
    told["scenes"] = sorted(scene.name for scene in bpy.data.scenes)
    told["objects"] = sorted(one.name for one in bpy.data.objects)
    for posed in rig.pose.bones:
        told[f"bone {posed.name}"] = _properties(posed.bone)
        told[f"custom {posed.name}"] = {name: _plain(value) for name, value in posed.items()}
        told[f"constraints {posed.name}"] = [_properties(one) for one in posed.constraints]
    drivers = [] if rig.animation_data is None else rig.animation_data.drivers
    told["drivers"] = [
        (d.data_path, d.array_index, d.driver.expression, [_properties(v) for v in d.driver.variables]) for d in drivers
    ]
    return told


def pose_channels(rig: bpy.types.Object) -> dict[str, object]:
    """Every channel of every pose bone, exactly, and what plays on the rig."""
    told: dict[str, object] = {bone.name: _properties(bone) for bone in rig.pose.bones}
    if rig.animation_data is not None:
        animation = rig.animation_data
        told["animation"] = _properties(animation)
        told["action"] = animation.action
        told["slot"] = getattr(getattr(animation, "action_slot", None), "identifier", None)
        told["strips"] = [(t.name, t.mute, [(s.name, s.action) for s in t.strips]) for t in animation.nla_tracks]
    return told
