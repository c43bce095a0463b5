"""Fewer keys: an action's channels as curves that stay within millimetres and degrees of what they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...core.footsteps.spans import Footstep
from ...core.keyframes.reduction import Reduced, reduce_bones
from ...core.keyframes.world import Track
from ...core.retarget.armature import Armature
from ...core.retarget.rig_map import RigMap
from ...errors import AnimePoseError
from ..curves import FILLED_IN, changes, enum_value
from ..footsteps.properties import footsteps_of, steps_of
from ..key_options import Within
from ..retarget.read_curves import rotation_property
from ..retarget.read_rig import read_rig
from .channels import Channel, Kind, Wanted, batches, find_channels
from .keys import SAME_FRAME, interpolations, key_types, replace_keys
from .scope import Scope, action_to_change, range_of, refuse_unusable, wanted_of
from .write_back import Range, as_kept


@dataclass(frozen=True)
class Fewer:
    """What became of it."""

    before: int
    """Keys of the curves that were reduced."""
    after: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Feet:
    """When the feet of an armature stand: their bones keep the keys at the first and the last frame."""

    steps: Sequence[Footstep] = ()
    bones: tuple[str, str] = ("foot.L", "foot.R")
    """Left and right."""


@dataclass(frozen=True, eq=False)
class Baked:
    """An armature whose motion was just written with a key on every frame."""

    rig: bpy.types.Object
    action: bpy.types.Action | None = None
    """None = the one that it plays; otherwise one of a single slot."""
    feet: Feet = Feet()
    armature: Armature | None = None
    """What moves with what, all bones with keys among it; None = as the bones hang on each other."""


@dataclass(frozen=True, eq=False)
class _Work:
    """What is reduced at once: channels of an armature, at (F,) frames."""

    rig: bpy.types.Object
    channels: Sequence[Channel]
    frames: np.ndarray
    feet: Feet
    armature: Armature | None = None


def reduce_keys(
    context: bpy.types.Context,
    rigs: Sequence[bpy.types.Object],
    scope: Scope,
    within: Within,
) -> Fewer:
    """Give the curves of armatures' bones as few keys as their motion needs.

    Args:
        scope: of its frames the range counts, from the first selected key to the last one.
        within: how far bones may be off.
    Raises:
        AnimePoseError: if something cannot be changed, or there is nothing to reduce; then nothing is changed.
    """
    usable = refuse_unusable(list(rigs), scope)
    notes: list[str] = []
    with ExitStack() as stack:
        work: list[_Work] = []
        for rig, wanted in wanted_of(usable, scope).items():
            stack.enter_context(action_to_change(rig, scope))
            found = find_channels(rig, wanted, selection=scope.frames == "KEYS")
            notes += [f"{rig.name}: {found.said()}"] if found.left else []
            channels = [one for one in found.channels if one.owner and one.kind is not Kind.SCALAR]
            if not channels:
                raise AnimePoseError(f"No rotation or location of a bone of {rig.name} has two keys.", "Choose others.")
            frames = _frames(channels, range_of(context, rig, scope), scope)
            work.append(_Work(rig, channels, frames, _feet_of(rig)))
        before, after = _carry_out(context, work, within)
    return Fewer(before, after, tuple(notes))


def reduce_baked(context: bpy.types.Context, baked: Sequence[Baked], within: Within) -> Fewer:
    """Give motion that was just written as few keys as it needs; what has fewer than three frames stays as it is.

    Raises:
        AnimePoseError: if an armature cannot be read; nothing is changed then.
    """
    work = []
    for one in baked:
        found = find_channels(one.rig, Wanted(), action=one.action)
        channels = [channel for channel in found.channels if channel.owner and channel.kind is not Kind.SCALAR]
        first = min((channel.extent[0] for channel in channels), default=0)
        last = max((channel.extent[1] for channel in channels), default=0)
        if last - first >= 2:
            work.append(_Work(one.rig, channels, _looked_at(channels, first, last), one.feet, one.armature))
    return Fewer(*_carry_out(context, work, within), ())


def _carry_out(context: bpy.types.Context, work: Sequence[_Work], within: Within) -> tuple[int, int]:
    """How many keys there were and are."""
    wanted = [_inputs(context, one) for one in work]
    made = [
        reduce_bones(**each, tolerance_mm=within.mm, tolerance_deg=within.deg, shared=within.shared) for each in wanted
    ]
    before = sum(_count(one.channels) for one in work)
    for one, reduced in zip(work, made, strict=True):
        _write(one, reduced)
    return before, sum(_count(one.channels) for one in work)


def _write(work: _Work, reduced: Reduced) -> None:
    frames = work.frames
    for channel, curves, samples in zip(work.channels, reduced.curves, reduced.samples):
        kinds = _kinds(channel, frames)
        for part, curve in channel.curves.items():
            replace_keys(curve, frames[0], frames[-1], curves[part], kinds[samples[part]])
    work.rig.update_tag()


def _count(channels: Sequence[Channel]) -> int:
    return sum(len(curve.keyframe_points) for channel in channels for curve in channel.curves.values())


def _frames(channels: Sequence[Channel], within: Range, scope: Scope) -> np.ndarray:
    """(F,) the frames that are reduced."""
    first, last = min(one.extent[0] for one in channels), max(one.extent[1] for one in channels)
    if scope.frames == "KEYS":
        chosen = np.concatenate([one.selected_times for one in channels])
        if not len(chosen):
            raise AnimePoseError("No key of the chosen channels is selected.", "Change the choice of frames.")
        first, last = int(np.ceil(chosen.min())), int(np.floor(chosen.max()))
    first, last = int(max(first, within.first)), int(min(last, within.last))
    if last - first < 2:
        raise AnimePoseError("The range has fewer than three frames with keys.", "Change the choice of frames.")
    return _looked_at(channels, first, last)


def _looked_at(channels: Sequence[Channel], first: int, last: int) -> np.ndarray:
    """(F,) whole frames from first to last, without those through which everything is held, such as a gap's."""
    frames = np.arange(first, last + 1, dtype=np.float64)
    held = _held(channels, frames)
    keyed = np.unique(np.round(np.concatenate([one.times for one in channels])))
    needless = np.append(False, held[:-1]) & held & ~np.isin(frames, keyed)
    needless[-1] = False
    return frames[~needless]


