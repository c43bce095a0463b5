"""Rig families: one data-only file each, and which of them a rig is."""

from __future__ import annotations

from ..core.retarget.armature import Armature
from ..core.retarget.automap import map_automatically
from ..core.retarget.rig_map import DOUBTFUL_BELOW, RigMap
from ..core.retarget.slots import NECK, SPINE
from . import (
    animepose,
    auto_rig_pro,
    character_creator,
    cmu,
    daz,
    makehuman,
    mixamo,
    mocap_suits,
    rigify,
    unreal,
    vrm,
)
from . import recognise as _recognise
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
    return _recognise.recognise(armature, tuple(FAMILIES.values()))


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
    return _filled(armature, family, rig_map, map_automatically(armature))


def _filled(armature: Armature, family: Family, rig_map: RigMap, automatic: RigMap) -> RigMap:
    """A family's map with what is surely found besides; its spine and neck stay as the family has them."""
    chains = [chain for chain in (SPINE, NECK) if any(slot in rig_map.bones for slot in chain)]
    helpers = _recognise.helpers(armature.names, family)
    bones, scores = dict(rig_map.bones), dict(rig_map.scores)
    for slot, bone in automatic.bones.items():
        if slot in bones or bone in bones.values() or any(slot in chain for chain in chains):
            continue
        if automatic.score(slot) < DOUBTFUL_BELOW or bone in helpers:
            continue
        if _recognise.hangs(armature, slot, bone, bones):
            bones[slot], scores[slot] = bone, automatic.score(slot)
    return RigMap(bones, scores, family.id)
