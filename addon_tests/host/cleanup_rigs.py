"""Armatures with keys for the tests of cleanup. No pytest here or in the tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import bpy
import numpy as np

from addon_tests.host.retarget_rigs import make_rig
from animepose_blender.core import quaternions as quat
from animepose_blender.core.retarget import easing
from animepose_blender.host import compat
from animepose_blender.host.cleanup.channels import Batch, Kind
from animepose_blender.host.cleanup.run import Change, Done, clean
from animepose_blender.host.cleanup.scope import Scope
from animepose_blender.host.cleanup.write_back import KeyOn

FRAMES = 40
EVERYTHING = Scope(kinds=frozenset(Kind))


def chain(*modes: str, name: str = "Rig") -> bpy.types.Object:
    """An armature of a chain of bones a, b, c and so on, in the given rotation modes."""
    bones = {}
    for number, _ in enumerate(modes):
        above = chr(ord("a") + number - 1) if number else ""
        bones[chr(ord("a") + number)] = ((0, 0, number), (0, 0, number + 1), above)
    rig = make_rig(name, bones)
    for bone, mode in zip(rig.pose.bones, modes, strict=True):
        bone.rotation_mode = mode
    return rig


def key(thing: bpy.types.bpy_struct, path: str, frames: Sequence[float], values: np.ndarray) -> list[bpy.types.FCurve]:
    """Key (F, C) or (F,) values and give the curves, by component."""
    for frame, value in zip(frames, np.asarray(values, dtype=np.float64), strict=True):
        if path.startswith("["):
            thing[path[2:-2]] = float(value)
        else:
            setattr(thing, path, value.tolist())
        thing.keyframe_insert(path, frame=float(frame), group=thing.name)
    whole = path
    if isinstance(thing, bpy.types.PoseBone):
        whole = f'pose.bones["{thing.name}"]{"" if path.startswith("[") else "."}{path}'
    found = [one for one in compat.curves_of(thing.id_data) if one.data_path == whole]
    return sorted(found, key=lambda one: one.array_index)


def turns(frames: int = FRAMES, seed: int = 3, step_rad: float = 0.15) -> np.ndarray:
    """(F, 4) a wandering rotation, unrolled."""
    random = np.random.default_rng(seed)
    q = [quat.normalize(random.normal(size=4))]
    for step in random.normal(size=(frames - 1, 3)) * step_rad:
        q.append(quat.multiply(q[-1], easing.from_vector(step)))
    return quat.unroll(np.array(q))


def co(curve: bpy.types.FCurve) -> np.ndarray:
    """(K, 2)"""
    return np.array([tuple(point.co) for point in curve.keyframe_points])


def everything_of(rig: bpy.types.Object) -> list[object]:
    """Every curve and key of an armature's action, exactly."""
    keys = (
        "co",
        "handle_left",
        "handle_right",
        "interpolation",
        "easing",
        "type",
        "handle_left_type",
        "select_control_point",
    )
    told: list[object] = []
    for curve in compat.curves_of(rig):
        told.append((curve.data_path, curve.array_index, curve.lock, curve.mute, curve.extrapolation))
        told.append(curve.group.name if curve.group else "")
        told.append([modifier.type for modifier in curve.modifiers])
        for point in curve.keyframe_points:
            values = [getattr(point, name) for name in keys]
            told.append(repr([one if isinstance(one, (str, bool)) else tuple(one) for one in values]))
    return told


def moved_by(amount: float) -> Callable[[Batch, np.ndarray], np.ndarray]:
    """A filter that adds to numbers, and turns rotations about X by as many radians."""
    turn = easing.from_vector(np.array([amount, 0.0, 0.0]))
    return lambda batch, _: quat.multiply(turn, batch.values) if batch.kind is Kind.ROTATION else batch.values + amount


def change(
    rig: bpy.types.Object | Sequence[bpy.types.Object],
    apply: Callable[[Batch, np.ndarray], np.ndarray],
    scope: Scope = EVERYTHING,
    *,
    key_on: KeyOn = KeyOn.KEYS,
    on_keys: bool = False,
    abrupt: bool = False,
    prepare: Callable[[Batch], Batch] = lambda batch: batch,
) -> Done:
    """Run a change on armatures."""
    rigs = [rig] if isinstance(rig, bpy.types.Object) else list(rig)
    return clean(bpy.context, rigs, scope, Change(apply, on_keys, key_on, prepare, abrupt))
