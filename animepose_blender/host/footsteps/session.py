"""Footsteps found, changed and forgotten; the legs follow at once, worked out anew from the motion before any pins."""

from __future__ import annotations

from dataclasses import dataclass, replace

import bpy
import numpy as np

from ...core.footsteps import modes, pinning, spans
from ...core.footsteps.spans import Footstep
from ...core.retarget.controls import Keys
from ...core.retarget.rig_map import RigMap
from ...errors import AnimePoseError, ExitCode
from .. import compat
from ..cleanup.channels import driven_channels, protection
from ..retarget.read_rig import read_rig, refuse_unusable
from ..retarget.sample import frame_range_of
from . import base, legs, pins, retargeted
from .properties import ANIMEPOSE_PG_footsteps, footsteps_of, keep_steps, steps_of

NEVER, GROUNDING, ALWAYS = "never", "grounding", "always"
MOVED_FRAMES = 0.01
"""Blender keeps frames in single precision."""


@dataclass(frozen=True)
class _Work:
    """What pins of one rig are about."""

    rig: bpy.types.Object
    rig_map: RigMap
    by_ik: tuple[str, ...]
    paths: frozenset[str]
    """RNA paths of the properties that pins write."""


def rig_of(context: bpy.types.Context) -> bpy.types.Object | None:
    """The armature that is meant: the active object, otherwise one that is selected."""
    active = context.active_object
    if active is not None and active.type == "ARMATURE":
        return active
    return next((one for one in context.selected_objects if one.type == "ARMATURE"), None)


def why_not(rig: bpy.types.Object | None) -> str:
    """Why footsteps of a rig cannot be found or changed; empty if nothing speaks against it at first sight."""
    message, _ = _hindrance(rig)
    return message


def find(context: bpy.types.Context, rig: bpy.types.Object) -> int:
    """Find where the feet stand in the motion as it is now, keep that motion, and pin the feet there.

    Where it is what earlier footsteps have made, nothing edited since, it is taken back first.

    Returns:
        How many footsteps there are.
    Raises:
        AnimePoseError: if the motion cannot be read or changed; then nothing is.
    """
    pins.forget()
    _refuse_unusable(rig)
    armature = read_rig(context, rig)
    rig_map = legs.map_of(context.scene.animepose_retarget, rig, armature)
    work = _work(rig, rig_map, legs.legs_by_ik(rig, rig_map))
    _refuse_protected(work)
    animation = rig.animation_data
    kept = animation.action.animepose_footsteps
    before = kept.base
    with base.kept_on_failure(rig, work.paths):
        if kept.found and kept.rig_map == rig_map.to_json() and kept.ik_legs == ",".join(work.by_ik):
            _take_back(context, work, kept)
        prepared = pins.prepare(context, rig, rig_map, work.by_ik)
        stands = modes.standing_feet(prepared.found, prepared.motion.time_s) & prepared.motion.present[:, None]
        steps = spans.from_stands(stands, prepared.frames)
        made = base.keep_base(animation, work.paths)
        _empty(made.animepose_footsteps)
        try:
            retargeted.unpin(context, rig, made, work.paths)
            _pin(context, work, made, steps, "auto")
        except BaseException:
            bpy.data.actions.remove(made)
            raise
    kept.found, kept.mode, kept.active, kept.base = True, "auto", 0, made
    kept.slot, kept.rig_map, kept.ik_legs = compat.slot_name(animation), rig_map.to_json(), ",".join(work.by_ik)
    kept.extent, _ = base.extents(rig, made)
    keep_steps(kept, steps)
    _remove_unused(before)
    return len(steps)


def change(context: bpy.types.Context, rig: bpy.types.Object, steps: list[Footstep]) -> None:
    """Let these be the footsteps, and pin the feet by them.

    Raises:
        AnimePoseError: if none were found yet, one lies outside of the motion, or the motion cannot be changed; then
            nothing is.
    """
    kept = _kept(rig)
    _refuse_moved(rig, kept)
    first, last = frame_range_of(context, rig)
    tidy: list[Footstep] = []
    for step in sorted(steps):
        if step.end < first or step.start > last:
            raise AnimePoseError(
                f"A footstep from frame {step.start} to {step.end} lies outside of the motion, which goes from {first} "
                f"to {last}.",
                "Choose frames within it.",
                ExitCode.USAGE,
            )
        tidy = spans.with_step(tidy, replace(step, start=max(step.start, first), end=min(step.end, last)))
    _apply(context, rig, kept, tidy, kept.mode)
    keep_steps(kept, tidy)
    kept.active = min(kept.active, max(len(tidy) - 1, 0))


