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
    """(2, 2, 3) the points of heel and toes that stand, see `Motion.rest_sole_m`."""
    sole_height_m: float
    """How high above what the figure stands on they lie."""


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
    source = figure_of(motion)
    theirs, body = source.rest, source.body
    at = {slot: armature.index[bone] for slot, bone in rig_map.bones.items() if slot != "root"}
    heads_m, tails_m = armature.in_world(armature.heads), armature.in_world(armature.tails)
    axes = np.concatenate([np.eye(3), armature.to_world[:3, :3].T / armature.scale])
    ours = Rest({s: heads_m[i] for s, i in at.items()}, {s: tails_m[i] for s, i in at.items()}, axes)
    target_body = body_frame(ours)
    bends = any(f"toe.{side}" in motion.index for side in SIDES)
    floor_m = soles(ours, target_body, armature.to_world[:3, 3], bends)
    their_floor_m = motion.rest_sole_m - motion.sole_height_m * body[:, 2]
    lengths = leg_length(ours, target_body, floor_m), leg_length(theirs, body, their_floor_m)
    ratio = lengths[0] / lengths[1] if min(lengths) > 0 else 1.0
    # The points that stand lie as high in the target's feet as in the source's.
    height_m = ratio * motion.sole_height_m
    points_m = floor_m + height_m * target_body[:, 2]
    target = Figure(ours, target_body, part_frames(ours, target_body), points_m, height_m)
    return Figures(source, target, ratio, _exchanged(target, rig_map))


def figure_of(motion: Motion) -> Figure:
    """What moves, at rest.

    Raises:
        ValueError: if it is no figure; see `compare`.
    """
    rest = Rest(
        dict(zip(motion.slots, motion.rest_head_m, strict=True)),
        dict(zip(motion.slots, motion.rest_tail_m, strict=True)),
        np.eye(3),
        motion.rest_knuckle_m,
    )
    body = body_frame(rest)
    return Figure(rest, body, part_frames(rest, body), motion.rest_sole_m, motion.sole_height_m)


def _exchanged(figure: Figure, rig_map: RigMap) -> list[str]:
    heads_m = figure.rest.heads_m
    return [
        f"{rig_map.bones[toe]} lies behind {rig_map.bones[foot]}: left and right of the map may be exchanged."
        for foot, toe in ((f"foot.{side}", f"toe.{side}") for side in SIDES)
        if foot in heads_m and toe in heads_m
        if angle_deg(heads_m[toe] - heads_m[foot], figure.body[:, 1]) < BACKWARDS_DEG
    ]