def _inputs(context: bpy.types.Context, work: _Work) -> dict[str, Any]:
    """What `reduce_bones` is given; tracks of the channels first."""
    rig, channels, frames = work.rig, work.channels, work.frames
    armature = read_rig(context, rig) if work.armature is None else work.armature
    tracks = _tracks(armature, channels, frames)
    posed = _still_tracks(rig, armature, channels, len(frames))
    if not all(np.isfinite(track.values).all() for track in tracks):
        raise AnimePoseError(f"The action of {rig.name} has broken keys.", "Fill gaps first.")
    filled = np.any([_kinds(one, frames) == enum_value("type", FILLED_IN) for one in channels], axis=0)
    keep = changes(filled)[:, None] | _standing(armature, work.feet, frames)
    return {
        "armature": armature, "tracks": [*tracks, *posed], "frames": frames, "hold": _held(channels, frames),
        "keep": keep,
    }  # fmt: skip


def _feet_of(rig: bpy.types.Object) -> Feet:
    """The footsteps that were found in the action that a rig plays."""
    kept = footsteps_of(rig)
    if kept is None:
        return Feet()
    bones = RigMap.from_json(kept.rig_map).bones if kept.rig_map else {}
    return Feet(steps_of(kept), (bones.get("foot.L", Feet.bones[0]), bones.get("foot.R", Feet.bones[1])))


def _standing(armature: Armature, feet: Feet, frames: np.ndarray) -> np.ndarray:
    """(F, N) bool, which bones keep a key where a foot begins and ends to stand: the foot, what it hangs on, and
    controls that lie at it."""
    keep = np.zeros((len(frames), len(armature.names)), dtype=bool)
    heads = armature.rest[:, :3, 3]
    for foot, name in enumerate(feet.bones):
        ends = np.array([end for step in feet.steps if step.foot == foot for end in (step.start, step.end)], dtype=int)
        if not len(ends) or name not in armature.index:
            continue
        bone = armature.index[name]
        near = np.linalg.norm(heads - heads[bone], axis=1) < armature.lengths[bone]
        while bone >= 0:
            near[bone], bone = True, int(armature.parents[bone])
        keep[np.ix_(np.isin(frames, ends), near)] = True
    return keep


def _tracks(armature: Armature, channels: Sequence[Channel], frames: np.ndarray) -> list[Track]:
    values: dict[Channel, np.ndarray] = {}
    for batch in batches(channels, at=frames):
        stored = batch.stored
        if batch.kind is Kind.ROTATION:
            stored = as_kept(batch, batch.values, np.zeros(batch.values.shape[:2], dtype=bool))
        values |= {channel: stored[:, number, : len(channel.rest)] for number, channel in enumerate(batch.channels)}
    return [Track(armature.index[one.owner], one.order or "location", values[one]) for one in channels]


def _still_tracks(
    rig: bpy.types.Object, armature: Armature, channels: Sequence[Channel], count: int
) -> Iterator[Track]:
    """What bones are posed by besides the channels that are reduced; it is not keyed anew, but errors reach through it.

    What moves without being reduced counts as it is in the current frame.
    """
    keyed = {(one.owner, one.kind) for one in channels}
    for posed in rig.pose.bones:
        if posed.name not in armature.index:
            continue
        mode = posed.rotation_mode
        name = rotation_property(mode)
        for kind, path, what in (
            (Kind.ROTATION, name, mode), (Kind.LOCATION, "location", "location"), (None, "scale", "scale")
        ):  # fmt: skip
            value = np.array(getattr(posed, path), dtype=np.float64)
            rest = np.array(posed.bl_rna.properties[path].default_array)
            if (posed.name, kind) not in keyed and not np.allclose(value, rest, atol=1e-6):
                yield Track(armature.index[posed.name], what, np.repeat(value[None], count, axis=0))


def _kinds(channel: Channel, frames: np.ndarray) -> np.ndarray:
    """(F,) the type of a channel's key at each frame; where there is none, that of the key before."""
    part = max(channel.curves, key=lambda one: len(channel.keys[one].frames))
    at = np.searchsorted(channel.keys[part].frames, frames + SAME_FRAME) - 1
    return key_types(channel.curves[part])[at.clip(0)]


def _held(channels: Sequence[Channel], frames: np.ndarray) -> np.ndarray:
    """(F,) bool, where everything stays as it is until the next frame, and then leaps."""
    held = np.ones(len(frames), dtype=bool)
    for channel in channels:
        for part, curve in channel.curves.items():
            keys = channel.keys[part].frames
            if len(keys) > 1:
                constant = interpolations(curve) == enum_value("interpolation", "CONSTANT")
                held &= constant[(np.searchsorted(keys, frames + SAME_FRAME) - 1).clip(0)]
    return held
