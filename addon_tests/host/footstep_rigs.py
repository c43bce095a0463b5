"""Walking people on several rigs, and how still their feet stand. No pytest here or in the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np

import animepose_blender
from addon_tests.host.retarget_rigs import evaluated_matrices, fresh_scene, make_rig, person_bones, person_map
from addon_tests.host.test_retarget_rigify import generated_rig
from animepose_blender.core.footsteps.spans import Footstep
from animepose_blender.core.retarget.settings import Settings
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import compat, import_take
from animepose_blender.host.cleanup.keys import everything
from animepose_blender.host.footsteps.properties import footsteps_of, steps_of
from animepose_blender.host.retarget import run
from animepose_blender.host.retarget.run import ArmatureSource

FRAMES = 70
PREFIX = "mixamorig:"
SLIDING = Settings(pin_feet=False)
LEG_M = 0.1


@contextmanager
def registered() -> Iterator[bpy.types.Context]:
    """The add-on in an empty file."""
    fresh_scene()
    animepose_blender.register()
    try:
        yield bpy.context
    finally:
        animepose_blender.unregister()


def person(frames: int = FRAMES) -> bpy.types.Object:
    """A person who walks, as imported; the active object."""
    bpy.context.scene.render.fps = 30
    rig = import_take.import_take(bpy.context, walking_take(frames=frames, gaps=False), None).armatures[0]
    bpy.context.view_layer.objects.active = rig
    return rig


def mixamo(frames: int = FRAMES, every: str = "XYZ") -> bpy.types.Object:
    """A rig with Mixamo's kind of bones in mixed rotation modes, on whose other proportions the walk's feet slide."""
    rig = make_rig("Mixamo", person_bones(), prefix=PREFIX)
    for number, bone in enumerate(rig.pose.bones):
        bone.rotation_mode = ("QUATERNION", every, "ZYX", "AXIS_ANGLE")[number % 4]
    _walks(rig, person(frames), frames)
    return rig


def rigify(output: str, frames: int = FRAMES) -> bpy.types.Object:
    """A generated Rigify rig that walks, by FK or IK."""
    rig = generated_rig()
    _walks(rig, person(frames), frames, output)
    return rig


def _walks(rig: bpy.types.Object, source: bpy.types.Object, frames: int, output: str = "fk") -> None:
    rig_map = person_map(PREFIX) if rig.name == "Mixamo" else None
    run.apply(run.prepare(bpy.context, ArmatureSource(source), rig, rig_map, output), SLIDING)
    bpy.context.view_layer.objects.active = rig


def known(rig: bpy.types.Object) -> list[Footstep]:
    """The footsteps of a rig's action."""
    kept = footsteps_of(rig)
    assert kept is not None
    return steps_of(kept)


def curves(rig: bpy.types.Object, but: tuple[str, ...] = ()) -> dict[tuple[str, int], dict[str, np.ndarray]]:
    """Every key of every curve, exactly; not of bones whose names have one of `but` in them."""
    return {
        (curve.data_path, curve.array_index): everything(curve)
        for curve in compat.curves_of(rig)
        if not any(part in curve.data_path for part in but)
    }


def same(
    one: dict[tuple[str, int], dict[str, np.ndarray]], other: dict[tuple[str, int], dict[str, np.ndarray]]
) -> bool:
    """Whether curves are the same, bit for bit."""
    return one.keys() == other.keys() and all(
        np.array_equal(one[key][name], other[key][name]) for key in one for name in one[key]
    )


def strays_mm(rig: bpy.types.Object, bone: str, first: int, last: int) -> float:
    """How far a foot's heel end and a point towards its toes leave the places where the mean has them, at most."""
    scene, points = bpy.context.scene, []
    for frame in range(first, last + 1):
        scene.frame_set(frame)
        matrix = evaluated_matrices(rig)[bone]
        along = matrix[:3, 1] / np.linalg.norm(matrix[:3, 1])
        points.append([matrix[:3, 3], matrix[:3, 3] + LEG_M * along])
    return float(1000 * np.linalg.norm(np.array(points) - np.mean(points, axis=0), axis=-1).max())


def lowest_mm(rig: bpy.types.Object, feet: dict[str, np.ndarray], frames: range) -> np.ndarray:
    """(F,) height of the lowest of some points of feet.

    Args:
        feet: bone → (N, 3) points at rest, world axes, of an armature whose object stands at the origin.
    """
    scene, lowest = bpy.context.scene, []
    for frame in frames:
        scene.frame_set(frame)
        shown = evaluated_matrices(rig)
        low = []
        for bone, points in feet.items():
            from_rest = shown[bone] @ np.linalg.inv(np.array(rig.data.bones[bone].matrix_local))
            low.append((points @ from_rest[:3, :3].T + from_rest[:3, 3])[:, 2].min())
        lowest.append(min(low))
    return 1000 * np.array(lowest)
