"""One change of one or several armatures' motion: read, filter, write; all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import bpy
import numpy as np

from ...errors import AnimePoseError
from .channels import Batch, Channel, Found, Wanted, batches, find_channels
from .scope import Scope, action_to_change, frame_time_s, range_of, refuse_unusable, wanted_of
from .write_back import KeyOn, Range, write_back

Filter = Callable[[Batch, np.ndarray], np.ndarray]
"""(batch, its frames' times in seconds) → (F, N, C) new values; NaN = leave as it is."""


@dataclass(frozen=True)
class Change:
    """What is done to channels."""

    apply: Filter
    on_keys: bool = False
    """Look at the keys alone, instead of at every frame."""
    key_on: KeyOn = KeyOn.KEYS
    prepare: Callable[[Batch], Batch] = field(default=lambda batch: batch)
    """Marks what is not known."""
    abrupt: bool = False
    """Without easing at the borders of the range: half a repair is none."""


@dataclass(frozen=True)
class Done:
    """What became of it."""

    curves: int
    """How many changed."""
    rigs: int
    notes: tuple[str, ...]


def clean(context: bpy.types.Context, rigs: Sequence[bpy.types.Object], scope: Scope, change: Change) -> Done:
    """Change the motion of armatures.

    Args:
        context: its scene's frame rate and range count.
        rigs: armature objects; of several, those without an action are passed over.
    Raises:
        AnimePoseError: if something cannot be changed or there is nothing to change; then nothing is.
    """
    usable = refuse_unusable(list(rigs), scope)
    notes = [f"{len(rigs) - len(usable)} without an action passed over"] if len(rigs) > len(usable) else []
    changed = 0
    with ExitStack() as stack:
        work = []
        for rig, wanted in wanted_of(usable, scope).items():
            action = stack.enter_context(action_to_change(rig, scope))
            found, within = found_of(context, rig, wanted, scope, change)
            notes += [f"{rig.name}: {found.said()}"] if found.left else []
            others = action.users - action.use_fake_user - 1
            if others > 0 and not scope.to_new_action:
                notes.append(
                    f"{action.name} has {others} more {'user' if others == 1 else 'users'}, who see the change"
                )
            work.append((rig, found, within))
        # All that may fail comes before the first curve changes.
        results = [
            (batch, result, within) for _, found, within in work for batch, result in results_of(context, found, change)
        ]
        for batch, result, within in results:
            changed += write_back(batch, result, within, change.key_on)
        for rig, _, _ in work:
            rig.update_tag()
    return Done(changed, len(work), tuple(notes))


def found_of(
    context: bpy.types.Context, rig: bpy.types.Object, wanted: Wanted, scope: Scope, change: Change
) -> tuple[Found, Range]:
    """The channels of an armature that a change is about, and the frames.

    Raises:
        AnimePoseError: if there are none.
    """
    found = find_channels(rig, wanted, selection=scope.frames == "KEYS")
    within = range_of(context, rig, scope)
    _refuse_empty(rig, found, scope, any(_reaches(within, one, change.key_on) for one in found.channels))
    return found, replace(within, border=0) if change.abrupt else within


def results_of(context: bpy.types.Context, found: Found, change: Change) -> Iterator[tuple[Batch, np.ndarray]]:
    """Batches and what they become; nothing is written."""
    for batch in map(change.prepare, batches(found.channels, on_keys=change.on_keys)):
        yield batch, change.apply(batch, frame_time_s(context, batch.frames))


def _reaches(within: Range, channel: Channel, key_on: KeyOn) -> bool:
    """Whether a channel has anything to change in a range."""
    first, last = channel.extent
    frames = channel.times if key_on is KeyOn.KEYS else np.arange(first, last + 1)
    return bool(within.holds(channel, frames).any())


def _refuse_empty(rig: bpy.types.Object, found: Found, scope: Scope, any_key: bool) -> None:
    if not found.channels:
        said = f" {found.said()}." if found.left else ""
        raise AnimePoseError(
            f"{rig.name} has no channel with two keys or more among those chosen.{said}",
            "Choose other bones or channels.",
        )
    if not any_key:
        where = {"KEYS": "No key of the chosen channels is selected.", "SCENE": "No key lies in the scene's range."}
        raise AnimePoseError(where.get(scope.frames, "No key is there."), "Change the choice of frames.")
