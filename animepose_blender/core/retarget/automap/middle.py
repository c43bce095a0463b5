"""Pelvis, spine, neck, head and root: names and shape together."""

from __future__ import annotations

import numpy as np

from ..slots import NECK, SPINE
from .by_name import is_control_rig
from .evidence import Evidence

NEAR_HIPS = 0.26
"""A pelvis' head lies that near the middle of the hips, as a share of leg and trunk; a root on the ground does not."""
CLOSE = 0.6
"""Misfit by which the next best head must be worse to be ruled out."""
BY_SHAPE = 0.8
"""Score of a bone of the middle that only a clear shape speaks for."""

Found = dict[str, tuple[int, float]]
"""Slot → bone and score."""


def middle_slots(evidence: Evidence) -> Found:
    """The slots without sides."""
    found: Found = {}
    pelvis = _pelvis(evidence)
    if pelvis is not None:
        found["pelvis"] = pelvis
    head = _head(evidence)
    if head is not None:
        found["head"] = head
    pelvis_bone, head_bone = (entry[0] if entry else -1 for entry in (pelvis, head))
    spine, neck = _spine_and_neck(evidence, pelvis_bone, head_bone)
    for slots, bones in ((SPINE, spine), (NECK, neck)):
        kept = bones if len(bones) <= len(slots) else [*bones[: len(slots) - 1], bones[-1]]
        found |= dict(zip(slots, kept))
    root = _root(evidence, pelvis_bone)
    if root is not None and root[0] not in {bone for bone, _ in found.values()}:
        found["root"] = root
    return found


def _word(evidence: Evidence, bone: int, part: str) -> float:
    reading = evidence.readings[bone]
    return 0.0 if reading.helper or reading.side else reading.parts.get(part, 0.0) * 0.85**reading.unknown


def _from_hips(evidence: Evidence, bone: int) -> float:
    """Distance of a bone's head from the middle of the hips, as a share of the size; 0 if there is no body."""
    if evidence.body is None or evidence.tree is None:
        return 0.0
    hips = evidence.body.legs.middle(evidence.tree, 0)
    return float(np.linalg.norm(evidence.armature.heads[bone] - hips)) / evidence.size


def _pelvis(evidence: Evidence) -> tuple[int, float] | None:
    named, shaped = evidence.named.bones.get("pelvis"), evidence.shaped.get("pelvis")
    if shaped is not None and named is None:
        wrong_word = evidence.readings[shaped].helper or any(_word(evidence, shaped, p) > 0.5 for p in ("neck", "head"))
        return shaped, 0.3 if wrong_word else BY_SHAPE * evidence.trust
    if named is None:
        return None
    strength = evidence.named.strength["pelvis"]
    if shaped is None:
        return named, min(0.75, strength) if _from_hips(evidence, named) < NEAR_HIPS else 0.5
    if is_control_rig(evidence.readings):
        return _top_control(evidence, named), 0.55
    if named == shaped:
        return named, 0.6 + 0.2 * strength + 0.2 * evidence.trust
    if _word(evidence, shaped, "pelvis") >= 0.35 and _word(evidence, shaped, "root") < 0.5:
        return shaped, 0.7
    if _from_hips(evidence, named) < NEAR_HIPS:
        above = evidence.lineage.related(named, shaped) == 1
        return named, 0.8 * strength if above else 0.65 * strength
    return shaped, 0.5


def _top_control(evidence: Evidence, pelvis: int) -> int:
    """The highest bone of the hierarchy near the hips that is named for them: it moves legs and trunk."""
    above = sorted(evidence.lineage.above(pelvis), key=lambda bone: evidence.lineage.depth[bone])
    words = ("pelvis", "spine", "root")
    return next(
        (
            bone
            for bone in above
            if _from_hips(evidence, bone) < NEAR_HIPS and any(_word(evidence, bone, part) > 0.25 for part in words)
        ),
        pelvis,
    )


def _head(evidence: Evidence) -> tuple[int, float] | None:
    named, shaped = evidence.named.bones.get("head"), evidence.shaped.get("head")
    if shaped is not None and named is None:
        close = evidence.shape is not None and evidence.shape.trunk.head_margin < CLOSE
        return shaped, (0.5 if close or evidence.readings[shaped].helper else BY_SHAPE) * evidence.trust
    if named is None:
        return None
    strength = evidence.named.strength["head"]
    if named == shaped:
        return named, 0.6 + 0.2 * strength + 0.2 * evidence.trust
    if evidence.tree is not None and evidence.shape is not None:
        on_way = named in {evidence.tree.bones[joint] for joint in evidence.shape.trunk.above}
        return named, strength * (0.9 if on_way else 0.7)
    return named, 0.7 * strength


