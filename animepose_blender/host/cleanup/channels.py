"""The channels of an armature's action, whoever made it: found, told apart, and sampled.

A bone's rotation is one thing whatever channels it is kept in, and so is its place; everything else is a number by
itself. What the user or Blender protects (locks, mutes, drivers) is left out and counted, never changed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import bpy
import numpy as np

from ...core.retarget import euler
from .. import compat
from ..retarget.read_curves import bone_path, rotation_property
from .keys import SAME_FRAME, Keys, read_keys, sample

_BONE = re.compile(r'pose\.bones\["((?:[^"\\]|\\.)*)"\]\.?(.*)', re.DOTALL)
_ROTATIONS = {"rotation_quaternion": 4, "rotation_euler": 3, "rotation_axis_angle": 4}
_EULER = "rotation_euler"


class Kind(Enum):
    """What a channel says, and so how it is filtered."""

    ROTATION = "rotation"
    LOCATION = "location"
    SCALAR = "scalar"


@dataclass(frozen=True)
class Wanted:
    """Which channels of an action are meant."""

    bones: frozenset[str] | None = None
    """Names; None = all, and the object's own channels."""
    kinds: frozenset[Kind] = frozenset(Kind)


@dataclass(eq=False)
class Channel:
    """One rotation, one place or one number, with C components."""

    owner: str
    """Bone, or empty: the object itself."""
    path: str
    kind: Kind
    curves: dict[int, bpy.types.FCurve]
    """By component; a component without one stays at `rest`."""
    rest: np.ndarray
    """(C,) what components without a curve are."""
    order: str = ""
    """Of a rotation: the bone's rotation mode."""
    unit: float = 1.0
    """Of a place: what one unit of it is in the world."""
    keys: dict[int, Keys] = field(default_factory=dict)

    @cached_property
    def times(self) -> np.ndarray:
        """(K,) where any component has a key, increasing."""
        every = np.unique(np.concatenate([keys.frames for keys in self.keys.values()]))
        return every[np.concatenate([[True], np.diff(every) > SAME_FRAME])]

    @cached_property
    def selected_times(self) -> np.ndarray:
        """(S,) where any component has a selected key."""
        return np.unique(np.concatenate([keys.frames[keys.selected] for keys in self.keys.values()]))

    @property
    def extent(self) -> tuple[int, int]:
        """The first and last whole frame that its keys speak of."""
        return int(np.ceil(self.times[0] - SAME_FRAME)), int(np.floor(self.times[-1] + SAME_FRAME))

    @property
    def is_angle(self) -> bool:
        """Whether a number is an angle by itself, in radians."""
        return self.kind is Kind.SCALAR and self.path.rpartition(".")[2] == _EULER

    def at(self, frames: np.ndarray) -> np.ndarray:
        """(F, C) what is kept in the file at (F,) frames; not finite = not known."""
        values = np.repeat(self.rest[None], len(frames), axis=0)
        for component, curve in self.curves.items():
            values[:, component] = sample(curve, self.keys[component], frames)
        return values


@dataclass
class Found:
    """The channels of one action."""

    channels: list[Channel]
    left: Counter[str] = field(default_factory=Counter)
    """Why curves were left out → how many."""

    def said(self) -> str:
        """A sentence on what was left out; empty if nothing was."""
        parts = [f"{count} {why}" for why, count in sorted(self.left.items())]
        one = sum(self.left.values()) == 1
        if not parts:
            return ""
        return f"{', '.join(parts)} {'curve was left as it is' if one else 'curves were left as they are'}"


def find_channels(
    rig: bpy.types.Object, wanted: Wanted, *, selection: bool = False, action: bpy.types.Action | None = None
) -> Found:
    """The channels of the active action that have something to clean: two keys at least.

    Args:
        rig: an armature object with an action.
        selection: whether to read which keys are selected.
        action: another one of a single slot, such as that of a strip.
    """
    found = Found([])
    driven = driven_channels(rig)
    scale = float(np.cbrt(abs(np.linalg.det(np.array(rig.matrix_world)[:3, :3])))) or 1.0
    for (owner, path), curves in _by_property(rig, wanted, action).items():
        keys = {index: read_keys(curve, selection=selection) for index, curve in curves.items()}
        usable = {}
        for index, curve in curves.items():
            why = protection(curve, driven) or _defect(keys[index])
            if why:
                found.left[why] += 1
            else:
                usable[index] = curve
        for channel in _told_apart(rig, owner, path, usable, len(usable) < len(curves)):
            if channel.kind in wanted.kinds:
                channel.unit = scale if owner else 1.0
                channel.keys = {part: keys[curve.array_index] for part, curve in channel.curves.items()}
                if len(channel.times) > 1:
                    found.channels.append(channel)
    return found


def _by_property(
    rig: bpy.types.Object, wanted: Wanted, action: bpy.types.Action | None
) -> dict[tuple[str, str], dict[int, bpy.types.FCurve]]:
    """(bone, RNA path) → component → curve, of bones that are there and wanted."""
    properties: dict[tuple[str, str], dict[int, bpy.types.FCurve]] = {}
    for curve in compat.curves_of(rig) if action is None else compat.curves_of_action(action):
        bone = _BONE.fullmatch(curve.data_path)
        name = bpy.utils.unescape_identifier(bone[1]) if bone else ""
        if (bone and name not in rig.pose.bones) or not len(curve.keyframe_points):
            continue
        if wanted.bones is None or name in wanted.bones:
            properties.setdefault((name, curve.data_path), {})[curve.array_index] = curve
    return properties


