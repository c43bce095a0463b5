"""A motion in the mirror: what left bones did, right ones do, and the other way round."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import bpy
import numpy as np

from ...core.footsteps.spans import LEFT, RIGHT
from ...core.reshape.mirror import BoneChannels, mirror_channels
from ...core.reshape.other_side import counterparts
from ...core.retarget.armature import Armature
from ...core.retarget.slots import mirrored
from ...errors import AnimePoseError
from .. import compat
from ..curves import enum_value
from ..footsteps.properties import ANIMEPOSE_PG_footsteps, footsteps_of, keep_steps, steps_of
from ..retarget.read_curves import bone_path, rotation_property
from ..retarget.read_rig import read_rig
from ..retarget.sample import PROPERTY_OWN_WAY
from .channels import Wanted, driven_channels, protection
from .keys import Keys, fresh_keys, interpolations, key_types, read_keys, sample, with_own_handles
from .mirror_plane import OwnPlane, own_plane
from .scope import Scope, action_to_change, playing, refuse_unusable, wanted_of

_WIDTHS = {"location": 3, "scale": 3, "rotation_quaternion": 4, "rotation_axis_angle": 4, "rotation_euler": 3}


@dataclass(frozen=True, eq=False)
class _Course:
    """One property of one bone over time."""

    frames: np.ndarray
    """(F,)"""
    values: np.ndarray
    """(F, C)"""
    interpolation: np.ndarray
    """(F,) numbers of interpolations."""
    types: np.ndarray
    """(F,) numbers of types of keys."""


_Courses = dict[str, dict[str, _Course]]
"""Bone → property → its course."""


@dataclass(eq=False)
class _Work:
    """What one armature's action becomes."""

    rig: bpy.types.Object
    action: bpy.types.Action
    made: _Courses
    alone: tuple[str, ...]
    kept: ANIMEPOSE_PG_footsteps | None
    base: _Courses = field(default_factory=dict)
    """Of the motion without pins."""


def mirror_motion(
    context: bpy.types.Context, rigs: Sequence[bpy.types.Object], scope: Scope, plane: str = "RIG"
) -> tuple[int, tuple[str, ...]]:
    """Mirror whole actions of armatures, with their footsteps.

    Curves keep their keys' frames, kinds and interpolation; where handles were placed by hand, every frame gets a key.

    Args:
        scope: its bones count, with those of the other side; the range does not.
        plane: `RIG` X = 0 of each armature; `FIGURE` the middle of each figure as its action begins.
    Returns:
        How many bones were mirrored, and notes.
    Raises:
        AnimePoseError: if something cannot be changed; then nothing is.
    """
    usable = refuse_unusable(list(rigs), scope)
    notes: list[str] = []
    bones = 0
    with ExitStack() as stack:
        work: list[_Work] = []
        for rig, wanted in wanted_of(usable, scope).items():
            action = stack.enter_context(action_to_change(rig, scope))
            armature = read_rig(context, rig)
            names = _both_sides(armature, wanted)
            own = _keyed(rig, names)
            across = None
            if plane == "FIGURE":
                refuse_part(rig, armature, own)
                across = own_plane(context, rig, armature, list(own))
            made, alone = _mirrored(rig, armature, own, across, whole=True)
            work.append(_Work(rig, action, made, alone, footsteps_of(rig)))
            kept = work[-1].kept
            if kept is not None and kept.base is not None:
                if scope.to_new_action:
                    kept.base = kept.base.copy()
                with playing(rig, kept.base):
                    before = _keyed(rig, names)
                    work[-1].base = _mirrored(rig, armature, before, across, whole=False)[0] if before else {}
        for one in work:
            _carry_out(one)
            bones += len(one.made)
            if one.alone:
                notes.append(
                    f"{one.rig.name}: {len(one.alone)} bones without a counterpart stay as they are: "
                    f"{', '.join(one.alone[:3])}"
                )
    return bones, tuple(notes)


