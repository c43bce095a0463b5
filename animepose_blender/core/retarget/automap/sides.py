"""Arms, legs and fingers: names and shape together."""

from __future__ import annotations

import numpy as np

from ..slots import FINGER, LIMB_SLOTS, SIDES, mirrored
from .evidence import Evidence
from .limbs import ARM_KIND, LEG_KIND
from .middle import Found

BY_SHAPE, BY_NAME, AT_ODDS = 0.8, 0.78, 0.45
"""Scores of a bone that shape alone speaks for, names alone, and one that both disagree on."""
SAME_PLACE = 0.02
"""Distance of heads that makes two bones lie in the same place, as a share of the size."""
CLOSE = 1.2
"""Misfit by which the next best way to see a limb must be worse to be ruled out."""
PLAUSIBLE = 3.0
"""Misfit up to which a named limb can be one."""


def sided_slots(evidence: Evidence) -> Found:
    """The slots with sides."""
    found: Found = {}
    for limb, slots in LIMB_SLOTS.items():
        found |= _limb(evidence, limb, slots)
    for side in SIDES:
        found |= _beside(evidence, f"shoulder.{side}", f"upper_arm.{side}", found)
        found |= _beside(evidence, f"toe.{side}", f"foot.{side}", found)
        found |= _fingers(evidence, side)
    return _doubted(evidence, found)


def named_limb_misfit(evidence: Evidence, limb: str, slots: tuple[str, str, str]) -> float:
    """How badly the named bones of a limb fit one, by their lengths and those of the other side."""
    bones = [evidence.named.bones.get(slot, -1) for slot in slots]
    if min(bones) < 0:
        return np.inf
    upper, lower = _lengths(evidence, bones)
    kind = ARM_KIND if limb.startswith("arm") else LEG_KIND
    if min(upper, lower) <= 1e-6 * evidence.size:
        return np.inf
    misfit = 0.5 * (np.log(lower / upper / kind.lower_to_upper) / kind.lower_to_upper_spread) ** 2
    twins = [evidence.named.bones.get(mirrored(slot), -1) for slot in slots]
    if min(twins) >= 0:
        for one, two in zip((upper, lower), _lengths(evidence, twins)):
            misfit += 0.5 * (np.log(max(one, 1e-9) / max(two, 1e-9)) / 0.15) ** 2
    for one, two in ((bones[0], bones[1]), (bones[1], bones[2])):
        misfit += {1: 0.0, 0: 0.7, -1: 4.0}[evidence.lineage.related(one, two)]
    return float(misfit)


def _lengths(evidence: Evidence, bones: list[int]) -> tuple[float, float]:
    heads = evidence.armature.heads[bones]
    return float(np.linalg.norm(heads[1] - heads[0])), float(np.linalg.norm(heads[2] - heads[1]))


def _limb(evidence: Evidence, limb: str, slots: tuple[str, str, str]) -> Found:
    found: Found = {}
    misfit = named_limb_misfit(evidence, limb, slots)
    plausible = misfit < PLAUSIBLE
    for slot in slots:
        named, shaped = evidence.named.bones.get(slot), evidence.shaped.get(slot)
        strength = evidence.named.strength.get(slot, 0.0)
        if named is None and shaped is None:
            continue
        if named is None and shaped is not None:
            found[slot] = (shaped, _by_shape(evidence, slot, shaped))
        elif named is not None and shaped == named:
            found[slot] = (named, 0.6 + 0.2 * strength + 0.2 * evidence.trust)
        elif named is not None and shaped is not None and evidence.apart(named, shaped) < SAME_PLACE:
            doubt = not plausible or (evidence.readings[named].unknown > 0 and not evidence.readings[named].fk)
            found[slot] = (named, AT_ODDS if doubt else 0.6 + 0.3 * strength)
        elif named is not None:
            believed = BY_NAME * min(1.0, strength + 0.15) if plausible else AT_ODDS
            if shaped is not None and evidence.trust > 0.5:
                believed = min(believed, 0.7 if strength > 0.75 and misfit < 2.0 else AT_ODDS)
            found[slot] = (named, believed)
    return found


