"""What is cleaned: which armatures, bones, channels and frames; and whether their actions may be changed at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np

from ...errors import AnimePoseError
from .. import compat
from ..rollback import animation_kept_on_failure
from .channels import Kind, Wanted
from .write_back import Range


@dataclass(frozen=True)
class Scope:
    """The user's choice."""

    frames: str = "ACTION"
    """`ACTION` the whole action, `SCENE` the scene's or the preview's range, `KEYS` the selected keys."""
    border: int = 0
    """Frames over which a change comes and goes at the borders of a range."""
    kinds: frozenset[Kind] = frozenset((Kind.ROTATION, Kind.LOCATION))
    to_new_action: bool = False


def rigs_of(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The armatures that are meant: those in Pose Mode, otherwise those selected, otherwise the active one."""
    active = context.active_object
    posed = [one for one in context.view_layer.objects if one.type == "ARMATURE" and one.mode == "POSE"]
    if active is not None and active.mode == "POSE" and posed:
        return posed
    selected = [one for one in context.selected_objects if one.type == "ARMATURE"]
    return selected or ([active] if active is not None and active.type == "ARMATURE" else [])


def why_not(rig: bpy.types.Object, scope: Scope | None = None) -> tuple[str, str]:
    """Why an armature's action cannot be cleaned, and what to do; two empty strings if it can.

    Args:
        scope: None if it does not matter yet where the result goes.
    """
    animation, name = rig.animation_data, rig.name
    if rig.mode == "EDIT":
        return f"{name} is in Edit Mode.", "Leave Edit Mode first."
    action = animation.action if animation is not None else None
    if action is None:
        if animation is not None and any(len(track.strips) for track in animation.nla_tracks):
            return f"{name} has NLA strips but no active action.", "Enter tweak mode on a strip first."
        return f"{name} has no action.", "Give it one, or choose another armature."
    if scope is not None and not compat.curves_of(rig):
        return f"The action {action.name} moves nothing of {name}.", "Choose an action or a slot with keys."
    if scope is None:
        return "", ""
    if scope.to_new_action:
        if animation.use_tweak_mode:
            return f"An NLA strip of {name} is being edited (tweak mode).", "Leave it, or change the action in place."
        if rig.library is not None:
            return f"{name} is linked from another file.", "Make a library override of it first."
    elif not action.is_editable or action.override_library is not None:
        return f"The action {action.name} is linked from another file.", "Put the result into a new action."
    return "", ""


def wanted_of(rigs: list[bpy.types.Object], scope: Scope) -> dict[bpy.types.Object, Wanted]:
    """The channels of each armature: of the selected bones in Pose Mode; of all if none is selected anywhere.

    Armatures without a selected bone are left out if another has one, and so are those that share their action with
    one before them, which is then changed once.
    """
    chosen = {rig: frozenset(compat.selected_bones(rig)) if rig.mode == "POSE" else frozenset() for rig in rigs}
    some = any(chosen.values())
    wanted: dict[bpy.types.Object, Wanted] = {}
    played: set[tuple[bpy.types.Action, str]] = set()
    for rig, bones in chosen.items():
        plays = (rig.animation_data.action, compat.slot_name(rig.animation_data))
        if (bones or not some) and (plays not in played or scope.to_new_action):
            wanted[rig] = Wanted(bones or None, scope.kinds)
            played.add(plays)
    return wanted


def range_of(context: bpy.types.Context, rig: bpy.types.Object, scope: Scope) -> Range:
    """The frames, in the action's own time."""
    if scope.frames == "KEYS":
        return Range(selected_only=True, border=scope.border)
    if scope.frames == "ACTION":
        return Range()
    scene, animation = context.scene, rig.animation_data
    first, last = scene.frame_start, scene.frame_end
    if scene.use_preview_range:
        first, last = scene.frame_preview_start, scene.frame_preview_end
    if animation.use_tweak_mode:
        ends = [animation.nla_tweak_strip_time_to_scene(frame, invert=True) for frame in (first, last)]
        first, last = min(ends), max(ends)
    return Range(float(first), float(last), border=scope.border)


def frame_time_s(context: bpy.types.Context, frames: np.ndarray) -> np.ndarray:
    """(F,) seconds of frames, by the scene's rate."""
    render = context.scene.render
    return frames * (render.fps_base / render.fps)


@contextmanager
def action_to_change(rig: bpy.types.Object, scope: Scope) -> Iterator[bpy.types.Action]:
    """The action that the block may change: the active one, or a copy of it that takes its place.

    The one it was copied from gets a fake user, so that it outlives saving. If the block fails, the copy goes.
    """
    animation = rig.animation_data
    action = animation.action
    if not scope.to_new_action:
        yield action
        return
    copy: bpy.types.Action | None = None
    try:
        with animation_kept_on_failure(rig):
            copy = action.copy()
            copy.name = f"{action.name} clean"
            compat.swap_action(animation, copy)
            if action.library is None:
                action.use_fake_user = True
            yield copy
    except BaseException:
        if copy is not None:
            bpy.data.actions.remove(copy)
        raise


@contextmanager
def playing(rig: bpy.types.Object, action: bpy.types.Action) -> Iterator[None]:
    """Let an armature play another action, by its slot of the same name, while the block runs."""
    animation = rig.animation_data
    before, slot = animation.action, getattr(animation, "action_slot", None)
    compat.swap_action(animation, action)
    try:
        yield
    finally:
        animation.action = before
        if slot is not None:
            animation.action_slot = slot


def refuse_unusable(rigs: list[bpy.types.Object], scope: Scope) -> list[bpy.types.Object]:
    """The armatures that can be cleaned.

    Raises:
        AnimePoseError: if there is none, or if one that has an action cannot be changed.
    """
    if not rigs:
        raise AnimePoseError("No armature is selected.", "Select one, or its bones in Pose Mode.")
    animated = [rig for rig in rigs if rig.animation_data is not None and rig.animation_data.action is not None]
    for rig in animated or rigs[:1]:
        message, remedy = why_not(rig, scope)
        if message:
            raise AnimePoseError(message, remedy)
    return animated
