"""Which controls of a rig get keys, and at which values its switches must stand."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ...core.retarget.rig_map import RigMap
from ...core.retarget.slots import LIMB_SLOTS
from ...rigs.family import Family, Property


@dataclass(frozen=True)
class Wanted:
    """One control; see `core.retarget.controls.Controls`."""

    name: str
    slot: str
    kind: str = "joint"
    keys_rotation: bool = True
    keys_location: bool = False
    limb_from: str = ""
    """Of the end of a limb moved by IK: the bone where the limb begins."""


def limbs_with_ik(rig: bpy.types.Object, family: Family | None, rig_map: RigMap) -> tuple[str, ...]:
    """Limbs of the map that the rig can move by IK, as far as its family knows."""
    if family is None:
        return ()
    return tuple(
        limb
        for limb, controls in family.ik.items()
        if controls.end in rig.pose.bones and all(slot in rig_map.bones for slot in LIMB_SLOTS[limb])
    )


def wanted_controls(rig: bpy.types.Object, rig_map: RigMap, family: Family | None, output: str) -> list[Wanted]:
    """The controls of a map, and of its family's IK where `output` is "ik"; the root stays where it is."""
    there = rig.pose.bones
    bones = {slot: bone for slot, bone in rig_map.bones.items() if slot != "root" and bone in there}
    limbs = limbs_with_ik(rig, family, rig_map) if output == "ik" else ()
    by_ik = {slot for limb in limbs for slot in LIMB_SLOTS[limb]}
    wanted = {
        bone: Wanted(bone, slot, keys_rotation=slot not in by_ik, keys_location=slot == "pelvis")
        for slot, bone in bones.items()
    }
    if family is None:
        return list(wanted.values())
    for slot, followers in family.followers.items():
        for name in followers:
            if slot in bones and name in there:
                wanted.setdefault(name, Wanted(name, slot, "follower"))
    for limb in limbs:
        begin, middle, end = LIMB_SLOTS[limb]
        controls = family.ik[limb]
        wanted[controls.end] = Wanted(
            controls.end, end, "ik", keys_location=True, limb_from=bones.get(begin, controls.end)
        )
        if controls.pole in there:
            wanted[controls.pole] = Wanted(controls.pole, middle, "pole", keys_rotation=False, keys_location=True)
        for slot, name in controls.also.items():
            if slot in bones and name in there:
                wanted.setdefault(name, Wanted(name, slot, "follower"))
    return list(wanted.values())


def switches_of(rig: bpy.types.Object, rig_map: RigMap, family: Family | None, output: str) -> list[Property]:
    """The custom properties that the output needs at some value, as far as the rig has them."""
    if family is None:
        return []
    wanted = list(family.properties)
    by_ik = limbs_with_ik(rig, family, rig_map) if output == "ik" else ()
    for limb, controls in family.ik.items():
        wanted += controls.ik if limb in by_ik else controls.fk
    bones = rig.pose.bones
    return [one for one in wanted if one.bone in bones and one.name in bones[one.bone]]
