"""What is known of a rig: names and shape side by side, in bones of the armature, and how far each is believed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..armature import Armature
from ..slots import LIMB_SLOTS, SIDES
from .body import Body, Pair, bodies_in
from .by_name import Lineage, Named, named_slots
from .by_shape import Shape, shape_slots
from .limbs import Limb
from .tokens import Reading, read_names
from .tree import Tree, tree_of

CLEAR_BODY, BODY_SPREAD = 4.5, 0.4
"""Misfit of a body that is believed by half, and the step that makes a difference. Humanoid rigs have mostly under 2 in
their usual rest poses, 3.7 at most; four-legged animals and birds 5 and more."""
NO_BODY = 9.0
"""Misfit beyond which the best body says nothing, and names decide alone."""
FEWEST = 8
"""Bones of the smallest humanoid."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that slots are decided on."""

    armature: Armature
    readings: list[Reading]
    named: Named
    lineage: Lineage
    tree: Tree | None
    body: Body | None
    shape: Shape | None

    @cached_property
    def shaped(self) -> dict[str, int]:
        """Slot → bone by shape; the sides are those that names say where most disagree."""
        if self.shape is None or self.tree is None:
            return {}
        bones = {slot: self.tree.bones[joint] for slot, joint in self.shape.joints.items() if joint > 0}
        if not self.sides_swapped:
            return bones
        swap = {"L": "R", "R": "L"}
        return {slot[:-1] + swap[slot[-1]] if slot[-2:-1] == "." else slot: bone for slot, bone in bones.items()}

    @cached_property
    def side_votes(self) -> tuple[int, int]:
        """How many limb bones have the side by shape that their names say, and how many the other."""
        if self.shape is None or self.tree is None:
            return 0, 0
        same = other = 0
        for slot, joint in self.shape.joints.items():
            side = self.readings[self.tree.bones[joint]].side if joint > 0 else ""
            if slot[-2:-1] == "." and side:
                same, other = same + (side == slot[-1]), other + (side != slot[-1])
        return same, other

    @property
    def sides_swapped(self) -> bool:
        """Whether the names call left what the shape calls right."""
        same, other = self.side_votes
        return other > same

    @property
    def sides_known(self) -> bool:
        """Whether names tell sides."""
        return sum(self.side_votes) >= 4

    @cached_property
    def trust(self) -> float:
        """How sure the body is one, 0 to 1, by shape alone."""
        if self.body is None:
            return 0.0
        return float(1.0 / (1.0 + np.exp(np.clip((self.body.misfit - CLEAR_BODY) / BODY_SPREAD, -30, 30))))

    @cached_property
    def size(self) -> float:
        """Length of a leg and the trunk, or what stands for it; armature units."""
        if self.body is not None:
            return self.body.size
        heads = self.armature.heads
        return float(np.linalg.norm(np.ptp(heads, axis=0))) if len(heads) else 1.0

    def apart(self, one: int, two: int) -> float:
        """Distance of two heads as a share of the size."""
        heads = self.armature.heads
        return float(np.linalg.norm(heads[one] - heads[two])) / max(self.size, 1e-12)

    @cached_property
    def shadowed(self) -> frozenset[str]:
        """Limbs that two chains of bones lie in, such as deforming bones and the controls that move them."""
        found: set[str] = set()
        for limb, slots in LIMB_SLOTS.items():
            bones = [self.named.bones.get(slot, self.shaped.get(slot, -1)) for slot in slots[:2]]
            if min(bones) >= 0 and self._has_shadow(*bones):
                found.add(limb)
        return frozenset(found)

    def _has_shadow(self, upper: int, lower: int) -> bool:
        heads = self.armature.heads
        near = 0.01 * self.size
        at_upper, at_lower = (
            [
                int(b)
                for b in np.flatnonzero(np.linalg.norm(heads - heads[bone], axis=1) < near)
                if b != bone and not self.readings[b].helper
            ]
            for bone in (upper, lower)
        )
        chain = {upper, lower}
        return any(
            self.lineage.related(u, b) == 1
            and self.lineage.related(upper, u) == 0
            and self.lineage.related(lower, b) == 0
            for u in at_upper
            for b in at_lower
            if not {u, b} & chain
        )


def evidence_of(armature: Armature) -> Evidence:
    """Look at a rig by names and by shape."""
    readings = read_names(armature.names)
    named = named_slots(armature, readings)
    lineage = Lineage(armature.parents)
    best: tuple[float, Tree, Body] | None = None
    for cost, kept in _masks(armature, readings):
        if int(kept.sum()) < FEWEST:
            continue
        tree = tree_of(armature, kept)
        body = next(iter(bodies_in(tree)), None)
        if body is not None and (best is None or body.misfit + cost < best[0]):
            best = (body.misfit + cost, tree, body)
        if best is not None and best[0] < CLEAR_BODY - 1:
            break
    if best is None or best[2].misfit > NO_BODY:
        kept = np.array([not reading.helper for reading in readings], bool)
        tree = tree_of(armature, kept)
        body = _named_body(tree, named)
        best = None if body is None else (np.inf, tree, body)
    if best is None:
        return Evidence(armature, readings, named, lineage, None, None, None)
    _, tree, body = best
    return Evidence(armature, readings, named, lineage, tree, body, shape_slots(armature, tree, body))


def _named_body(tree: Tree, named: Named) -> Body | None:
    """A body of the limbs that names propose, for a rig whose shape says nothing; with an endless misfit."""
    pairs: list[Pair] = []
    for limb in ("leg", "arm"):
        bones = [[named.bones.get(slot, -1) for slot in LIMB_SLOTS[f"{limb}.{side}"]] for side in SIDES]
        joints = [tuple(tree.joint_of.get(bone, 0) for bone in chain) for chain in bones]
        if min(map(min, bones)) < 0 or min(map(min, joints)) == 0:
            return None
        hub = tree.meeting(joints[0][0], joints[1][0])
        limbs = []
        for first, middle, end in joints:
            upper, lower = (
                float(np.linalg.norm(tree.heads[b] - tree.heads[a])) for a, b in ((first, middle), (middle, end))
            )
            way = tree.way_up(first, hub)
            if hub in (first, 0) or min(upper, lower) <= 0:
                return None
            limbs.append(Limb(way[-2], (first, middle, end), np.inf, upper, lower))
        pairs.append(Pair(hub, tuple(limbs), np.inf))
    legs, arms = pairs
    trunk = arms.middle(tree, 0) - legs.middle(tree, 0)
    length = float(np.linalg.norm(trunk))
    return Body(legs, arms, np.inf, trunk / length, legs.length + length) if length > 0 else None


def _masks(armature: Armature, readings: list[Reading]) -> list[tuple[float, np.ndarray]]:
    """Which bones to look at for a body, the most promising first, with a misfit for the less promising."""
    helper = np.array([reading.helper for reading in readings], bool)
    fk = np.array([reading.fk for reading in readings], bool)
    deform = armature.deform if armature.deform.any() else np.ones(len(readings), bool)
    masks: list[tuple[float, np.ndarray]] = []
    if int((fk & ~deform).sum()) >= 8:
        masks.append((0.0, ~helper & ~deform))
    for cost, mask in ((0.0, deform & ~helper), (0.3, deform), (0.6, ~helper), (1.0, np.ones(len(readings), bool))):
        if not any(np.array_equal(mask, other) for _, other in masks):
            masks.append((cost, mask))
    return masks
