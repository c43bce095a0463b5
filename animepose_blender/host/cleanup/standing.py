"""When and where the feet of an armature stand: by its action's footsteps, its take, or as found in the motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ...core.footsteps.spans import stand_in, to_contact
from ...core.retarget.armature import Armature
from ...core.retarget.motion import Motion
from ...core.retarget.rig_map import RigMap
from ...errors import AnimePoseError
from ...rigs import map_rig
from ..footsteps.properties import footsteps_of, steps_of
from ..retarget.maps import read_map
from ..retarget.sample import sample_armature
from ..retarget.source_map import map_of_source


@dataclass(frozen=True, eq=False)
class Standing:
    """The feet over F frames."""

    frames: np.ndarray
    """(F,) whole frames, one after the other."""
    motion: Motion
    contact: np.ndarray
    """(F, 4) 0 to 1: left heel, left toe, right heel, right toe; they may slide or tremble there."""
    firm: np.ndarray
    """(F, 4) likewise, less what slides: what may be held in its place."""
    moving: RigMap
    """The bones that the motion was read from."""
    poses: np.ndarray
    """(A, F, 4, 4) pose matrices of further bones that were asked for, armature axes and units."""
    to_world: np.ndarray
    """(4, 4) or (F, 4, 4) where the armature's object stands."""


def maps_of(context: bpy.types.Context, rig: bpy.types.Object, armature: Armature) -> tuple[RigMap, RigMap]:
    """The bones that are keyed, and those that the motion is read from; of a plain rig they are the same.

    Raises:
        AnimePoseError: if no foot is known.
    """
    controls = _map_of(context, rig, armature)
    moving = map_of_source(armature, controls)
    if not any(moving.bones.get(f"foot.{side}") in armature.index for side in ("L", "R")):
        raise AnimePoseError(
            f"No foot of {rig.name} is known.", "Choose its bones in the Bone Map of Retarget, or another armature."
        )
    return controls, moving


def standing_of(
    context: bpy.types.Context,
    rig: bpy.types.Object,
    armature: Armature,
    frame_range: tuple[int, int],
    also: Sequence[str] = (),
) -> Standing:
    """Read the feet of an armature.

    Args:
        frame_range: first and last frame.
        also: further bones whose poses are wanted.
    Raises:
        AnimePoseError: if it cannot be read as a person, or no foot of it is known.
    """
    _, moving = maps_of(context, rig, armature)
    sampled = sample_armature(context, rig, moving, frame_range, also)
    motion, further = sampled.motion, (moving, sampled.poses, sampled.to_world)
    frames = np.arange(frame_range[0], frame_range[1] + 1, dtype=np.float64)
    kept = footsteps_of(rig)
    if kept is None:
        return Standing(frames, motion, motion.contact, motion.held, *further)
    contact, _ = to_contact(stand_in(steps_of(kept), frames), motion.held, motion.time_s)
    return Standing(frames, motion, contact, contact, *further)


def moving_map(context: bpy.types.Context, rig: bpy.types.Object, armature: Armature) -> RigMap:
    """The bones that a rig's motion is read from."""
    return map_of_source(armature, _map_of(context, rig, armature))


def _map_of(context: bpy.types.Context, rig: bpy.types.Object, armature: Armature) -> RigMap:
    """The user's map of a rig, else as found; the scene is not changed."""
    settings = getattr(context.scene, "animepose_retarget", None)  # tests and scripts do without the add-on's panels
    entry = settings.map_of(rig) if settings is not None else None
    return read_map(entry) if entry is not None and entry.slots and not entry.problem else map_rig(armature)
