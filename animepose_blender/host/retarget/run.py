"""From a source onto a rig: what an operator, a script or a benchmark calls."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import bpy

from ... import rigs
from ...core import quaternions as quat
from ...core.footsteps.spans import from_contact
from ...core.retarget.controls import Keys
from ...core.retarget.figures import Figures, compare
from ...core.retarget.followed import as_followed
from ...core.retarget.rig_map import RigMap
from ...core.retarget.settings import Settings
from ...core.retarget.take_motion import motion_of
from ...core.retarget.transfer import Target, transfer
from ...errors import AnimePoseError
from ...rigs.family import Property
from ...take import State, Take
from .. import compat
from ..cleanup.reduce import Baked, Feet, reduce_baked
from ..import_plan import frames_in
from ..key_options import Within
from ..rollback import animation_kept_on_failure, undone_on_failure
from .bvh import source_from_bvh
from .controls import controls_of
from .probe import Probed
from .read_rig import read_rig, refuse_unusable, world_matrices
from .sample import Sampled, sample_armature
from .source_map import map_of_source
from .targets import refuse_unwritable, writable
from .wanted import limbs_with_ik, switches_of
from .write import KeyTimes, Output, refuse_busy, rewrite_action, write_action

__all__ = [
    "ArmatureSource", "Output", "Prepared", "Retargeted", "TakeSource", "apply", "prepare", "reduce", "rewrite",
    "source_from_bvh",
]  # fmt: skip

FEWEST_SLOTS = 6
"""A map of fewer bones is no person's."""


@dataclass(frozen=True, eq=False)
class TakeSource:
    """A person of a take; frames are those that an import gives it in this scene."""

    take: Take
    person: int
    """Index of the person."""


@dataclass(frozen=True, eq=False)
class ArmatureSource:
    """An armature that moves, by whatever means."""

    armature: bpy.types.Object
    rig_map: RigMap | None = None
    """None = found out."""
    frame_range: tuple[int, int] | None = None
    """First and last frame; None = those of its action."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that a transfer needs and that no setting but the output changes."""

    sampled: Sampled
    target: Target
    probed: Probed
    times: KeyTimes
    rig: bpy.types.Object
    """The object that gets the motion: an override, if a linked rig was given."""
    output: str
    switches: list[Property]
    figures: Figures
    """Source and target at rest."""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Retargeted:
    """What a transfer made."""

    action: bpy.types.Action
    rig: bpy.types.Object
    warnings: list[str]
    """Sentences for the user."""
    keyed_bones: tuple[str, ...]


def prepare(
    context: bpy.types.Context,
    source: TakeSource | ArmatureSource,
    rig: bpy.types.Object,
    rig_map: RigMap | None = None,
    output: str = "fk",
) -> Prepared:
    """Read source and rig, and try out the rig's controls.

    Nothing changes, except that a linked rig gets a library override, last of all.

    Args:
        context: the scene gives rate and current frame.
        rig: the armature to move.
        rig_map: None = found out.
        output: fk or ik, as in `Settings`.
    Raises:
        AnimePoseError: before any change, if source or rig cannot be used.
    """
    refuse_unusable(rig)
    refuse_unwritable(rig)
    refuse_busy(rig)
    if isinstance(source, ArmatureSource) and source.armature == rig:
        raise AnimePoseError(f"{rig.name} is chosen as source and as target.", "Choose another rig.")
    armature = read_rig(context, rig)
    rig_map = _usable_map(rig, rig_map or rigs.map_rig(armature), tuple(armature.names))
    sampled = _sampled(context, source)
    to_world = world_matrices(context, rig, sampled.frames, own_action=False)
    at_rest = to_world if to_world.ndim == 2 else to_world[0]
    armature = dataclasses.replace(armature, to_world=at_rest)
    family = rigs.FAMILIES.get(rig_map.family)
    probed = controls_of(context, rig, armature, rig_map, family, output)
    switches = switches_of(rig, rig_map, family, output)
    warnings = list(probed.warnings)
    if output == "ik" and not limbs_with_ik(rig, family, rig_map):
        warnings.append(f"No IK controls of {rig.name} are known; its FK controls were keyed.")
    if rig.data.pose_position == "REST":
        warnings.append(f"{rig.name} is shown in Rest Position: the motion does not show until it is in Pose Position.")
    try:
        figures = compare(sampled.motion, armature, rig_map)
    except ValueError as error:
        raise _no_figure(error) from error
    times = KeyTimes(sampled.frames, sampled.motion.present, sampled.predicted)
    with undone_on_failure(context.scene):
        rig, told = writable(context, rig)
    target = Target(armature, rig_map, probed.controls, to_world)
    return Prepared(sampled, target, probed, times, rig, output, switches, figures, warnings + told)


