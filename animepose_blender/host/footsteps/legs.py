"""The controls of a rig that pins of the feet change: those of the legs, by FK or IK, and the place of the pelvis."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from ... import rigs
from ...core.footsteps.rekey import Controls
from ...core.quaternions import IDENTITY
from ...core.retarget.armature import Armature
from ...core.retarget.rig_map import RigMap
from ...core.retarget.slots import LIMB_SLOTS, SIDES, SPINE
from ...errors import AnimePoseError
from ...rigs.family import Family, Property
from .. import compat
from ..retarget import maps
from ..retarget.probe import Probed, probe
from ..retarget.properties import ANIMEPOSE_PG_retarget
from ..retarget.read_curves import bone_path, is_plain, rotation_property, with_ancestors
from ..retarget.wanted import Wanted, limbs_with_ik

LEGS = tuple(f"leg.{side}" for side in SIDES)
_SWITCHED = 0.5
"""A switch that stands nearer to one value than to another is at that one."""


def map_of(settings: ANIMEPOSE_PG_retarget, rig: bpy.types.Object, armature: Armature) -> RigMap:
    """The map of a rig: the user's if there is one, else found out.

    Raises:
        AnimePoseError: if the pelvis or a leg is not known.
    """
    entry = settings.map_of(rig)
    own = entry is not None and entry.slots and not entry.problem
    rig_map = maps.read_map(entry) if own else rigs.map_rig(armature)
    bones = {slot: bone for slot, bone in rig_map.bones.items() if bone in armature.index}
    missing = [slot for slot in ("pelvis", *(s for leg in LEGS for s in LIMB_SLOTS[leg])) if slot not in bones]
    if missing:
        raise AnimePoseError(
            f"The bones of {rig.name} that are pelvis and legs are not known: "
            f"{', '.join(maps.title_of(slot) for slot in missing[:3])}.",
            "Choose the rig in Retarget, and name them in its Bone Map.",
        )
    return RigMap(bones, {}, rig_map.family)


def legs_by_ik(rig: bpy.types.Object, rig_map: RigMap) -> tuple[str, ...]:
    """The legs that IK moves: as the rig's switches stand where the action begins; without any, as keys tell."""
    family = rigs.FAMILIES.get(rig_map.family)
    if family is None:
        return ()
    return tuple(
        leg for leg in limbs_with_ik(rig, family, rig_map) if leg in LEGS and _is_by_ik(rig, rig_map, family, leg)
    )


def _is_by_ik(rig: bpy.types.Object, rig_map: RigMap, family: Family, leg: str) -> bool:
    ik = family.ik[leg]
    other = {(one.bone, one.name): one.value for one in ik.fk}
    for one in ik.ik:
        fk_value = other.get((one.bone, one.name))
        if fk_value is not None and fk_value != one.value:
            value = _switch(rig, one)
            if value is not None:
                return abs(value - one.value) < _SWITCHED * abs(fk_value - one.value)
    keyed = {curve.data_path for curve in compat.curves_of(rig)}
    by_fk = any(path.startswith(bone_path(rig_map.bones[slot])) for path in keyed for slot in LIMB_SLOTS[leg])
    return any(path.startswith(bone_path(ik.end)) for path in keyed) and not by_fk


def _switch(rig: bpy.types.Object, switch: Property) -> float | None:
    """Where a switch stands at the action's beginning; None if the rig has no such switch."""
    if switch.bone not in rig.pose.bones or switch.name not in rig.pose.bones[switch.bone]:
        return None
    path = f'{bone_path(switch.bone)}["{bpy.utils.escape_identifier(switch.name)}"]'
    for curve in compat.curves_of(rig):
        if curve.data_path == path and len(curve.keyframe_points):
            return float(curve.evaluate(curve.keyframe_points[0].co[0]))
    return float(rig.pose.bones[switch.bone][switch.name])


