"""Feet pinned on the rig that has the motion: its action read, contacts held, and the legs' controls written.

Also for motions that other tools have changed: `write(prepared, pin_motion(prepared, contact))`.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from dataclasses import dataclass, replace

import bpy
import numpy as np
from bpy.app.handlers import persistent

from ...core import quaternions as quat
from ...core.footsteps import pinning
from ...core.footsteps.rekey import Controls, Posed, rekeyed
from ...core.retarget import euler
from ...core.retarget.armature import Armature
from ...core.retarget.controls import Keys
from ...core.retarget.figures import Figure, figure_of
from ...core.retarget.motion import Motion
from ...core.retarget.rig_map import RigMap
from ...core.retarget.slots import FINGER, LIMB_SLOTS
from ...errors import AnimePoseError
from .. import compat
from ..retarget.probe import Probed
from ..retarget.read_curves import bone_path, channels_at, has_plain_action, rotation_property
from ..retarget.read_rig import read_rig
from ..retarget.sample import Sampled, frame_range_of, sample_armature
from ..retarget.source_map import map_of_source
from . import graph, legs, retargeted
from .fingerprint import fingerprint
from .writing import write_channels

KEPT = 3
"""Motions that are kept sampled: a long one of a large rig takes seconds to read."""
FEWEST_FRAMES = 3

_prepared: OrderedDict[str, Prepared] = OrderedDict()


@dataclass(frozen=True, eq=False)
class Prepared:
    """A motion of a rig, and what is needed to change its legs."""

    rig: bpy.types.Object
    frames: np.ndarray
    """(F,) whole frame numbers of the scene."""
    motion: Motion
    """World axes."""
    found: np.ndarray
    """(F, 4) contacts, 0 to 1: of the take or the source that the motion comes from, or else found in it; less what
    slides."""
    figure: Figure
    leg_m: float
    """Length of thigh and shin."""
    floor_m: float
    """Height of what the figure stands on."""
    controls: Controls
    location_turn: np.ndarray
    """(C, 4) from the axes each control is carried in to those of its location channels."""
    posed: Posed

    @property
    def sole_m(self) -> np.ndarray:
        """(F, 2, 2, 3) left and right, heel and toe, on the floor where they stand."""
        return self.motion.sole_m - [0.0, 0.0, self.motion.sole_height_m]


def prepare(
    context: bpy.types.Context,
    rig: bpy.types.Object,
    rig_map: RigMap | None = None,
    by_ik: tuple[str, ...] | None = None,
) -> Prepared:
    """Read a rig and the action that it plays; nothing changes.

    Args:
        rig_map: None = the user's, else found out.
        by_ik: the legs that IK moves; None = as the rig's switches stand.
    Raises:
        AnimePoseError: if the motion cannot be read as that of a person with legs, or its legs do not follow keys.
    """
    armature = read_rig(context, rig)
    rig_map = rig_map or legs.map_of(context.scene.animepose_retarget, rig, armature)
    by_ik = legs.legs_by_ik(rig, rig_map) if by_ik is None else by_ik
    if not has_plain_action(rig):
        raise AnimePoseError(
            f"More than its action moves {rig.name}: NLA strips, or an action that is not played whole.",
            "Mute the strips, or bake the motion into one action.",
        )
    wanted = legs.controls_to_key(rig, rig_map, by_ik)
    key = fingerprint(context, rig, rig_map, [one.name for one in wanted])
    known = _prepared.get(key)
    if known is not None:
        _prepared.move_to_end(key)
        return replace(known, rig=rig)  # undo gives the rig another place in memory
    try:
        probed = legs.connected(rig, armature, rig_map, wanted)
        controls, location_turn = legs.controls_of(probed, armature, wanted)
        sampled = _sampled(context, rig, armature, rig_map, by_ik, probed, controls)
        figure = figure_of(sampled.motion)
    except ValueError as error:
        raise AnimePoseError(
            f"The bones do not make a person: {error}.", "Check which bones the map of the rig names."
        ) from error
    if len(sampled.frames) < FEWEST_FRAMES:
        raise AnimePoseError(f"The motion of {rig.name} has fewer than three frames.", "Choose a longer one.")
    motion = sampled.motion
    posed = _posed(rig, controls, location_turn, sampled.poses, sampled.to_world, sampled.frames, motion)
    if not all(np.isfinite(values).all() for values in (posed.basis, posed.location, motion.head_m)):
        raise AnimePoseError(f"The motion of {rig.name} has broken keys.", "Mend them with Fill Gaps first.")
    ends = np.array([[figure.rest.heads_m[slot] for slot in LIMB_SLOTS[leg]] for leg in legs.LEGS])
    leg_m = float(np.linalg.norm(np.diff(ends, axis=1), axis=-1).sum(axis=-1).mean())
    told = retargeted.of_source(context, rig, sampled.frames)
    found, floor_m = told or (motion.held, pinning.floor_of(motion, motion.held, leg_m))
    _prepared[key] = Prepared(
        rig, sampled.frames, motion, found, figure, leg_m, floor_m, controls, location_turn, posed
    )
    while len(_prepared) > KEPT:
        _prepared.popitem(last=False)
    return _prepared[key]


def pin_motion(prepared: Prepared, contact: np.ndarray, told: np.ndarray | None = None) -> list[Keys]:
    """Hold heels and toes where they stand.

    Args:
        contact: (F, 4) 0 to 1: left heel, left toe, right heel, right toe, at the frames of `prepared`.
        told: (F, 4) bool, points that stand by somebody's word, however fast the motion has them.
    Returns:
        Channels of the legs' controls and of the pelvis, F frames each.
    """
    change = pinning.pinned(prepared.motion, prepared.figure, contact, told, prepared.floor_m)
    if change is None:
        raise AnimePoseError(f"A part of a leg of {prepared.rig.name} is not known.", "Name it in the Bone Map.")
    return keys_of(prepared, change)


def keys_of(prepared: Prepared, change: pinning.Change) -> list[Keys]:
    """Channels of the controls after a change, as Blender has them."""
    turns = dict(zip(prepared.controls.names, prepared.location_turn, strict=True))
    return [
        key if key.location is None else replace(key, location=quat.rotate(turns[key.name], key.location))
        for key in rekeyed(prepared.controls, prepared.posed, change)
    ]


def write(prepared: Prepared, keys: list[Keys]) -> int:
    """Write channels into the action that the rig plays, a key on every frame; what does not change is not touched.

    Returns:
        How many curves changed.
    """
    return write_channels(prepared.rig, prepared.frames, keys)


def _sampled(
    context: bpy.types.Context,
    rig: bpy.types.Object,
    armature: Armature,
    rig_map: RigMap,
    by_ik: tuple[str, ...],
    probed: Probed | None,
    controls: Controls,
) -> Sampled:
    """The motion, and the poses of the controls with it."""
    source = map_of_source(armature, rig_map)
    shown_by = {slot: bone for slot, bone in source.bones.items() if slot.partition(".")[0] not in FINGER}
    if probed is not None:
        first, last = frame_range_of(context, rig)
        frames = np.arange(first, last + 1, dtype=np.float64)
        poses = graph.posed_by_graph(rig, probed, _curves(rig), frames)
        bones = {slot: bone for slot, bone in rig_map.bones.items() if slot.partition(".")[0] not in FINGER}
        own = RigMap(bones, {}, rig_map.family)
        made = graph.slot_poses(armature, own, probed, poses, by_ik)
        if made is not None and graph.fits(rig, armature, shown_by, controls.names, made, poses, own, frames):
            return replace(sample_armature(context, rig, own, (first, last), made=made), poses=poses)
    return sample_armature(context, rig, RigMap(shown_by, {}, source.family), also=controls.names)


def _curves(rig: bpy.types.Object) -> dict[tuple[str, int], bpy.types.FCurve]:
    """The curves that play, by RNA path and component."""
    return {
        (curve.data_path, curve.array_index): curve
        for curve in compat.curves_of(rig)
        if not curve.mute and not (curve.group is not None and curve.group.mute)
    }


def _posed(
    rig: bpy.types.Object,
    controls: Controls,
    location_turn: np.ndarray,
    poses: np.ndarray,
    to_world: np.ndarray,
    frames: np.ndarray,
    motion: Motion,
) -> Posed:
    """The controls over time, in the world and by their own channels."""
    curves = _curves(rig)
    world = to_world @ poses
    count, length = len(controls.names), len(frames)
    basis, location = np.empty((count, length, 4)), np.empty((count, length, 3))
    joint_m = np.zeros((count, length, 3))
    for number, (name, slot, kind) in enumerate(zip(controls.names, controls.slots, controls.kinds, strict=True)):
        posed, path = rig.pose.bones[name], bone_path(name)
        rotation = rotation_property(posed.rotation_mode)
        turned = channels_at(f"{path}.{rotation}", np.array(getattr(posed, rotation)), curves, frames)
        basis[number] = euler.from_channels(turned, posed.rotation_mode)
        place = channels_at(f"{path}.location", np.array(posed.location), curves, frames)
        location[number] = quat.rotate(quat.conjugate(location_turn[number]), place)
        if kind in ("ik", "pole"):
            leg = LIMB_SLOTS[f"leg.{slot[-1]}"]
            joint_m[number] = motion.head_m[:, motion.index[leg[2] if kind == "ik" else leg[0]]]
    first = to_world if to_world.ndim == 2 else to_world[0]
    scale = float(np.cbrt(np.linalg.det(first[:3, :3])))
    return Posed(quat.unroll(euler.rotations_of(world), axis=1), world[..., :3, 3], basis, location, joint_m, scale)


@persistent
def forget(*_: object) -> None:
    """Let go of everything that is prepared."""
    _prepared.clear()


def register() -> None:
    """Forget what was prepared when another file is opened. Undo changes none of what a fingerprint tells."""
    bpy.app.handlers.load_pre.append(forget)


def unregister() -> None:
    """Undo `register`."""
    forget()
    with contextlib.suppress(ValueError):
        bpy.app.handlers.load_pre.remove(forget)
