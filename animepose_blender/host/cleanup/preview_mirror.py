"""A motion in the mirror, without writing it: what `mirror.mirror_motion` will make of it."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ...core.reshape.mirror import BoneChannels, mirror_channels
from ...core.reshape.other_side import counterparts
from ..retarget.read_curves import rotation_property
from ..retarget.read_rig import read_rig
from .channels import Wanted
from .preview_motion import Motion
from .scope import Scope


def mirrored(
    context: bpy.types.Context, rig: bpy.types.Object, wanted: Wanted, scope: Scope, settings: Any, now: Motion
) -> Motion:
    """What an armature's motion becomes; see `preview_tools.Plan`."""
    del scope, settings
    armature = read_rig(context, rig)
    other = counterparts(armature.names)
    chosen = set(armature.names) if wanted.bones is None else set(wanted.bones)
    chosen |= {armature.names[other[armature.index[name]]] for name in chosen if other[armature.index[name]] >= 0}
    held: dict[str, dict[str, np.ndarray]] = {}
    for (bone, what), values in now.channels.items():
        if bone in chosen:
            held.setdefault(bone, {})[what if what in ("location", "scale") else "rotation"] = values
    for bone in list(held):
        to = int(other[armature.index[bone]])
        if to >= 0:
            there = held.setdefault(armature.names[to], {})
            for what in held[bone]:
                if what not in there:
                    there[what] = np.repeat(_rest(rig, armature.names[to], what)[None], len(now.frames), axis=0)
    local = np.array([rig.data.bones[name].use_local_location for name in armature.names])
    channels = {name: BoneChannels(rig.pose.bones[name].rotation_mode, **values) for name, values in held.items()}
    result = mirror_channels(armature, channels, local_location=local)
    made = dict(now.channels)
    for name, bone in result.bones.items():
        if name in result.alone:
            continue
        for what, values in (("location", bone.location), ("scale", bone.scale), (bone.mode, bone.rotation)):
            if values is not None:
                made[name, what] = values
    return Motion(now.frames, made)


def _rest(rig: bpy.types.Object, name: str, what: str) -> np.ndarray:
    posed = rig.pose.bones[name]
    if what in ("location", "scale"):
        return np.array(getattr(posed, what), dtype=np.float64)
    return np.array(getattr(posed, rotation_property(posed.rotation_mode)), dtype=np.float64)