def controls_to_key(rig: bpy.types.Object, rig_map: RigMap, by_ik: Iterable[str]) -> list[Wanted]:
    """The controls that pins key, and those that are there for the geometry."""
    bones, there = rig_map.bones, rig.pose.bones
    family = rigs.FAMILIES.get(rig_map.family)
    wanted = {bones["pelvis"]: Wanted(bones["pelvis"], "pelvis", keys_rotation=False, keys_location=True)}
    # In a control rig the pelvis may hang on the back, as Rigify's does.
    for slot in ("root", *SPINE) if family is not None and family.ik else ():
        if bones.get(slot, "") in there:
            wanted[bones[slot]] = Wanted(bones[slot], slot, keys_rotation=False)
    for name in () if family is None else family.followers.get("pelvis", ()):
        if name in there:
            wanted.setdefault(name, Wanted(name, "pelvis", "follower", keys_rotation=False))
    keyed = {curve.data_path for curve in compat.curves_of(rig)}
    for leg in LEGS:
        slots = (*LIMB_SLOTS[leg], f"toe.{leg[-1]}")
        if family is None or leg not in by_ik:
            wanted |= {bones[slot]: Wanted(bones[slot], slot) for slot in slots if slot in bones}
            continue
        begin, middle, end = LIMB_SLOTS[leg]
        ik = family.ik[leg]
        wanted[bones[begin]] = Wanted(bones[begin], begin, keys_rotation=False)
        wanted[ik.end] = Wanted(ik.end, end, "ik", keys_location=True, limb_from=bones[begin])
        # A pole without keys may be out of use, or hang on something that moves it.
        if ik.pole in there and f"{bone_path(ik.pole)}.location" in keyed:
            wanted[ik.pole] = Wanted(ik.pole, middle, "pole", keys_rotation=False, keys_location=True)
        for slot, name in ik.also.items():
            if slot in bones and name in there:
                wanted.setdefault(name, Wanted(name, slot, "follower"))
    return list(wanted.values())


def channels_of(rig: bpy.types.Object, wanted: Iterable[Wanted]) -> set[str]:
    """RNA paths of the properties that pins write."""
    paths = set()
    for one in wanted:
        path = bone_path(one.name)
        if one.keys_rotation:
            paths.add(f"{path}.{rotation_property(rig.pose.bones[one.name].rotation_mode)}")
        if one.keys_location:
            paths.add(f"{path}.location")
    return paths


def connected(rig: bpy.types.Object, armature: Armature, rig_map: RigMap, wanted: list[Wanted]) -> Probed | None:
    """What controls follow, tried out; None if they are bones that follow their parents and nothing else.

    Raises:
        AnimePoseError: if constraints hold a leg over its keys.
    """
    bones = [armature.index[one.name] for one in wanted]
    if all(one.kind == "joint" for one in wanted) and is_plain(rig, armature, with_ancestors(armature, bones)):
        return None
    found = probe(rig, armature, wanted, _switches(rig, rig_map))
    held = [one.name for one in wanted if one.keys_rotation or one.keys_location]
    for said in found.warnings:
        if said.startswith("Constraints hold") and any(name in said for name in held):
            raise AnimePoseError(
                f"The legs of {rig.name} do not follow their keys: {said[0].lower()}{said[1:].partition(':')[0]}.",
                "Mute these constraints, or bake the motion into the bones.",
            )
    return found


def controls_of(probed: Probed | None, armature: Armature, wanted: list[Wanted]) -> tuple[Controls, np.ndarray]:
    """The controls as `rekeyed` wants them, and (C, 4) the turns from the axes each is carried in to those of its
    location."""
    if probed is None:
        return _hanging(armature, wanted), np.tile(IDENTITY, (len(wanted), 1))
    made = probed.controls
    return Controls(
        made.names, made.slots, made.kinds, made.rotation_parent, made.location_parent, made.keys_rotation,
        made.keys_location,
    ), probed.location_turn  # fmt: skip


def _hanging(armature: Armature, wanted: list[Wanted]) -> Controls:
    """Of bones that follow their parents and nothing else."""
    wanted = sorted(wanted, key=lambda one: armature.index[one.name])
    place = {armature.index[one.name]: number for number, one in enumerate(wanted)}
    parents = []
    for one in wanted:
        above = int(armature.parents[armature.index[one.name]])
        while above >= 0 and above not in place:
            above = int(armature.parents[above])
        parents.append(place.get(above, -1))
    return Controls(
        tuple(one.name for one in wanted),
        tuple(one.slot for one in wanted),
        tuple(one.kind for one in wanted),
        np.array(parents),
        np.array(parents),
        np.array([one.keys_rotation for one in wanted]),
        np.array([one.keys_location for one in wanted]),
    )


def _switches(rig: bpy.types.Object, rig_map: RigMap) -> list[Property]:
    """All switches of the rig's family, as they stand."""
    family = rigs.FAMILIES.get(rig_map.family)
    if family is None:
        return []
    known = [*family.properties, *(one for ik in family.ik.values() for one in (*ik.fk, *ik.ik))]
    values = {(one.bone, one.name): _switch(rig, one) for one in known}
    return [Property(bone, name, value) for (bone, name), value in values.items() if value is not None]
