"""The keys of one curve in other time: moved with their handles, or made anew on every frame.

A moved key keeps value, kind and interpolation. A handle placed by hand becomes as much longer as the way to the next
key does, and its slope follows the speed there, so that a curve stays smooth where the speed does.
"""

from __future__ import annotations

import bpy
import numpy as np

from ...core.reshape.range_map import RangeMap
from .keys import SAME_FRAME, everything, merge, plain, with_own_handles


def move_keys(curve: bpy.types.FCurve, time: RangeMap) -> bool:
    """Let every key happen when the map says; whether any moved."""
    points = curve.keyframe_points
    co = np.empty(2 * len(points), dtype=np.float32)
    points.foreach_get("co", co)
    x, y = co.reshape(-1, 2).T.astype(np.float64)
    new_x = time.new_at(x)
    if (np.abs(new_x - x) <= SAME_FRAME).all():
        return False
    handles = {}
    if with_own_handles(points):
        for side, before in (("handle_left", True), ("handle_right", False)):
            handle = np.empty(2 * len(points), dtype=np.float32)
            points.foreach_get(side, handle)
            away = handle.reshape(-1, 2) - np.stack([x, y], axis=1)
            longer, steeper = _stretch(x, new_x, time, before)
            upright = np.abs(away[:, 0]) < SAME_FRAME
            away *= np.stack([longer, np.where(upright, 1.0, longer * steeper)], axis=1)
            handles[side] = (np.stack([new_x, y], axis=1) + away).astype(np.float32).ravel()
    co[::2] = new_x
    points.foreach_set("co", co)
    for side, handle in handles.items():
        points.foreach_set(side, handle)
    if not handles:
        _carry_handles(points, new_x - x)
    curve.update()
    return True


def _stretch(x: np.ndarray, new_x: np.ndarray, time: RangeMap, before: bool) -> tuple[np.ndarray, np.ndarray]:
    """(K,) how much longer the handles on one side become, and how much steeper the curve is there."""
    steeper = time.speed_at(x, before)
    longer = 1 / steeper
    steps = np.diff(x)
    apart = steps > SAME_FRAME
    ratio = np.where(apart, np.diff(new_x) / np.where(apart, steps, 1.0), 1.0)
    longer[slice(1, None) if before else slice(-1)] = ratio
    return longer, steeper


def _carry_handles(points: bpy.types.bpy_prop_collection, moved: np.ndarray) -> None:
    """Handles that Blender places itself go along, for what it places them by lies on their side of the key."""
    for side in ("handle_left", "handle_right"):
        handle = np.empty(2 * len(points), dtype=np.float32)
        points.foreach_get(side, handle)
        handle[::2] += moved
        points.foreach_set(side, handle)


def resample_keys(
    curve: bpy.types.FCurve, time: RangeMap, frames: np.ndarray, old: np.ndarray, values: np.ndarray
) -> None:
    """Key a curve on other frames within the map's range; keys outside shift as they are.

    A new key is what the old one nearest to its moment was: its type, its interpolation, and whether it is selected.

    Args:
        frames: (G,) increasing, within the new range.
        old: (G,) the old frames shown at them.
        values: (G,)
    """
    held = everything(curve)
    x = held["co"][:, 0].astype(np.float64)
    kept = (x <= time.first + SAME_FRAME) | (x >= time.last - SAME_FRAME)
    moved = (time.new_at(x) - x)[:, None] * [[1.0, 0.0]]
    for name in ("co", "handle_left", "handle_right"):
        held[name] = (held[name] + moved).astype(np.float32)
    outside = {name: array[kept] for name, array in held.items()}
    taken = outside["co"][:, 0].astype(np.float64)
    at = np.searchsorted(taken, frames - SAME_FRAME)
    free = np.append(taken, np.inf)[at] > frames + SAME_FRAME
    frames, old, values = frames[free], old[free], values[free]
    new = plain(held, frames, values)
    before = (np.searchsorted(x, old + SAME_FRAME) - 1).clip(0)
    after = (before + 1).clip(max=len(x) - 1)
    nearest = np.where(old - x[before] <= x[after] - old, before, after)
    for name in ("interpolation", "easing", "back", "amplitude", "period"):
        new[name] = held[name][before]
    for name in ("type", "select_control_point", "select_left_handle", "select_right_handle"):
        new[name] = held[name][nearest]
    merge(curve, outside, new)
