"""Rigs out of .blend files, for conversions without a window."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from ... import rigs
from ...core.retarget.rig_map import RigMap
from ...core.retarget.settings import Settings
from ...core.retarget.slots import MAIN
from ...errors import AnimePoseError, ExitCode
from ...take import State, Take
from ..key_options import Within
from .read_rig import read_rig
from .run import Output, TakeSource, apply, prepare


@dataclass(frozen=True)
class RigFile:
    """A rig and what is known of its bones."""

    path: Path
    object_name: str = ""
    """Empty: the file's only armature."""
    rig_map: str = ""
    """Id of a family, path of a saved map, or empty: found out."""


@dataclass(frozen=True, eq=False)
class Appended:
    """One copy of a rig in the scene."""

    armature: bpy.types.Object
    meshes: list[bpy.types.Object]


def parse_rig(text: str, rig_map: str = "") -> RigFile:
    """`FILE.blend` or `FILE.blend:OBJECT`.

    Raises:
        AnimePoseError: if it names no .blend that is there, or a map that is neither a family nor a file.
    """
    match = re.fullmatch(r"(.+\.blend)(?::(.+))?", text, re.IGNORECASE)
    if match is None or not Path(match[1]).is_file():
        raise AnimePoseError(f"There is no rig at {text}.", "Name a .blend, or FILE.blend:OBJECT.", ExitCode.USAGE)
    if rig_map and rig_map not in rigs.FAMILIES and not Path(rig_map).is_file():
        known = ", ".join(rigs.FAMILIES)
        raise AnimePoseError(
            f"{rig_map} is neither a saved map nor one of {known}.", "Name one of these, or a .json.", ExitCode.USAGE
        )
    return RigFile(Path(match[1]).absolute(), match[2] or "", rig_map)


def retarget_people(
    context: bpy.types.Context,
    take: Take,
    rig_file: RigFile,
    settings: Settings,
    people: Sequence[int] | None = None,
    within: Within | None = None,
) -> tuple[list[Appended], list[str]]:
    """A copy of the rig for everybody who is seen, with their motion on it.

    Args:
        people: ids of those who are meant; None = everybody.
        within: how far curves with fewer keys may be off; None = a key on every frame.
    Returns:
        The copies in the take's order, and sentences for the user.
    Raises:
        AnimePoseError: if the file has no such rig, or it cannot be used.
    """
    made, warnings = [], []
    for person in range(take.person_count):
        if people is not None and take.person_id[person] not in people:
            continue
        if (take.state[person] == State.ABSENT).all():
            continue
        copy = append_rig(context.scene, rig_file)
        rig_map = _map_of(context, copy.armature, rig_file)
        prepared = prepare(context, TakeSource(take, person), copy.armature, rig_map, settings.output)
        name = f"Person {take.person_id[person]}"
        done = apply(prepared, settings, Output(name, reduce=within))
        copy.armature.name = name
        warnings += [text for text in done.warnings if text not in warnings]
        made.append(copy)
    return made, warnings


def append_rig(scene: bpy.types.Scene, rig_file: RigFile) -> Appended:
    """Another copy of a rig, and of the meshes that it moves, in the scene's own collection.

    Raises:
        AnimePoseError: if the file cannot be read, or does not have the one rig that is meant.
    """
    try:
        with bpy.data.libraries.load(str(rig_file.path), link=False) as (there, wanted):  # type: ignore[attr-defined]
            wanted.objects = list(there.objects)
    except OSError as error:
        raise AnimePoseError(f"{rig_file.path} cannot be read: {error}.", "Choose a .blend with a rig.") from error
    loaded = [one for one in wanted.objects if one is not None]
    armature = _chosen(loaded, rig_file)
    kept = [one for one in loaded if _moves(armature, one)]
    shapes = {bone.custom_shape for bone in armature.pose.bones if bone.custom_shape is not None}
    bpy.data.batch_remove([one for one in loaded if one not in kept and one is not armature and one not in shapes])
    for one in [armature, *kept]:
        scene.collection.objects.link(one)
    return Appended(armature, [one for one in kept if one.type == "MESH"])


def _chosen(loaded: list[bpy.types.Object], rig_file: RigFile) -> bpy.types.Object:
    armatures = [one for one in loaded if one.type == "ARMATURE"]
    # A copy that is appended again gets a number behind its name.
    named = [one for one in armatures if re.sub(r"\.\d{3,}$", "", one.name) == rig_file.object_name]
    exact = [one for one in armatures if one.name == rig_file.object_name]
    found = (exact or named) if rig_file.object_name else armatures
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.name for one in armatures) or "none"
    bpy.data.batch_remove(loaded)
    expected = f"an armature {rig_file.object_name}" if rig_file.object_name else "one armature"
    raise AnimePoseError(
        f"{rig_file.path} should have {expected}; its armatures are: {names}.",
        f"Name one of them, as in {rig_file.path.name}:OBJECT.",
    )


def _moves(armature: bpy.types.Object, one: bpy.types.Object) -> bool:
    """Whether an object hangs on a rig, as its child or by its armature modifier."""
    above = one.parent
    while above is not None and above is not armature:
        above = above.parent
    by_modifier = any(m.type == "ARMATURE" and m.object is armature for m in one.modifiers)
    return above is armature or by_modifier


def _map_of(context: bpy.types.Context, armature: bpy.types.Object, rig_file: RigFile) -> RigMap:
    """The rig's map.

    Raises:
        AnimePoseError: if a bone of the main ones is missing or doubtful, and nobody said that the map is right.
    """
    if rig_file.rig_map and rig_file.rig_map not in rigs.FAMILIES:
        return RigMap.load(rig_file.rig_map)
    bones = read_rig(context, armature)
    if rig_file.rig_map:
        known = rigs.recognition.recognise(bones, (rigs.FAMILIES[rig_file.rig_map],))
        if known is None:
            raise AnimePoseError(
                f"{armature.name} has not the bones of {rigs.FAMILIES[rig_file.rig_map].title}.",
                "Leave the map out, or name another.",
            )
        return known[1]
    rig_map = rigs.map_rig(bones)
    doubtful = [slot for slot in rig_map.doubtful if slot in MAIN]
    if doubtful:
        raise AnimePoseError(
            f"It is doubtful which bones of {armature.name} are {', '.join(doubtful)}.",
            "Look at the bone map in Blender's sidebar, save it, and name the file as the map.",
        )
    return rig_map
