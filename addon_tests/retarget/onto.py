"""Retarget as a script would, and look at what Blender makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from retarget_bench import measure
from retarget_bench.measure import Figure

from animepose_blender.core.armature_space import rest_bones
from animepose_blender.core.frame_numbers import frame_numbers
from animepose_blender.core.retarget.rig_map import RigMap
from animepose_blender.core.retarget.settings import Settings
from animepose_blender.host import armatures, compat
from animepose_blender.host.retarget import run
from animepose_blender.host.retarget.run import Output, Retargeted, TakeSource
from animepose_blender.take import Take

from .rigs_in_blender import Rig

MEASURED = ("pelvis", "spine_1", "head") + tuple(
    f"{slot}.{side}" for slot in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe") for side in "LR"
)
OWN_JOINTS = {slot: slot for slot in MEASURED if slot not in ("spine_1", "toe.L", "toe.R")}
"""Slot → bone of the project's own armature."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """A retarget, and both figures over its frames."""

    source: Figure
    target: Figure
    contact: np.ndarray
    made: Retargeted
    frames: np.ndarray

    @property
    def limbs_deg(self) -> dict[str, np.ndarray]:
        return measure.limb_errors_deg(self.source, self.target)

    @property
    def feet(self) -> measure.FootFigures:
        return measure.foot_figures(self.target, self.contact)


def joints_of(rig: Rig) -> dict[str, str]:
    """The joints that are measured."""
    return {slot: bone for slot, bone in rig.joints.items() if slot in MEASURED}


def onto(
    rig: Rig,
    take: Take,
    person: int = 0,
    settings: Settings = Settings(),  # noqa: B008 frozen
    rig_map: RigMap | None = None,
    where: Output = Output(),  # noqa: B008 frozen
) -> Outcome:
    """Retarget a person of a take, who is there in every frame."""
    prepared = run.prepare(bpy.context, TakeSource(take, person), rig.armature, rig_map or rig.rig_map, settings.output)
    made = run.apply(prepared, settings, where)
    frames = frames_of(take)
    target = measure.figure_of_rig(made.rig, joints_of(rig), frames, rig.foot_m)
    return Outcome(measure.figure_of_take(take, person), target, take.contact[person], made, frames)


def frames_of(take: Take) -> np.ndarray:
    """(F,) frame numbers that an import gives the take in the scene."""
    from fractions import Fraction

    render = bpy.context.scene.render
    return frame_numbers(take.frame_time_s, Fraction(render.fps / render.fps_base).limit_denominator(1000), 1)


def person_armature(take: Take, person: int = 0, *, moving: bool = True) -> bpy.types.Object:
    """The project's own armature of a person, as an import makes it."""
    hands_m = take.extras["hand_bone_length_m"][person] if take.has_fingers else None
    rest = rest_bones(take.bone_length_m[person], hands_m)
    (armature,) = armatures.make_armatures(bpy.context, ["Person"], [rest])
    bpy.context.scene.collection.objects.link(armature)
    if moving:
        armatures.animate_armature(
            armature, rest, frames_of(take), take.state[person], take.rotations[person], take.root_world_m[person],
            take.extras["hand_rotations"][person] if take.has_fingers else None,
        )  # fmt: skip
    bpy.context.view_layer.update()
    return armature


def curves_by_bone(action: bpy.types.Action, rig: bpy.types.Object) -> dict[str, set[str]]:
    """Bone → its keyed properties; what belongs to no bone is under an empty name."""
    found: dict[str, set[str]] = {}
    for curve in compat.curves_of_action(action):
        path = curve.data_path
        bone = next((b.name for b in rig.pose.bones if path.startswith(f'pose.bones["{b.name}"]')), "")
        found.setdefault(bone, set()).add(path.removeprefix(f'pose.bones["{bone}"]').lstrip("."))
    return found
