"""Motion handed on where source and target differ in what they have: spines, necks, toes, collars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..swing_twist import slerp
from .slots import FINGER, NECK, SIDES, SPINE

ONE_BONE_AT = 0.75
"""A spine of one bone turns like a longer one's this far up: it carries the shoulders, and they matter most."""


def along_chain(turns: Sequence[np.ndarray], at: Sequence[float], wanted: Sequence[float]) -> list[np.ndarray]:
    """Rotations between those of a chain.

    Args:
        turns: N rotations (F, 4), at least one.
        at: (N,) their places along the chain, increasing.
        wanted: places to read off; beyond the ends the end's rotation counts.
    """
    made = []
    for place in wanted:
        place = float(np.clip(place, at[0], at[-1]))
        upper = int(np.clip(np.searchsorted(at, place), 1, max(len(at) - 1, 1)))
        if len(at) == 1:
            made.append(turns[0])
            continue
        span = at[upper] - at[upper - 1]
        share = 0.0 if span <= 0 else (place - at[upper - 1]) / span
        made.append(turns[upper - 1] if share == 0 else slerp(turns[upper - 1], turns[upper], share))
    return made


def _places(heads_m: Mapping[str, np.ndarray], chain: Sequence[str], end_m: np.ndarray) -> list[float]:
    """(N,) where each bone's middle lies: 0 the first bone's, 1 the last one's."""
    points = np.stack([heads_m[slot] for slot in chain] + [end_m])
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    middles = np.cumsum(lengths) - lengths / 2
    span = middles[-1] - middles[0]
    if len(chain) < 2 or span <= 0:
        return np.linspace(0, 1, len(chain)).tolist()
    return ((middles - middles[0]) / span).tolist()


def _end_of_spine(heads_m: Mapping[str, np.ndarray], chain: Sequence[str]) -> np.ndarray:
    above = next((heads_m[slot] for slot in (*NECK, "head") if slot in heads_m), None)
    if above is not None:
        return above
    arms = [heads_m[f"upper_arm.{side}"] for side in SIDES if f"upper_arm.{side}" in heads_m]
    return np.mean(arms, axis=0) if arms else heads_m[chain[-1]]


def spine_turns(
    source: Mapping[str, np.ndarray],
    source_heads_m: Mapping[str, np.ndarray],
    target_heads_m: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Rotations of the target's spine: the source's spread over as many bones as there are.

    Args:
        source: slot → (F, 4) of at least the pelvis; comparable with the target's, see `rest_frames`.
        source_heads_m, target_heads_m: slot → (3,) at rest.
    """
    theirs = [slot for slot in SPINE if slot in source]
    ours = [slot for slot in SPINE if slot in target_heads_m]
    if not ours:
        return {}
    if not theirs:
        return dict.fromkeys(ours, source["pelvis"])
    turns = [source[slot] for slot in theirs]
    at = _places(source_heads_m, theirs, _end_of_spine(source_heads_m, theirs))
    wanted = _places(target_heads_m, ours, _end_of_spine(target_heads_m, ours))
    if len(theirs) == 1:  # from the pelvis, which does not bend, up to the one bone
        turns, at = [source["pelvis"], *turns], [0.0, 1.0]
        wanted = [(number + 1) / len(ours) for number in range(len(ours))]
    elif len(ours) == 1:
        wanted = [ONE_BONE_AT]
    return dict(zip(ours, along_chain(turns, at, wanted), strict=True))


def neck_turns(
    source: Mapping[str, np.ndarray], chest: np.ndarray, target_slots: Sequence[str]
) -> dict[str, np.ndarray]:
    """Rotations of the target's neck, between chest and head."""
    ours = [slot for slot in NECK if slot in target_slots]
    theirs = [slot for slot in NECK if slot in source]
    turns, at = [chest], [0.0]
    for number, slot in enumerate(theirs):
        turns.append(source[slot])
        at.append((number + 0.5) / len(theirs))
    if "head" in source:
        turns.append(source["head"])
        at.append(1.0)
    wanted = [(number + 0.5) / len(ours) for number in range(len(ours))]
    if not theirs:
        wanted = [(number + 1) / (len(ours) + 1) for number in range(len(ours))]
    return dict(zip(ours, along_chain(turns, at, wanted), strict=True))


def complete(
    source: Mapping[str, np.ndarray],
    source_heads_m: Mapping[str, np.ndarray],
    target_heads_m: Mapping[str, np.ndarray],
    fingers: bool,
) -> dict[str, np.ndarray]:
    """Rotations for every slot of the target that the source has something to say about.

    A toe that the source lacks follows its foot, a collar the chest. Other parts that it lacks are left out.

    Args:
        source: slot → (F, 4), comparable with the target's.
        source_heads_m, target_heads_m: slot → (3,) at rest; the target's say which slots it has.
        fingers: whether fingers are wanted.
    """
    wanted = list(target_heads_m)
    made = {slot: turn for slot, turn in source.items() if slot in target_heads_m and slot not in (*SPINE, *NECK)}
    made |= spine_turns(source, source_heads_m, target_heads_m)
    theirs = [source[slot] for slot in SPINE if slot in source]
    chest = theirs[-1] if theirs else source["pelvis"]
    made |= neck_turns(source, chest, wanted)
    for side in SIDES:
        for slot, carrier in ((f"shoulder.{side}", chest), (f"toe.{side}", source.get(f"foot.{side}"))):
            if slot in target_heads_m and slot not in made and carrier is not None:
                made[slot] = carrier
    return {slot: turn for slot, turn in made.items() if fingers or slot.rpartition(".")[0] not in FINGER}
