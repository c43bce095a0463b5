"""The slots that hierarchy and rest geometry alone propose: the best body of a tree, its trunk, sides and hands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..armature import Armature
from .body import Body, Pair
from .hand import fingers_of
from .tree import Tree

HEAD_HEIGHT, HEAD_SPREAD = 0.13, 0.06
"""Joint of the head above the shoulders, as a share of leg and trunk together."""
FACE_STEP = 0.05
"""A joint with many children that lies as near to the one before may be a bone of the face, not the head's."""
LONG_FOOT = 0.13
"""From ankle to toes, as a share of the leg; a heel lies nearer, and behind."""
LEAST_RISE = 0.7
"""Cosine to the upright of a step from neck to head; one that leads more to the front goes into the face."""


@dataclass(frozen=True)
class Trunk:
    """Joints of the middle."""

    pelvis: int
    spine: list[int]
    neck: list[int]
    head: int
    """0 = none."""
    above: list[int]
    """All joints beyond the last of the spine, up to the top."""
    head_margin: float
    """How much worse the next best head is."""


@dataclass(frozen=True)
class Shape:
    """What the shape of a rig proposes."""

    joints: dict[str, int]
    """Slot → joint."""
    trunk: Trunk
    facing: float
    """-1 to 1: how plainly feet, knees, elbows and face say what is in front; 0 = not at all. Never negative."""
    left: np.ndarray
    """(3,) unit, armature axes."""
    up: np.ndarray


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def toe_of(tree: Tree, foot: int, knee: int, up: np.ndarray) -> int:
    """The joint below a foot that lies furthest in front or behind, of several the innermost; 0 = none."""
    children = tree.children[foot]
    if not children:
        return 0
    flat = [_flat(tree.heads[child] - tree.heads[foot], up) for child in children]
    lengths = np.array([np.linalg.norm(vector) for vector in flat])
    shin = float(np.linalg.norm(tree.heads[foot] - tree.heads[knee]))
    longest = float(lengths.max())
    if not 0.08 * shin < longest < 0.8 * shin:
        return 0
    far = [child for child, length in zip(children, lengths) if length > 0.75 * longest]
    middle = tree.heads[1:].mean(0)
    aside = [float(np.linalg.norm(_flat(tree.heads[child] - middle, up))) for child in far]
    return min(zip(far, aside), key=lambda one: (round(one[1] / shin, 2), -tree.reach[one[0]]))[0]


def _flat(vector: np.ndarray, up: np.ndarray) -> np.ndarray:
    return vector - up * float(vector @ up)


def trunk_of(tree: Tree, body: Body) -> Trunk:
    """The joints of the middle of a body."""
    hips, chest = body.legs.hub, body.arms.hub
    meeting = tree.meeting(chest, hips)
    near_m = 0.01 * body.size
    middle = body.legs.middle(tree, 0)
    near = float(np.linalg.norm(tree.heads[meeting] - middle)) < 0.4 * body.legs.length
    pelvis = meeting if meeting > 0 and near else hips
    lowest = meeting if not tree.holds(pelvis, chest) else pelvis
    spine = [joint for joint in tree.way_up(chest, lowest)[::-1] if joint not in (lowest, pelvis, 0)]
    above = _way_to_top(tree, body, chest)
    head, margin = _head_among(tree, body, above)
    while head and above[0] != head and np.linalg.norm(tree.heads[tree.parents[head]] - tree.heads[head]) < near_m:
        head = tree.parents[head]
    neck = above[: above.index(head)] if head else []
    return Trunk(pelvis, spine, neck[:3], head, above, margin)


def _way_to_top(tree: Tree, body: Body, chest: int) -> list[int]:
    """From the chest on to the highest joint near the middle that is not of a limb."""
    arms = [tree.below(limb.branch) for limb in body.arms.limbs]
    across = _unit(body.legs.across(tree))
    middle = body.legs.middle(tree, 0)
    way: list[int] = []
    at = chest
    while True:
        options = [child for child in tree.children[at] if not any(child in arm for arm in arms)]
        best, height = 0, -np.inf
        for child in options:
            aside = max(
                abs(float((tree.heads[child] - middle) @ across)),
                abs(float((tree.heads[list(tree.below(child))].mean(0) - middle) @ across)),
            )
            if aside > 0.06 * body.size or _has_twin(tree, child, options, across, 0.01 * body.size):
                continue
            top = float(((tree.heads[list(tree.below(child))] - middle) @ body.up).max())
            straight = top - 3.0 * aside - 0.5 * abs(float((tree.heads[child] - tree.heads[at]) @ body.up) <= 0) * top
            if straight > height:
                best, height = child, straight
        if not best:
            return way
        way.append(best)
        at = best


def _has_twin(tree: Tree, joint: int, others: list[int], across: np.ndarray, near: float) -> bool:
    """Whether another joint of the same parent mirrors one that lies beside the middle."""
    places = tree.heads - tree.heads[tree.parents[joint]]
    aside = float(places[joint] @ across)
    mirror = places[joint] - 2 * aside * across
    return abs(aside) > near and any(np.linalg.norm(places[o] - mirror) < 2 * near for o in others if o != joint)


