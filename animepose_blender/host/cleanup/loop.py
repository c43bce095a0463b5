"""A loop out of an action: its best cycle, made seamless, as an action of its own."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ...core.footsteps.spans import from_contact
from ...core.reshape.cycle import find_cycles
from ...core.reshape.loop import Loop, make_loop
from ...core.retarget import euler
from ...core.retarget.armature import Armature
from ...core.retarget.rig_map import RigMap
from ...errors import AnimePoseError
from .. import compat
from ..curves import CurveWriter
from ..footsteps import legs
from ..footsteps.base import keep_base
from ..footsteps.properties import ANIMEPOSE_PG_footsteps, footsteps_of, keep_steps
from ..retarget.read_curves import bone_path, rotation_property
from ..retarget.read_rig import read_rig
from ..retarget.sample import PROPERTY_OWN_WAY
from .channels import Channel, Kind, Wanted, find_channels
from .figure import figure_of, location_of, moving_channels
from .scope import Scope, range_of, refuse_unusable
from .standing import Standing, standing_of


def loop_motion(
    context: bpy.types.Context,
    rig: bpy.types.Object,
    scope: Scope,
    shortest_s: float,
    longest_s: float,
    blend_s: float,
    in_place: bool,
) -> tuple[bpy.types.Action, float]:
    """Find the best cycle of an armature's motion, and play it as a new action; standing feet are held.

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
    channels = moving_channels(find_channels(rig, Wanted(), selection=scope.frames == "KEYS").channels)
    if not channels:
        raise AnimePoseError(f"No bone of {rig.name} has two keys.", "Choose another action.")
    frames = _frames(context, rig, channels, scope)
    figure, names, poses = figure_of(
        context, rig, armature, channels, frames, _standing(context, rig, armature, frames)
    )
    longest_s = min(longest_s, float(poses.time_s[-1] - poses.time_s[0]))
    if longest_s < shortest_s:
        raise AnimePoseError(
            f"The motion lasts {longest_s:.2f} s, less than the shortest cycle.",
            "Allow shorter cycles, or more frames.",
        )
    (cycle,) = find_cycles(figure, poses, shortest_s, longest_s)
    made = make_loop(figure, poses, cycle, blend_s, in_place)
    kept = footsteps_of(rig)
    action = _write(rig, armature, names, channels, made)
    if kept is not None and figure.legs is not None:
        _keep_steps(rig, kept, made)
    return action, cycle.distance_m


def _standing(
    context: bpy.types.Context, rig: bpy.types.Object, armature: Armature, frames: np.ndarray
) -> Standing | None:
    """Where the feet stand; None of what is no person."""
    try:
        return standing_of(context, rig, armature, (int(frames[0]), int(frames[-1])))
    except AnimePoseError:
        return None  # loops are made of any figure


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


def _write(
    rig: bpy.types.Object, armature: Armature, names: tuple[str, ...], channels: Sequence[Channel], made: Loop
) -> bpy.types.Action:
    animation = rig.animation_data
    before = animation.action
    writer = CurveWriter(rig, f"{before.name} loop", assign=False)
    frames = np.arange(1, len(made.poses.time_s) + 1, dtype=np.float64)
    location = location_of(armature, names[0], made.poses.root_m)
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
    action[PROPERTY_OWN_WAY] = True
    compat.assign_action(animation, action)
    if before.library is None:
        before.use_fake_user = True
    rig.update_tag()
    return action


def _keep_steps(rig: bpy.types.Object, before: ANIMEPOSE_PG_footsteps, made: Loop) -> None:
    """Let the loop that an armature now plays have footsteps, as the motion it was made of had.

    They are not pinned anew: the loop holds its feet, and pins know nothing of a seam.
    """
    animation, kept = rig.animation_data, rig.animation_data.action.animepose_footsteps
    rig_map = RigMap.from_json(before.rig_map)
    by_ik = tuple(leg for leg in before.ik_legs.split(",") if leg)
    paths = frozenset(legs.channels_of(rig, legs.controls_to_key(rig, rig_map, by_ik)))
    kept.base = keep_base(animation, paths)
    kept.found, kept.mode, kept.slot = True, "never", compat.slot_name(animation)
    kept.rig_map, kept.ik_legs = before.rig_map, before.ik_legs
    keep_steps(kept, from_contact(made.poses.contact, np.arange(1, len(made.poses.time_s) + 1)))
