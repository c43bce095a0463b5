"""Fewer keys: an action's channels as curves that stay within millimetres and degrees of what they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import bpy
import numpy as np

from ...core.keyframes.curve import Curve
from ...core.keyframes.reduction import reduce_bones
from ...core.keyframes.world import Track
from ...core.retarget.armature import Armature
from ...errors import AnimePoseError
from ..curves import FILLED_IN, enum_value
from ..retarget.read_curves import rotation_property
from ..retarget.read_rig import read_rig
from .channels import Channel, Kind, batches, find_channels
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


def reduce_keys(
    context: bpy.types.Context,
    rigs: Sequence[bpy.types.Object],
    scope: Scope,
    tolerance_mm: float,
    tolerance_deg: float,
) -> Fewer:
    """Give the curves of armatures' bones as few keys as their motion needs.

    Args:
        scope: of its frames the range counts, from the first selected key to the last one.
        tolerance_mm, tolerance_deg: how far the ends of any bone may be off in the world, and how far any bone turned.
    Raises:
        AnimePoseError: if something cannot be changed, or there is nothing to reduce; then nothing is changed.
    """
    usable = refuse_unusable(list(rigs), scope)
    notes: list[str] = []
    before = after = 0
    with ExitStack() as stack:
        work = []
        for rig, wanted in wanted_of(usable, scope).items():
            stack.enter_context(action_to_change(rig, scope))
            found = find_channels(rig, wanted, selection=scope.frames == "KEYS")
            notes += [f"{rig.name}: {found.said()}"] if found.left else []
            channels = [one for one in found.channels if one.owner and one.kind is not Kind.SCALAR]
            if not channels:
                raise AnimePoseError(f"No rotation or location of a bone of {rig.name} has two keys.", "Choose others.")
            work.append((rig, channels, _frames(channels, range_of(context, rig, scope), scope)))
        reduced = [
            (rig, channels, frames, _reduced(context, rig, channels, frames, tolerance_mm, tolerance_deg))
            for rig, channels, frames in work
        ]
        for rig, channels, frames, curves in reduced:
            before += _count(channels)
            for channel, (made, samples) in zip(channels, curves, strict=True):
                kinds = _kinds(channel, frames)
                for part, curve in channel.curves.items():
                    replace_keys(curve, frames[0], frames[-1], made[part], kinds[samples[part]])
            after += _count(channels)
            rig.update_tag()
    return Fewer(before, after, tuple(notes))


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
    return np.arange(first, last + 1, dtype=np.float64)


def _reduced(
    context: bpy.types.Context,
    rig: bpy.types.Object,
    channels: Sequence[Channel],
    frames: np.ndarray,
    tolerance_mm: float,
    tolerance_deg: float,
) -> list[tuple[tuple[Curve, ...], tuple[np.ndarray, ...]]]:
    """Of each channel its curves, and which frames their keys stand at."""
    armature = read_rig(context, rig)
    tracks = _tracks(armature, channels, frames)
    posed = _still_tracks(rig, armature, channels, len(frames))
    if not all(np.isfinite(track.values).all() for track in tracks):
        raise AnimePoseError(f"The action of {rig.name} has broken keys.", "Fill gaps first.")
    filled = np.any([_kinds(one, frames) == enum_value("type", FILLED_IN) for one in channels], axis=0)
    edges = np.zeros(len(frames), dtype=bool)
    edges[1:] |= filled[1:] != filled[:-1]
    edges[:-1] |= filled[1:] != filled[:-1]
    made = reduce_bones(
        armature, [*tracks, *posed], frames, tolerance_mm, tolerance_deg, hold=_held(channels, frames), keep=edges
    )
    return list(zip(made.curves[: len(tracks)], made.samples[: len(tracks)], strict=True))


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
