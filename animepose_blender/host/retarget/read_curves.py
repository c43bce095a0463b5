"""The poses of an armature's own action without evaluating its scene: channels in bulk, forward kinematics in numpy.

A bone's matrix is its parent's, times its own rest in the parent's, times its channels:

    pose[c] = pose[p] rest[p]^-1 rest[c] basis[c]

which holds as long as no constraint, driver, layer of animation or odd way of inheriting comes in; `plain_chain` tells.
"""

from __future__ import annotations

import bpy
import numpy as np

from ...core import quaternions as quat
from ...core.retarget import euler
from ...core.retarget.armature import Armature
from .. import compat

_COUNTS = {"location": 3, "rotation_quaternion": 4, "rotation_euler": 3, "rotation_axis_angle": 4, "scale": 3}


def with_ancestors(armature: Armature, bones: list[int]) -> list[int]:
    """Indices of bones and of all above them, parents first."""
    wanted: set[int] = set()
    for bone in bones:
        while bone >= 0 and bone not in wanted:
            wanted.add(bone)
            bone = int(armature.parents[bone])
    return sorted(wanted)


def is_plain(rig: bpy.types.Object, armature: Armature, chain: list[int]) -> bool:
    """Whether the bones of `chain` are moved by their channels and their parents alone."""
    driven = driven_of_pose(rig)
    return all(is_plain_bone(rig, armature.names[index], driven) for index in chain)


def driven_of_pose(rig: bpy.types.Object) -> list[str]:
    """RNA paths of what drivers move in an armature's pose."""
    paths = [] if rig.animation_data is None else [curve.data_path for curve in rig.animation_data.drivers]
    return [path for path in paths if path.startswith("pose.")]


def is_plain_bone(rig: bpy.types.Object, name: str, driven: list[str]) -> bool:
    """Whether a bone is moved by its channels and its parent alone.

    Args:
        driven: see `driven_of_pose`.
    """
    bone, posed = rig.data.bones[name], rig.pose.bones[name]
    if any(not one.mute and one.influence > 0 for one in posed.constraints):
        return False
    if not (bone.use_inherit_rotation and bone.use_local_location and bone.inherit_scale == "FULL"):
        return False
    prefix = bone_path(name)
    return not any(path.startswith(prefix) for path in driven)


def has_plain_action(rig: bpy.types.Object) -> bool:
    """Whether the pose comes from the active action, whole, and nothing else."""
    animation = rig.animation_data
    if animation is None or animation.action is None or animation.use_tweak_mode:
        return False
    layered = animation.use_nla and any(not track.mute and len(track.strips) for track in animation.nla_tracks)
    return not layered and animation.action_influence == 1.0 and animation.action_blend_type == "REPLACE"


def bone_path(name: str) -> str:
    """RNA path of a pose bone."""
    return f'pose.bones["{bpy.utils.escape_identifier(name)}"]'


def rotation_property(mode: str) -> str:
    """The property that turns a bone in a rotation mode."""
    return {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(mode, "rotation_euler")


def own_poses(rig: bpy.types.Object, armature: Armature, chain: list[int], frames: np.ndarray) -> np.ndarray:
    """Pose matrices of a plain armature.

    Args:
        chain: C bones, all ancestors among them, parents first.
        frames: (F,) frame numbers.
    Returns:
        (C, F, 4, 4) armature axes and units.
    """
    curves = {
        (curve.data_path, curve.array_index): curve
        for curve in compat.curves_of(rig)
        if not curve.mute and not (curve.group is not None and curve.group.mute)
    }
    places = {bone: number for number, bone in enumerate(chain)}
    poses = np.empty((len(chain), len(frames), 4, 4))
    inverse_rest = np.linalg.inv(armature.rest)
    for number, bone in enumerate(chain):
        basis = _basis(rig.pose.bones[armature.names[bone]], curves, frames)
        above = int(armature.parents[bone])
        if above < 0:
            poses[number] = armature.rest[bone] @ basis
        else:
            poses[number] = poses[places[above]] @ ((inverse_rest[above] @ armature.rest[bone]) @ basis)
    return poses


def _basis(
    posed: bpy.types.PoseBone, curves: dict[tuple[str, int], bpy.types.FCurve], frames: np.ndarray
) -> np.ndarray:
    """(F, 4, 4), or (4, 4) of a bone that has no curves."""
    mode = posed.rotation_mode
    rotation = rotation_property(mode)
    path = bone_path(posed.name)
    channels = {
        name: channels_at(f"{path}.{name}", np.array(getattr(posed, name)), curves, frames)
        for name in ("location", rotation, "scale")
    }
    turn = euler.from_channels(channels[rotation], mode)
    shape = np.broadcast_shapes(*(value.shape[:-1] for value in (turn, channels["location"], channels["scale"])))
    basis = np.zeros((*shape, 4, 4))
    basis[..., :3, :3] = quat.to_matrix(turn) * channels["scale"][..., None, :]
    basis[..., :3, 3] = channels["location"]
    basis[..., 3, 3] = 1.0
    return basis


def channels_at(
    path: str, present: np.ndarray, curves: dict[tuple[str, int], bpy.types.FCurve], frames: np.ndarray
) -> np.ndarray:
    """(F, C) of a property's channels, or (C,) where none is animated."""
    found = [curves.get((path, channel)) for channel in range(len(present))]
    if not any(found):
        return present
    values = np.repeat(present[None].astype(np.float64), len(frames), axis=0)
    for channel, curve in enumerate(found):
        if curve is not None:
            values[:, channel] = values_at(curve, frames)
    return values


def values_at(curve: bpy.types.FCurve, frames: np.ndarray) -> np.ndarray:
    """(F,) values of a curve at (F,) frames; in bulk where it is keyed on each of them."""
    points = curve.keyframe_points
    if len(points) and not any(not modifier.mute for modifier in curve.modifiers):
        co = np.empty(2 * len(points), dtype=np.float32)
        points.foreach_get("co", co)
        keyed, values = co[::2], co[1::2].astype(np.float64)
        at = np.minimum(np.searchsorted(keyed, frames), len(keyed) - 1)
        if np.array_equal(keyed[at], frames.astype(np.float32)):
            return values[at]
        if len(points) == 1 and curve.extrapolation == "CONSTANT":
            return np.full(len(frames), values[0])
    return np.array([curve.evaluate(float(frame)) for frame in frames])
