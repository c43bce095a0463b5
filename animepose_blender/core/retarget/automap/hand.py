"""The fingers of a hand by the lie of its chains."""

from __future__ import annotations

import numpy as np

from ..armature import Armature
from .by_name import phalanges
from .limbs import Limb
from .tree import Tree
from .words import FINGER_PARTS

LONGEST_FINGER = 2.2
"""A finger's length against the middle one of all; what is longer is held in the hand."""


def fingers_of(armature: Armature, tree: Tree, arm: Limb) -> dict[str, int]:
    """Slot without its side → joint, of the chains that begin at or just below the hand.

    The thumb begins nearest the wrist and points furthest aside; the others lie beside it in their order.
    """
    hand = arm.joints[2]
    chains = _chains(tree, hand, arm.length)
    if len(chains) < 3 or len(chains) > 5:
        return {}
    wrist = tree.heads[hand]
    starts = np.array([tree.heads[chain[0] if len(chain) < 4 else chain[-3]] for chain in chains]) - wrist
    ends = np.array([tree.heads[chain[-1]] for chain in chains])
    ways = np.array([_unit(end - tree.heads[chain[0]]) for end, chain in zip(ends, chains)])
    along = _unit(np.median(ends - wrist, axis=0))
    thumb = int((ways @ along + (starts @ along) / max(float((starts @ along).max()), 1e-9)).argmin())
    others = [number for number in range(len(chains)) if number != thumb]
    aside = np.array([end - wrist - along * float((end - wrist) @ along) for end in ends])
    across = _unit(aside[thumb] - aside[others].mean(0))
    spread = starts + ends - wrist
    order = sorted(others, key=lambda number: -float(spread[number] @ _spread_axis(spread[others], across)))
    found: dict[str, int] = {}
    for finger, number in zip(FINGER_PARTS, [thumb, *order]):
        chain = phalanges(
            [tree.bones[joint] for joint in chains[number]], armature, finger == "thumb", tree.bones[hand]
        )
        for place, bone in enumerate(chain[:3], 1):
            found[f"{finger}_{place}"] = tree.joint_of[bone]
    return found


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _spread_axis(places: np.ndarray, across: np.ndarray) -> np.ndarray:
    """The main direction in which fingers lie beside each other, towards the thumb."""
    axis = np.linalg.svd(places - places.mean(0))[2][0]
    along_fingers = _unit(places.mean(0))
    axis = _unit(axis - along_fingers * float(axis @ along_fingers))
    return axis if float(axis @ across) >= 0 else -axis


def _chains(tree: Tree, hand: int, length: float) -> list[list[int]]:
    """Chains of two to five joints below a hand; a bone that several begin at is of the palm."""
    chains: list[list[int]] = []
    for child in tree.children[hand]:
        chains += _from(tree, child)
    chains = [chain for chain in chains if 2 <= len(chain) <= 5 and _span(tree, chain) > 0.04 * length]
    spans = [_span(tree, chain) for chain in chains]
    return [chain for chain, span in zip(chains, spans) if span < LONGEST_FINGER * sorted(spans)[len(spans) // 2]]


def _from(tree: Tree, joint: int) -> list[list[int]]:
    children = sorted(tree.children[joint], key=lambda child: -float(tree.reach[child]))
    long = [child for child in children if tree.reach[child] > 0]
    if len(long) > 1:
        return [chain for child in long for chain in _from(tree, child)]
    return [[joint, *_from(tree, children[0])[0]]] if children else [[joint]]


def _span(tree: Tree, chain: list[int]) -> float:
    return float(np.linalg.norm(tree.heads[chain[-1]] - tree.heads[chain[0]]))
