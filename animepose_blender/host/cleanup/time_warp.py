"""A motion faster or slower: a range of an action in other time, everything behind it shifted, footsteps with it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import bpy
import numpy as np

from ...core.footsteps.spans import STANDS, Footstep
from ...core.reshape.range_map import RangeMap, around_steps, at_speed, of_length, refuse_empty
from ...core.reshape.time_warp import retime
from ...errors import AnimePoseError
from .. import compat
from ..footsteps import session
from ..footsteps.legs import LEGS
from ..footsteps.properties import ANIMEPOSE_PG_footsteps, footsteps_of, keep_steps, steps_of
from ..retarget.read_curves import has_plain_action
from ..retarget.read_rig import read_rig
from ..retarget.sample import PROPERTY_OWN_WAY
from .channels import Wanted, find_channels
from .figure import figure_of, location_of, moving_channels
from .keys import read_keys
from .retime import Held, Retimed, is_dense, retimed
from .scope import Scope, action_to_change, frame_time_s, playing, range_of, refuse_unusable, wanted_of
from .standing import standing_of
from .time_properties import WarpProperties


@dataclass(frozen=True)
class Pace:
    """What is asked for."""

    speed: float = 1.0
    """2 = twice as fast."""
    length: int | None = None
    """Frames from the first of the range to its last, instead of a speed."""
    keep_steps: bool = False
    """Footsteps keep their own time; only what lies between them changes its pace."""


def pace_of(settings: WarpProperties) -> Pace:
    """What an operator or the scene has as settings."""
    length = settings.pace_length if settings.pace_by == "LENGTH" else None
    return Pace(settings.pace / 100, length, settings.keep_footsteps)


@dataclass(frozen=True)
class Warped:
    """What became of it."""

    before: float
    """Frames from the first of the range to its last; of several armatures, the first one's."""
    after: float
    curves: int
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Planned:
    rig: bpy.types.Object
    action: bpy.types.Action
    new: Retimed
    base: Retimed | None
    """Of the motion without pins."""
    steps: list[Footstep]
    kept: ANIMEPOSE_PG_footsteps | None
    to_pin: bool
    """Whether feet might leave their footsteps, so that they must be pinned anew; where the keys themselves hold them,
    poses stay just as they were."""


def warp_motion(context: bpy.types.Context, rigs: Sequence[bpy.types.Object], scope: Scope, pace: Pace) -> Warped:
    """Let a part of armatures' actions take more time or less; all channels, and what follows comes so much later.

    Args:
        scope: of it the frames count, from the first selected key to the last one; its border is where the speed
            changes, inside the range.
    Raises:
        AnimePoseError: if something cannot be changed or the time cannot be had; then nothing is changed.
    """
    usable = refuse_unusable(list(rigs), scope)
    notes: list[str] = []
    curves = 0
    with ExitStack() as stack:
        work = []
        for rig in wanted_of(usable, scope):
            action = stack.enter_context(action_to_change(rig, scope))
            work.append(_planned(context, rig, action, scope, pace))
        changed = []
        for one in work:
            written = one.new.write()
            if not written:  # at its own pace: feet stay as they are, too
                continue
            curves += written
            changed.append(one)
            if one.base is not None:
                one.base.write()
            _follow(one)
        for one in changed:
            notes += [*_pinned(context, one), *_beyond_scene(context.scene, one)]
            one.rig.update_tag()
    if not work:
        return Warped(0, 0, 0, ("No armature with an action is left.",))
    time = work[0].new.time
    return Warped(time.last - time.first, time.last - time.first + time.shift, curves, tuple(notes))


def _planned(
    context: bpy.types.Context, rig: bpy.types.Object, action: bpy.types.Action, scope: Scope, pace: Pace
) -> _Planned:
    """All that may fail."""
    time, extent = time_of(context, rig, scope, pace)
    kept = footsteps_of(rig)
    held = _held(context, rig, time, extent)
    new, base = retimed(rig, time, held), None
    if kept is not None and kept.base is not None:
        if scope.to_new_action:
            kept.base = kept.base.copy()
        with playing(rig, kept.base):
            base = retimed(rig, time)
    steps = [] if kept is None else _steps(steps_of(kept), time)
    return _Planned(rig, action, new, base, steps, kept, held is None and not _stand_by_ik(rig, kept))


def time_of(
    context: bpy.types.Context, rig: bpy.types.Object, scope: Scope, pace: Pace
) -> tuple[RangeMap, tuple[float, float]]:
    """Old frames and new ones of an armature's action, and the old action's first and last.

    Raises:
        AnimePoseError: if its curves cannot all be changed, the choice of frames is empty, or the time cannot be had.
    """
    selection = scope.frames == "KEYS"
    curves = [curve for curve in compat.curves_of(rig) if len(curve.keyframe_points)]
    locked = [curve for curve in curves if curve.lock or (curve.group is not None and curve.group.lock)]
    if locked:
        raise AnimePoseError(
            f"{len(locked)} of the curves of {rig.name} are locked, and would no longer fit to the others.",
            "Unlock them first.",
        )
    keys = [read_keys(curve, selection=selection) for curve in curves]
    if not keys or any(not np.isfinite(one.frames).all() for one in keys):
        raise AnimePoseError(f"The action of {rig.name} has no keys, or broken ones.", "Remove keys without a frame.")
    extent = min(one.frames[0] for one in keys), max(one.frames[-1] for one in keys)
    first, last = extent
    if selection:
        chosen = np.concatenate([one.frames[one.selected] for one in keys])
        if not len(chosen):
            raise AnimePoseError("No key is selected.", "Select keys at both ends, or change the choice of frames.")
        first, last = float(chosen.min()), float(chosen.max())
    elif scope.frames == "SCENE":
        within = range_of(context, rig, scope)
        first, last = within.first, within.last
        if last <= extent[0] or first >= extent[1]:
            raise AnimePoseError("No key lies in the scene's range.", "Change the choice of frames.")
        if pace.length is None:
            first, last = max(first, extent[0]), min(last, extent[1])
    ends = float(extent[0]), float(extent[1])
    return _time(context, rig, scope, pace, (float(first), float(last)), ends), ends


