"""Cleaned values back into the curves: within a range of frames, softly at its borders, and on the keys that are there.

What is between two keys stays Blender's affair: a curve keyed on every tenth frame is still keyed on every tenth
frame afterwards, unless keys are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ...core import quaternions as quat
from ...core.retarget import easing, euler
from .channels import Batch, Channel, Kind, by_order
from .keys import SAME_FRAME, put_in, set_values

UNCHANGED = 1e-6
"""A curve that changes nowhere by more is not touched (metres, radians, parts of a quaternion)."""


@dataclass(frozen=True)
class Range:
    """Which frames are changed."""

    first: float = -np.inf
    last: float = np.inf
    selected_only: bool = False
    """Only selected keys and what lies between them."""
    border: int = 0
    """Frames over which the change comes and goes inside of the range."""

    def holds(self, channel: Channel, frames: np.ndarray) -> np.ndarray:
        """(F,) bool"""
        inside = (frames >= self.first - SAME_FRAME) & (frames <= self.last + SAME_FRAME)
        if not self.selected_only or not inside.any():
            return inside
        times, selected = channel.times, channel.selected_times
        chosen = np.isin(np.round(times / SAME_FRAME), np.round(selected / SAME_FRAME))
        before = (np.searchsorted(times, frames + SAME_FRAME) - 1).clip(0)
        after = np.searchsorted(times, frames - SAME_FRAME).clip(0, len(times) - 1)
        return inside & chosen[before] & chosen[after]

    def weights(self, channel: Channel, frames: np.ndarray) -> np.ndarray:
        """(F,) 0 outside, 1 well inside; there is no border where the channel itself begins and ends."""
        inside = self.holds(channel, frames)
        if inside.all() or not inside.any() or not self.border:
            return inside.astype(np.float64)
        outside = frames[~inside]
        after = np.searchsorted(outside, frames)
        edges = np.concatenate([[-np.inf], outside, [np.inf]])
        away = np.minimum(frames - edges[after], edges[after + 1] - frames)
        return np.where(inside, easing.smooth_step(away / (self.border + 1)), 0.0)


DENSE_FRAMES = 2.0
"""A channel whose keys are usually no further apart is a motion that has a key for every frame."""


class KeyOn(Enum):
    """Where keys are after a change."""

    KEYS = "keys"
    """Where they were."""
    FRAMES = "frames"
    """Also on every whole frame of the range."""
    GAPS = "gaps"
    """Also on every frame of a densely keyed motion that was not known and now is; they are marked as filled in."""


def write_back(batch: Batch, result: np.ndarray, within: Range, key_on: KeyOn = KeyOn.KEYS) -> int:
    """Give the channels of a batch new values.

    Args:
        batch: as sampled; what it holds as not known is taken from the result without a border.
        result: (F, N, C) as `batch.values`; NaN = leave as it is.
        within: the frames to change.
        key_on: where keys are added.
    Returns:
        How many curves changed.
    """
    new = eased(batch, result, within)
    changed = 0
    for number, channel in enumerate(batch.channels):
        if np.isfinite(new[:, number]).any():
            changed += _write(channel, batch, number, new[:, number], within, key_on)
    return changed


def eased(batch: Batch, result: np.ndarray, within: Range) -> np.ndarray:
    """(F, N, C) what the channels hold at the frames of a range afterwards, as they are kept; NaN = as before."""
    weights = np.stack([within.weights(channel, batch.frames) for channel in batch.channels], axis=1)[..., None]
    known = np.isfinite(batch.values).all(-1, keepdims=True)
    weights = np.where(known, weights, weights > 0)
    if batch.kind is Kind.ROTATION:
        stored = as_kept(batch, _turned(batch.values, result, weights, known), weights[..., 0] > 0)
    else:
        old = np.where(known, batch.values, 0.0)
        stored = np.where(known, old + weights * (result - old), result)
    return np.where(weights > 0, stored, np.nan)


def _turned(old: np.ndarray, new: np.ndarray, weights: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(F, N, 4) rotations part of the way from old to new."""
    partly = known & np.isfinite(new).all(-1, keepdims=True) & (weights > 0) & (weights < 1)
    if not partly.any():
        return np.where(weights > 0, new, old)
    start, end = (np.where(partly, q, quat.IDENTITY) for q in (old, new))
    way = easing.to_vector(quat.multiply(quat.conjugate(start), end))
    blended = quat.multiply(start, easing.from_vector(weights * way))
    return np.where(partly, blended, np.where(weights > 0, new, old))


