"""A motion in the mirror, without writing it: what `mirror.mirror_motion` will make of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from ...core.reshape.mirror import BoneChannels, mirror_channels
from ...core.reshape.other_side import counterparts
from ..retarget.read_curves import rotation_property
from ..retarget.read_rig import read_rig
from .channels import Wanted
from .mirror import refuse_part
from .mirror_plane import own_plane
from .preview_motion import Body, Motion
from .scope import Scope


def mirrored(
    context: bpy.types.Context, rig: bpy.types.Object, wanted: Wanted, scope: Scope, settings: Any, now: Motion
) -> Motion | None:
    """What an armature's motion becomes; see `preview_tools.Plan`."""
    del scope
    body, in_figure = Body(rig), settings.plane == "FIGURE"
    if in_figure and not body.is_plain:
        return None
    armature = read_rig(context, rig)
    other = counterparts(armature.names)
    chosen = set(armature.names) if wanted.bones is None else set(wanted.bones)
    chosen |= {armature.names[other[armature.index[name]]] for name in chosen if other[armature.index[name]] >= 0}
    held: dict[str, dict[str, np.ndarray]] = {}
    for bone, what in body.keyed:
        if bone in chosen:
            held.setdefault(bone, {})[_path(what)] = now.channels[bone, what]
    across = None
    if in_figure:
        refuse_part(rig, armature, held)
        across = own_plane(context, rig, armature, list(held))
        for name in across.carriers:
            _complete(rig, name, ("location", "rotation"), held, len(now.frames))
    for bone in list(held):
        if other[armature.index[bone]] >= 0:
            _complete(rig, armature.names[other[armature.index[bone]]], tuple(held[bone]), held, len(now.frames))
    local = np.array([rig.data.bones[name].use_local_location for name in armature.names])
    channels = {name: BoneChannels(rig.pose.bones[name].rotation_mode, **values) for name, values in held.items()}
    result = mirror_channels(armature, channels, local_location=local)
    made = dict(now.channels)
    for name, bone in (across.carried(result.bones) if across is not None else result.bones).items():
        for what, values in (("location", bone.location), ("scale", bone.scale), (bone.mode, bone.rotation)):
            if values is not None and name not in result.alone:
                made[name, what] = values
    return Motion(now.frames, made)


def _complete(
    rig: bpy.types.Object, name: str, paths: Sequence[str], held: dict[str, dict[str, np.ndarray]], count: int
) -> None:
    """Let a bone have properties at all frames: as they are now where nothing moves them."""
    posed = rig.pose.bones[name]
    for path in paths:
        whole = rotation_property(posed.rotation_mode) if path == "rotation" else path
        still = np.array(getattr(posed, whole), dtype=np.float64)
        held.setdefault(name, {}).setdefault(path, np.repeat(still[None], count, axis=0))


def _path(what: str) -> str:
    return what if what in ("location", "scale") else "rotation"
