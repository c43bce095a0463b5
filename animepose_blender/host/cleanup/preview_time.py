"""A motion in other time, without writing it: about what `time_warp.warp_motion` will make of it."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ...core.reshape.resample import Moments
from ...core.retarget import euler
from .channels import Wanted
from .preview_motion import Channels, Motion
from .scope import Scope
from .time_warp import pace_of, time_of


def warped(
    context: bpy.types.Context, rig: bpy.types.Object, wanted: Wanted, scope: Scope, settings: Any, now: Motion
) -> Motion:
    """What an armature's motion becomes; see `preview_tools.Plan`. Pins of its feet are not worked out anew."""
    del wanted
    time, _ = time_of(context, rig, scope, pace_of(settings))
    frames = np.arange(now.frames[0], now.frames[-1] + time.shift + 1)
    moments = Moments(now.frames, time.old_at(frames))
    made: Channels = {}
    turned: dict[str, list[tuple[str, str]]] = {}
    for (bone, what), values in now.channels.items():
        if what in ("location", "scale"):
            made[bone, what] = moments.positions(values)
        else:
            turned.setdefault(what, []).append((bone, what))
    for mode, members in turned.items():
        rotations = np.stack([euler.from_channels(now.channels[one], mode) for one in members], axis=1)
        channels = euler.to_channels(moments.rotations(rotations), mode)
        made |= {one: channels[:, number] for number, one in enumerate(members)}
    return Motion(frames, made)
