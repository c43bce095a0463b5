"""Which bones of a rig a file gets, and what hangs on what: the bones that move the mesh, as one whole tree."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from ...core.retarget.armature import Armature

_SAME_PLACE = 1e-4
"""Heads this near to each other are one place, parts of the rig's height."""
_SAME_WAY = 0.99
"""Cosine between bones that lie on each other."""


@dataclass(frozen=True, eq=False)
class Tree:
    """Bones of an armature, parents first."""

    bones: np.ndarray
    """(B,) index of each in the armature."""
    parents: np.ndarray
    """(B,) index of each bone's parent within `bones`; -1 for the first alone."""


def exported_tree(armature: Armature, also: Set[str] = frozenset()) -> Tree:
    """The bones that deform, each on the nearest one above it.

    Control rigs hang their deforming bones on helpers: the deforming bone that lies on such a helper takes its place
    (Rigify's `DEF-spine` for `ORG-spine`). What then still hangs on nothing goes onto the largest tree, so that there
    is one root. A rig without any deforming bone gives all.

    Args:
        armature: the rig.
        also: names of further bones, on which objects hang.
    """
    kept = armature.deform | np.array([name in also for name in armature.names])
    if not kept.any():
        kept = np.ones_like(kept)
    twins = _twins(armature, kept)
    parents = np.full(len(kept), -1)
    for bone in np.flatnonzero(kept):
        above = int(armature.parents[bone])
        while above >= 0:
            stands_in = above if kept[above] else int(twins[above])
            if stands_in >= 0 and stands_in != bone and not _hangs_on(parents, stands_in, int(bone)):
                parents[bone] = stands_in
                break
            above = int(armature.parents[above])
    _join(parents, kept)
    order = _parents_first(parents, kept)
    place = {bone: number for number, bone in enumerate(order)}
    return Tree(np.array(order), np.array([place.get(int(parents[bone]), -1) for bone in order]))


def _twins(armature: Armature, kept: np.ndarray) -> np.ndarray:
    """(N,) for each bone the kept one that lies on it; -1 = none."""
    heads, ways = armature.heads, armature.rest[:, :3, 1]
    near = _SAME_PLACE * max(float(np.ptp(heads, axis=0).max()), 1e-9)
    there = np.flatnonzero(kept)
    twins = np.full(len(kept), -1)
    for bone in np.flatnonzero(~kept):
        same = np.linalg.norm(heads[there] - heads[bone], axis=1) < near
        same &= ways[there] @ ways[bone] > _SAME_WAY
        if same.any():
            twins[bone] = there[same][np.argmax(armature.lengths[there[same]])]
    return twins


def _hangs_on(parents: np.ndarray, bone: int, above: int) -> bool:
    while bone >= 0:
        if bone == above:
            return True
        bone = int(parents[bone])
    return False


def _join(parents: np.ndarray, kept: np.ndarray) -> None:
    """Hang every tree but the largest onto the largest one's root."""
    roots = [int(bone) for bone in np.flatnonzero(kept) if parents[bone] < 0]
    sizes = dict.fromkeys(roots, 0)
    for bone in np.flatnonzero(kept):
        above = int(bone)
        while parents[above] >= 0:
            above = int(parents[above])
        sizes[above] += 1
    largest = max(roots, key=lambda root: sizes[root])
    for root in roots:
        if root != largest:
            parents[root] = largest


def _parents_first(parents: np.ndarray, kept: np.ndarray) -> list[int]:
    children: dict[int, list[int]] = {}
    for bone in np.flatnonzero(kept):
        children.setdefault(int(parents[bone]), []).append(int(bone))
    order, waiting = [], list(children[-1])
    while waiting:
        bone = waiting.pop(0)
        order.append(bone)
        waiting = children.get(bone, []) + waiting
    return order
