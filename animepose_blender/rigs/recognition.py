"""Which family a rig is of, and which of its bones fills which slot.

Names are compared as they are first, then without capitals and separators. Before that, what a whole file's names have
in common is taken off: a path (`Armature|`), a namespace (`hero:`), a prefix, a number of Blender's (`.001`).
A name is not believed blindly: a bone that does not hang where its slot must, or that lies on the other side of the
body, keeps its slot but gets a low score.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from ..core.retarget.armature import Armature
from ..core.retarget.rig_map import RigMap
from ..core.retarget.slots import FINGER, LIMB_SLOTS, MAIN, NECK, SIDES, parent_of
from .family import Family

LEAST_MAIN = 11
"""Main slots (of 15) that a rig must have by a family's names; with fewer, names say too little of the family."""
SHARED_BY = 0.7
"""A prefix or number that so many of all names have belongs to the file, not to the bones."""
EVIDENCE_WEIGHT = 2
"""A name that a family insists on counts as much as so many slots."""
FOLDED_COST = 3
"""What a family loses, in slots, whose names are only alike."""
CONTRADICTED = 0.3
"""Score of a bone whose name says one thing and whose place another."""

AGREEING_FEET = 0.5
"""Least cosine between two feet, turned out as they may be, that tell where a figure looks."""
SURE_SIDE = 0.7
"""Cosine between left by the feet and left by the names, from which on they contradict each other."""

_SEPARATORS = re.compile(r"[\s_.:|\-]+")
_NUMBER = re.compile(r"\.\d{3}$")


@dataclass(frozen=True)
class _Found:
    """A family's slots in a rig."""

    family: Family
    bones: dict[str, str]
    contradicted: frozenset[str]
    folded: bool
    """Found only without capitals and separators."""

    @property
    def worth(self) -> tuple[float, float]:
        """More is better: slots, then how much of the family is there."""
        slots = len(self.bones) - len(self.contradicted) + EVIDENCE_WEIGHT * len(self.family.evidence)
        return slots - FOLDED_COST * self.folded, len(self.bones) / len(self.family.bones)


def recognise(armature: Armature, families: Sequence[Family]) -> tuple[Family, RigMap] | None:
    """The family that explains most of a rig.

    Returns:
        the family and its map, whose scores tell doubtful bones; None if the rig is of none of them.
    """
    ancestors = _Ancestors(armature)
    found = [
        _Found(family, bones, frozenset(_contradicted(armature, ancestors, family, bones)), folded)
        for family in families
        for bones, folded in _candidates(armature.names, family)
    ]
    if not found:
        return None
    best = max(found, key=lambda one: one.worth)
    doubtful = best.contradicted | (set(filter(_is_sided, best.bones)) if _swapped(armature, best.bones) else set())
    scores = {slot: CONTRADICTED if slot in doubtful else 1.0 for slot in best.bones}
    return best.family, RigMap(best.bones, scores, best.family.id)


def helpers(names: Sequence[str], family: Family) -> frozenset[str]:
    """The bones that a family knows as helpers."""
    patterns = [re.compile(pattern, re.IGNORECASE) for pattern in family.ignore]
    return frozenset(
        bone for view in _views(tuple(names)) for short, bone in view if any(p.search(short) for p in patterns)
    )


def hangs(armature: Armature, slot: str, bone: str, bones: Mapping[str, str]) -> bool:
    """Whether a bone hangs below that of the nearest filled slot above its own."""
    above = parent_of(slot, bones)
    return above is None or bones[above] in _Ancestors(armature).of(bone)


def _candidates(names: Sequence[str], family: Family) -> Iterator[tuple[dict[str, str], bool]]:
    """Maps of a family's slots to the rig's bones, one for each way to read the names, that have enough of them."""
    for view in _views(tuple(names)):
        for folded in (False, True):
            bones = _looked_up(view, family, folded)
            if len([slot for slot in MAIN if slot in bones]) >= LEAST_MAIN:
                yield bones, folded
                break


def _looked_up(view: tuple[tuple[str, str], ...], family: Family, folded: bool) -> dict[str, str]:
    read = _fold if folded or not family.case_sensitive else str
    there = {read(short): bone for short, bone in reversed(view)}
    if not all(read(name) in there for name in family.evidence):
        return {}
    stripped = {
        read(match.string[match.end() :]): bone
        for prefix in family.prefixes
        for short, bone in reversed(view)
        if (match := re.match(prefix, short, re.IGNORECASE if folded else 0))
    }
    there = there | stripped
    bones: dict[str, str] = {}
    for slot, known in family.bones.items():
        bone = next((there[read(name)] for name in known if read(name) in there), None)
        if bone is not None and bone not in bones.values():
            bones[slot] = bone
    return bones


