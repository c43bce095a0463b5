"""A loop out of an action: its best cycle, made seamless, as an action of its own."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ...core import quaternions as quat
from ...core.reshape.cycle import find_cycles
from ...core.reshape.loop import Loop, make_loop
from ...core.reshape.poses import Figure, Poses
from ...core.retarget import euler
from ...core.retarget.armature import Armature
from ...errors import AnimePoseError
from .. import compat
from ..curves import CurveWriter
from ..retarget.read_curves import bone_path, rotation_property
from ..retarget.read_rig import read_rig
from .channels import Channel, Kind, Wanted, batches, find_channels
from .scope import Scope, frame_time_s, range_of, refuse_unusable

STILL = 1e-4
"""Locations that leave their mean by no more (armature units) stand still."""


def loop_motion(
    context: bpy.types.Context,
    rig: bpy.types.Object,
    scope: Scope,
    shortest_s: float,
    longest_s: float,
    blend_s: float,
    in_place: bool,
) -> tuple[bpy.types.Action, float]:
    """Find the best cycle of an armature's motion, and let the armature play it as a new action.

    The old action stays, with a fake user. The new one begins at frame 1, its last frame is its first once more, and it
    is marked as cyclic. It holds the bones alone, with a key on every frame.

    Args:
        scope: of it the frames count.
        shortest_s, longest_s: how long the cycle may be.
        blend_s: over which differences fade out on either side of the seam.
        in_place: whether the way that the figure gets on is taken out.
    Returns:
        The action, and how unlike the two ends of the cycle were, in metres.
    Raises:
        AnimePoseError: before any change, if the motion cannot be read as that of one figure, or there is no cycle.
    """
    (rig,) = refuse_unusable([rig], scope)
    if rig.animation_data.use_tweak_mode:
        raise AnimePoseError(f"An NLA strip of {rig.name} is being edited (tweak mode).", "Leave it first.")
    armature = read_rig(context, rig)
    if armature.to_world.ndim != 2:
        raise AnimePoseError(f"{rig.name} itself moves.", "Let its bones alone move it.")
    channels = [one for one in find_channels(rig, Wanted(), selection=scope.frames == "KEYS").channels if one.owner]
    channels = [one for one in channels if one.kind is not Kind.SCALAR]
    if not channels:
        raise AnimePoseError(f"No bone of {rig.name} has two keys.", "Choose another action.")
    frames = _frames(context, rig, channels, scope)
    figure, names, poses = _poses(context, rig, armature, channels, frames)
    longest_s = min(longest_s, float(poses.time_s[-1] - poses.time_s[0]))
    if longest_s < shortest_s:
        raise AnimePoseError(
            f"The motion lasts {longest_s:.2f} s, less than the shortest cycle.",
            "Allow shorter cycles, or more frames.",
        )
    (cycle,) = find_cycles(figure, poses, shortest_s, longest_s)
    made = make_loop(figure, poses, cycle, blend_s, in_place)
    return _write(rig, armature, names, channels, made), cycle.distance_m


def _frames(context: bpy.types.Context, rig: bpy.types.Object, channels: Sequence[Channel], scope: Scope) -> np.ndarray:
    first, last = min(one.extent[0] for one in channels), max(one.extent[1] for one in channels)
    within = range_of(context, rig, scope)
    if scope.frames == "KEYS":
        chosen = np.concatenate([one.selected_times for one in channels])
        first, last = (int(chosen.min()), int(chosen.max())) if len(chosen) else (1, 0)
    frames = np.arange(int(max(first, within.first)), int(min(last, within.last)) + 1, dtype=np.float64)
    if len(frames) < 3:
        raise AnimePoseError("The range has fewer than three frames with keys.", "Change the choice of frames.")
    return frames


def _poses(
    context: bpy.types.Context,
    rig: bpy.types.Object,
    armature: Armature,
    channels: Sequence[Channel],
    frames: np.ndarray,
) -> tuple[Figure, tuple[str, ...], Poses]:
    """The figure that hangs on the topmost bone with keys, its bones' names, and its motion."""
    keyed = {armature.index[one.owner] for one in channels}
    root = min(keyed)
    figure, names = Figure.of_armature(armature, armature.names[root])
    place = {name: number for number, name in enumerate(names)}
    strays = [armature.names[bone] for bone in sorted(keyed) if armature.names[bone] not in place]
    if strays:
        raise AnimePoseError(
            f"{strays[0]} of {rig.name} has keys and does not hang on {names[0]}, which carries the figure.",
            "Loops are made of bones that hang on one; bake controls to them first.",
        )
    rotations = np.tile(quat.IDENTITY, (len(frames), len(names), 1))
    for name in names:  # what has no keys keeps its pose
        basis = np.array(rig.pose.bones[name].matrix_basis)[:3, :3]
        rotations[:, place[name]] = quat.from_matrix(basis / np.linalg.norm(basis, axis=0))
    location = np.repeat(np.array(rig.pose.bones[names[0]].location, dtype=np.float64)[None], len(frames), axis=0)
    for batch in batches(channels, at=frames):
        for number, channel in enumerate(batch.channels):
            values = batch.values[:, number]
            if batch.kind is Kind.ROTATION:
                rotations[:, place[channel.owner]] = values
            elif channel.owner == names[0]:
                location = values
            elif np.abs(values - np.nanmean(values, axis=0)).max() > STILL:
                raise AnimePoseError(
                    f"{channel.owner} of {rig.name} changes its place, and only {names[0]} may.",
                    "Loops are made of bones that turn; bake controls to them first.",
                )
    at_rest = armature.to_world @ armature.rest[root]
    root_m = location @ at_rest[:3, :3].T + at_rest[:3, 3]
    time_s = frame_time_s(context, frames - frames[0])
    return figure, names, Poses(rotations, root_m, time_s, np.zeros((len(frames), 4)))


def _write(
    rig: bpy.types.Object, armature: Armature, names: tuple[str, ...], channels: Sequence[Channel], made: Loop
) -> bpy.types.Action:
    animation = rig.animation_data
    before = animation.action
    writer = CurveWriter(rig, f"{before.name} loop", assign=False)
    frames = np.arange(1, len(made.poses.time_s) + 1, dtype=np.float64)
    at_rest = armature.to_world @ armature.rest[armature.index[names[0]]]
    location = (made.poses.root_m - at_rest[:3, 3]) @ np.linalg.inv(at_rest[:3, :3]).T
    writer.write(f"{bone_path(names[0])}.location", frames, location.T, group=names[0])
    turned = {one.owner: one for one in channels if one.kind is Kind.ROTATION}
    # The first bone turns with the way it goes, whether it had keys or not.
    for name in dict.fromkeys([names[0], *turned]):
        mode = rig.pose.bones[name].rotation_mode
        rotation = euler.to_channels(made.poses.rotations[:, names.index(name)], mode)
        writer.write(f"{bone_path(name)}.{rotation_property(mode)}", frames, rotation.T, group=name)
    action = writer.action
    action.use_frame_range, action.frame_start, action.frame_end = True, 1.0, float(frames[-1])
    action.use_cyclic = True
    compat.assign_action(animation, action)
    if before.library is None:
        before.use_fake_user = True
    rig.update_tag()
    return action
