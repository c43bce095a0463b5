"""The slots that names alone propose, with the hierarchy to settle words of several meanings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..armature import Armature
from ..slots import ARM, LEG, MAIN, SIDES
from .tokens import Reading
from .words import FINGER_PARTS

MAIN_PARTS = frozenset(slot.split(".")[0] for slot in MAIN)
FEWEST_FK = 6
LEAST = 0.3
"""Weight that a word must have for a part."""


@dataclass(frozen=True)
class Named:
    """What names propose."""

    bones: dict[str, int]
    """Slot → bone."""
    strength: dict[str, float]
    """Slot → 0 to 1: how plainly the name says it."""
    spine: list[int]
    """Bones of the middle with a word for the trunk, from the root on."""
    neck: list[int]


class Lineage:
    """Who is above whom."""

    def __init__(self, parents: np.ndarray) -> None:
        self.parents = parents
        self.depth = np.zeros(len(parents), int)
        for bone, parent in enumerate(parents):
            self.depth[bone] = self.depth[parent] + 1 if parent >= 0 else 0
        self._above: dict[int, frozenset[int]] = {}

    def above(self, bone: int) -> frozenset[int]:
        """All bones above one."""
        if bone not in self._above:
            found, at = [], int(self.parents[bone])
            while at >= 0:
                found.append(at)
                at = int(self.parents[at])
            self._above[bone] = frozenset(found)
        return self._above[bone]

    def related(self, upper: int, lower: int) -> int:
        """1 if lower hangs below upper, -1 the other way round, 0 neither."""
        return 1 if upper in self.above(lower) else -1 if lower in self.above(upper) else 0


Weight = Callable[[int, str], float]
"""Bone and part → how plainly its name says the part, with a bonus for bones that carry keys."""


def _weight(reading: Reading, part: str, deform: bool, some_deform: bool, control_rig: bool) -> float:
    weight = reading.parts.get(part, 0.0) * 0.85**reading.unknown
    if weight < LEAST or reading.helper or (reading.palm and part == "hand"):
        return 0.0
    if reading.fk:
        return weight + 0.4
    return weight - (0.15 if some_deform and deform == control_rig else 0.0)


def is_control_rig(readings: list[Reading]) -> bool:
    """Whether a rig has bones for FK that move others, which deform."""
    return sum(reading.fk for reading in readings) >= FEWEST_FK


def named_slots(armature: Armature, readings: list[Reading]) -> Named:
    """What the names of a rig propose."""
    lineage = Lineage(armature.parents)
    some_deform = bool(armature.deform.any())
    controls = is_control_rig(readings)
    bones: dict[str, int] = {}
    strength: dict[str, float] = {}

    def weight(bone: int, part: str) -> float:
        return _weight(readings[bone], part, bool(armature.deform[bone]), some_deform, controls)

    for side in SIDES:
        sided = [bone for bone, reading in enumerate(readings) if reading.side == side and reading.parts]
        for limb in (ARM, LEG):
            for part, bone in _chain(sided, limb, weight, lineage, armature).items():
                bones[f"{part}.{side}"] = bone
                strength[f"{part}.{side}"] = readings[bone].parts[part] * 0.85 ** readings[bone].unknown
    middle = [bone for bone, reading in enumerate(readings) if not reading.side and reading.parts]
    for part in ("pelvis", "head"):
        weighed = [(weight(bone, part), -int(lineage.depth[bone]), -bone) for bone in middle]
        best = max(weighed, default=(0.0, 0, 0))
        if best[0] > 0:
            bones[part] = -best[2]
            strength[part] = min(best[0], 1.0)
    taken = set(bones.values())
    spine, neck = (
        _best_kind([b for b in middle if b not in taken and weight(b, part) > 0], readings, lineage)
        for part in ("spine", "neck")
    )
    for side in SIDES:
        for slot, bone in _fingers(readings, side, lineage, weight, armature).items():
            bones[slot] = bone
            strength[slot] = 0.9
    return Named(bones, strength, spine, neck)


def _best_kind(bones: list[int], readings: list[Reading], lineage: Lineage) -> list[int]:
    """Of FK controls and others the FK controls; from the root on."""
    fk = [bone for bone in bones if readings[bone].fk]
    return sorted(fk or bones, key=lambda bone: (lineage.depth[bone], bone))


def _chain(
    bones: list[int], limb: tuple[str, ...], weight: Weight, lineage: Lineage, armature: Armature
) -> dict[str, int]:
    """The bones of one limb of one side: the most words, in the order of the hierarchy."""
    heads = armature.heads
    near = 1e-3 * max(float(np.linalg.norm(np.ptp(heads, axis=0))), 1e-9) if len(heads) else 1e-9
    states: list[tuple[float, int, dict[str, int]]] = [(0.0, -1, {})]
    for part in limb:
        options = sorted(((weight(bone, part), -bone) for bone in bones), reverse=True)
        kept = [(value, -bone) for value, bone in options[:10] if value > 0]
        grown = list(states)
        for value, bone in kept:
            gain = value + (0.6 if part in MAIN_PARTS else 0.0) - 0.01 * lineage.depth[bone]
            best: tuple[float, int, dict[str, int]] | None = None
            for total, last, chosen in states:
                if bone in chosen.values():
                    continue
                step = gain
                if last >= 0:
                    step += {1: 0.5, 0: -0.3, -1: -1.5}[lineage.related(last, bone)]
                    step -= 1.0 if np.linalg.norm(heads[bone] - heads[last]) < near else 0.0
                if best is None or total + step > best[0]:
                    best = (total + step, bone, chosen | {part: bone})
            if best is not None:
                grown.append(best)
        states = sorted(grown, key=lambda state: -state[0])[:24]
    return states[0][2] if states else {}


def _fingers(
    readings: list[Reading], side: str, lineage: Lineage, weight: Weight, armature: Armature
) -> dict[str, int]:
    groups: dict[str, list[int]] = {finger: [] for finger in FINGER_PARTS}
    numbered: dict[str, list[int]] = {}
    for bone, reading in enumerate(readings):
        if reading.side != side or reading.helper or reading.unknown > 1:
            continue
        if reading.finger:
            groups[reading.finger].append(bone)
        elif "finger" in reading.parts and reading.digits:
            many = len(reading.numbers) > 1
            key = reading.digits[: len(str(reading.numbers[0]))] if many else reading.digits[0]
            numbered.setdefault(key, []).append(bone)
    free = [finger for finger in FINGER_PARTS if not groups[finger]]
    if len(numbered) > 1:
        for finger, key in zip(free, sorted(numbered)):
            groups[finger] = numbered[key]
    hand = max((b for b, r in enumerate(readings) if r.side == side), key=lambda b: weight(b, "hand"), default=-1)
    found: dict[str, int] = {}
    for finger, bones in groups.items():
        thumb = finger == "thumb"
        bones = [bone for bone in bones if thumb or not readings[bone].palm]
        chain = _one_chain(bones, finger, lineage, weight)
        for number, bone in enumerate(phalanges(chain, armature, thumb, hand, readings)[:3], 1):
            found[f"{finger}_{number}.{side}"] = bone
    return found


def _one_chain(bones: list[int], finger: str, lineage: Lineage, weight: Weight) -> list[int]:
    """The best line of descent among bones of one finger: the longest, of bones that carry keys rather than others."""
    best: list[int] = []
    rank = 0.0
    for bone in bones:
        chain = sorted((other for other in bones if other in lineage.above(bone)), key=lambda b: lineage.depth[b])
        chain.append(bone)
        worth = [0.2 + 2.0 * max(weight(b, finger), weight(b, "finger")) - 1.0 for b in chain]
        value = sum(worth) - 0.25 * max(0, len(chain) - 4)
        if value > rank:
            best, rank = chain, value
    return best


def phalanges(
    chain: list[int], armature: Armature, thumb: bool, hand: int = -1, readings: list[Reading] | None = None
) -> list[int]:
    """A finger's chain of bones without the bone in the palm, which begins near the wrist, and without the tip.

    Args:
        hand: bone of the hand, -1 = unknown.
    """
    if len(chain) <= 3:
        return chain
    numbers = [readings[bone].numbers[-1:] for bone in chain] if readings else []
    if numbers and numbers[0] == (0,) and not thumb:
        return chain[1:]
    if thumb or (numbers and numbers[0] == (1,)):
        return chain[:3]
    first, second = armature.heads[chain[:2]]
    wrist = armature.heads[hand] if hand >= 0 else first
    in_palm = len(chain) > 4 or np.linalg.norm(first - wrist) < 0.7 * np.linalg.norm(second - first)
    return chain[1:4] if in_palm else chain[:3]