def set_mode(context: bpy.types.Context, rig: bpy.types.Object, mode: str) -> None:
    """Choose by what the feet are held; the footsteps stay.

    Raises:
        AnimePoseError: as `change`.
    """
    kept = _kept(rig)
    if mode not in modes.MODES:
        raise AnimePoseError(f"There is no foot lock {mode!r}.", f"Choose one of {', '.join(modes.MODES)}.")
    _refuse_moved(rig, kept)
    _apply(context, rig, kept, steps_of(kept), mode)
    kept.mode = mode


def follow_retarget(context: bpy.types.Context, rig: bpy.types.Object) -> None:
    """Pin the feet again after Retarget has written the motion anew, with other offsets.

    Raises:
        AnimePoseError: if that cannot be done; the motion stays as Retarget left it then.
    """
    kept = footsteps_of(rig)
    if kept is None or kept.base is None:
        return
    if kept.base.users > 1:  # another action's as well, that has not changed
        kept.base = kept.base.copy()
    work = _work(rig, RigMap.from_json(kept.rig_map), tuple(leg for leg in kept.ik_legs.split(",") if leg))
    if retargeted.follow(context, rig, kept.base, work.paths):
        _apply(context, rig, kept, steps_of(kept), kept.mode)


def forget(context: bpy.types.Context, rig: bpy.types.Object) -> None:
    """Footsteps and the motion before them go; the motion stays as it is now.

    Raises:
        AnimePoseError: if there are none, or the action cannot be changed.
    """
    kept = _kept(rig)
    before = kept.base
    _empty(kept)
    _remove_unused(before)


def _apply(
    context: bpy.types.Context, rig: bpy.types.Object, kept: ANIMEPOSE_PG_footsteps, steps: list[Footstep], mode: str
) -> None:
    if kept.base is None:
        raise AnimePoseError(f"The motion of {rig.name} before its pins is gone.", "Find its footsteps again.")
    _refuse_unusable(rig)
    rig_map = RigMap.from_json(kept.rig_map)
    missing = [bone for bone in rig_map.bones.values() if bone not in rig.pose.bones]
    if missing:
        raise AnimePoseError(f"{rig.name} has no bone {missing[0]} any more.", "Find its footsteps again.")
    work = _work(rig, rig_map, tuple(leg for leg in kept.ik_legs.split(",") if leg))
    _refuse_protected(work)
    _pin(context, work, kept.base, steps, mode)
    kept.extent, _ = base.extents(rig, kept.base)


def _take_back(context: bpy.types.Context, work: _Work, kept: ANIMEPOSE_PG_footsteps) -> None:
    """Give the legs what they did before their pins, if they are as these left them."""
    if kept.base is None:
        return
    now = work.rig.animation_data.action.copy()
    try:
        _pin(context, work, kept.base, steps_of(kept), kept.mode)
        edited = not base.is_same(work.rig, now, work.paths)
        base.restore(work.rig, now if edited else kept.base, work.paths)
    finally:
        bpy.data.actions.remove(now)


def _pin(context: bpy.types.Context, work: _Work, before: bpy.types.Action, steps: list[Footstep], mode: str) -> None:
    """The legs' curves anew: those of before, and where feet are held, a key on every frame."""
    with base.kept_on_failure(work.rig, work.paths):
        base.restore(work.rig, before, work.paths)
        if mode == NEVER or (mode not in (ALWAYS, GROUNDING) and not steps):
            return
        prepared = pins.prepare(context, work.rig, work.rig_map, work.by_ik)
        pins.write(prepared, _keys(prepared, steps, mode))


def _keys(prepared: pins.Prepared, steps: list[Footstep], mode: str) -> list[Keys]:
    motion = prepared.motion
    if mode == GROUNDING:
        up_m = modes.grounded_m(prepared.sole_m, motion.time_s, prepared.floor_m)
        return pins.keys_of(prepared, pinning.lifted(up_m))
    stands, part = spans.stand_in(steps, prepared.frames), None
    if mode == ALWAYS:
        stands, part = modes.one_stands(stands, prepared.sole_m, motion.time_s, prepared.leg_m)
    contact, told = spans.to_contact(stands & motion.present[:, None], prepared.found, motion.time_s, part)
    return pins.pin_motion(prepared, contact, told)


