"""The maps of rigs, between the scene's list that the user edits and what the transfer reads."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from ...core.retarget.armature import Armature
from ...core.retarget.rig_map import DOUBTFUL_BELOW, RigMap
from ...core.retarget.slots import MAIN, SLOTS
from ...errors import AnimePoseError
from .properties import ANIMEPOSE_PG_retarget, ANIMEPOSE_PG_rig_map, ANIMEPOSE_PG_slot, filling

LISTED = 4
"""Messages name no more places than this."""
FEWEST_MAIN = 8
"""A rig of which fewer main bones are known is no person's, for all that anyone can tell."""
MIRROR_TOLERANCE = 0.02
"""Bones whose ends mirror each other this well, in parts of the rig's extent, are counterparts."""
_SIDES = (("Left", "Right"), ("left", "right"), ("LEFT", "RIGHT"), ("L", "R"), ("l", "r"))


def is_doubtful(slot: ANIMEPOSE_PG_slot) -> bool:
    """As `RigMap.doubtful`: a filled slot with a low score, or a main one that is empty."""
    return slot.score < DOUBTFUL_BELOW if slot.bone else slot.name in MAIN


def doubtful_main(entry: ANIMEPOSE_PG_rig_map) -> list[str]:
    """The main slots of a map that must be looked at."""
    return [slot.name for slot in entry.slots if slot.name in MAIN and is_doubtful(slot)]


def looks_like_a_person(entry: ANIMEPOSE_PG_rig_map) -> bool:
    """Whether enough main bones are known to try."""
    return sum(bool(slot.bone) for slot in entry.slots if slot.name in MAIN) >= FEWEST_MAIN


def trouble(entry: ANIMEPOSE_PG_rig_map) -> str:
    """What the user must look at before the map is used, in a sentence; empty if nothing."""
    if entry.problem:
        return entry.problem
    if not looks_like_a_person(entry):
        return f"{entry.rig.name} does not look like a person: too few of its main bones are known."
    slots = [title_of(slot) for slot in doubtful_main(entry)]
    if not slots:
        return ""
    more = f" and {len(slots) - LISTED} more" if len(slots) > LISTED else ""
    return f"The bone map of {entry.rig.name} is not sure: {', '.join(slots[:LISTED])}{more}."


def title_of(slot: str) -> str:
    """A slot as the user reads it: `upper_arm.L` is Upper Arm L."""
    return slot.replace("_", " ").replace(".", " ").title()


def read_map(entry: ANIMEPOSE_PG_rig_map) -> RigMap:
    """The map as the user left it.

    Raises:
        AnimePoseError: if no bones were found, or the map names bones that the rig does not have.
    """
    if entry.problem:
        raise AnimePoseError(entry.problem, "Choose the bones in the bone map.")
    bones = {slot.name: slot.bone for slot in entry.slots if slot.bone}
    missing = [bone for bone in bones.values() if bone not in entry.rig.data.bones]
    if missing:
        raise AnimePoseError(
            f"The bone map of {entry.rig.name} names {', '.join(missing[:3])}, which the rig does not have"
            + (f" (and {len(missing) - 3} more)." if len(missing) > 3 else "."),
            "Detect its bones again, or choose others.",
        )
    return RigMap(bones, {slot.name: slot.score for slot in entry.slots if slot.bone}, entry.family)


def fill_map(entry: ANIMEPOSE_PG_rig_map, rig_map: RigMap) -> None:
    """Put a map into the scene's list; all slots are listed."""
    with filling():
        entry.problem = ""
        entry.family, entry.title = rig_map.family, _family_title(rig_map.family)
        if [slot.name for slot in entry.slots] != list(SLOTS):
            entry.slots.clear()
            for name in SLOTS:
                entry.slots.add().name = name
        for slot in entry.slots:
            slot.bone, slot.score = rig_map.bones.get(slot.name, ""), rig_map.score(slot.name)


def _family_title(family: str) -> str:
    from ...rigs import FAMILIES

    return FAMILIES[family].title if family in FAMILIES else family


