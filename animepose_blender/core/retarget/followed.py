"""A control rig as a plain armature: its controls hang on what they follow, and bones in between are left out."""

from __future__ import annotations

import numpy as np

from .armature import Armature
from .controls import Controls


def as_followed(armature: Armature, controls: Controls) -> Armature:
    """An armature whose parents tell what moves with what, as far as each bone moves with one other.

    Args:
        armature: the rig's N bones as they are.
        controls: C of them, and what they follow.
    Returns:
        The controls and the bones that deform, at rest where they were. A control hangs on the control whose place it
        follows (or, where it follows none, whose orientation), a deforming bone on the next of these above it.
    """
    place = {name: number for number, name in enumerate(controls.names) if name in armature.index}
    above: dict[str, str] = {}
    for bone, name in enumerate(armature.names):
        if name in place:
            by_place, by_turn = (int(p[place[name]]) for p in (controls.location_parent, controls.rotation_parent))
            followed = by_place if by_place >= 0 else by_turn
            above[name] = controls.names[followed] if followed >= 0 else ""
        elif armature.deform[bone]:
            parent = int(armature.parents[bone])
            while parent >= 0 and armature.names[parent] not in place and not armature.deform[parent]:
                parent = int(armature.parents[parent])
            above[name] = armature.names[parent] if parent >= 0 else ""
    ordered: dict[str, int] = {}
    for name in above:
        line = []
        while name and name not in ordered:
            line.append(name)
            name = above.get(name, "")
        for one in reversed(line):
            ordered[one] = len(ordered)
    kept = [armature.index[name] for name in ordered]
    parents = np.array([ordered.get(above[name], -1) for name in ordered], dtype=np.int64)
    return Armature(
        tuple(ordered), parents, armature.rest[kept], armature.lengths[kept], armature.to_world, armature.deform[kept]
    )
