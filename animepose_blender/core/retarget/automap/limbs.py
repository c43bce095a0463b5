"""Which joints of a chain are thigh, knee and ankle, or shoulder, elbow and wrist: by lengths alone.

Every triple of joints of a branch, each below the last, is judged by how its lengths fit a limb. A misfit of 1 is about
one standard deviation of what rigs differ by; misfits are squared and added.
"""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass

import numpy as np

from .tree import Tree

KEPT = 6
"""Best triples of a branch that are looked at further."""
DEEPEST = 14
"""Joints of a branch from its first to the end of a limb, at most."""
SHORTEST = 0.25
"""Length of a limb as a share of its branch's reach, which holds fingers and what a hand may carry."""
MAYBE_LEAD = 1.0
"""Misfit of an arm without a clavicle whose upper arm has a joint within: the part before that may be the clavicle."""
WORST = 12.0
LONG_END = 4.0
"""Misfit of a hand that is much too long: one that holds a sword."""


@dataclass(frozen=True)
class Kind:
    """Proportions of one kind of limb; lengths as shares of upper and lower part together."""

    lower_to_upper: float
    lower_to_upper_spread: float
    end_at_most: float
    """Length of hand with fingers, or foot with toes."""
    start_at_most: float
    """From where the limb's branch begins to its first joint."""
    lead_joints: int
    """Joints before the first that a limb usually has: the clavicle."""


ARM_KIND = Kind(0.92, 0.22, 0.52, 0.75, 1)
LEG_KIND = Kind(1.0, 0.22, 0.42, 0.35, 0)


@dataclass(frozen=True)
class Limb:
    """One way to see a limb in a branch."""

    branch: int
    """First joint of the branch."""
    joints: tuple[int, int, int]
    misfit: float
    upper: float
    lower: float

    @property
    def length(self) -> float:
        """Of upper and lower part."""
        return self.upper + self.lower


def limbs_in(tree: Tree, branch: int, kind: Kind) -> list[Limb]:
    """The best ways to see a limb of a kind in the branch that begins at a joint, best first."""
    found: list[Limb] = []
    worst = WORST
    heads = tree.heads[branch : tree.last[branch] + 1]
    apart: list[list[float]] = np.linalg.norm(heads[:, None] - heads, axis=2).tolist()
    hub = tree.heads[tree.parents[branch]] if tree.parents[branch] > 0 else tree.heads[branch]
    from_hub: list[float] = np.linalg.norm(heads - hub, axis=1).tolist()
    fans = _fans(tree, branch)
    whole = float(tree.reach[branch])
    for end in tree.below(branch):
        way = tree.way_up(end, branch)[::-1]
        if not 3 <= len(way) <= DEEPEST:
            continue
        to_end = apart[end - branch]
        rest = _end_length(tree, end)
        for first in range(len(way) - 2):
            if to_end[way[first] - branch] < SHORTEST * whole:
                break
            for middle in range(first + 1, len(way) - 1):
                upper, lower = apart[way[first] - branch][way[middle] - branch], to_end[way[middle] - branch]
                if max(upper, lower) > 2.2 * min(upper, lower):
                    continue
                length = upper + lower
                misfit = 0.5 * (math.log(lower / upper / kind.lower_to_upper) / kind.lower_to_upper_spread) ** 2
                misfit += min(LONG_END, _over(rest / length, kind.end_at_most, 0.12))
                misfit += _over(from_hub[way[first] - branch] / length, kind.start_at_most, 0.2)
                misfit += 0.5 * max(0, first - kind.lead_joints)
                if first < kind.lead_joints:
                    misfit += 0.25 if rest > 0.05 * length else 0.5
                    misfit += MAYBE_LEAD if middle - first > 1 else 0.0
                joints = (way[first], way[middle], end)
                misfit += _fan_misfit(joints, fans) if fans else 0.0
                if misfit > worst:
                    continue
                misfit += _aside(tree, way, first, middle) + _aside(tree, way, middle, len(way) - 1)
                if misfit < worst:
                    insort(found, Limb(branch, joints, misfit, upper, lower), key=lambda limb: limb.misfit)
                    worst = found[KEPT - 1].misfit if len(found) >= KEPT else WORST
    return found[:KEPT]


def _end_length(tree: Tree, end: int) -> float:
    """Length of hand or foot: of many parts that of the middle one, since a hand may hold something long."""
    if len(tree.children[end]) < 3:
        return float(tree.reach[end])
    lengths = sorted(float(tree.reach[child] + tree.to_parent[child]) for child in tree.children[end])
    return lengths[len(lengths) // 2]


def _aside(tree: Tree, way: list[int], start: int, end: int) -> float:
    """Misfit of joints between the two ends of a limb's part: those of twist bones lie on the line."""
    if end - start < 2:
        return 0.0
    heads = tree.heads[way]
    between, line = heads[start + 1 : end] - heads[start], heads[end] - heads[start]
    along = between @ line / (line @ line)
    aside = np.linalg.norm(between - along[:, None] * line, axis=1) / np.linalg.norm(line)
    return 0.2 * len(between) + float(np.sum((aside / 0.08) ** 2))


def _over(value: float, most: float, spread: float) -> float:
    return 0.5 * max(0.0, (value - most) / spread) ** 2


def _fans(tree: Tree, branch: int) -> dict[int, int]:
    """Joints that three or more chains of at least two joints begin at → how many."""
    fans: dict[int, int] = {}
    for joint in tree.below(branch):
        chains = sum(bool(tree.children[child]) for child in tree.children[joint])
        if chains >= 3:
            fans[joint] = chains
    return fans


def _fan_misfit(joints: tuple[int, int, int], fans: dict[int, int]) -> float:
    """A fan of chains is a hand's, or a foot's with toes."""
    if joints[2] in fans:
        return 0.0
    return 1.5 + 1.5 * any(joint in fans for joint in joints[:2])
