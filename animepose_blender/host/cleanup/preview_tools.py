"""What a tool would make of a motion, found without changing anything that the file keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any

import bpy
import numpy as np

from .. import compat
from ..retarget.read_curves import values_at
from .channels import Batch, Channel, Kind, Wanted
from .keys import SAME_FRAME
from .preview_mirror import mirrored
from .preview_motion import Body, Channels, Motion
from .preview_time import warped
from .run import Change, found_of, results_of
from .scope import Scope, range_of
from .stabilise import steadied
from .tools import CHANGES, steadying
from .write_back import KeyOn, Range, eased, write_back

Plan = Callable[[bpy.types.Context, bpy.types.Object, Wanted, Scope, Any, Motion], Motion | None]
"""(context, armature, its channels that are meant, scope, settings, what its action holds) → what it would hold, or
None if only doing it can tell; raises AnimePoseError, and changes no data-block."""

NOTHING_TO_SEE = {"ROTATIONS": "Fixing rotations changes curves, not poses: there is nothing to see."}
"""Tools that leave every pose as it is."""
AFTERWARDS = "Press the button to see the motion before and after."
"""What to say of a tool that has no plan."""


def planned(
    context: bpy.types.Context,
    rig: bpy.types.Object,
    wanted: Wanted,
    scope: Scope,
    settings: Any,
    now: Motion,
) -> Motion | None:
    """What the tool that is chosen in the settings would make of an armature's motion; None if only doing it can tell.

    Args:
        settings: of "Clean Up".
        now: what the armature's action holds.
    Raises:
        AnimePoseError: if the tool could not be used.
    """
    if settings.tool in PLANS:
        return PLANS[settings.tool](context, rig, wanted, scope, settings, now)
    if settings.tool in CHANGES:
        return _changed(context, rig, wanted, scope, CHANGES[settings.tool](settings), now)
    return None


def _changed(
    context: bpy.types.Context, rig: bpy.types.Object, wanted: Wanted, scope: Scope, change: Change, now: Motion
) -> Motion:
    """What a change makes of a motion."""
    found, within = found_of(context, rig, wanted, scope, change)
    return _with(rig, now, results_of(context, found, change), within, change.key_on)


def _steadied(
    context: bpy.types.Context, rig: bpy.types.Object, wanted: Wanted, scope: Scope, settings: Any, now: Motion
) -> Motion | None:
    """What "Stabilise Root" makes of a motion."""
    del wanted
    if not Body(rig).is_plain:
        return None
    how = steadying(settings)
    return _with(rig, now, [steadied(context, rig, scope, how)], range_of(context, rig, scope), how.key_on)


def _with(
    rig: bpy.types.Object, now: Motion, results: Iterable[tuple[Batch, np.ndarray]], within: Range, key_on: KeyOn
) -> Motion:
    """A motion with new values for some of its channels, as `write_back` would write them."""
    made: Channels = {what: values.copy() for what, values in now.channels.items()}
    by_path = Body(rig).properties
    sparse: list[tuple[Batch, np.ndarray]] = []
    for batch, result in results:
        new = eased(batch, result, within)
        moved = [number for number, one in enumerate(batch.channels) if one.path in by_path]
        alone = [number for number in moved if not _says_all(batch.channels[number], batch, key_on)]
        for number in moved:
            if number not in alone:
                _put(made[by_path[batch.channels[number].path]], batch, number, new[:, number], now.frames)
        if alone and np.isfinite(new[:, alone]).any():
            sparse.append((_of(batch, alone), result[:, alone]))
    if sparse:
        # Between its keys a curve is Blender's affair.
        with _scratch(rig) as curve_in_copy:
            for batch, result in sparse:
                _write_and_read(batch, result, within, key_on, curve_in_copy, made, by_path, now.frames)
    return Motion(now.frames, made)


def _says_all(channel: Channel, batch: Batch, key_on: KeyOn) -> bool:
    """Whether a channel's new values at a batch's frames are all that it then is."""
    if any(not one.mute for curve in channel.curves.values() for one in curve.modifiers):
        return False
    if key_on is not KeyOn.KEYS:
        return True
    keyed = [channel.times] if channel.kind is Kind.ROTATION else [one.frames for one in channel.keys.values()]
    return all(
        len(frames) == 1 or (len(frames) == len(batch.frames) and np.abs(frames - batch.frames).max() <= SAME_FRAME)
        for frames in keyed
    )


def _put(made: np.ndarray, batch: Batch, number: int, new: np.ndarray, frames: np.ndarray) -> None:
    """Put a channel's new (S, C) values among those of all (F,) frames; beyond its own keys a curve stays level."""
    channel = batch.channels[number]
    for component, curve in channel.curves.items():
        known = np.isfinite(new[:, component])
        if len(channel.keys[component].frames) == 1 and channel.kind is not Kind.ROTATION:
            known &= np.abs(batch.frames - channel.keys[component].frames[0]) <= SAME_FRAME
            if known.any():
                made[:, curve.array_index] = new[known, component][0]
            continue
        if not known.any():
            continue
        after = np.where(known, new[:, component], batch.stored[:, number, component])
        held = np.isfinite(after)
        made[:, curve.array_index] = np.interp(frames, batch.frames[held], after[held])


def _of(batch: Batch, numbers: list[int]) -> Batch:
    """Some of a batch's channels."""
    channels = tuple(batch.channels[number] for number in numbers)
    return replace(batch, channels=channels, stored=batch.stored[:, numbers], values=batch.values[:, numbers])


@contextmanager
def _scratch(rig: bpy.types.Object) -> Iterator[dict[tuple[str, int], bpy.types.FCurve]]:
    """The curves of a copy of an armature's action, which nothing plays, and which is gone afterwards."""
    animation = rig.animation_data
    made = animation.action.copy()
    try:
        curves = compat.curves_of_slot(made, compat.slot_name(animation))
        yield {(curve.data_path, curve.array_index): curve for curve in curves}
    finally:
        bpy.data.actions.remove(made)


def _write_and_read(
    batch: Batch,
    result: np.ndarray,
    within: Range,
    key_on: KeyOn,
    curve_in_copy: dict[tuple[str, int], bpy.types.FCurve],
    made: Channels,
    by_path: dict[str, tuple[str, str]],
    frames: np.ndarray,
) -> None:
    """Write what a batch becomes into a copy of its curves, and read those at all frames."""
    copies = []
    for channel in batch.channels:
        double = copy(channel)
        double.curves = {
            part: curve_in_copy[curve.data_path, curve.array_index] for part, curve in channel.curves.items()
        }
        copies.append(double)
    write_back(replace(batch, channels=tuple(copies)), result, within, key_on)
    for double in copies:
        for curve in double.curves.values():
            made[by_path[double.path]][:, curve.array_index] = values_at(curve, frames)


PLANS: dict[str, Plan] = {"MIRROR": mirrored, "STEADY": _steadied, "TIME": warped}
"""Tools that are more than a change of channels."""