def driven_channels(rig: bpy.types.Object) -> set[tuple[str, int]]:
    """RNA path and component of what drivers move, whatever keys say."""
    return {(driver.data_path, driver.array_index) for driver in rig.animation_data.drivers}


def protection(curve: bpy.types.FCurve, driven: set[tuple[str, int]]) -> str:
    """Why a curve must not be changed; empty if it may be."""
    group = curve.group
    if curve.lock or (group is not None and group.lock):
        return "locked"
    if curve.mute or (group is not None and group.mute):
        return "muted"
    return "driven" if (curve.data_path, curve.array_index) in driven else ""


def _defect(keys: Keys) -> str:
    return "" if np.isfinite(keys.frames).all() else "broken"


def _told_apart(
    rig: bpy.types.Object, owner: str, path: str, curves: dict[int, bpy.types.FCurve], protected: bool
) -> Iterator[Channel]:
    """Channels of one property."""
    if not curves:
        return
    thing = rig.pose.bones[owner] if owner else rig
    name = path.rpartition(".")[2] if not path.endswith("]") else ""
    # A constraint's or another sub-property's place and rotation are not the bone's own.
    own = name in (*_ROTATIONS, "location") and path == (f"{bone_path(owner)}.{name}" if owner else name)
    if own and name == "location":
        yield Channel(owner, path, Kind.LOCATION, curves, np.array(thing.location, dtype=np.float64))
        return
    if own:
        if rotation_property(thing.rotation_mode) != name:
            return  # the bone does not turn by it
        rest = np.array(getattr(thing, name), dtype=np.float64)
        if len(curves) == _ROTATIONS[name]:
            yield Channel(owner, path, Kind.ROTATION, curves, rest, thing.rotation_mode)
            return
        # Part of a rotation cannot be changed as one; angles that are free can be, each by itself.
        if name != _EULER or protected:
            return
        for index, curve in curves.items():
            yield Channel(owner, path, Kind.SCALAR, {0: curve}, rest[index : index + 1])
        return
    if _is_number(rig, path):
        for curve in curves.values():
            yield Channel(owner, path, Kind.SCALAR, {0: curve}, np.zeros(1))


def _is_number(rig: bpy.types.Object, path: str) -> bool:
    """Whether a path leads to a float, or several, and not to a switch, a counter or nowhere."""
    try:
        value = rig.path_resolve(path)
    except ValueError:
        return False
    parts = list(value) if hasattr(value, "__len__") and not isinstance(value, str) else [value]  # type: ignore
    return bool(parts) and all(isinstance(part, float) for part in parts)


@dataclass(frozen=True, eq=False)
class Batch:
    """N channels of one kind that are sampled at the same frames."""

    kind: Kind
    channels: tuple[Channel, ...]
    frames: np.ndarray
    """(F,)"""
    stored: np.ndarray
    """(F, N, C) as in the file. The rotations of one batch may be kept in different modes; then it is padded with 0."""
    values: np.ndarray
    """(F, N, 4) unit quaternions of rotations, otherwise `stored`; NaN = not known."""


def batches(channels: Iterable[Channel], *, on_keys: bool = False, at: np.ndarray | None = None) -> list[Batch]:
    """Channels that can be filtered together, sampled.

    Args:
        on_keys: sample where each channel has keys instead of on every whole frame.
        at: sample all at (F,) frames.
    """
    sorts: dict[tuple[Kind, int, bytes], tuple[np.ndarray, list[Channel]]] = {}
    for channel in channels:
        first, last = channel.extent
        frames = channel.times if on_keys else np.arange(first, last + 1, dtype=np.float64) if at is None else at
        if len(frames) > 1:
            size = 4 if channel.kind is Kind.ROTATION else len(channel.rest)
            sorts.setdefault((channel.kind, size, frames.tobytes()), (frames, []))[1].append(channel)
    made = []
    for (kind, size, _), (frames, members) in sorts.items():
        stored = np.zeros((len(frames), len(members), size))
        for number, channel in enumerate(members):
            sampled = channel.at(frames)
            stored[:, number, : sampled.shape[1]] = sampled
        made.append(Batch(kind, tuple(members), frames, stored, _values(kind, members, stored)))
    return made


def _values(kind: Kind, channels: list[Channel], stored: np.ndarray) -> np.ndarray:
    known = np.isfinite(stored)
    if kind is not Kind.ROTATION:
        return np.where(known, stored, np.nan)
    known = known.all(-1, keepdims=True)
    safe = np.where(known, stored, 0.0)
    rotations = np.empty_like(stored)
    for order, members in by_order(channels).items():
        rotations[:, members] = euler.from_channels(safe[:, members], order)
    return np.where(known, rotations, np.nan)


def by_order(channels: Iterable[Channel]) -> dict[str, list[int]]:
    """Rotation mode → indices of the channels in it."""
    orders: dict[str, list[int]] = {}
    for number, channel in enumerate(channels):
        orders.setdefault(channel.order, []).append(number)
    return orders