def _by_shape(evidence: Evidence, slot: str, bone: int) -> float:
    """Score of a bone that no name proposes."""
    reading = evidence.readings[bone]
    score = BY_SHAPE * evidence.trust
    part = slot.split(".")[0]
    if _margin(evidence, bone) < CLOSE:
        score = min(score, 0.5)
    if reading.helper or (reading.parts and max(reading.parts.values()) > 0.5 and part not in reading.parts):
        score = min(score, AT_ODDS)
    return score


def _margin(evidence: Evidence, bone: int) -> float:
    """How much worse the best other way to see the limb is that does without a bone."""
    if evidence.body is None or evidence.tree is None:
        return 0.0
    joint = evidence.tree.joint_of.get(bone, -1)
    return min(pair.margins.get(joint, np.inf) for pair in (evidence.body.arms, evidence.body.legs))


def _beside(evidence: Evidence, slot: str, main: str, found: Found) -> Found:
    """Clavicle and toes, which hang on a limb that is known."""
    named, shaped = evidence.named.bones.get(slot), evidence.shaped.get(slot)
    taken = {bone for bone, _ in found.values()}
    if main not in found:
        return {slot: (named, AT_ODDS)} if named is not None and named not in taken else {}
    limb, score = found[main]
    order = 1 if slot.startswith("shoulder") else -1
    if named is not None and named not in taken:
        right_way = evidence.lineage.related(named, limb) == order
        agreed = named == shaped
        return {slot: (named, max(0.9 if agreed else 0.0, 0.85 if right_way else 0.65))}
    if shaped is not None and shaped not in taken and evidence.shaped.get(main) == limb:
        reading = evidence.readings[shaped]
        misnamed = reading.helper or (bool(reading.parts) and slot.split(".")[0] not in reading.parts)
        return {slot: (shaped, min(score, AT_ODDS if misnamed else 0.75 * evidence.trust))}
    return {}


def _fingers(evidence: Evidence, side: str) -> Found:
    slots = [f"{part}.{side}" for part in FINGER]
    named = {slot: evidence.named.bones[slot] for slot in slots if slot in evidence.named.bones}
    shaped = {slot: evidence.shaped[slot] for slot in slots if slot in evidence.shaped}
    if not named:
        return {slot: (bone, 0.7 * evidence.trust) for slot, bone in shaped.items()
                if not evidence.readings[bone].helper}  # fmt: skip
    hand = evidence.named.bones.get(f"hand.{side}", evidence.shaped.get(f"hand.{side}", -1))
    found: Found = {}
    for slot, bone in named.items():
        below = hand >= 0 and evidence.lineage.related(hand, bone) == 1
        found[slot] = (bone, 0.95 if shaped.get(slot) == bone else 0.85 if below else 0.65)
    return found


def _doubted(evidence: Evidence, found: Found) -> Found:
    """Scores lowered where sides contradict each other, or where a second chain of bones lies in the same place."""
    facing = evidence.shape.facing if evidence.shape else 0.0
    capped: Found = {}
    for slot, (bone, score) in found.items():
        reading, side = evidence.readings[bone], slot[-1]
        if evidence.sides_swapped and facing > 0.35 and evidence.sides_known:
            score = min(score, 0.5)
        elif evidence.shape and reading.side and _on_other_side(evidence, bone, side):
            score = min(score, 0.4)
        if not evidence.sides_known and not reading.side:
            score = min(score, 0.25 + 0.7 * facing)
        limb = ("arm" if slot.split(".")[0] in ("shoulder", "upper_arm", "forearm", "hand") else "leg") + "." + side
        if limb in evidence.shadowed and not reading.fk and slot.rsplit(".")[0] not in FINGER:
            score = min(score, 0.55)
        capped[slot] = (bone, score)
    return capped


def _on_other_side(evidence: Evidence, bone: int, side: str) -> bool:
    """Whether a bone lies plainly on the other half of the body."""
    assert evidence.shape is not None and evidence.tree is not None and evidence.body is not None
    middle = evidence.body.legs.middle(evidence.tree, 0)
    left = evidence.shape.left * (-1.0 if evidence.sides_swapped else 1.0)
    aside = float((evidence.armature.heads[bone] - middle) @ left) / evidence.size
    return aside < -0.04 if side == "L" else aside > 0.04
