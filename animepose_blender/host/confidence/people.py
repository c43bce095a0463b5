"""Whose confidence is known: the scene's armatures that move as somebody of a take, and what their bones stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import bpy
import numpy as np

from ... import rigs
from ...core.retarget.armature import Armature
from ...core.retarget.rig_map import RigMap
from ...core.retarget.slots import FINGER, LIMB_SLOTS, SIDES
from ...core.review.confidence import confidence_of, known_bones, sources_of
from ...errors import AnimePoseError
from ...take import Take
from .. import compat
from ..cleanup.scope import rigs_of
from ..import_take import PROPERTY_PERSON, PROPERTY_TAKE
from ..retarget.properties import ANIMEPOSE_PG_recipe
from ..retarget.read_rig import matrices_of
from ..retarget.source_map import map_of_source
from ..retarget.take_in_scene import take_collections
from ..retarget.wanted import wanted_controls
from ..review import session

KEPT_MAPS = 16
NEXT = {slot: after for limb in LIMB_SLOTS.values() for slot, after in pairwise(limb)} | {
    f"foot.{side}": f"toe.{side}" for side in SIDES
}
"""Slot → the one that begins where it ends."""


@dataclass(frozen=True, eq=False)
class Person:
    """An armature that moves as somebody of a take. It is known by name: undo puts another object in its place."""

    rig_name: str
    library: str | None
    bone_count: int
    take: Take
    row: int
    """Index of the person in the take."""
    drawn: tuple[str, ...]
    """N bones that lie where the person's do."""
    places: np.ndarray
    """(N,) indices of these among the pose's bones."""
    ends: np.ndarray
    """(N,) index of the bone at whose head each of them ends; -1 = at its own tail."""
    fingers: np.ndarray
    """(N,) bool, which of these are fingers."""
    slots: dict[str, str]
    """Bone → what it stands for: also controls that lie elsewhere, as those of hands and feet moved by IK."""

    def rig(self) -> bpy.types.Object | None:
        """The armature; None if it is gone or has other bones now."""
        rig = bpy.data.objects.get((self.rig_name, self.library))
        whole = rig is not None and rig.pose is not None and len(rig.pose.bones) == self.bone_count
        return rig if whole else None

    def confidence(self, bones: Sequence[str], frames: slice = slice(None)) -> np.ndarray:
        """(G, N) of some bones, as `core.review.confidence.confidence_of`."""
        return confidence_of(self.take, self.row, sources_of([self.slots[bone] for bone in bones]), frames)


@dataclass(frozen=True, eq=False)
class Chosen:
    """Bones of a person that the user means."""

    rig: bpy.types.Object
    person: Person
    bones: list[str]


def people_in(scene: bpy.types.Scene) -> tuple[list[Person], list[str]]:
    """Everybody whose confidence is known, and why that of others is not."""
    found, problems = [], []
    for rig, path, person_id, recipe in _candidates(scene):
        try:
            take = session.everybody(scene, path)
            if person_id in take.person_id and rig.pose is not None:
                found.append(_person(rig, take, take.person_id.tolist().index(person_id), recipe))
        except AnimePoseError as error:
            if str(error) not in problems:
                problems.append(str(error))
    return found, problems


def _candidates(
    scene: bpy.types.Scene,
) -> Iterator[tuple[bpy.types.Object, str, int, ANIMEPOSE_PG_recipe | None]]:
    """Armature, path of the take, id of the person, and how the armature got the motion, None for one of our own."""
    imported = {
        one: str(collection[PROPERTY_TAKE])
        for collection in take_collections(scene)
        if collection[PROPERTY_TAKE]
        for one in collection.all_objects
        if one.type == "ARMATURE" and PROPERTY_PERSON in one
    }
    recipes = {recipe.rig: recipe for recipe in scene.animepose_retarget.recipes if recipe.rig is not None}
    for rig, path in imported.items():
        if rig not in recipes:
            yield rig, path, int(rig[PROPERTY_PERSON]), None
    for rig, recipe in recipes.items():
        if recipe.take_path:
            yield rig, recipe.take_path, recipe.person_id, recipe
        elif recipe.source in imported:
            yield rig, imported[recipe.source], int(recipe.source[PROPERTY_PERSON]), recipe