def _carry_out(one: _Work) -> None:
    """Write what was worked out."""
    for name, properties in one.made.items():
        for path, course in properties.items():
            _write(one.rig, name, path, course)
    # Left and right of the take are no longer those of the action.
    one.action[PROPERTY_OWN_WAY] = True
    if one.kept is not None and one.base:
        keep_steps(one.kept, [replace(step, foot=RIGHT if step.foot == LEFT else LEFT) for step in steps_of(one.kept)])
        one.kept.ik_legs = ",".join(mirrored(leg) for leg in one.kept.ik_legs.split(",") if leg)
        with playing(one.rig, one.kept.base):
            for name, properties in one.base.items():
                for path, course in properties.items():
                    _write(one.rig, name, path, course)
    one.rig.update_tag()


def refuse_part(rig: bpy.types.Object, armature: Armature, own: Collection[str]) -> None:
    """Make sure that all that moves is mirrored: a part of a figure has no middle of its own.

    Args:
        own: names of the bones that are to be mirrored.
    Raises:
        AnimePoseError: if others have keys.
    """
    if set(_keyed(rig, list(armature.names))) - set(own):
        raise AnimePoseError(
            f"Only some bones of {rig.name} are selected, and its middle is that of all.",
            "Select none, or mirror across the rig.",
        )


def _keyed(rig: bpy.types.Object, names: list[str]) -> _Courses:
    """Bone → property → its course, of bones that have keys."""
    return {name: properties for name in names if (properties := dict(_courses(rig, name)))}


def _both_sides(armature: Armature, wanted: Wanted) -> list[str]:
    """Names of the bones that are meant and of those on their other side."""
    if wanted.bones is None:
        return list(armature.names)
    other = counterparts(armature.names)
    chosen = {armature.index[name] for name in wanted.bones}
    return [armature.names[bone] for bone in sorted(chosen | {int(other[bone]) for bone in chosen if other[bone] >= 0})]


def _mirrored(
    rig: bpy.types.Object, armature: Armature, own: _Courses, across: OwnPlane | None, *, whole: bool
) -> tuple[_Courses, tuple[str, ...]]:
    """Bone → property → its new course, and the bones that have no counterpart.

    Args:
        across: the figure's own middle; None = the armature's.
        whole: whether the bones that carry the figure get both rotation and location.
    """
    other = counterparts(armature.names)
    pairs = {armature.names[i]: armature.names[k] for i, k in enumerate(other) if k >= 0}
    if not own:
        raise AnimePoseError(f"The action does not move the chosen bones of {rig.name}.", "Choose others.")
    for name in across.carriers if across is not None and whole else ():
        for path in ("location", _rotation_path(rig, name)):
            own.setdefault(name, {}).setdefault(path, _still(rig, name, path))
    # A property that only one of the two has keys for is exchanged with the other's still value.
    for name in list(own):
        to = pairs.get(name, name)
        for path in list(own[name]):
            there = _same_property(rig, path, to)
            own.setdefault(to, {}).setdefault(there, _still(rig, to, there))
    local = np.array([rig.data.bones[name].use_local_location for name in armature.names])
    made: _Courses = {}
    channels = {name: _as_channels(rig, name, properties) for name, properties in own.items()}
    result = mirror_channels(armature, channels, local_location=local)
    alone = result.alone
    bones = across.carried(result.bones) if across is not None else result.bones
    for name, properties in own.items():
        if name in alone:
            continue
        to = pairs.get(name, name)
        own_image = bones[to]
        for path, course in properties.items():
            there = _same_property(rig, path, to)
            values = {"location": own_image.location, "scale": own_image.scale}.get(path, own_image.rotation)
            assert values is not None
            made.setdefault(to, {})[there] = _Course(course.frames, values, course.interpolation, course.types)
    return made, alone


def _same_property(rig: bpy.types.Object, path: str, bone: str) -> str:
    """The property of another bone that says the same; rotations may be kept in another mode there."""
    return _rotation_path(rig, bone) if path.startswith("rotation") else path


