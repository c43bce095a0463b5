"""One motion on one rig, ours and by hand, each measured in Blender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bpy
import numpy as np

from addon_tests.retarget.onto import OWN_JOINTS, frames_of, joints_of, onto, person_armature
from addon_tests.retarget.rigs_in_blender import Rig, fresh_scene
from animepose_blender.core.retarget.rig_map import RigMap
from animepose_blender.core.retarget.settings import Settings
from animepose_blender.core.retarget.slots import SPINE
from animepose_blender.host.retarget.read_rig import read_rig
from animepose_blender.rigs import map_rig
from animepose_blender.take import Take

from . import by_hand, measure
from .measure import Figure

OURS, OURS_IK, HAND, HAND_LOCAL = "ours", "ours, IK", "by hand", "by hand, local"
_OWN_SPINE = ("abdomen", "spine", "chest")


@dataclass(frozen=True)
class Figures:
    """Of one run; degrees and millimetres."""

    limb: float
    limb_worst: float
    twist: float
    foot: float
    slide: float
    drift: float
    below: float


def scene_at(fps: int = 30) -> bpy.types.Scene:
    """An empty scene."""
    scene = fresh_scene()
    scene.render.fps = fps
    return scene


def compare(build: Callable[[], Rig], take: Take, person: int, ik: bool) -> dict[str, Figures]:
    """Method → figures."""
    found = {}
    for method, output in ((OURS, "fk"), (OURS_IK, "ik")):
        if method == OURS or ik:
            scene_at()
            rig = build()
            done = onto(rig, take, person, Settings(output=output), None if output == "ik" else rig.rig_map)
            found[method] = figures_of(done.source, done.target, done.contact)
    for method, space in ((HAND, by_hand.WORLD), (HAND_LOCAL, by_hand.LOCAL)):
        scene_at()
        rig = build()
        baked(rig, take, person, space)
        target = measure.figure_of_rig(rig.armature, joints_of(rig), frames_of(take), rig.foot_m)
        found[method] = figures_of(measure.figure_of_take(take, person), target, take.contact[person])
    return found


def figures_of(source: Figure, target: Figure, contact: np.ndarray) -> Figures:
    """Everything that is measured of a run."""
    limbs = measure.limb_errors_deg(source, target)
    feet = measure.foot_figures(target, contact)
    return Figures(
        measure.mean_of(limbs), measure.worst_of(limbs), measure.mean_of(measure.twist_errors_deg(source, target)),
        float(measure.foot_errors_deg(source, target).mean()), feet.slide_mm_frame, feet.drift_mm, feet.below_mm,
    )  # fmt: skip


def baked(rig: Rig, take: Take, person: int, space: str) -> bpy.types.Action:
    """The way by hand: the person's own armature, constraints on every bone that has a counterpart there, bake."""
    source = person_armature(take, person)
    rig_map = rig.rig_map or map_rig(read_rig(bpy.context, rig.armature))
    for bone in rig.pose.bones:
        if "IK_FK" in bone:
            bone["IK_FK"] = 1.0  # a user switches Rigify's limbs to FK first
    pairs = pairs_of(rig_map, source)
    by_hand.add_constraints(source, rig.armature, pairs, rig_map.bones["pelvis"], space)
    return by_hand.bake(rig.armature, frames_of(take))


def pairs_of(rig_map: RigMap, source: bpy.types.Object) -> dict[str, str]:
    """Bone of the rig → bone of the person's armature, as one would pair them by eye."""
    assert source.pose is not None
    theirs = set(source.pose.bones.keys())
    pairs = {bone: slot for slot, bone in rig_map.bones.items() if slot in theirs}
    spine = [rig_map.bones[slot] for slot in SPINE if slot in rig_map.bones]
    for number, bone in enumerate(spine):
        pairs[bone] = _OWN_SPINE[round(number * 2 / max(len(spine) - 1, 1))]
    return pairs


def own_proportions(build: Callable[[Rig], Rig], take: Take) -> dict[str, tuple[float, float]]:
    """Method → mean and greatest distance of joints from the take's, mm, on a rig of the person's own bones.

    Args:
        build: makes the rig out of the person's own armature.
    """
    found = {}
    for method in (OURS, HAND, HAND_LOCAL):
        scene_at()
        rig = build(Rig(person_armature(take, moving=False), dict(OWN_JOINTS)))
        if method == OURS:
            onto(rig, take)
        else:
            baked(rig, take, 0, by_hand.WORLD if method == HAND else by_hand.LOCAL)
        source = measure.figure_of_take(take, 0)
        target = measure.figure_of_rig(rig.armature, joints_of(rig), frames_of(take))
        off_mm = [1000 * np.linalg.norm(target.joints_m[s] - source.joints_m[s], axis=-1) for s in OWN_JOINTS]
        found[method] = float(np.mean(off_mm)), float(np.max(off_mm))
    return found
