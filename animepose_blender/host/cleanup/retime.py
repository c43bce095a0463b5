"""An action's channels in other time: what has a key on every frame is made anew there, and an animator's keys move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import bpy
import numpy as np

from ...core.reshape.range_map import RangeMap
from ...core.reshape.resample import Moments
from ...core.retarget import euler
from ...errors import AnimePoseError
from .. import compat
from ..curves import enum_value
from .channels import Batch, Channel, Kind, Wanted, batches, find_channels
from .keys import SAME_FRAME, interpolations
from .retimed_keys import move_keys, resample_keys
from .write_back import DENSE_FRAMES

ONE_VALUE = 1e-6
"""A component that has one key stays so if it leaves it by no more."""


@dataclass(frozen=True, eq=False)
class Held:
    """What replaces some bones' channels, so that their feet stay where they stand."""

    frames: np.ndarray
    """(G,) whole new frames, one after the other."""
    rotations: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Bone → (G, 4)."""
    locations: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Bone → (G, 3) location channels."""


@dataclass(frozen=True, eq=False)
class Made:
    """New keys of one curve."""

    curve: bpy.types.FCurve
    frames: np.ndarray
    old: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Retimed:
    """All curves of an action, and what becomes of them; nothing is changed yet."""

    time: RangeMap
    made: list[Made]
    moved: list[bpy.types.FCurve]

    def write(self) -> int:
        """Change the curves; how many changed."""
        if self.time.is_identity:
            return 0
        for one in self.made:
            resample_keys(one.curve, self.time, one.frames, one.old, one.values)
        return len(self.made) + sum(move_keys(curve, self.time) for curve in self.moved)


def retimed(rig: bpy.types.Object, time: RangeMap, held: Held | None = None) -> Retimed:
    """The active action of an armature in other time.

    Args:
        held: instead of what the channels themselves would be.
    Raises:
        AnimePoseError: if a densely keyed channel holds keys that are no numbers.
    """
    curves = [curve for curve in compat.curves_of(rig) if len(curve.keyframe_points)]
    dense = [part for one in find_channels(rig, Wanted()).channels for part in _dense_parts(one)]
    made = [one for batch in batches(dense, on_keys=True) for one in _made(rig, batch, time, held)]
    done = {(one.curve.data_path, one.curve.array_index) for one in made}
    return Retimed(time, made, [curve for curve in curves if (curve.data_path, curve.array_index) not in done])


def is_dense(times: np.ndarray) -> bool:
    """Whether (K,) keys are those of a motion that has one on every frame."""
    return len(times) > 2 and float(np.median(np.diff(times))) <= DENSE_FRAMES


def _dense_parts(channel: Channel) -> list[Channel]:
    """What of a channel has keys on every frame: a rotation as a whole; of places the components that do."""
    if channel.kind is Kind.ROTATION:
        return [channel] if is_dense(channel.times) else []
    parts = [part for part in channel.curves if is_dense(channel.keys[part].frames)]
    if not parts:
        return []
    curves = {number: channel.curves[part] for number, part in enumerate(parts)}
    keys = {number: channel.keys[part] for number, part in enumerate(parts)}
    return [
        Channel(channel.owner, channel.path, channel.kind, curves, channel.rest[parts], unit=channel.unit, keys=keys)
    ]


def _made(rig: bpy.types.Object, batch: Batch, time: RangeMap, held: Held | None) -> Iterator[Made]:
    """The new keys of the curves of a batch, sampled at its keys."""
    if not np.isfinite(batch.values).all():
        raise AnimePoseError(f"The action of {rig.name} has broken keys.", "Fill gaps first.")
    for stops, members in _alike(batch).items():
        frames, old = new_frames(batch.frames, np.frombuffer(stops, dtype=bool), time)
        if not len(frames):
            continue
        moments = Moments(batch.frames, old)
        if batch.kind is Kind.ROTATION:
            values = moments.rotations(batch.values[:, members])
        else:
            values = moments.positions(batch.values[:, members])
        values = _with_held(batch, members, frames, values, held)
        near = batch.stored[np.where(moments.share < 0.5, moments.before, moments.after)][:, members]
        for number, member in enumerate(members):
            channel, value = batch.channels[member], values[:, number]
            if batch.kind is Kind.ROTATION:
                value = as_near(value, near[:, number], channel.order)
            for part, curve in channel.curves.items():
                one = channel.keys[part].values[:1]
                if len(curve.keyframe_points) > 1 or np.abs(value[:, part] - one).max() > ONE_VALUE:
                    yield Made(curve, frames, old, value[:, part])