def _person(rig: bpy.types.Object, take: Take, row: int, recipe: ANIMEPOSE_PG_recipe | None) -> Person:
    names = [bone.name for bone in rig.pose.bones]
    if recipe is None:
        shown = {name: name for name in names}
        slots = dict(shown)
    else:
        rig_map = RigMap.from_json(recipe.rig_map)
        shown = {bone: slot for slot, bone in _moved_bones(rig, rig_map).items()}
        family = rigs.FAMILIES.get(rig_map.family)
        controls = {one.name: one.slot for one in wanted_controls(rig, rig_map, family, recipe.output)}
        slots = shown | {bone: slot for slot, bone in rig_map.bones.items()} | controls
    told = set(known_bones(take, list(slots.values())))
    at = {name: place for place, name in enumerate(names)}
    slots = {bone: slot for bone, slot in slots.items() if slot in told and bone in at}
    drawn = tuple(bone for bone in shown if bone in slots)
    places = np.array([at[bone] for bone in drawn], dtype=np.int64)
    library = rig.library.filepath if rig.library is not None else None
    fingers = np.array([slots[bone].rpartition(".")[0] in FINGER for bone in drawn], dtype=bool)
    # Of a rig a limb may be two bones, or one whose tail points anywhere.
    bone_of = {} if recipe is None else {slots[bone]: bone for bone in drawn}
    ends = np.array([at.get(bone_of.get(NEXT.get(slots[bone], ""), ""), -1) for bone in drawn], dtype=np.int64)
    return Person(rig.name, library, len(names), take, row, drawn, places, ends, fingers, slots)


def _moved_bones(rig: bpy.types.Object, rig_map: RigMap) -> dict[str, str]:
    """Slot → the bone that lies where the person's does, whatever control moves it."""
    family = rigs.FAMILIES.get(rig_map.family)
    if family is None or not family.ik:
        return dict(rig_map.bones)
    names = tuple(bone.name for bone in rig.data.bones)
    key = (rig.name, names, rig_map.to_json())
    if key not in _moved:
        while len(_moved) >= KEPT_MAPS:
            _moved.pop(next(iter(_moved)))
        _moved[key] = dict(map_of_source(_at_rest(rig, names), rig_map).bones)
    return _moved[key]


_moved: dict[tuple[str, tuple[str, ...], str], dict[str, str]] = {}


def _at_rest(rig: bpy.types.Object, names: tuple[str, ...]) -> Armature:
    """The bones alone: where the object stands says nothing of what they are."""
    bones = rig.data.bones
    index = {name: number for number, name in enumerate(names)}
    parents = np.array([-1 if bone.parent is None else index[bone.parent.name] for bone in bones], dtype=np.int64)
    lengths, deform = np.empty(len(names), dtype=np.float32), np.empty(len(names), dtype=bool)
    bones.foreach_get("length", lengths)
    bones.foreach_get("use_deform", deform)
    rest = matrices_of(bones, "matrix_local")
    return Armature(names, parents, rest, lengths.astype(np.float64), np.eye(4), deform)


@dataclass(frozen=True, eq=False)
class Choice:
    """What the user has chosen."""

    parts: list[Chosen]
    """Bones of which something is known, by armature: the selected ones in Pose Mode; all where none is selected."""
    selected: bool
    """Whether bones are selected at all, known or not."""
    problems: list[str]
    """Why nothing is known of others in the scene."""


def chosen_bones(context: bpy.types.Context) -> Choice:
    """The bones that an operator is about."""
    wanted = rigs_of(context)
    selected = {rig: compat.selected_bones(rig) if rig.mode == "POSE" else [] for rig in wanted}
    some = any(selected.values())
    known, problems = people_in(context.scene)
    people = {person.rig(): person for person in known}
    found = []
    for rig in wanted:
        person = people.get(rig)
        if person is not None:
            bones = [bone for bone in person.slots if not some or bone in selected[rig]]
            if bones:
                found.append(Chosen(rig, person, bones))
    return Choice(found, some, problems)