@lru_cache(maxsize=8192)
def _fold(name: str) -> str:
    return _SEPARATORS.sub("", name).casefold()


@lru_cache(maxsize=8)
def _views(names: tuple[str, ...]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Ways to read a rig's names: for each, (short name, bone) of all bones; the plainest way first."""
    strip: list[Callable[[str], str]] = []
    if any("|" in name for name in names):
        strip.append(lambda name: name.rpartition("|")[2])
    if any(":" in name for name in names):
        strip.append(lambda name: name.rpartition(":")[2])
    if sum(bool(_NUMBER.search(name)) for name in names) >= SHARED_BY * len(names):
        strip.append(lambda name: _NUMBER.sub("", name))
    views: dict[tuple[tuple[str, str], ...], None] = {}
    for chosen in product((False, True), repeat=len(strip)):
        short = list(names)
        for use, taken_off in zip(chosen, strip, strict=True):
            short = [taken_off(name) for name in short] if use else short
        for prefix in ("", _shared_prefix(short)):
            views[tuple((name.removeprefix(prefix), bone) for name, bone in zip(short, names, strict=True))] = None
    return tuple(views)


def _shared_prefix(names: Sequence[str]) -> str:
    """What most names begin with, up to a separator; empty if there is nothing."""
    begins = Counter(match[0] for name in names if (match := re.match(r"[^\s_.:|\-]+[\s_.:|\-]+", name)))
    prefix, count = max(begins.items(), key=lambda item: item[1], default=("", 0))
    return prefix if count >= SHARED_BY * len(names) else ""


class _Ancestors:
    """The bones above each, looked up once."""

    def __init__(self, armature: Armature) -> None:
        self._armature = armature
        self._known: dict[int, frozenset[str]] = {-1: frozenset()}
        for index, parent in enumerate(armature.parents.tolist()):
            above = {armature.names[parent]} if parent >= 0 else set()
            self._known[index] = self._known[parent] | above

    def of(self, bone: str) -> frozenset[str]:
        return self._known[self._armature.index[bone]]


def _contradicted(armature: Armature, ancestors: _Ancestors, family: Family, bones: Mapping[str, str]) -> Iterator[str]:
    """Slots whose bones hang or lie where such a part of a body cannot be."""
    within = {
        second: first
        for first, middle, end in LIMB_SLOTS.values()
        for first, second in ((first, middle), (middle, end))
    }
    for slot, bone in bones.items():
        above = parent_of(slot, bones)
        stem = slot.partition(".")[0]
        if family.ik and not (slot in within or (stem in FINGER and not stem.endswith("1"))):
            continue  # controls of a control rig hang on each other by constraints
        if above is not None and bones[above] not in ancestors.of(bone):
            yield slot
        elif stem == "shoulder" and any(bones.get(neck) in ancestors.of(bone) for neck in (*NECK, "head")):
            yield slot


def _is_sided(slot: str) -> bool:
    return slot[-2:-1] == "." and slot[-1] in SIDES


def _swapped(armature: Armature, bones: Mapping[str, str]) -> bool:
    """Whether the bones of the left lie on the figure's right; what cannot be told is taken to be right."""
    heads, tails = armature.in_world(armature.heads), armature.in_world(armature.tails)
    at = {slot: armature.index[bone] for slot, bone in bones.items()}
    if not {"pelvis", "head", "upper_arm.L", "upper_arm.R", "foot.L", "foot.R"} <= set(at):
        return False
    feet = []
    for side in SIDES:
        foot, toe = at[f"foot.{side}"], at.get(f"toe.{side}")
        feet.append((tails[foot] if toe is None else heads[toe]) - heads[foot])
    up = heads[at["head"]] - heads[at["pelvis"]]
    # Of bones whose tails point anywhere, as importers leave them, the feet do not point the same way.
    if _cosine(feet[0], feet[1]) < AGREEING_FEET:
        return False
    left = np.cross(up, feet[0] + feet[1])
    return _cosine(left, heads[at["upper_arm.L"]] - heads[at["upper_arm.R"]]) < -SURE_SIDE


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    return float(first @ second / lengths) if lengths > 0 else 0.0
