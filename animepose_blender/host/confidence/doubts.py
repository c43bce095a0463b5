"""The next frame in which bones that are selected are unsure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy

from ...core.review.confidence import least_sure, unsure
from ...core.review.doubts import next_doubt
from ..import_plan import frames_in
from ..review import session
from .people import Chosen, chosen_bones


@dataclass(frozen=True)
class BoneDoubt:
    """One bone in doubt."""

    frame: int
    """Of the scene, where it begins."""
    rig: str
    bone: str


def filtering_bones(context: bpy.types.Context) -> list[Chosen]:
    """The bones whose doubts alone are wanted: those selected in Pose Mode. None of them where all are
    selected, as those of an imported person are at first, or nothing is known of any."""
    if context.mode != "POSE":
        return []
    choice = chosen_bones(context)
    whole = all(len(one.bones) == len(one.person.slots) for one in choice.parts)
    return choice.parts if choice.selected and not whole else []


def next_of_bones(scene: bpy.types.Scene, parts: Sequence[Chosen], *, backwards: bool = False) -> BoneDoubt | None:
    """The first span after the current frame in which one of some bones is unsure, or the last that begins before it;
    None if there is none."""
    found = []
    for one in parts:
        take, row = one.person.take, one.person.row
        slots = [one.person.slots[bone] for bone in one.bones]
        doubt = next_doubt(unsure(take, row, slots), session.index_at(scene, take), backwards=backwards)
        if doubt is not None:
            bone = one.bones[slots.index(least_sure(take, row, slots, doubt))]
            frame = round(float(frames_in(scene, take)[doubt.start]))
            found.append(BoneDoubt(frame, one.rig.name, bone))
    return (max if backwards else min)(found, key=lambda doubt: doubt.frame, default=None)
