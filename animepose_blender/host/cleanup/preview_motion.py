"""The motion that an armature's action holds, as data, and where it takes the bones: what a preview compares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import bpy
import numpy as np

from ...core.keyframes.bone_ends import bone_ends, carried
from ...core.keyframes.world import Track
from ...core.retarget.armature import Armature
from ...errors import AnimePoseError
from .. import compat
from ..retarget.read_curves import (
    bone_path,
    driven_of_pose,
    has_plain_action,
    is_plain_bone,
    rotation_property,
    values_at,
)
from ..retarget.read_rig import matrices_of

MOST_SAMPLES = 4_000_000
"""Frames times curves: what can be looked at while somebody waits."""
AT_REST = 1e-6
"""Channels that are no further from rest leave a bone there."""
AGREES_M = 1e-3
"""A bone whose ends are where Blender has them."""
_WHOLE_CHAIN = ("IK", "SPLINE_IK")
"""Constraints that move bones above their own."""

Channels = dict[tuple[str, str], np.ndarray]
"""(bone, or empty for the object; `location`, `scale` or a rotation mode) → (F, C)"""


@dataclass(frozen=True, eq=False)
class Motion:
    """What moves an armature."""

    frames: np.ndarray
    """(F,) increasing, in the action's own time."""
    channels: Channels
    """Of all that is keyed or not at rest."""


@dataclass(frozen=True, eq=False)
class Ends:
    """Where N bones begin and end; world."""

    frames: np.ndarray
    """(F,)"""
    points: np.ndarray
    """(F, N, 2, 3) float32: head and tail."""

    def at(self, frames: np.ndarray) -> np.ndarray:
        """(S, N, 2, 3) at any frames, straight between those known, and still beyond their ends."""
        place = np.interp(frames, self.frames, np.arange(len(self.frames)))
        before = np.floor(place).astype(np.int64)
        part = (place - before)[:, None, None, None].astype(np.float32)
        after = np.minimum(before + 1, len(self.frames) - 1)
        if not part.any():
            return self.points[before]
        return (1 - part) * self.points[before] + part * self.points[after]


