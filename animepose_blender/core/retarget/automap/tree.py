"""The bones that count, as a tree of joints: places, children, how far chains reach."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..armature import Armature


@dataclass(frozen=True, eq=False)
class Tree:
    """n joints, parents first; joint 0 joins what has no parent and stands for no bone."""

    bones: tuple[int, ...]
    """Index of each joint's bone in the armature; -1 for joint 0."""
    parents: tuple[int, ...]
    heads: np.ndarray
    """(n, 3) armature axes and units."""
    tails: np.ndarray
    """(n, 3)"""

    @cached_property
    def joint_of(self) -> dict[int, int]:
        """Bone → joint."""
        return {bone: joint for joint, bone in enumerate(self.bones)}

    @cached_property
    def children(self) -> list[list[int]]:
        """Of each joint."""
        found: list[list[int]] = [[] for _ in self.bones]
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                found[parent].append(joint)
        return found

    @cached_property
    def to_parent(self) -> np.ndarray:
        """(n,) length from the parent's head to the joint's; 0 below joint 0."""
        parents = np.array(self.parents)
        lengths = np.linalg.norm(self.heads - self.heads[np.maximum(parents, 0)], axis=1)
        return np.where(parents > 0, lengths, 0.0)

    @cached_property
    def reach(self) -> np.ndarray:
        """(n,) length of the longest way from the joint down its chains, head to head."""
        reach = np.zeros(len(self.bones))
        for joint in range(len(self.bones) - 1, 0, -1):
            parent = self.parents[joint]
            reach[parent] = max(reach[parent], reach[joint] + self.to_parent[joint])
        return reach

    @cached_property
    def last(self) -> np.ndarray:
        """(n,) of a depth-first order, so that `holds` is quick: joints are numbered in that order."""
        last = np.arange(len(self.bones))
        for joint in range(len(self.bones) - 1, 0, -1):
            last[self.parents[joint]] = max(last[self.parents[joint]], last[joint])
        return last

    def holds(self, above: int, joint: int) -> bool:
        """Whether a joint is `above` or below it."""
        return above <= joint <= self.last[above]

    def below(self, joint: int) -> range:
        """The joint and all below it."""
        return range(joint, int(self.last[joint]) + 1)

    def way_up(self, joint: int, stop: int = 0) -> list[int]:
        """The joint and those above it, up to and with `stop`."""
        way = [joint]
        while way[-1] != stop and self.parents[way[-1]] >= 0:
            way.append(self.parents[way[-1]])
        return way

    def meeting(self, one: int, two: int) -> int:
        """The lowest joint that holds both."""
        while not self.holds(one, two):
            one = self.parents[one]
        return one

    def size(self) -> float:
        """Diagonal of the box around the heads."""
        return float(np.linalg.norm(np.ptp(self.heads[1:], axis=0))) if len(self.bones) > 1 else 0.0


def tree_of(armature: Armature, kept: np.ndarray) -> Tree:
    """The kept bones; each hangs on its nearest kept ancestor.

    Args:
        kept: (N,) bool.
    """
    nearest = np.full(len(armature.names), -1)
    for bone, parent in enumerate(armature.parents):
        nearest[bone] = -1 if parent < 0 else parent if kept[parent] else nearest[parent]
    children: dict[int, list[int]] = {}
    for bone in np.flatnonzero(kept):
        children.setdefault(int(nearest[bone]), []).append(int(bone))
    bones, parents = [-1], [-1]
    stack = [(bone, 0) for bone in reversed(children.get(-1, []))]
    while stack:
        bone, parent = stack.pop()
        bones.append(bone)
        parents.append(parent)
        stack += [(child, len(bones) - 1) for child in reversed(children.get(bone, []))]
    heads, tails = armature.heads[bones], armature.tails[bones]
    if len(bones) > 1:
        roots = [joint for joint, parent in enumerate(parents) if parent == 0]
        heads[0] = tails[0] = heads[roots].mean(0)
    return Tree(tuple(bones), tuple(parents), heads, tails)
