"""From a source's motion to the channels of a rig: the transfer as a whole.

Parts first, places after: every part of the target is turned like the source's (`rest_frames`, `chains`), the figure is
placed by its hips (`path`), and only then do feet, hands and offsets pull on limbs. So the directions of limbs are the
source's wherever nothing has to be held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .. import quaternions as quat
from .armature import Armature
from .chains import complete
from .controls import Controls, Keys
from .figures import Figures, compare
from .limb_ends import slot_heads, wanted_heads
from .motion import Motion
from .offsets import move_m, turn_parts
from .path import AtRest, Path, hip_path
from .posing import Placement, channels, pelvis_of, stand
from .pulls import bring_ends, hold_feet, hold_hands
from .rig_map import RigMap
from .settings import Settings
from .slots import SIDES

UPRIGHT = 0.9
"""Upward part of a rig's own up from which on it stands in the world."""


@dataclass(frozen=True, eq=False)
class Target:
    """The rig that gets the motion."""

    armature: Armature
    rig_map: RigMap
    controls: Controls
    to_world: np.ndarray
    """(4, 4), or (F, 4, 4) where the object itself moves; one scale for all axes."""


@dataclass(frozen=True, eq=False)
class Result:
    """What a transfer gives."""

    keys: list[Keys]
    heads_m: Mapping[str, np.ndarray]
    """Slot → (F, 3) world axes, metres."""
    turned: Mapping[str, np.ndarray]
    """Slot → (F, 4) rotation from rest, world axes."""
    warnings: list[str] = field(default_factory=list)


def transfer(motion: Motion, target: Target, settings: Settings, figures: Figures | None = None) -> Result:
    """Move a motion onto a rig.

    Args:
        motion: of F frames.
        target: its map has the pelvis at least.
        figures: `compare` of both, for whoever transfers again and again with other settings; None = found here.
    Raises:
        ValueError: if source or target is no figure: without two legs or arms, or without anything above the pelvis.
    """
    figures = compare(motion, target.armature, target.rig_map) if figures is None else figures
    placement = Placement.of(np.asarray(target.to_world, dtype=np.float64), target.armature.to_world)
    turned = turn_parts(_turned(motion, target, settings, figures), settings.offsets, figures.target.body)

    still_m = np.zeros((len(motion.time_s), 3))
    stance = stand(target.controls, turned, placement, still_m)
    path = path_of(motion, target, settings, figures)
    moved_m = path.hips_m - _hips(slot_heads(target.controls, stance))
    moved_m = moved_m + move_m("hips", settings.offsets, turned, figures.target.body)

    heads_m = {slot: head_m + moved_m for slot, head_m in slot_heads(target.controls, stance).items()}
    if settings.pin_feet:
        shift_m, legs = hold_feet(heads_m, turned, figures.target, motion, path)
        moved_m, turned = moved_m + shift_m, turned | legs
    stance = stand(target.controls, turned, placement, moved_m)
    heads_m = slot_heads(target.controls, stance)
    reached = hold_hands(motion, heads_m, turned, figures.source, figures.target) if settings.keep_hands else {}
    ways_m = {
        part: move_m(part, settings.offsets, turned, figures.target.body)
        for part in ("hand.L", "hand.R", "foot.L", "foot.R")
        if part in settings.offsets and any(settings.offsets[part].move_cm)
    }
    reached |= bring_ends(heads_m, turned | reached, figures.target, ways_m)
    if reached:
        turned |= reached
        stance = stand(target.controls, turned, placement, moved_m)

    wanted_m = wanted_heads(target.controls, target.armature, target.rig_map.bones, turned, stance, placement)
    root = pelvis_of(target.controls)
    wanted_m[root] = stance.head_m[root]
    keys = [key for key in channels(target.controls, stance, placement, wanted_m) if _is_known(key, target, turned)]
    warnings = figures.warnings + path.warnings
    return Result(keys, slot_heads(target.controls, stance), turned, warnings)


def _turned(motion: Motion, target: Target, settings: Settings, figures: Figures) -> dict[str, np.ndarray]:
    """Rotations of the target's parts from its rest, before anything pulls on limbs."""
    comparable = {
        slot: quat.multiply(motion.turned[:, motion.index[slot]], quat.from_matrix(frame))
        for slot, frame in figures.source.frames.items()
        if slot in motion.index
    }
    whole = complete(comparable, figures.source.rest.heads_m, figures.target.rest.heads_m, settings.fingers)
    return {
        slot: quat.multiply(turn, quat.conjugate(quat.from_matrix(figures.target.frames[slot])))
        for slot, turn in whole.items()
        if slot in figures.target.frames  # toes without a foot have none
    }


def _hips(heads_m: Mapping[str, np.ndarray]) -> np.ndarray:
    """(..., 3) middle of the hips."""
    thighs = [heads_m[f"thigh.{side}"] for side in SIDES if f"thigh.{side}" in heads_m]
    return np.mean(thighs, axis=0) if len(thighs) == 2 else heads_m["pelvis"]


def path_of(motion: Motion, target: Target, settings: Settings, figures: Figures) -> Path:
    """Where the target's hips go, and the height of what it stands on; arguments as those of `transfer`."""
    index, up = motion.index, figures.target.body[:, 2]
    hips_m = _hips({slot: motion.head_m[:, number] for slot, number in index.items()})
    # A rig that lies in the world at rest stands up by the transfer: heights at rest are along its own up.
    origin_m = target.armature.to_world[:3, 3]
    floor_m = float(np.mean(figures.target.soles_m @ up)) - figures.target.sole_height_m
    floor_m = floor_m if up[2] > UPRIGHT else float(origin_m[2])
    rest = AtRest(np.asarray(_hips(figures.target.rest.heads_m)), floor_m, origin_m)
    return hip_path(motion, hips_m, figures.ratio, settings.root, rest)


def _is_known(key: Keys, target: Target, turned: Mapping[str, np.ndarray]) -> bool:
    """Whether anything is known of the slot of a control."""
    number = target.controls.names.index(key.name)
    return target.controls.kinds[number] == "pole" or target.controls.slots[number] in turned
