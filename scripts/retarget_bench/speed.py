"""How long a retarget takes, beside the bake by hand of the same motion on the same rig, and how it grows."""

from __future__ import annotations

import time
from dataclasses import dataclass

import bpy
import numpy as np

from addon_tests.retarget import rigs_in_blender as rigs
from addon_tests.retarget.onto import person_armature
from animepose_blender.core.retarget.settings import Settings
from animepose_blender.host import compat
from animepose_blender.host.retarget import run
from animepose_blender.host.retarget.run import ArmatureSource, TakeSource

from . import by_hand, sources
from .compare import pairs_of, scene_at

FAMILY = "unreal_5"
"""With fingers, spine, neck and toes it has 60 mapped bones or nearly so."""


@dataclass(frozen=True)
class Times:
    """Seconds, the least of the repeats; and what was written."""

    frames: int
    bones: int
    keys: int
    take_s: float
    """From a take: all of it, reading the rig included."""
    armature_s: float
    """From an armature that moves."""
    live_s: float
    """New values for a changed offset."""
    hand_s: float
    """Constraints and bake."""


def measure_speed(frames: int, repeats: int = 3) -> Times:
    """One length."""
    take = sources.with_fingers(sources.lively(frames))
    best = {"take": 1e9, "armature": 1e9, "live": 1e9, "hand": 1e9}
    bones = keys = 0
    for repeat in range(repeats):
        scene_at()
        rig = rigs.catalogued(FAMILY)
        begin = time.perf_counter()
        prepared = run.prepare(bpy.context, TakeSource(take, 0), rig.armature, rig.rig_map)
        made = run.apply(prepared, Settings())
        best["take"] = min(best["take"], time.perf_counter() - begin)
        begin = time.perf_counter()
        run.rewrite(prepared, Settings(root="scaled"), made.action)
        best["live"] = min(best["live"], time.perf_counter() - begin)
        bones = len(made.keyed_bones)
        keys = sum(len(curve.keyframe_points) for curve in compat.curves_of_action(made.action))

        scene_at()
        rig, person = rigs.catalogued(FAMILY), person_armature(take)
        begin = time.perf_counter()
        run.apply(run.prepare(bpy.context, ArmatureSource(person), rig.armature, rig.rig_map), Settings())
        best["armature"] = min(best["armature"], time.perf_counter() - begin)
        if repeat < 2:
            scene_at()
            rig = rigs.catalogued(FAMILY)
            person = person_armature(take)
            assert rig.rig_map is not None
            begin = time.perf_counter()
            pairs = pairs_of(rig.rig_map, person)
            by_hand.add_constraints(person, rig.armature, pairs, rig.rig_map.bones["pelvis"])
            by_hand.bake(rig.armature, np.arange(1, frames + 1))
            best["hand"] = min(best["hand"], time.perf_counter() - begin)
    return Times(frames, bones, keys, best["take"], best["armature"], best["live"], best["hand"])
