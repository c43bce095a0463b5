"""A map held against the truth, and the sets of rigs that automatic mapping is measured on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from addon_tests.rigs import names
from addon_tests.rigs.catalogue import PLAIN, Catalogued, Variant, families, rig
from animepose_blender.core.retarget.armature import Armature
from animepose_blender.core.retarget.automap import is_humanoid, map_automatically
from animepose_blender.core.retarget.rig_map import DOUBTFUL_BELOW
from animepose_blender.core.retarget.slots import MAIN

from . import odd_rigs
from .edited_rig import Rig, rotation

Case = tuple[str, Armature, dict[str, str]]
"""What is odd about it, the rig, the truth."""


@dataclass(frozen=True)
class Judged:
    """How one map fared."""

    slots: int
    right: int
    extra: int
    """Bones in slots that the truth leaves empty."""
    doubtful_main: int
    silently_wrong: tuple[str, ...]
    """Main slots with a wrong bone that is not shown as doubtful."""
    humanoid: bool
    seconds: float


def judge(armature: Armature, truth: dict[str, str]) -> Judged:
    """Map a rig and compare."""
    start = time.perf_counter()
    found = map_automatically(armature)
    seconds = time.perf_counter() - start
    return Judged(
        len(truth),
        sum(found.bones.get(slot) == bone for slot, bone in truth.items()),
        sum(slot not in truth for slot in found.bones),
        sum(found.score(slot) < DOUBTFUL_BELOW for slot in MAIN if slot in truth),
        tuple(
            slot
            for slot, bone in found.bones.items()
            if slot in MAIN and truth.get(slot) != bone and found.score(slot) >= DOUBTFUL_BELOW
        ),
        is_humanoid(found),
        seconds,
    )


def nameless(armature: Armature, truth: dict[str, str], seed: int = 0) -> tuple[Armature, dict[str, str]]:
    """Names that say nothing, in no order."""
    numbers = np.random.default_rng(seed).permutation(len(armature.names))
    new = {name: f"Bone.{number:03d}" for name, number in zip(armature.names, numbers)}
    return replace(armature, names=tuple(new.values())), {slot: new[bone] for slot, bone in truth.items()}


VARIANTS: dict[str, Variant] = {
    "plain": PLAIN,
    "A": Variant(pose="A"),
    "I": Variant(pose="I"),
    "rolls": Variant(rolls=3),
    "stray tails": Variant(stray_tails=True, rolls=2),
    "0.01": Variant(unit_m=0.01),
    "100": Variant(unit_m=100.0),
    "Y up": Variant(object_x_deg=90.0, unit_m=0.01),
    "-90": Variant(object_x_deg=-90.0),
    "turned": Variant(facing_deg=137.0, place_m=(3.0, 1.0, 0.0)),
    "short": Variant(legs=0.7, arms=0.8),
    "long": Variant(legs=1.2, arms=1.1, pose="A"),
}


def _cases(family: str, variants: dict[str, Variant]) -> Iterator[Case]:
    for name, variant in variants.items():
        try:
            made: Catalogued = rig(family, variant)
        except ValueError:
            continue  # a renaming that gives two bones of this family one name
        yield name, made.armature, made.truth


def own_names(family: str) -> Iterator[Case]:
    """The family's names."""
    return _cases(family, VARIANTS)


def renamed(family: str) -> Iterator[Case]:
    """Prefixes, separators, cases."""
    return _cases(family, {name: Variant(renaming=name, pose="A") for name in names.RENAMINGS})


def translated(family: str) -> Iterator[Case]:
    """Words of other languages, with three ways each to tell sides."""
    ways = {
        f"{language} {names.SIDES[(k * step + first) % len(names.SIDES)]}": Variant(
            renaming=language, sides=names.SIDES[(k * step + first) % len(names.SIDES)], pose="A"
        )
        for k, language in enumerate(names.LANGUAGES)
        for step, first in ((1, 0), (5, 3), (7, 6))
    }
    return _cases(family, ways)