def apply(prepared: Prepared, settings: Settings, where: Output = Output()) -> Retargeted:  # noqa: B008 frozen
    """Transfer, and write the result into a new action or NLA strip; the rig's own action is kept.

    Raises:
        AnimePoseError: with nothing changed, if the figures cannot be matched or the rig cannot be keyed.
    """
    keys, warnings = _transferred(prepared, settings)
    with undone_on_failure(bpy.context.scene), animation_kept_on_failure(prepared.rig):
        action = write_action(prepared.rig, keys, prepared.times, prepared.switches, where)
        if where.reduce is not None:
            reduce(bpy.context, prepared, action, where.reduce)
    if where.as_nla_strip and prepared.rig.animation_data.action is not None:
        warnings.append("The strip lies below the active action, which hides it where both have keys.")
        if any(not curve.data_path.startswith("pose.") for curve in compat.curves_of(prepared.rig)):
            warnings.append("The active action moves the whole object as well, and the motion with it.")
    return Retargeted(action, prepared.rig, prepared.warnings + warnings, tuple(key.name for key in keys))


def rewrite(prepared: Prepared, settings: Settings, action: bpy.types.Action) -> None:
    """Give the curves of an action that `apply` made the values of other settings, for live changes.

    Raises:
        AnimePoseError: if the figures cannot be matched.
    """
    keys, _ = _transferred(prepared, settings)
    rewrite_action(prepared.rig, action, keys, prepared.times)


def reduce(context: bpy.types.Context, prepared: Prepared, action: bpy.types.Action, within: Within) -> None:
    """Give the action that `apply` made, or `rewrite` filled, as few keys as its motion needs.

    Raises:
        AnimePoseError: if the rig cannot be read any more; nothing is changed then.
    """
    bones, motion = prepared.target.rig_map.bones, prepared.sampled.motion
    feet = Feet(from_contact(motion.contact, prepared.sampled.frames), tuple(bones.get(f"foot.{s}", "") for s in "LR"))
    # The bones in between carry constraints: what an error moves is what follows the control, not its children.
    armature = as_followed(prepared.target.armature, prepared.probed.controls)
    reduce_baked(context, [Baked(prepared.rig, action, feet, armature)], within)


def _transferred(prepared: Prepared, settings: Settings) -> tuple[list[Keys], list[str]]:
    if settings.output != prepared.output:
        settings = dataclasses.replace(settings, output=prepared.output)
    try:
        result = transfer(prepared.sampled.motion, prepared.target, settings, prepared.figures)
    except ValueError as error:
        raise _no_figure(error) from error
    turns = dict(zip(prepared.probed.controls.names, prepared.probed.location_turn, strict=True))
    keys = [
        key if key.location is None else dataclasses.replace(key, location=quat.rotate(turns[key.name], key.location))
        for key in result.keys
    ]
    there = prepared.rig.pose.bones
    return [key for key in keys if key.name in there], list(result.warnings)


def _no_figure(error: ValueError) -> AnimePoseError:
    return AnimePoseError(
        f"The bones do not make a person: {error}.", "Check which bones the maps of source and rig name."
    )


def _sampled(context: bpy.types.Context, source: TakeSource | ArmatureSource) -> Sampled:
    if isinstance(source, TakeSource):
        return _sampled_take(context, source)
    refuse_unusable(source.armature)
    armature = read_rig(context, source.armature)
    rig_map = _usable_map(source.armature, map_of_source(armature, source.rig_map), tuple(armature.names))
    return sample_armature(context, source.armature, rig_map, source.frame_range)


def _sampled_take(context: bpy.types.Context, source: TakeSource) -> Sampled:
    take = source.take
    if not 0 <= source.person < take.person_count:
        raise AnimePoseError(
            f"The take has {take.person_count} people, and no person number {source.person + 1}.", "Choose another."
        )
    try:
        motion = motion_of(take, source.person)
    except ValueError as error:
        raise AnimePoseError(f"The take cannot be used: {error}.", "Choose another person or take.") from error
    return Sampled(motion, frames_in(context.scene, take), take.state[source.person] == State.PREDICTED)


def _usable_map(rig: bpy.types.Object, rig_map: RigMap, names: tuple[str, ...]) -> RigMap:
    """The map without bones that the rig lacks.

    Raises:
        AnimePoseError: if what is left is no person.
    """
    known = set(names)
    bones = {slot: bone for slot, bone in rig_map.bones.items() if bone in known}
    if "pelvis" not in bones or len(bones) < FEWEST_SLOTS:
        raise AnimePoseError(
            f"{rig.name} does not look like a person: {len(bones)} of its bones are known"
            f"{', the pelvis is not' if 'pelvis' not in bones else ''}.",
            "Name its bones in the list of the rig's map.",
        )
    return dataclasses.replace(rig_map, bones=bones)
