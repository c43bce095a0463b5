"""A human body seen in a tree of joints, whatever the names: two legs, two arms, a trunk between, a head beyond.

Each pair of branches of one joint may be legs or arms. All ways to put a pair of legs and a pair of arms together are
judged by proportions, symmetry and where the limbs point from the trunk; the best is kept with its misfit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from .limbs import ARM_KIND, LEG_KIND, Kind, Limb, limbs_in
from .tree import Tree

SHORTEST = 0.1
"""Reach of a limb's branch as a share of the figure's size."""
MOST_HUBS = 24
ONE_ARM = 3.0
"""Misfit of a body with one arm only."""


@dataclass(frozen=True)
class Pair:
    """Two limbs that hang on one joint; the second may be missing."""

    hub: int
    limbs: tuple[Limb, ...]
    misfit: float
    margins: dict[int, float] = field(default_factory=dict)
    """Joint → how much worse the best other way is that does without it."""

    def middle(self, tree: Tree, joint: int) -> np.ndarray:
        """(3,) middle of the joints, 0 the first to 2 the end."""
        return np.mean([tree.heads[limb.joints[joint]] for limb in self.limbs], axis=0)

    def across(self, tree: Tree) -> np.ndarray:
        """(3,) from the first limb's first joint to the second's."""
        return tree.heads[self.limbs[-1].joints[0]] - tree.heads[self.limbs[0].joints[0]]

    @property
    def length(self) -> float:
        """Mean of both."""
        return float(np.mean([limb.length for limb in self.limbs]))


@dataclass(frozen=True)
class Body:
    """One way to see a body."""

    legs: Pair
    arms: Pair
    misfit: float
    up: np.ndarray
    """(3,) unit, from the hips to the shoulders."""
    size: float
    """Length of a leg and the trunk."""


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def pairs_of(tree: Tree, kind: Kind) -> list[Pair]:
    """All pairs of branches that may be limbs of a kind."""
    least = SHORTEST * tree.size()
    hubs = [j for j, children in enumerate(tree.children) if sum(tree.reach[c] > least for c in children) >= 2]
    hubs = sorted(hubs, key=lambda j: -sorted((tree.reach[c] for c in tree.children[j]), reverse=True)[1])[:MOST_HUBS]
    seen: dict[int, list[Limb]] = {}
    pairs: list[Pair] = []
    for hub in hubs:
        branches = sorted((c for c in tree.children[hub] if tree.reach[c] > least), key=lambda c: -tree.reach[c])[:7]
        for one, two in combinations(branches, 2):
            if min(tree.reach[one], tree.reach[two]) < 0.5 * max(tree.reach[one], tree.reach[two]):
                continue
            for branch in (one, two):
                if branch not in seen:
                    seen[branch] = limbs_in(tree, branch, kind)
            ways = [_pair(tree, hub, a, b) for a in seen[one] for b in seen[two]]
            if ways:
                best = min(ways, key=lambda pair: pair.misfit)
                pairs.append(replace(best, margins=_margins(best, ways)))
    return sorted(pairs, key=lambda pair: pair.misfit)[:MOST_HUBS]


def _margins(best: Pair, ways: list[Pair]) -> dict[int, float]:
    margins: dict[int, float] = {}
    for number, limb in enumerate(best.limbs):
        for place, joint in enumerate(limb.joints):
            others = [way.misfit - best.misfit for way in ways if way.limbs[number].joints[place] != joint]
            margins[joint] = min(others, default=np.inf)
    return margins


def _pair(tree: Tree, hub: int, one: Limb, two: Limb) -> Pair:
    """Both limbs are as long, and mirror each other."""
    misfit = one.misfit + two.misfit
    for a, b in ((one.upper, two.upper), (one.lower, two.lower)):
        misfit += 0.5 * (np.log(a / b) / 0.1) ** 2
    gaps = np.array([tree.heads[b] - tree.heads[a] for a, b in zip(one.joints, two.joints)])
    lengths = np.linalg.norm(gaps, axis=1)
    across = _unit(gaps[0])
    misfit += 2.0 * (1.0 - float(abs(gaps @ across).sum() / max(lengths.sum(), 1e-12)))
    return Pair(hub, (one, two), float(misfit))


def singles_of(tree: Tree, kind: Kind) -> list[Pair]:
    """Branches that may be the only limb of a kind."""
    least = SHORTEST * tree.size()
    branches = sorted((j for j in range(1, len(tree.bones)) if tree.reach[j] > least), key=lambda j: -tree.reach[j])
    found: list[Pair] = []
    for joint in branches[: 3 * MOST_HUBS]:
        hub = tree.parents[joint]
        ways = [Pair(hub, (limb,), limb.misfit + ONE_ARM) for limb in limbs_in(tree, joint, kind)]
        if ways and len(tree.children[hub]) > 1:
            found.append(replace(ways[0], margins=_margins(ways[0], ways)))
    return sorted(found, key=lambda pair: pair.misfit)[:MOST_HUBS]


def _together(tree: Tree, legs: Pair, arms: Pair) -> Body | None:
    if any(tree.holds(limb.branch, arms.hub) for limb in legs.limbs):
        return None
    if any(tree.holds(limb.branch, legs.hub) for limb in arms.limbs):
        return None
    if {limb.branch for limb in legs.limbs} & {limb.branch for limb in arms.limbs}:
        return None
    hips, leg = legs.middle(tree, 0), legs.length
    across = _unit(legs.across(tree))
    shoulders = arms.middle(tree, 0)
    if len(arms.limbs) == 1:
        shoulders = shoulders - across * float((shoulders - hips) @ across)
    trunk = float(np.linalg.norm(shoulders - hips))
    if trunk < 0.1 * leg:
        return None
    up = (shoulders - hips) / trunk
    misfit = legs.misfit + arms.misfit
    misfit += 0.5 * (np.log(arms.length / leg / 0.64) / 0.25) ** 2
    misfit += 0.5 * (np.log(trunk / leg / 0.6) / 0.3) ** 2
    down = _unit(legs.middle(tree, 2) - hips) @ up
    misfit += 0.5 * max(0.0, (float(down) + 0.55) / 0.2) ** 2
    misfit += 0.5 * (float(across @ up) / 0.15) ** 2
    if len(arms.limbs) == 2:
        aligned = abs(float(_unit(arms.across(tree)) @ across))
        misfit += (1.0 - aligned) / 0.05
        wide = float(np.linalg.norm(arms.across(tree))) / leg
        misfit += 0.5 * (max(0.0, wide - 0.75, 0.12 - wide) / 0.15) ** 2
    wide = float(np.linalg.norm(legs.across(tree))) / leg
    misfit += 0.5 * (max(0.0, wide - 0.45, 0.08 - wide) / 0.1) ** 2
    misfit += 0.0 if tree.holds(legs.hub, arms.hub) else 0.7
    limbs = [tree.below(limb.branch) for pair in (legs, arms) for limb in pair.limbs]
    free = np.ones(len(tree.bones), bool)
    for limb in limbs:
        free[limb.start : limb.stop] = False
    free[0] = False
    over = (tree.heads[free] - shoulders) @ up if free.any() else np.zeros(1)
    misfit += 0.5 * max(0.0, (0.06 * (leg + trunk) - float(over.max(initial=-1.0))) / (0.03 * (leg + trunk))) ** 2
    return Body(legs, arms, float(misfit), up, leg + trunk)


def bodies_in(tree: Tree) -> list[Body]:
    """The ways to see a body, best first."""
    if len(tree.bones) < 8:
        return []
    legs, arms = pairs_of(tree, LEG_KIND), pairs_of(tree, ARM_KIND)
    found = [body for leg in legs for arm in arms if (body := _together(tree, leg, arm)) is not None]
    if not found or min(body.misfit for body in found) > 2 * ONE_ARM:
        singles = singles_of(tree, ARM_KIND)
        found += [body for leg in legs for arm in singles if (body := _together(tree, leg, arm)) is not None]
    return sorted(found, key=lambda body: body.misfit)