def entry_of(settings: ANIMEPOSE_PG_retarget, rig: bpy.types.Object) -> ANIMEPOSE_PG_rig_map:
    """The entry of a rig; made if there is none yet."""
    entry = settings.map_of(rig)
    if entry is None:
        entry = settings.maps.add()
        with filling():
            entry.rig = rig
    return entry


def detect(context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget, rig: bpy.types.Object) -> ANIMEPOSE_PG_rig_map:
    """Find out which bone is which, from the rig's family or from names and shape.

    Raises:
        AnimePoseError: if the armature cannot be read, or is not that of a person.
    """
    from ...rigs import map_rig
    from .read_rig import read_rig

    rig_map = map_rig(read_rig(context, rig))
    entry = entry_of(settings, rig)
    fill_map(entry, rig_map)
    return entry


def detect_if_new(
    context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget, rig: bpy.types.Object
) -> ANIMEPOSE_PG_rig_map:
    """The rig's map; it is detected if there is none. What hinders that is noted in the map, for the panel."""
    entry = settings.map_of(rig)
    if entry is None or not entry.slots:
        try:
            return detect(context, settings, rig)
        except AnimePoseError as error:
            entry = entry_of(settings, rig)
            fill_map(entry, RigMap({}))
            entry.problem = str(error)
    return entry


def usable_map(
    context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget, rig: bpy.types.Object, use_doubtful: bool
) -> RigMap:
    """The rig's map, detected if there is none yet.

    Raises:
        AnimePoseError: if there is none, or main bones are doubtful and the user does not want to go on with these.
    """
    entry = settings.map_of(rig)
    if entry is None or not entry.slots or entry.problem:
        entry = detect(context, settings, rig)
    rig_map = read_map(entry)
    said = trouble(entry)
    if said and (not use_doubtful or not looks_like_a_person(entry)):
        remedy = "Look at these in the Bone Map, or tick Use Doubtful Maps."
        raise AnimePoseError(
            said, remedy if looks_like_a_person(entry) else "Choose another rig, or name its bones in the Bone Map."
        )
    return rig_map


def move_map(settings: ANIMEPOSE_PG_retarget, old: bpy.types.Object, new: bpy.types.Object) -> None:
    """Let the map of a linked rig belong to its override, which takes its place."""
    entry = settings.map_of(old)
    if old != new and entry is not None:
        rig_map = RigMap({s.name: s.bone for s in entry.slots if s.bone}, {}, entry.family)
        scores = {s.name: s.score for s in entry.slots if s.bone}
        fill_map(entry_of(settings, new), RigMap(rig_map.bones, scores, rig_map.family))


def forget_removed(settings: ANIMEPOSE_PG_retarget) -> None:
    """Drop maps and recipes of rigs that the user has removed: they would keep them in the file."""
    for collection in (settings.maps, settings.recipes):
        for index in reversed(range(len(collection))):
            rig = collection[index].rig
            if rig is None or not (rig.users_scene or rig.library or rig.users_collection):
                collection.remove(index)


def other_sides(armature: Armature) -> dict[str, str]:
    """Bone → its counterpart on the other side, by name, else by place; bones of the middle have none."""
    found = {name: other for name in armature.names if (other := _other_name(name, armature.index))}
    ends = np.concatenate([armature.heads, armature.tails], axis=1)
    near = MIRROR_TOLERANCE * float(np.ptp(ends.reshape(-1, 3), axis=0).max())
    flipped = ends * np.tile([-1.0, 1.0, 1.0], 2)
    for index, name in enumerate(armature.names):
        if name in found or abs(ends[index, [0, 3]]).max() < near:
            continue
        distance = np.abs(ends - flipped[index]).max(axis=1)
        if distance.min() < near:
            found[name] = armature.names[int(distance.argmin())]
    return found


def _other_name(name: str, known: Iterable[str]) -> str | None:
    """The name with left and right exchanged, if there is such a bone."""
    flipped = bpy.utils.flip_name(name)
    if flipped != name and flipped in known:
        return flipped
    for one, other in _SIDES:
        for here, there in ((one, other), (other, one)):
            start = name.find(here)
            while start >= 0:
                changed = name[:start] + there + name[start + len(here) :]
                if changed in known:
                    return changed
                start = name.find(here, start + 1)
    return None
