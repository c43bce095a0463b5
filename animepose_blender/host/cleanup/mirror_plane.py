"""The mirror that stands in a figure's own middle, and the bones by which its image is brought there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import bpy
import numpy as np

from ...core.reshape.mirror import WAY_S, BoneChannels, Plane, carry, plane_of_way
from ...core.retarget.armature import Armature
from ...errors import AnimePoseError
from ..retarget.read_curves import is_plain, own_poses, with_ancestors
from ..retarget.sample import frame_range_of, sample_armature
from .scope import frame_time_s
from .standing import moving_map

ACROSS = (("thigh.L", "thigh.R"), ("upper_arm.L", "upper_arm.R"))
"""Pairs of slots whose heads tell where a figure's left is."""


@dataclass(frozen=True, eq=False)
class OwnPlane:
    """How the image across the armature's X = 0 becomes that across the figure's middle."""

    armature: Armature
    plane: Plane
    carriers: Mapping[str, np.ndarray]
    """See `core.reshape.mirror.carry`."""
    local_location: np.ndarray

    def carried(self, bones: Mapping[str, BoneChannels]) -> dict[str, BoneChannels]:
        """Mirrored channels, those of the carriers among them carried on."""
        there = {name: q for name, q in self.carriers.items() if name in bones}
        return carry(self.armature, bones, self.plane, there, self.local_location)


def own_plane(
    context: bpy.types.Context, rig: bpy.types.Object, armature: Armature, keyed: Collection[str]
) -> OwnPlane:
    """The middle of the figure as its action begins.

    Args:
        keyed: names of the bones that the action moves.
    Raises:
        AnimePoseError: if the armature cannot be read as a person, or its object moves.
    """
    if rig.animation_data.use_tweak_mode:
        raise AnimePoseError(f"An NLA strip of {rig.name} is being edited (tweak mode).", "Leave it first.")
    first, last = frame_range_of(context, rig)
    step_s = float(frame_time_s(context, np.array(1.0)))
    sampled = sample_armature(
        context, rig, moving_map(context, rig, armature), (first, min(last, first + int(np.ceil(WAY_S / step_s))))
    )
    if sampled.to_world.ndim != 2:
        raise AnimePoseError(f"{rig.name} itself moves, and its middle with it.", "Mirror across the rig instead.")
    motion = sampled.motion
    pairs = [pair for pair in ACROSS if all(slot in motion.index for slot in pair)]
    if not pairs:
        raise AnimePoseError(
            f"Neither two legs nor two arms of {rig.name} are known.", "Mirror across the rig instead."
        )
    left = sum(_unit(motion.head_m[:, motion.index[a]] - motion.head_m[:, motion.index[b]]) for a, b in pairs)
    plane = plane_of_way(motion.head_m[:, motion.index["pelvis"]], np.asarray(left), motion.time_s)
    local = np.array([rig.data.bones[name].use_local_location for name in armature.names])
    return OwnPlane(armature, plane, _carriers(rig, armature, keyed), local)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _carriers(rig: bpy.types.Object, armature: Armature, names: Collection[str]) -> dict[str, np.ndarray]:
    """The topmost bones with keys, if what they hang on stands still; else, in control rigs, all bones without a parent
    that no constraint moves."""
    keyed = {armature.index[name] for name in names}
    above = {bone: [one for one in with_ancestors(armature, [bone]) if one != bone] for bone in keyed}
    tops = [bone for bone in sorted(keyed) if not keyed.intersection(above[bone])]
    if all(is_plain(rig, armature, above[bone]) for bone in tops):
        return {armature.names[bone]: _off_rest(rig, armature, int(armature.parents[bone])) for bone in tops}
    free = [armature.names[bone] for bone in np.flatnonzero(armature.parents < 0)]
    return {name: np.eye(4) for name in free if not any(not one.mute for one in rig.pose.bones[name].constraints)}


def _off_rest(rig: bpy.types.Object, armature: Armature, bone: int) -> np.ndarray:
    """(4, 4) what takes a bone that stands still from its rest to its pose, armature axes."""
    if bone < 0:
        return np.eye(4)
    chain = with_ancestors(armature, [bone])
    pose = own_poses(rig, armature, chain, np.zeros(1))[-1, 0]
    moved = pose @ np.linalg.inv(armature.rest[bone])
    moved[:3, :3] /= np.linalg.norm(moved[:3, :3], axis=0)
    return moved