def _time(
    context: bpy.types.Context,
    rig: bpy.types.Object,
    scope: Scope,
    pace: Pace,
    span: tuple[float, float],
    extent: tuple[float, float],
) -> RangeMap:
    """Old frames and new ones, of a range and an action's extent."""
    first, last = span
    refuse_empty(first, last)
    amid = first > extent[0], last < extent[1]
    if pace.keep_steps:
        _refuse_tweak(rig)
        within = int(np.ceil(max(first, extent[0]))), int(np.floor(min(last, extent[1])))
        standing = standing_of(context, rig, read_rig(context, rig), within)
        stands = standing.contact.max(axis=1) > STANDS
        step_s = float(frame_time_s(context, np.array(1.0)))
        return around_steps(first, last, standing.frames, stands, amid, step_s, pace.speed, pace.length)
    borders = (scope.border * amid[0], scope.border * amid[1]) if scope.frames != "ACTION" else (0, 0)
    if pace.length is not None:
        return of_length(first, last, pace.length, borders)
    return at_speed(first, last, pace.speed, borders)


def _refuse_tweak(rig: bpy.types.Object) -> None:
    if rig.animation_data.use_tweak_mode:
        raise AnimePoseError(f"An NLA strip of {rig.name} is being edited (tweak mode).", "Leave it first.")


def _held(
    context: bpy.types.Context, rig: bpy.types.Object, time: RangeMap, extent: tuple[float, float]
) -> Held | None:
    """The legs of a plain, densely keyed figure, whose feet stand between frames as on them; None of any other rig."""
    if not has_plain_action(rig):
        return None
    channels = moving_channels(find_channels(rig, Wanted()).channels)
    if not channels or not all(is_dense(one.times) for one in channels):
        return None
    first, last = int(np.ceil(extent[0])), int(np.floor(extent[1]))
    frames = np.arange(first, last + 1, dtype=np.float64)
    try:
        armature = read_rig(context, rig)
        standing = standing_of(context, rig, armature, (first, last))
        figure, names, poses = figure_of(context, rig, armature, channels, frames, standing)
    except AnimePoseError:
        return None  # what is no figure has no feet to hold
    if figure.legs is None or not (poses.contact > STANDS).any() or not poses.known.all():
        return None
    figure, poses, bones = figure.legs_alone(poses)
    assert figure.legs is not None
    inside = np.arange(np.ceil(time.first), np.floor(time.last + time.shift) + 1)
    # Time in frames: what lies between them is all that counts.
    made = retime(figure, replace(poses, time_s=frames), time.inside, inside)
    legs = {bone for leg in figure.legs for bone in (leg.thigh, leg.shin, leg.foot)}
    rotations = {names[bones[bone]]: made.rotations[:, bone] for bone in legs}
    return Held(inside, rotations, {names[0]: location_of(armature, names[0], made.root_m)})


def _steps(steps: Sequence[Footstep], time: RangeMap) -> list[Footstep]:
    """Footsteps in the new time; what no frame is left of goes, and a frame lies between two of one foot."""
    made: list[Footstep] = []
    ends = {0: -np.inf, 1: -np.inf}
    for step in steps:
        start, end = (round(float(time.new_at(np.array(float(frame))))) for frame in (step.start, step.end))
        start = max(start, ends[step.foot] + 2)
        if end >= start:
            made.append(Footstep(int(start), end, step.foot))
            ends[step.foot] = end
    return made


def _follow(one: _Planned) -> None:
    """What else of an action is told in frames; and that it is no longer in the time of the take it came from."""
    action, time = one.action, one.new.time
    if action.use_frame_range:
        ends = time.new_at(np.array([action.frame_start, action.frame_end]))
        action.frame_start, action.frame_end = float(ends[0]), float(ends[1])
    action[PROPERTY_OWN_WAY] = True


def _stand_by_ik(rig: bpy.types.Object, kept: ANIMEPOSE_PG_footsteps | None) -> bool:
    """Whether keys on every frame hold both feet."""
    if kept is None or set(kept.ik_legs.split(",")) != set(LEGS):
        return False
    return all(is_dense(one.times) for one in moving_channels(find_channels(rig, Wanted()).channels))


def _pinned(context: bpy.types.Context, one: _Planned) -> list[str]:
    """Bring the footsteps of an action into its new time, and pin the feet in them where that is needed; what went
    wrong."""
    if one.kept is None:
        return []
    if not one.to_pin:
        keep_steps(one.kept, one.steps)
        return []
    try:
        session.change(context, one.rig, one.steps)
    except AnimePoseError as error:
        keep_steps(one.kept, one.steps)
        return [f"{one.rig.name}: the footsteps were not pinned anew: {error}"]
    return []


def _beyond_scene(scene: bpy.types.Scene, one: _Planned) -> list[str]:
    """That an action goes on behind the scene's end now, if it did not before."""
    ends = [curve.keyframe_points[-1].co[0] for curve in compat.curves_of(one.rig) if len(curve.keyframe_points)]
    last, shift = max(ends), one.new.time.shift
    if one.rig.animation_data.use_tweak_mode or not last - shift <= scene.frame_end < last:
        return []
    return [f"{one.rig.name} now moves until frame {last:g}, and the scene ends at frame {scene.frame_end}"]
