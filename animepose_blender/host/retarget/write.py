"""Channels into an action: a new one for the rig, or new values for one written before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ...core import quaternions as quat
from ...core.retarget import euler
from ...core.retarget.controls import Keys
from ...errors import AnimePoseError
from ...rigs.family import Property
from .. import compat
from ..curves import CurveWriter, rewrite
from ..key_options import Within
from .read_curves import bone_path, rotation_property


@dataclass(frozen=True)
class Output:
    """Where the result goes."""

    name: str = ""
    """Of the action; empty = the rig's with a word added."""
    as_nla_strip: bool = False
    """A strip on a new NLA track, the active action staying as it is; otherwise the new action becomes the active one.
    """
    reduce: Within | None = None
    """How far curves with fewer keys may be off; None = a key on every frame."""


@dataclass(frozen=True, eq=False)
class KeyTimes:
    """When keys are set."""

    frames: np.ndarray
    """(F,) frame numbers of the scene."""
    present: np.ndarray
    """(F,) bool; other frames get no keys, and the pose before them is held."""
    predicted: np.ndarray
    """(F,) bool, keys that nobody observed."""

    @property
    def hold(self) -> np.ndarray:
        """(K,) bool for the frames with keys: no key follows at once."""
        return np.append(np.diff(np.flatnonzero(self.present)) > 1, False)


def _curves_of(
    rig: bpy.types.Object, keys: Sequence[Keys], present: np.ndarray
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Bone, RNA path and (C, K) channels of every property that gets keys."""
    modes = {key.name: rig.pose.bones[key.name].rotation_mode for key in keys}
    turned: dict[str, np.ndarray] = {}
    for mode in dict.fromkeys(modes.values()):
        group = [key for key in keys if modes[key.name] == mode and key.rotation is not None]
        if group:
            rotations = np.stack([key.rotation[present] for key in group], axis=1)  # type: ignore[index]
            turned |= dict(zip((key.name for key in group), _channels(rotations, mode), strict=True))
    for key in keys:
        path = bone_path(key.name)
        if key.location is not None:
            yield key.name, f"{path}.location", key.location[present].T
        if key.rotation is not None:
            yield key.name, f"{path}.{rotation_property(modes[key.name])}", turned[key.name]


def _channels(rotations: np.ndarray, mode: str) -> np.ndarray:
    """(N, C, K) channels of (K, N, 4) rotations in a bone's rotation mode."""
    rotations = quat.unroll(rotations)
    # A rotation keyed near the identity reads best with a positive scalar part.
    rotations = rotations * np.where(rotations[:1, :, :1] < 0, -1.0, 1.0)
    return np.ascontiguousarray(euler.to_channels(rotations, mode).transpose(1, 2, 0))


def write_action(
    rig: bpy.types.Object, keys: Sequence[Keys], times: KeyTimes, switches: Sequence[Property], where: Output
) -> bpy.types.Action:
    """A new action with the keys, in the rig's use; whatever action it had is kept.

    Args:
        rig: an armature of this file or an override of a linked one; nothing but its animation changes.
        keys: of controls that it has.
        times: of F frames, as the keys; present in one at least.
        switches: custom properties, keyed once at the beginning.
        where: see `Output`.
    Raises:
        AnimePoseError: before any change, if the rig's animation cannot be changed.
    """
    refuse_busy(rig)
    frames, hold = times.frames[times.present], times.hold
    writer = CurveWriter(rig, where.name or f"{rig.name} retargeted", assign=False)
    for bone, path, channels in _curves_of(rig, keys, times.present):
        writer.write(path, frames, channels, group=bone, hold=hold, filled_in=times.predicted[times.present])
    for switch in switches:
        path = f'{bone_path(switch.bone)}["{bpy.utils.escape_identifier(switch.name)}"]'
        value = np.array([[float(switch.value)]])
        writer.write(path, frames[:1], value, group=switch.bone, hold=np.array([True]))
    if where.as_nla_strip:
        _add_strip(rig, writer.action, float(frames[0]))
    else:
        _replace_action(rig, writer.action)
    return writer.action


def refuse_busy(rig: bpy.types.Object) -> None:
    """Make sure that the rig's action can be replaced.

    Raises:
        AnimePoseError: if an NLA strip of it is being edited.
    """
    if rig.animation_data is not None and rig.animation_data.use_tweak_mode:
        raise AnimePoseError(
            f"An NLA strip of {rig.name} is being edited (tweak mode).", "Leave tweak mode in the NLA editor first."
        )


def _replace_action(rig: bpy.types.Object, action: bpy.types.Action) -> None:
    animation = rig.animation_data_create()
    before = animation.action
    compat.assign_action(animation, action)
    # Blender does not save what nothing uses.
    if before is not None and before.users == 0 and before.library is None:
        before.use_fake_user = True


def _add_strip(rig: bpy.types.Object, action: bpy.types.Action, first: float) -> None:
    animation = rig.animation_data_create()
    track = animation.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, int(np.floor(first)), action)
    compat.assign_action(strip, action)
    # Curves that begin between two frames do not begin with the strip.
    strip.action_frame_start, strip.action_frame_end = action.frame_range
    strip.frame_start, strip.frame_end = action.frame_range
    strip.extrapolation = "HOLD_FORWARD"


def rewrite_action(rig: bpy.types.Object, action: bpy.types.Action, keys: Sequence[Keys], times: KeyTimes) -> None:
    """Give the curves of `write_action` the values of other keys of the same controls and times, on every frame.

    Curves that the user has deleted since stay away.
    """
    curves: Mapping[tuple[str, int], bpy.types.FCurve] = {
        (curve.data_path, curve.array_index): curve for curve in compat.curves_of_action(action)
    }
    frames, hold, filled_in = times.frames[times.present], times.hold, times.predicted[times.present]
    for _, path, channels in _curves_of(rig, keys, times.present):
        for index, values in enumerate(channels):
            curve = curves.get((path, index))
            if curve is not None:
                rewrite(curve, frames, values, hold, filled_in)
    rig.update_tag()
