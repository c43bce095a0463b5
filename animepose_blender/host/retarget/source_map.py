"""Which bones tell a source's motion: of a control rig those that move the mesh, not the controls.

A control says nothing of the pose while another moves its part: FK controls stand still under an IK animation.
"""

from __future__ import annotations

from ... import rigs
from ...core.retarget.armature import Armature
from ...core.retarget.rig_map import RigMap
from ...core.retarget.slots import MAIN, NECK, SPINE
from ...rigs import recognition


def map_of_source(armature: Armature, rig_map: RigMap | None = None) -> RigMap:
    """The map by which an armature is read.

    Args:
        rig_map: as for a target; None = found out.
    """
    rig_map = rig_map or rigs.map_rig(armature)
    family = rigs.FAMILIES.get(rig_map.family)
    if family is None or not family.ik:
        return rig_map
    plain = tuple(other for other in rigs.FAMILIES.values() if not other.ik)
    found = recognition.recognise(armature, plain)
    if found is None or not all(slot in found[1].bones for slot in MAIN):
        return rig_map
    moved = found[1].bones
    kept = {
        slot: bone
        for slot, bone in rig_map.bones.items()
        if slot not in moved and slot not in (*SPINE, *NECK) and bone not in moved.values()
    }
    return RigMap(kept | dict(moved), {}, found[0].id)
