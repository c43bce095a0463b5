"""Rig families: one data-only file each, and which of them a rig is."""

from __future__ import annotations

from ..core.retarget.armature import Armature
from ..core.retarget.automap import map_automatically
from ..core.retarget.rig_map import DOUBTFUL_BELOW, RigMap
from ..core.retarget.slots import MAIN, NECK, SPINE
from . import (
    animepose,
    auto_rig_pro,
    character_creator,
    cmu,
    daz,
    makehuman,
    mixamo,
    mocap_suits,
    recognition,
    rigify,
    unreal,
    vrm,
)
from .family import Family

FAMILIES: dict[str, Family] = {
    family.id: family
    for file in (
        rigify,
        auto_rig_pro,
        mixamo,
        unreal,
        vrm,
        makehuman,
        character_creator,
        daz,
        cmu,
        mocap_suits,
        animepose,
    )
    for family in file.FAMILIES
}
"""Id → family; of two that explain a rig equally well, the first is taken."""


def recognise(armature: Armature) -> tuple[Family, RigMap] | None:
    """The family of a rig and its map, whose scores tell doubtful bones; None if it is of none."""
    return recognition.recognise(armature, tuple(FAMILIES.values()))


def map_rig(armature: Armature) -> RigMap:
    """The map of any rig: by its family's names; what these leave empty, and rigs of no family, automatically.

    A control rig gets no bone but its family's controls. Of a rig that is no person's the map is empty or doubtful.
    """
    known = recognise(armature)
    if known is None:
        return map_automatically(armature)
    family, rig_map = known
    if family.ik:
        return rig_map
    automatic = map_automatically(armature)
    if not all(slot in rig_map.bones for slot in MAIN):
        rig_map = _doubted(rig_map, automatic)
    return _filled(armature, family, rig_map, automatic)


def _doubted(rig_map: RigMap, automatic: RigMap) -> RigMap:
    """The map of a rig that has its family's names in part only: they may mean something else there.

    A rig whose thigh is `LeftLeg` and whose shin is `LeftKnee` has Mixamo's name of the shin.
    """
    other_slot = {bone: slot for slot, bone in automatic.bones.items()}
    bones, scores = {}, {}
    for slot, bone in rig_map.bones.items():
        if other_slot.get(bone, slot) == slot and automatic.bones.get(slot, bone) == bone:
            bones[slot], scores[slot] = bone, rig_map.score(slot)
        elif bone not in other_slot:
            bones[slot], scores[slot] = bone, min(rig_map.score(slot), recognition.CONTRADICTED)
    for slot, bone in automatic.bones.items():
        if slot in rig_map.bones and slot not in bones and bone not in bones.values():
            bones[slot], scores[slot] = bone, min(automatic.score(slot), recognition.CONTRADICTED)
    return RigMap(bones, scores, rig_map.family)


def _filled(armature: Armature, family: Family, rig_map: RigMap, automatic: RigMap) -> RigMap:
    """A family's map with what is surely found besides; its spine and neck stay as the family has them."""
    chains = [chain for chain in (SPINE, NECK) if any(slot in rig_map.bones for slot in chain)]
    helpers = recognition.helpers(armature.names, family)
    bones, scores = dict(rig_map.bones), dict(rig_map.scores)
    for slot, bone in automatic.bones.items():
        if slot in bones or bone in bones.values() or bone in helpers or any(slot in chain for chain in chains):
            continue
        sure = automatic.score(slot) >= DOUBTFUL_BELOW
        if slot in MAIN or (sure and recognition.hangs(armature, slot, bone, bones)):
            bones[slot], scores[slot] = bone, automatic.score(slot)
    return RigMap(bones, scores, family.id)