def _rotation_path(rig: bpy.types.Object, bone: str) -> str:
    return rotation_property(rig.pose.bones[bone].rotation_mode)


def _as_channels(rig: bpy.types.Object, name: str, properties: dict[str, _Course]) -> BoneChannels:
    values = {("rotation" if path.startswith("rotation") else path): one.values for path, one in properties.items()}
    return BoneChannels(rig.pose.bones[name].rotation_mode, **values)


def _still(rig: bpy.types.Object, name: str, path: str) -> _Course:
    value = np.array(getattr(rig.pose.bones[name], path), dtype=np.float64)
    kinds = np.array([enum_value("interpolation", "BEZIER")]), np.array([enum_value("type", "KEYFRAME")])
    return _Course(np.array([rig.animation_data.action.frame_range[0]], dtype=np.float64), value[None], *kinds)


def _courses(rig: bpy.types.Object, name: str) -> Iterator[tuple[str, _Course]]:
    """The properties of a bone that have keys."""
    curves = {(curve.data_path, curve.array_index): curve for curve in compat.curves_of(rig)}
    for path in ("location", "scale", _rotation_path(rig, name)):
        whole = f"{bone_path(name)}.{path}"
        parts = {part: curves[whole, part] for part in range(_WIDTHS[path]) if (whole, part) in curves}
        parts = {part: curve for part, curve in parts.items() if len(curve.keyframe_points)}
        if parts:
            _refuse_protected(rig, whole, parts)
            yield path, _course(rig, name, path, parts)


def _refuse_protected(rig: bpy.types.Object, path: str, parts: dict[int, bpy.types.FCurve]) -> None:
    driven = driven_channels(rig)
    for curve in parts.values():
        why = protection(curve, driven)
        if why:
            raise AnimePoseError(
                f"{path} of {rig.name} is {why}, so left and right cannot change places.", "Free it first."
            )


def _course(rig: bpy.types.Object, name: str, path: str, parts: dict[int, bpy.types.FCurve]) -> _Course:
    keys = {part: read_keys(curve, selection=False) for part, curve in parts.items()}
    if any(not np.isfinite([one.frames, one.values]).all() for one in keys.values()):
        raise AnimePoseError(f"{name} of {rig.name} has broken keys.", "Fill gaps first.")
    most = max(parts, key=lambda part: len(keys[part].frames))
    frames = np.unique(np.concatenate([one.frames for one in keys.values()]))
    by_hand = any(with_own_handles(curve.keyframe_points) for curve in parts.values())
    if by_hand and len(frames) > 1:
        frames = np.arange(np.ceil(frames[0]), np.floor(frames[-1]) + 1)
    values = np.repeat(np.array(getattr(rig.pose.bones[name], path), dtype=np.float64)[None], len(frames), axis=0)
    for part, curve in parts.items():
        values[:, part] = sample(curve, keys[part], frames)
    return _Course(frames, values, *_kinds(parts[most], keys[most], frames))


def _kinds(curve: bpy.types.FCurve, keys: Keys, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    at = (np.searchsorted(keys.frames, frames + 1e-3) - 1).clip(0)
    return interpolations(curve)[at], key_types(curve)[at]


def _write(rig: bpy.types.Object, name: str, path: str, course: _Course) -> None:
    whole = f"{bone_path(name)}.{path}"
    curves = {curve.array_index: curve for curve in compat.curves_of(rig) if curve.data_path == whole}
    still = np.ptp(course.values, axis=0) < 1e-6
    rest = np.array(getattr(rig.pose.bones[name], path), dtype=np.float64)
    for part in range(course.values.shape[1]):
        curve = curves.get(part)
        if curve is None:
            if path != "rotation_quaternion" and still[part] and abs(course.values[0, part] - rest[part]) < 1e-6:
                continue
            curve = compat.new_curve(rig, whole, part, name)
        count = 1 if still[part] else len(course.frames)
        fresh_keys(curve, course.frames[:count], course.values[:count, part], course.interpolation, course.types)
