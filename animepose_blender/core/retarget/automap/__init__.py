"""Automatic mapping: the slots of a rig of unknown names, by names, hierarchy and rest geometry together.

Names and shape propose slots independently of each other. Where both agree a bone is sure; where one is silent the
other counts for less; where they contradict each other the bone is doubtful. Sequence: `tokens` reads names with the
vocabulary of `words` and `marks`, `by_name` makes slots of them; `tree`, `limbs` and `body` find a body whatever the
names, `by_shape` and `hand` make slots of it; `evidence` lays both side by side, `middle` and `sides` decide.
"""

from __future__ import annotations

import numpy as np

from ..armature import Armature
from ..rig_map import DOUBTFUL_BELOW, RigMap
from ..slots import MAIN
from .evidence import Evidence, evidence_of
from .middle import Found, middle_slots
from .sides import sided_slots

LEAST_UPRIGHT = 0.4
"""Cosine between the legs and the way from the shoulders to the hips: 1 standing, 0.7 seated, 0 on four feet."""
FEWEST_MAIN = 10
"""Main slots that a rig must fill without doubt to be called humanoid."""


def map_automatically(armature: Armature) -> RigMap:
    """Which bone fills which slot, with an honest score each; nothing is raised for a rig that is no humanoid.

    Args:
        armature: at rest; any orientation and scale.
    Returns:
        A map without family. Main slots of a rig that is no humanoid are empty or doubtful (`is_humanoid`).
    """
    if not armature.names:
        return RigMap({})
    evidence = evidence_of(armature)
    middle, sided = middle_slots(evidence), sided_slots(evidence)
    if evidence.shadowed:
        middle = {
            slot: (bone, score if evidence.readings[bone].fk else min(score, 0.55))
            for slot, (bone, score) in middle.items()
        }
    found = _each_once(middle | sided)
    if not _upright(evidence, found):
        found = {slot: (bone, min(score, 0.5)) for slot, (bone, score) in found.items()}
    sure = sum(slot in MAIN and score >= DOUBTFUL_BELOW for slot, (_, score) in found.items())
    if sure < FEWEST_MAIN:
        found = {slot: (bone, min(score, 0.5)) for slot, (bone, score) in found.items()}
    bones = {slot: armature.names[bone] for slot, (bone, _) in found.items()}
    return RigMap(bones, {slot: round(float(score), 3) for slot, (_, score) in found.items()})


def is_humanoid(rig_map: RigMap) -> bool:
    """Whether a map is of a humanoid at all: most main slots are filled without doubt."""
    return sum(rig_map.score(slot) >= DOUBTFUL_BELOW for slot in MAIN) >= FEWEST_MAIN


def _upright(evidence: Evidence, found: Found) -> bool:
    """Whether the legs lead away from the trunk, and not across it as those of animals on four feet."""
    heads = evidence.armature.heads
    places = {}
    for part in ("thigh", "foot", "upper_arm"):
        bones = [found[slot][0] for slot in (f"{part}.L", f"{part}.R") if slot in found]
        if not bones:
            return True
        places[part] = heads[bones].mean(0)
    legs, trunk = places["foot"] - places["thigh"], places["upper_arm"] - places["thigh"]
    lengths = float(np.linalg.norm(legs) * np.linalg.norm(trunk))
    return float(legs @ trunk) < -LEAST_UPRIGHT * lengths


def _each_once(found: Found) -> Found:
    """Of the slots that claim one bone the surest keeps it, a main one first."""
    order = sorted(found, key=lambda slot: (-found[slot][1], slot not in MAIN))
    taken: set[int] = set()
    kept: Found = {}
    for slot in order:
        bone = found[slot][0]
        if bone not in taken:
            taken.add(bone)
            kept[slot] = found[slot]
    return kept