def without_names(family: str) -> Iterator[Case]:
    """Bone.000 and so on."""
    for name, armature, truth in own_names(family):
        yield name, *nameless(armature, truth)


SETS: dict[str, Callable[[str], Iterator[Case]]] = {
    "own names": own_names,
    "renamed": renamed,
    "other languages": translated,
    "nameless": without_names,
}
FAMILIES: list[str] = families()
CONTROL_RIGS = ("rigify", "auto_rig_pro")
"""Rigs in which controls and deforming bones lie in the same places: without names nothing tells them apart."""

ODDITIES: dict[str, Callable[[Rig, bool], None]] = {
    "seated": lambda r, named: odd_rigs.seated(r),
    "arms forward": lambda r, named: odd_rigs.arms_forward(r),
    "arms up": lambda r, named: odd_rigs.arms_up(r),
    "a stride": lambda r, named: odd_rigs.striding(r),
    "short limbs": lambda r, named: odd_rigs.chibi(r),
    "root on the ground": lambda r, named: odd_rigs.on_a_ground_root(r),
    "loose bones": lambda r, named: odd_rigs.with_loose_bones(r),
    "100 face bones": lambda r, named: odd_rigs.with_face(r, 100, named),
    "sword and shield": odd_rigs.with_weapon,
    "twists in line": odd_rigs.with_twists_in_line,
    "twists beside": odd_rigs.with_twists_beside,
    "skirt and hair": odd_rigs.with_skirt_and_hair,
    "tail and wings": odd_rigs.with_tail_and_wings,
    "no fingers": lambda r, named: odd_rigs.without(r, "thumb", "index", "middle", "ring", "pinky"),
    "two fingers less": lambda r, named: odd_rigs.without(r, "ring", "pinky"),
    "no clavicles": lambda r, named: odd_rigs.without(r, "shoulder", branch=False),
    "one arm": lambda r, named: odd_rigs.without(r, "shoulder.L"),
    "no toes": lambda r, named: odd_rigs.without(r, "toe"),
    **{f"{n} spine bones": (lambda r, named, n=n: odd_rigs.with_spine(r, n)) for n in range(1, 7)},
    **{f"{n} neck bones": (lambda r, named, n=n: odd_rigs.with_neck(r, n)) for n in range(4)},
}
"""What is odd → what to do to a rig; the flag: whether added bones have names that say what they are."""
ODD_FAMILIES = ("mixamo", "unreal_5", "rigify_meta", "vroid", "cmu_mb", "daz_genesis_8", "xsens")


AMOUNTS = (0.5, 1.0, 1.5)


def distorted(family: str, amount: float, seed: int, named: bool) -> Case:
    """A rig of another figure in another rest pose (`odd_rigs.distorted`)."""
    made = rig(family)
    other = Rig.of(made.armature, made.truth)
    odd_rigs.distorted(other, seed, amount)
    other.order = seed + 1
    other = other if named else other.scrambled(seed)
    return f"{family} {amount} {seed}", other.armature(), other.truth


def odd(oddity: str, family: str, named: bool) -> Case:
    """An odd rig: bones in another order, object turned and scaled anyhow."""
    made = rig(family)
    odd_rig = Rig.of(made.armature, made.truth)
    ODDITIES[oddity](odd_rig, named)
    seed = sum(map(ord, oddity + family))
    rng = np.random.default_rng(seed)
    odd_rig.order = seed
    odd_rig = odd_rig if named else odd_rig.scrambled(seed)
    turns = [rotation(rng.normal(size=3), rng.uniform(0.0, 180.0)) for _ in range(2)]
    armature = odd_rig.armature(turns[0], float(rng.choice([0.01, 1.0, 100.0])), turns[1])
    return f"{oddity}, {family}", armature, odd_rig.truth
