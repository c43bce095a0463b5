"""Source and target at rest, made comparable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .armature import Armature
from .motion import Motion
from .rest_frames import part_frames
from .rig_map import RigMap
from .slots import SIDES
from .stance import Rest, angle_deg, body_frame, leg_length, soles

BACKWARDS_DEG = 60.0
"""Toes that lie this near to straight behind the ankle tell that the map's sides are exchanged."""


@dataclass(frozen=True, eq=False)
class Figure:
    """Source or target at rest; world axes, metres."""

    rest: Rest
    body: np.ndarray
    """(3, 3) its left, back and up, see `stance.body_frame`."""
    frames: Mapping[str, np.ndarray]
    """Slot → (3, 3), see `rest_frames`."""
    soles_m: np.ndarray
    """(2, 2, 3), see `stance.soles`."""


@dataclass(frozen=True, eq=False)
class Figures:
    """Both."""

    source: Figure
    target: Figure
    ratio: float
    """Length of the target's legs by the source's; 1 where one has none."""
    warnings: list[str]


def compare(motion: Motion, armature: Armature, rig_map: RigMap) -> Figures:
    """Source and target at rest.

    Raises:
        ValueError: if one of them is no figure: without two legs or arms, or without anything above the pelvis.
    """
    theirs = Rest(
        dict(zip(motion.slots, motion.rest_head_m, strict=True)),
        dict(zip(motion.slots, motion.rest_tail_m, strict=True)),
        np.eye(3),
        motion.rest_knuckle_m,
    )
    at = {slot: armature.index[bone] for slot, bone in rig_map.bones.items() if slot != "root"}
    heads_m, tails_m = armature.in_world(armature.heads), armature.in_world(armature.tails)
    axes = np.concatenate([np.eye(3), armature.to_world[:3, :3].T / armature.scale])
    ours = Rest({s: heads_m[i] for s, i in at.items()}, {s: tails_m[i] for s, i in at.items()}, axes)
    source = _figure(theirs, motion.rest_sole_m)
    target = _figure(ours, None, armature.to_world[:3, 3])
    lengths = [leg_length(one.rest, one.body, one.soles_m) for one in (target, source)]
    ratio = lengths[0] / lengths[1] if min(lengths) > 0 else 1.0
    return Figures(source, target, ratio, _exchanged(target, rig_map))


def _figure(rest: Rest, soles_m: np.ndarray | None, origin_m: np.ndarray | None = None) -> Figure:
    body = body_frame(rest)
    return Figure(rest, body, part_frames(rest, body), soles(rest, body, origin_m) if soles_m is None else soles_m)


def _exchanged(figure: Figure, rig_map: RigMap) -> list[str]:
    heads_m = figure.rest.heads_m
    return [
        f"{rig_map.bones[toe]} lies behind {rig_map.bones[foot]}: left and right of the map may be exchanged."
        for foot, toe in ((f"foot.{side}", f"toe.{side}") for side in SIDES)
        if foot in heads_m and toe in heads_m
        if angle_deg(heads_m[toe] - heads_m[foot], figure.body[:, 1]) < BACKWARDS_DEG
    ]
