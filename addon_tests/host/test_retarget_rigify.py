"""The rig that Rigify generates, as it comes: by FK, by IK, and as a source."""

from __future__ import annotations

import bpy
import numpy as np

from addon_tests.host.retarget_rigs import (
    evaluated_matrices,
    everything_but_animation,
    fresh_scene,
    make_rig,
    person_bones,
    person_map,
)
from animepose_blender.core.retarget.settings import Settings
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import import_take
from animepose_blender.host.retarget import run
from animepose_blender.host.retarget.run import ArmatureSource

PARTS = tuple(
    (f"{first}.{side}", f"{second}.{side}")
    for first, second in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))
    for side in "LR"
)
AS_IT_IS = Settings(pin_feet=False, root="kept")


def generated_rig() -> bpy.types.Object:
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_basic_human_metarig_add()
    bpy.ops.pose.rigify_generate()
    rig = bpy.context.object
    rig.select_set(False)
    return rig


def directions(rig: bpy.types.Object, prefix: str) -> np.ndarray:
    shown = evaluated_matrices(rig)
    ways = np.array([shown[prefix + end][:3, 3] - shown[prefix + start][:3, 3] for start, end in PARTS])
    return ways / np.linalg.norm(ways, axis=-1, keepdims=True)


def off_deg(one: bpy.types.Object, prefix: str, other: bpy.types.Object, other_prefix: str) -> float:
    angles = []
    for frame in range(1, 31, 4):
        bpy.context.scene.frame_set(frame)
        cosine = np.sum(directions(one, prefix) * directions(other, other_prefix), axis=-1)
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return float(np.mean(angles))


def test_limbs_follow_by_fk_and_by_ik_and_the_rig_stays_as_it_is():
    scene = fresh_scene()
    rig = generated_rig()
    scene.render.fps = 30
    person = import_take.import_take(bpy.context, walking_take(frames=30, gaps=False), None).armatures[0]
    plain = make_rig("Plain", person_bones(), prefix="p_")
    scene.frame_set(1)
    before = everything_but_animation(rig)
    switches = {}
    for output in ("fk", "ik"):
        prepared = run.prepare(bpy.context, ArmatureSource(person), rig, None, output)
        assert everything_but_animation(rig) == before
        done = run.apply(prepared, AS_IT_IS)
        # Curves play in the switches as soon as a frame is shown; until then they are as they were.
        assert everything_but_animation(rig) == before
        assert not done.warnings, done.warnings
        assert ("hand_ik.L" in done.keyed_bones) == ("upper_arm_fk.L" not in done.keyed_bones) == (output == "ik")
        assert off_deg(person, "", rig, "ORG-") < 1.5, output
        switches[output] = rig.pose.bones["thigh_parent.L"]["IK_FK"]
        # A control rig is read by the bones that move its mesh, whatever moves these.
        run.apply(run.prepare(bpy.context, ArmatureSource(rig), plain, person_map("p_")), AS_IT_IS)
        assert off_deg(rig, "DEF-", plain, "p_") < 0.5, output
        scene.frame_set(1)
        before = everything_but_animation(rig)
    assert switches == {"fk": 1.0, "ik": 0.0}
