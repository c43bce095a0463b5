"""The legs' curves as they were before any pins: kept in an action of their own, and put back bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np

from .. import compat
from ..cleanup.keys import everything, put_everything, read_keys

NAME = ".{} before pins"
"""A name that begins with a dot is not listed where actions are chosen."""
SAME = 1e-5
"""Keys that differ by no more are the same (frames, metres, radians, parts of a quaternion)."""


def keep_base(animation: bpy.types.AnimData, paths: Iterable[str]) -> bpy.types.Action:
    """A copy of the action that animation data plays, with the curves of some properties and no others."""
    base = animation.action.copy()
    base.name = NAME.format(animation.action.name)
    base.use_fake_user = False
    kept = set(paths)
    slot = compat.slot_name(animation)
    for home in _homes(base):
        of_slot = not slot or home.slot.identifier == slot
        for curve in list(home.fcurves):
            if not of_slot or curve.data_path not in kept:
                home.fcurves.remove(curve)
        for group in [group for group in home.groups if not len(group.channels)]:
            home.groups.remove(group)
    return base


def restore(rig: bpy.types.Object, base: bpy.types.Action, paths: Iterable[str]) -> None:
    """Let the properties of `paths` have the curves that they have in `base`, keys and handles exactly, and no more."""
    wanted = set(paths)
    slot = compat.slot_name(rig.animation_data)
    homes = [home for home in _homes(base) if not slot or home.slot.identifier == slot]
    before = {(curve.data_path, curve.array_index): curve for home in homes for curve in home.fcurves}
    for curve in compat.curves_of(rig):
        if curve.data_path in wanted and (curve.data_path, curve.array_index) not in before:
            remove_curve(rig, curve)
    curves = {(curve.data_path, curve.array_index): curve for curve in compat.curves_of(rig)}
    for (path, part), kept in before.items():
        if path not in wanted:
            continue
        curve = curves.get((path, part))
        if curve is None:
            curve = compat.new_curve(rig, path, part, kept.group.name if kept.group is not None else "")
            curve.extrapolation = kept.extrapolation
        put_everything(curve, everything(kept))
    rig.update_tag()


@contextmanager
def kept_on_failure(rig: bpy.types.Object, paths: Iterable[str]) -> Iterator[None]:
    """If the block fails, give the properties of `paths` the curves they had, and raise on."""
    held = rig.animation_data.action.copy()
    try:
        yield
    except BaseException:
        restore(rig, held, paths)
        raise
    finally:
        bpy.data.actions.remove(held)


def extents(rig: bpy.types.Object, base: bpy.types.Action) -> tuple[np.ndarray, np.ndarray]:
    """First and last key (2,) of the properties that have curves in `base`: as the rig plays them, and there."""
    slot = compat.slot_name(rig.animation_data)
    homes = [home for home in _homes(base) if not slot or home.slot.identifier == slot]
    there = [curve for home in homes for curve in home.fcurves]
    paths = {curve.data_path for curve in there}
    return _extent([curve for curve in compat.curves_of(rig) if curve.data_path in paths]), _extent(there)


def _extent(curves: list[bpy.types.FCurve]) -> np.ndarray:
    ends = [
        point.co[0] for c in curves if len(c.keyframe_points) for point in (c.keyframe_points[0], c.keyframe_points[-1])
    ]
    return np.array([min(ends), max(ends)] if ends else [0.0, 0.0])


def is_same(rig: bpy.types.Object, base: bpy.types.Action, paths: Iterable[str]) -> bool:
    """Whether the properties of `paths` have the keys that they have in `base`."""
    wanted, slot = set(paths), compat.slot_name(rig.animation_data)
    homes = [home for home in _homes(base) if not slot or home.slot.identifier == slot]
    there = {(c.data_path, c.array_index): c for home in homes for c in home.fcurves if c.data_path in wanted}
    here = {(c.data_path, c.array_index): c for c in compat.curves_of(rig) if c.data_path in wanted}
    return here.keys() == there.keys() and all(_same_keys(here[key], there[key]) for key in here)


def _same_keys(one: bpy.types.FCurve, other: bpy.types.FCurve) -> bool:
    keys, others = read_keys(one, selection=False), read_keys(other, selection=False)
    if len(keys.frames) != len(others.frames):
        return False
    off = max(np.abs(keys.frames - others.frames).max(initial=0), np.abs(keys.values - others.values).max(initial=0))
    return bool(off <= SAME)


def remove_curve(rig: bpy.types.Object, curve: bpy.types.FCurve) -> None:
    """Take a curve out of the action that the rig plays."""
    slot = compat.slot_name(rig.animation_data)
    for home in _homes(rig.animation_data.action):
        if not slot or home.slot.identifier == slot:
            home.fcurves.remove(curve)
            return


def _homes(action: bpy.types.Action) -> list[Any]:
    """Where an action's curves are: channel bags, or the action itself in older versions."""
    if not compat.has_slots():
        return [action]
    strips = [strip for layer in action.layers for strip in layer.strips if strip.type == "KEYFRAME"]
    return [bag for strip in strips for slot in action.slots if (bag := strip.channelbag(slot)) is not None]