def as_kept(batch: Batch, rotations: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """(F, N, C) channels of rotations, each in its own mode, without flips; of all the channels that give the same
    rotation those that follow on what lies before the range."""
    known = np.isfinite(rotations).all(-1)
    whole = _carried(rotations, known)
    kept = np.zeros_like(batch.stored)
    for order, members in by_order(batch.channels).items():
        q = quat.unroll(whole[:, members])
        old = batch.stored[:, members]
        anchor = _anchor(inside[:, members], np.isfinite(old).all(-1) & known[:, members])
        there = np.take_along_axis(old, anchor[None, :, None], axis=0)
        if order == "QUATERNION":
            mine = np.take_along_axis(q, anchor[None, :, None], axis=0)
            kept[:, members] = q * np.where((mine * there).sum(-1, keepdims=True) < 0, -1.0, 1.0)
        elif order == "AXIS_ANGLE":
            kept[:, members] = _nearest_axis(euler.to_axis_angle(q), there, anchor)
        else:
            kept[:, members, :3] = _nearest_triple(euler.from_quaternion(q, order), there[..., :3], anchor, order)
    return np.where(known[..., None], kept, np.nan)


def _carried(rotations: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(F, N, 4) where not known, the last that is, or the first."""
    frame = np.arange(len(known))[:, None]
    last = np.maximum.accumulate(np.where(known, frame, -1), axis=0)
    source = np.where(last >= 0, last, known.argmax(axis=0))
    carried = np.take_along_axis(rotations, source[..., None], axis=0)
    return np.where(np.isfinite(carried), carried, quat.IDENTITY)


def _anchor(inside: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(N,) the frame to follow on: the last known one before the range, or else the first known one."""
    first = np.where(inside.any(0), inside.argmax(0), 0)
    frame = np.arange(len(inside))[:, None]
    before = np.where(known & (frame < first), frame, -1).max(0)
    return np.where(before >= 0, before, known.argmax(0))


def _nearest_triple(angles: np.ndarray, there: np.ndarray, anchor: np.ndarray, order: str) -> np.ndarray:
    """(F, N, 3) the same rotations, by whole turns and by the other triple as near at the anchor as can be."""
    middle = "XYZ".index(order[1])
    other = angles + np.pi
    other[..., middle] = np.pi - angles[..., middle]
    candidates = []
    for one in (angles, other):
        mine = np.take_along_axis(one, anchor[None, :, None], axis=0)
        candidates.append(one + 2 * np.pi * np.round((np.nan_to_num(there) - mine) / (2 * np.pi)))
    apart = [
        np.abs(np.take_along_axis(one, anchor[None, :, None], axis=0) - np.nan_to_num(there)).sum(-1, keepdims=True)
        for one in candidates
    ]
    # Small errors of a pose near the singular one must not turn a motion over.
    return np.where(apart[0] <= apart[1] + 1e-6, candidates[0], candidates[1])


def _nearest_axis(channels: np.ndarray, there: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    """(F, N, 4) the same rotations, about the axis or its opposite, by whole turns as near at the anchor as can be."""
    mine = np.take_along_axis(channels, anchor[None, :, None], axis=0)
    there = np.nan_to_num(there)
    flipped = (mine[..., 1:] * there[..., 1:]).sum(-1, keepdims=True) < 0
    channels = np.where(flipped, -channels, channels)
    mine = np.where(flipped, -mine, mine)
    turns = 2 * np.pi * np.round((there[..., :1] - mine[..., :1]) / (2 * np.pi))
    return np.concatenate([channels[..., :1] + turns, channels[..., 1:]], axis=-1)


def _write(channel: Channel, batch: Batch, number: int, new: np.ndarray, within: Range, key_on: KeyOn) -> int:
    """Write one channel's (F, C) values; not finite = leave. How many of its curves changed."""
    changed = 0
    for component, curve in channel.curves.items():
        keys = channel.keys[component]
        wanted = _at_keys(channel, batch, number, component, new[:, component], within)
        added, values, guards = _to_add(channel, batch, number, component, new[:, component], key_on)
        moved = np.isfinite(wanted) & ~(np.abs(wanted - keys.values) <= UNCHANGED)
        # Keys are added first, while the curve still has the shape that is to stay outside of the range.
        put_in(curve, added, values, filled_in=key_on is KeyOn.GAPS, guards=guards)
        if moved.any():
            times = np.concatenate([keys.frames, added])
            order = np.argsort(times, kind="stable")
            wanted = np.concatenate([wanted, np.full(len(added), np.nan)])[order]
            set_values(curve, wanted, _slope(channel, batch, number, times[order], new))
        changed += bool(moved.any() or len(added))
    return changed


def _at_keys(channel: Channel, batch: Batch, number: int, component: int, new: np.ndarray, within: Range) -> np.ndarray:
    """(K,) what the keys of a component become; not finite = they stay."""
    keys, frames = channel.keys[component], batch.frames
    at = np.searchsorted(frames, keys.frames - SAME_FRAME).clip(0, len(frames) - 1)
    on_frame = np.abs(frames[at] - keys.frames) <= SAME_FRAME
    finite = np.isfinite(new)
    if on_frame.all() or not finite.any():
        return np.where(on_frame, new[at], np.nan)
    # Keys between frames move as the frames around them do; only rotations may have changed their side meanwhile.
    old = batch.stored[:, number, component]
    if channel.kind is Kind.ROTATION:
        between = np.interp(keys.frames, frames[finite], new[finite])
    else:
        change = np.where(finite & np.isfinite(old), new - old, 0.0)
        between = keys.values + np.interp(keys.frames, frames, change)
    before = (at - 1).clip(0)
    beside = within.holds(channel, keys.frames) & (finite[at] | finite[before])
    return np.where(on_frame, new[at], np.where(beside, between, np.nan))


def _to_add(
    channel: Channel, batch: Batch, number: int, component: int, new: np.ndarray, key_on: KeyOn
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames and values of the keys that a component gets, and which of them are guards, as `keys.put_in` has it."""
    frames, old = batch.frames, batch.stored[:, number, component]
    free = np.isfinite(new) & ~_among(frames, channel.keys[component].frames)
    if key_on is KeyOn.GAPS:
        sparse = np.median(np.diff(channel.times)) > DENSE_FRAMES
        free &= False if sparse else ~np.isfinite(batch.values[:, number]).all(-1)
    else:
        # A component that stands still needs no more keys than it has.
        free &= (np.abs(new - old) > UNCHANGED).any()
    if key_on is KeyOn.KEYS:
        # A rotation's components change together: one with fewer keys than the others could not follow.
        free &= _among(frames, channel.times) if channel.kind is Kind.ROTATION else False
    elif key_on is KeyOn.FRAMES:
        free &= np.abs(frames - np.round(frames)) <= SAME_FRAME
    if not free.any():
        return np.empty(0), np.empty(0), np.empty(0)
    # What lies outside is held in its place by a key on either side.
    before, behind = np.append(free[1:], False), np.append(False, free[:-1])
    beside = (before | behind) & ~free & ~np.isfinite(new) & np.isfinite(old)
    beside &= ~_among(frames, channel.keys[component].frames)
    chosen = free | beside
    guards = np.where(beside, np.where(before, -1, 1), 0)
    return frames[chosen], np.where(beside, old, new)[chosen], guards[chosen]


def _among(frames: np.ndarray, keyed: np.ndarray) -> np.ndarray:
    """(F,) bool, which frames are keyed."""
    at = np.searchsorted(keyed, frames - SAME_FRAME).clip(0, len(keyed) - 1)
    return np.abs(keyed[at] - frames) <= SAME_FRAME


def _slope(channel: Channel, batch: Batch, number: int, at: np.ndarray, new: np.ndarray) -> np.ndarray | None:
    """(K,) -1 where a quaternion changed its sign, which turns its curves upside down."""
    if channel.order != "QUATERNION":
        return None
    same = np.nansum(batch.stored[:, number] * new, axis=-1) >= 0
    return np.where(same[np.searchsorted(batch.frames, at - SAME_FRAME).clip(0, len(same) - 1)], 1.0, -1.0)
