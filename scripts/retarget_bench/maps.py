"""How much of the map is right, over all families, renamed ones and languages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from addon_tests.rigs import catalogue, names
from animepose_blender.core.retarget.slots import MAIN
from animepose_blender.rigs import map_rig

VARIANTS = (
    catalogue.PLAIN,
    catalogue.Variant(pose="A", rolls=3, unit_m=0.01, object_x_deg=90.0),
    catalogue.Variant(pose="I", stray_tails=True, facing_deg=180.0),
)


@dataclass(frozen=True)
class Mapped:
    """Counts over some rigs."""

    rigs: int
    bones: int
    right: int
    main: int
    main_right: int
    main_silent: int
    """Main slots with a wrong bone that is not marked as doubtful."""


OWN, NUMBERS = "their own names", "numbers only"


def of_renaming(renaming: str) -> Mapped:
    """All families in all variants under one renaming."""
    counts = [0] * 6
    for family in catalogue.families():
        for variant in VARIANTS:
            plain = renaming in (OWN, NUMBERS)
            known = catalogue.rig(family, variant if plain else replace(variant, renaming=renaming))
            armature, truth = known.armature, known.truth
            if renaming == NUMBERS:
                table = {name: f"Bone.{number:03d}" for number, name in enumerate(armature.names)}
                armature = replace(armature, names=tuple(table.values()))
                truth = {slot: table[bone] for slot, bone in truth.items()}
            found = map_rig(armature)
            counts[0] += 1
            for slot, bone in truth.items():
                right = found.bones.get(slot) == bone
                counts[1] += 1
                counts[2] += right
                if slot in MAIN:
                    counts[3] += 1
                    counts[4] += right
                    counts[5] += not right and slot in found.bones and slot not in found.doubtful
    return Mapped(*counts)


def of_all() -> dict[str, Mapped]:
    """The families' own names, prefixed and respelled ones, languages, and names that say nothing."""
    groups = {OWN: [OWN], "renamed": [*names.RENAMINGS], "other languages": [*names.LANGUAGES], NUMBERS: [NUMBERS]}
    return {group: total(of_renaming(renaming) for renaming in renamings) for group, renamings in groups.items()}


def total(parts: Iterable[Mapped]) -> Mapped:
    """The sum of counts."""
    rows = [tuple(vars(part).values()) for part in parts]
    return Mapped(*(sum(column) for column in zip(*rows, strict=True)))