def _spine_and_neck(evidence: Evidence, pelvis: int, head: int) -> tuple[list[tuple[int, float]], ...]:
    """Bones between pelvis and head with their scores: up to the shoulders the spine, beyond them the neck."""
    named_spine = [bone for bone in evidence.named.spine if bone not in (pelvis, head)]
    named_neck = [bone for bone in evidence.named.neck if bone not in (pelvis, head)]
    if evidence.tree is None or evidence.shape is None or evidence.body is None:
        return [(bone, 0.6) for bone in named_spine], [(bone, 0.6) for bone in named_neck]
    tree, trunk = evidence.tree, evidence.shape.trunk
    chest = tree.bones[evidence.body.arms.hub]
    way = _way(evidence, chest, pelvis) if chest >= 0 else []
    beyond = [tree.bones[joint] for joint in trunk.above]
    beyond = beyond[: beyond.index(head)] if head in beyond else _way(evidence, head, chest)[:-1] if head >= 0 else []
    way, scattered = _with_scattered(evidence, way, named_spine, pelvis, chest)
    missed = [bone for bone in named_spine if bone not in way and bone not in beyond]
    if (not way and named_spine) or len(missed) > len(way):
        up = evidence.shape.up
        ordered = sorted(named_spine, key=lambda bone: float(evidence.armature.heads[bone] @ up))
        return [(bone, 0.55) for bone in ordered], [(bone, 0.55) for bone in named_neck]
    if named_neck and any(bone in beyond for bone in named_neck):
        first = next(number for number, bone in enumerate(beyond) if bone in named_neck)
        lower = [bone for bone in beyond[:first] if _word(evidence, bone, "spine") > 0.3]
        spine, neck = way + lower, [bone for bone in beyond[first:] if bone in named_neck or not _named(evidence, bone)]
    else:
        spine, neck = way, beyond
    late = [bone for bone in spine if bone in named_neck]
    if late and len(spine) > len(late):
        spine, neck = [bone for bone in spine if bone not in late], late + neck
    if any(bone in named_spine for bone in spine):
        spine = [bone for bone in spine if bone in named_spine or not _named(evidence, bone)]
        spine = _without_unnamed_doubles(evidence, spine, named_spine)
    scored = _scored(evidence, spine, "spine")
    if scattered:
        scored = [(bone, min(score, 0.55)) for bone, score in scored]
    return scored, _scored(evidence, neck, "neck")


def _with_scattered(
    evidence: Evidence, way: list[int], named: list[int], pelvis: int, chest: int
) -> tuple[list[int], bool]:
    """The way with named bones that lie between pelvis and chest but hang elsewhere, as FK controls may."""
    assert evidence.shape is not None
    assert evidence.body is not None and evidence.tree is not None
    if min(pelvis, chest) < 0:
        return way, False
    heights = evidence.armature.heads @ evidence.shape.up / evidence.size
    hips = float(evidence.body.legs.middle(evidence.tree, 0) @ evidence.shape.up) / evidence.size
    limbs = [bone for slot, bone in evidence.shaped.items() if slot.startswith(("thigh", "upper_arm"))]
    hub = evidence.tree.bones[evidence.body.legs.hub]
    apart = {*way, pelvis, hub}
    more = [
        bone
        for bone in named
        if bone not in apart and hips + 0.02 < heights[bone] < heights[chest] + 0.01
        if evidence.readings[bone].fk or any(evidence.lineage.related(bone, limb) == 1 for limb in limbs)
    ]
    if not more and hub in named and hub not in (*way, pelvis):
        return [hub, *way], True
    if not more:
        return way, False
    return sorted([*way, *more], key=lambda b: (round(float(heights[b]), 2), evidence.readings[b].numbers)), True


def _way(evidence: Evidence, low: int, high: int) -> list[int]:
    """Bones of the tree from below `high` down to `low`, the upper ones of the hierarchy first."""
    assert evidence.tree is not None
    tree = evidence.tree
    joint = tree.joint_of.get(low, 0)
    stop = tree.joint_of.get(high, 0)
    if evidence.shape is not None and (not stop or not tree.holds(stop, joint)):
        hub = evidence.body.legs.hub if evidence.body else 0
        stop = tree.meeting(joint, hub)
    way = [tree.bones[j] for j in tree.way_up(joint, stop) if j != stop and j > 0]
    return [bone for bone in way[::-1] if bone != high]


def _named(evidence: Evidence, bone: int) -> bool:
    return bool(evidence.readings[bone].parts) or evidence.readings[bone].helper


def _without_unnamed_doubles(evidence: Evidence, bones: list[int], named: list[int]) -> list[int]:
    return [b for b in bones if b in named or all(evidence.apart(b, other) > 0.01 for other in bones if other != b)]


def _scored(evidence: Evidence, bones: list[int], part: str) -> list[tuple[int, float]]:
    scored = []
    for bone in bones:
        word = _word(evidence, bone, part)
        other = max((w for p, w in evidence.readings[bone].parts.items() if p != part), default=0.0)
        score = 0.6 + 0.2 * word + 0.2 * evidence.trust if word > 0.25 else BY_SHAPE * evidence.trust
        scored.append((bone, score if word > 0.25 or other < 0.5 else 0.8 * score))
    return scored


def _root(evidence: Evidence, pelvis: int) -> tuple[int, float] | None:
    """The bone above the pelvis that moves all, if one lies away from the hips or is named so."""
    if pelvis < 0:
        return None
    above = sorted(evidence.lineage.above(pelvis), key=lambda bone: evidence.lineage.depth[bone])
    named = [bone for bone in above if _word(evidence, bone, "root") > 0.25]
    if named:
        return named[0], 0.9
    far = [bone for bone in above if _from_hips(evidence, bone) > NEAR_HIPS and not evidence.readings[bone].helper]
    return (far[0], 0.65 * evidence.trust) if far and evidence.body is not None else None