def _head_among(tree: Tree, body: Body, above: list[int]) -> tuple[int, float]:
    """The joint of the head, and how much worse the next best is."""
    shoulders = float((body.arms.middle(tree, 0) - body.legs.middle(tree, 0)) @ body.up)
    ways: list[tuple[float, int]] = []
    past_fan = 0.0
    for number, joint in enumerate(above):
        height = float((tree.heads[joint] - body.legs.middle(tree, 0)) @ body.up) - shoulders
        misfit = 0.5 * ((height / body.size - HEAD_HEIGHT) / HEAD_SPREAD) ** 2
        many = len(tree.children[joint])
        misfit += past_fan - (1.5 if many >= 3 else 0.0)
        past_fan += 2.0 if many >= 3 else 0.0
        step = joint if not number else tree.parents[joint]
        misfit += 2.0 if number and float(_unit(tree.heads[joint] - tree.heads[step]) @ body.up) < LEAST_RISE else 0.0
        misfit += 1.0 if not many and number and not _has_length(tree, joint) else 0.0
        ways.append((float(misfit), joint))
    ways.sort()
    if not ways:
        return 0, np.inf
    head = ways[0][1]
    is_face = head != above[0] and len(tree.children[head]) >= 3 and tree.to_parent[head] < FACE_STEP * body.size
    return head, 0.0 if is_face else ways[1][0] - ways[0][0] if len(ways) > 1 else np.inf


def _has_length(tree: Tree, joint: int) -> bool:
    """Whether a last bone is longer than half of the way to it: tips are short."""
    length = float(np.linalg.norm(tree.tails[joint] - tree.heads[joint]))
    return length > 0.5 * float(tree.to_parent[joint])


def facing_of(tree: Tree, body: Body, trunk: Trunk) -> tuple[np.ndarray, float]:
    """(3,) unit direction in front, and how sure it is, 0 to 1."""
    across = body.legs.across(tree)
    axis = _unit(np.cross(body.up, across))
    votes: list[tuple[float, float]] = []
    for limb in body.legs.limbs:
        hip, knee, foot = (tree.heads[joint] for joint in limb.joints)
        toe = toe_of(tree, limb.joints[2], limb.joints[1], body.up)
        for weight, way in ((3.0, tree.heads[toe] - foot), (1.0, tree.tails[limb.joints[2]] - foot)):
            flat = _flat(way, body.up)
            long = float(np.linalg.norm(flat)) / (LONG_FOOT * limb.length)
            if (toe or weight == 1.0) and long > 0.3:
                votes.append((weight * min(1.0, long**2), float(_unit(flat) @ axis)))
        votes.append((1.0, _bend(hip, knee, foot, axis, limb.length)))
    for limb in body.arms.limbs:
        shoulder, elbow, hand = (tree.heads[joint] for joint in limb.joints)
        votes.append((0.5, -_bend(shoulder, elbow, hand, axis, limb.length)))
    if trunk.head:
        below = [joint for joint in tree.below(trunk.head) if joint != trunk.head]
        if below:
            front = float(np.median((tree.heads[below] - tree.heads[trunk.head]) @ axis))
            votes.append((0.5, float(np.clip(front / (0.02 * body.size), -1, 1))))
    total = sum(weight * vote for weight, vote in votes)
    sure = abs(total) / max(sum(weight for weight, _ in votes), 4.0)
    return (axis if total >= 0 else -axis), min(1.0, 1.4 * sure)


def _bend(start: np.ndarray, middle: np.ndarray, end: np.ndarray, axis: np.ndarray, length: float) -> float:
    """-1 to 1: how far a middle joint stands out along an axis; 3 % of the limb is plain."""
    share = float(np.linalg.norm(middle - start)) / length
    return float(np.clip((middle - start - share * (end - start)) @ axis / (0.03 * length), -1, 1))


def shape_slots(armature: Armature, tree: Tree, body: Body) -> Shape:
    """The slots of a body: Slot → joint."""
    trunk = trunk_of(tree, body)
    forward, facing = facing_of(tree, body, trunk)
    left = _unit(np.cross(body.up, forward))
    joints: dict[str, int] = {}
    if trunk.pelvis:
        joints["pelvis"] = trunk.pelvis
    for number, joint in enumerate(_at_most(trunk.spine, 6), 1):
        joints[f"spine_{number}"] = joint
    for number, joint in enumerate(trunk.neck, 1):
        joints[f"neck_{number}"] = joint
    if trunk.head:
        joints["head"] = trunk.head
    for pair, parts in ((body.arms, ("upper_arm", "forearm", "hand")), (body.legs, ("thigh", "shin", "foot"))):
        for limb, side in zip(pair.limbs, _sides(tree, body, pair, left)):
            joints |= {f"{part}.{side}": joint for part, joint in zip(parts, limb.joints)}
            if parts[0] == "thigh":
                toe = toe_of(tree, limb.joints[2], limb.joints[1], body.up)
                joints |= {f"toe.{side}": toe} if toe else {}
            else:
                joints |= {f"shoulder.{side}": limb.branch} if limb.branch != limb.joints[0] else {}
                joints |= {f"{slot}.{side}": j for slot, j in fingers_of(armature, tree, limb).items()}
    return Shape(joints, trunk, facing, left, body.up)


def _at_most(joints: list[int], most: int) -> list[int]:
    return joints if len(joints) <= most else [*joints[: most - 1], joints[-1]]


def _sides(tree: Tree, body: Body, pair: Pair, left: np.ndarray) -> tuple[str, ...]:
    if len(pair.limbs) == 2:
        return ("R", "L") if float(pair.across(tree) @ left) > 0 else ("L", "R")
    middle = body.legs.middle(tree, 0)
    return ("L",) if float((tree.heads[pair.limbs[0].joints[0]] - middle) @ left) > 0 else ("R",)