def _alike(batch: Batch) -> dict[bytes, list[int]]:
    """(K,) bool, after which keys a value stays until the next one → numbers of the channels that are so."""
    sorts: dict[bytes, list[int]] = {}
    constant = enum_value("interpolation", "CONSTANT")
    for number, channel in enumerate(batch.channels):
        part = max(channel.curves, key=lambda one: len(channel.keys[one].frames))
        own = (np.searchsorted(channel.keys[part].frames, batch.frames + SAME_FRAME) - 1).clip(0)
        sorts.setdefault((interpolations(channel.curves[part]) == constant)[own].tobytes(), []).append(number)
    return sorts


def new_frames(keyed: np.ndarray, stops: np.ndarray, time: RangeMap) -> tuple[np.ndarray, np.ndarray]:
    """Where a densely keyed channel has keys afterwards: on every frame, but for gaps, and the old frames shown there.

    Args:
        keyed: (K,) increasing.
        stops: (K,) bool, after which nothing moves until the next key.
    Returns:
        (G,) whole new frames within the range, and (G,) the old ones.
    """
    apart = (np.diff(keyed) > DENSE_FRAMES + SAME_FRAME) | stops[:-1]
    first = keyed[np.concatenate([[True], apart])]
    last = keyed[np.concatenate([apart, [True]])]
    inside = (last > time.first) & (first < time.last)
    first, last = first[inside].clip(time.first), last[inside].clip(max=time.last)
    # A run's ends come to lie on frames; of two that would meet the later one begins where it should.
    starts = np.where(first > time.first, np.round(time.new_at(first)), np.ceil(time.first - SAME_FRAME))
    end = np.floor(time.last + time.shift + SAME_FRAME)
    ends = np.where(last < time.last, np.round(time.new_at(last)), end)
    ends[:-1] = np.minimum(ends[:-1], starts[1:] - 1)
    counts = (ends - starts + 1).astype(int).clip(0)
    run = np.repeat(np.arange(len(counts)), counts)
    frames = starts[run] + np.arange(len(run)) - np.concatenate([[0], np.cumsum(counts)])[run]
    return frames, np.clip(time.old_at(frames), first[run], last[run])


def _with_held(
    batch: Batch, members: Sequence[int], frames: np.ndarray, values: np.ndarray, held: Held | None
) -> np.ndarray:
    """(G, N, C) values, and of the bones that are held theirs."""
    if held is None or batch.kind is Kind.SCALAR:
        return values
    known = held.rotations if batch.kind is Kind.ROTATION else held.locations
    at = np.round(frames - held.frames[0]).astype(int)
    there = (at >= 0) & (at < len(held.frames))
    for number, member in enumerate(members):
        channel = batch.channels[member]
        if channel.owner in known:
            parts = [curve.array_index for curve in channel.curves.values()]
            whole = known[channel.owner][at[there]]
            values[there, number] = whole if batch.kind is Kind.ROTATION else whole[:, parts]
    return values


def as_near(rotations: np.ndarray, stored: np.ndarray, order: str) -> np.ndarray:
    """Channels of rotations that lie nearest to others: without flips where those have none.

    Args:
        rotations: (G, 4) unit quaternions.
        stored: (G, C) channels near by.
        order: the bone's rotation mode.
    Returns:
        (G, C)
    """
    if order == "QUATERNION":
        return rotations * np.where((rotations * stored).sum(-1, keepdims=True) < 0, -1.0, 1.0)
    if order == "AXIS_ANGLE":
        made = euler.to_axis_angle(rotations)
        made *= np.where((made[:, 1:] * stored[:, 1:]).sum(-1, keepdims=True) < 0, -1.0, 1.0)
        made[:, 0] += 2 * np.pi * np.round((stored[:, 0] - made[:, 0]) / (2 * np.pi))
        return made
    stored = stored[:, :3]
    one = euler.from_quaternion(rotations, order)
    other = one + np.pi
    middle = "XYZ".index(order[1])
    other[:, middle] = np.pi - one[:, middle]
    both = np.stack([one, other])
    both = both + 2 * np.pi * np.round((stored - both) / (2 * np.pi))
    off = np.abs(both - stored).sum(-1)
    return np.where((off[0] <= off[1] + 1e-6)[:, None], both[0], both[1])