@dataclass(frozen=True, eq=False)
class Body:
    """One armature object, as far as its motion goes."""

    rig: bpy.types.Object
    """Valid only as long as nothing was undone."""

    @cached_property
    def armature(self) -> Armature:
        """Its bones, on one more that stands for the object; `to_world` is what carries the object."""
        bones = self.rig.data.bones
        names = tuple(bone.name for bone in bones)
        index = {name: number for number, name in enumerate(names)}
        parents = np.array([-1 if bone.parent is None else index[bone.parent.name] for bone in bones], dtype=np.int64)
        lengths = np.empty(len(names), dtype=np.float32)
        bones.foreach_get("length", lengths)
        world = np.array(self.rig.matrix_world, dtype=np.float64)
        if any(path[0] == "" for path in self.keyed):
            world = world @ np.linalg.pinv(np.array(self.rig.matrix_basis, dtype=np.float64))
        rest = matrices_of(bones, "matrix_local")
        return carried(Armature(names, parents, rest, lengths.astype(np.float64), world, np.zeros(len(names), bool)))

    @cached_property
    def properties(self) -> dict[str, tuple[str, str]]:
        """RNA path → bone and what, of all that may move the armature."""
        found = {}
        for name, thing in (("", self.rig), *self.rig.pose.bones.items()):
            prefix = f"{bone_path(name)}." if name else ""
            mode = thing.rotation_mode
            for path, what in (("location", "location"), (rotation_property(mode), mode), ("scale", "scale")):
                found[prefix + path] = (name, what)
        return found

    @cached_property
    def keyed(self) -> dict[tuple[str, str], dict[int, bpy.types.FCurve]]:
        """Bone and what → component → the curve that moves it."""
        found: dict[tuple[str, str], dict[int, bpy.types.FCurve]] = {}
        for curve in compat.curves_of(self.rig):
            muted = curve.mute or (curve.group is not None and curve.group.mute)
            what = self.properties.get(curve.data_path)
            if what is not None and not muted and len(curve.keyframe_points):
                found.setdefault(what, {})[curve.array_index] = curve
        return found

    def motion(self) -> Motion:
        """What the action holds at every whole frame of it.

        Raises:
            AnimePoseError: if the action moves no bone, or is too long.
        """
        curves = [curve for parts in self.keyed.values() for curve in parts.values()]
        if not curves:
            raise AnimePoseError(f"The action moves no bone of {self.rig.name}.", "Choose another action.")
        spans = np.array([curve.range() for curve in curves], dtype=np.float64)
        first, last = float(np.floor(np.nanmin(spans[:, 0]))), float(np.ceil(np.nanmax(spans[:, 1])))
        if not 0 <= last - first < MOST_SAMPLES / len(curves):
            raise AnimePoseError(
                f"The action of {self.rig.name} is too long for a preview.", "Shorten it, or do without."
            )
        frames = np.arange(first, last + 1)
        channels: Channels = {}
        for what, still in self._still():
            value = np.repeat(still[None], len(frames), axis=0)
            for index, curve in self.keyed.get(what, {}).items():
                value[:, index] = values_at(curve, frames)
            channels[what] = value
        return Motion(frames, channels)

    def _still(self) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
        """What is keyed or not at rest, and its value now."""
        posed = self.rig.pose.bones
        names = [bone.name for bone in posed]
        modes = np.array([bone.rotation_mode for bone in posed])
        for path in ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle", "scale"):
            rest = np.array(bpy.types.PoseBone.bl_rna.properties[path].default_array)
            values = np.empty(len(rest) * len(names), dtype=np.float32)
            posed.foreach_get(path, values)
            away = np.abs(values.reshape(-1, len(rest)) - rest).max(axis=1) > AT_REST
            for name, mode, value, moved in zip(
                names, modes.tolist(), values.reshape(-1, len(rest)), away, strict=True
            ):
                what = (name, mode if path.startswith("rotation") else path)
                if path in ("location", "scale", rotation_property(mode)) and (moved or what in self.keyed):
                    yield what, value.astype(np.float64)
        if any(not name for name, _ in self.keyed):
            mode = self.rig.rotation_mode
            for path, what in (("location", "location"), (rotation_property(mode), mode), ("scale", "scale")):
                yield ("", what), np.array(getattr(self.rig, path), dtype=np.float64)

    def ends(self, motion: Motion) -> Ends:
        """Where a motion takes the bones, by forward kinematics."""
        index = self.armature.index
        tracks = [Track(index[name], what, values) for (name, what), values in motion.channels.items()]
        heads, tails = bone_ends(self.armature, tracks, len(motion.frames))
        return Ends(motion.frames, np.stack([heads[:, 1:], tails[:, 1:]], axis=2))

    @cached_property
    def is_plain(self) -> bool:
        """Whether keys alone move the armature, so that a tool can read it without evaluating a scene."""
        driven = driven_of_pose(self.rig)
        return has_plain_action(self.rig) and all(
            is_plain_bone(self.rig, one.name, driven) for one in self.rig.data.bones
        )

    def followed(self, now: Ends, frame: float) -> np.ndarray:
        """(N,) bool, bones whose ends forward kinematics knows.

        Args:
            now: of the motion that the action holds.
            frame: the one that is evaluated at the moment, in the action's time.
        """
        # The first bone stands for the object.
        armature = self.armature
        plain = np.ones(len(armature.names), dtype=bool)
        driven = driven_of_pose(self.rig)
        for number, name in enumerate(armature.names[1:], start=1):
            plain[number] &= is_plain_bone(self.rig, name, driven)
            for one in self.rig.pose.bones[name].constraints:
                if one.type in _WHOLE_CHAIN and not one.mute and one.influence > 0:
                    above, left = int(armature.parents[number]), one.chain_count - 1
                    while above > 0 and left != 0:
                        plain[above] = False
                        above, left = int(armature.parents[above]), left - 1
        for number, parent in enumerate(armature.parents):
            plain[number] &= parent < 0 or plain[parent]
        return plain[1:] | self._agreeing(now, frame)

    def _agreeing(self, now: Ends, frame: float) -> np.ndarray:
        """(N,) bool, bones that Blender has just where forward kinematics has them: what else moves them is idle."""
        posed, world = self.rig.pose.bones, np.array(self.rig.matrix_world)
        seen = np.empty((2, len(posed), 3), dtype=np.float32)
        for number, end in enumerate(("head", "tail")):
            posed.foreach_get(end, seen[number].reshape(-1))
        there = (seen @ world[:3, :3].T + world[:3, 3]).transpose(1, 0, 2)
        order = [self.armature.index[bone.name] - 1 for bone in posed]
        agrees = np.zeros(len(posed), dtype=bool)
        agrees[order] = np.linalg.norm(now.at(np.array([frame]))[0, order] - there, axis=-1).max(axis=1) < AGREES_M
        return agrees