def _kept(rig: bpy.types.Object) -> ANIMEPOSE_PG_footsteps:
    refuse_unusable(rig)
    kept = footsteps_of(rig)
    if kept is None:
        raise AnimePoseError(f"No footsteps of {rig.name} are known yet.", "Use Find Footsteps first.")
    _refuse_unusable(rig)
    return kept


def _refuse_moved(rig: bpy.types.Object, kept: ANIMEPOSE_PG_footsteps) -> None:
    """Make sure that the legs' keys are where their pins, or tools that know of footsteps, have left them."""
    told = np.array(kept.extent)
    if kept.base is None or told[0] == told[1]:
        return
    now, before = base.extents(rig, kept.base)
    if np.abs(now - told).max() > MOVED_FRAMES and np.abs(now - before).max() >= 1:
        raise AnimePoseError(
            f"Keys of {rig.name} were moved in time or taken away since its footsteps were found.",
            "Use Find Again: it begins from the motion as it is now.",
        )


def _work(rig: bpy.types.Object, rig_map: RigMap, by_ik: tuple[str, ...]) -> _Work:
    wanted = legs.controls_to_key(rig, rig_map, by_ik)
    return _Work(rig, rig_map, by_ik, frozenset(legs.channels_of(rig, wanted)))


def _hindrance(rig: bpy.types.Object | None) -> tuple[str, str]:
    """Why a rig's action cannot be changed, and what to do about it; two empty strings if it can."""
    if rig is None:
        return "Select an armature.", "Select the one whose feet are meant."
    animation = rig.animation_data
    action = animation.action if animation is not None else None
    if rig.mode == "EDIT":
        return f"{rig.name} is in Edit Mode.", "Leave Edit Mode first."
    if animation is not None and animation.use_tweak_mode:
        return f"An NLA strip of {rig.name} is being edited (tweak mode).", "Leave tweak mode first."
    if action is None:
        return f"{rig.name} has no action.", "Give it one, or choose another armature."
    if not action.is_editable or action.override_library is not None:
        return f"The action {action.name} is linked from another file.", "Make it local first."
    return "", ""


def _refuse_unusable(rig: bpy.types.Object) -> None:
    refuse_unusable(rig)
    message, remedy = _hindrance(rig)
    if message:
        raise AnimePoseError(message, remedy)
    curves = [curve for curve in compat.curves_of(rig) if curve.data_path.startswith("pose.")]
    if sum(len(curve.keyframe_points) > 1 for curve in curves) == 0:
        raise AnimePoseError(
            f"The action {rig.animation_data.action.name} moves no bone of {rig.name}.", "Choose one with keys."
        )
    for curve in curves:
        co = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
        curve.keyframe_points.foreach_get("co", co)
        if not np.isfinite(co).all():
            raise AnimePoseError(f"{curve.data_path} of {rig.name} has broken keys.", "Mend them with Fill Gaps first.")


def _refuse_protected(work: _Work) -> None:
    """Make sure that the legs' curves may be changed, and that what is written is what is seen."""
    driven = driven_channels(work.rig)
    for path in sorted(work.paths & {path for path, _ in driven}):
        raise AnimePoseError(f"{path} of {work.rig.name} is driven, and keys do not move it.", "Remove its driver.")
    for curve in compat.curves_of(work.rig):
        if curve.data_path not in work.paths:
            continue
        why = protection(curve, driven) or ("changed by modifiers" if len(curve.modifiers) else "")
        if why:
            raise AnimePoseError(f"{curve.data_path} of {work.rig.name} is {why}.", "Free it first.")


def _empty(kept: ANIMEPOSE_PG_footsteps) -> None:
    kept.steps.clear()
    kept.base = None
    for name in ("found", "active", "mode", "slot", "rig_map", "ik_legs", "extent"):
        kept.property_unset(name)


def _remove_unused(action: bpy.types.Action | None) -> None:
    if action is not None and action.users == 0:
        bpy.data.actions.remove(action)
