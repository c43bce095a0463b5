"""An armature's action as the motion of one figure, with legs where they can be known: for loops and other timing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import bpy
import numpy as np

from ...core import quaternions as quat
from ...core.reshape.poses import Figure, Poses
from ...core.retarget.armature import Armature
from ...core.retarget.slots import SIDES
from ...errors import AnimePoseError
from ..retarget.read_curves import is_plain, with_ancestors
from .channels import Channel, Kind, batches
from .scope import frame_time_s
from .standing import Standing

STILL = 1e-4
"""Locations that leave their mean by no more (armature units) stand still."""


def moving_channels(channels: Sequence[Channel]) -> list[Channel]:
    """The rotations and places of bones."""
    return [one for one in channels if one.owner and one.kind is not Kind.SCALAR]


def figure_of(
    context: bpy.types.Context,
    rig: bpy.types.Object,
    armature: Armature,
    channels: Sequence[Channel],
    frames: np.ndarray,
    standing: Standing | None = None,
) -> tuple[Figure, tuple[str, ...], Poses]:
    """The figure that hangs on the topmost bone with keys, its bones' names, and its motion.

    Args:
        channels: rotations and places of bones; one at least.
        frames: (F,)
        standing: of the same frames, for legs and contacts; without it, and with legs that are not plain, none.
    Raises:
        AnimePoseError: if the keyed bones do not hang on one, or others than that one change their places.
    """
    keyed = {armature.index[one.owner] for one in channels}
    root = min(keyed)
    legs = _legs(rig, armature, root, standing) if standing is not None else None
    sole = None
    if standing is not None and legs is not None:
        to_armature = np.linalg.inv(armature.to_world)
        sole = standing.motion.rest_sole_m @ to_armature[:3, :3].T + to_armature[:3, 3]
    figure, names = Figure.of_armature(armature, armature.names[root], legs, sole)
    place = {name: number for number, name in enumerate(names)}
    strays = [armature.names[bone] for bone in sorted(keyed) if armature.names[bone] not in place]
    if strays:
        raise AnimePoseError(
            f"{strays[0]} of {rig.name} has keys and does not hang on {names[0]}, which carries the figure.",
            "Loops are made of bones that hang on one; bake controls to them first.",
        )
    rotations = np.tile(quat.IDENTITY, (len(frames), len(names), 1))
    for name in names:  # what has no keys keeps its pose
        basis = np.array(rig.pose.bones[name].matrix_basis)[:3, :3]
        rotations[:, place[name]] = quat.from_matrix(basis / np.linalg.norm(basis, axis=0))
    location = np.repeat(np.array(rig.pose.bones[names[0]].location, dtype=np.float64)[None], len(frames), axis=0)
    for batch in batches(channels, at=frames):
        for number, channel in enumerate(batch.channels):
            values = batch.values[:, number]
            if batch.kind is Kind.ROTATION:
                rotations[:, place[channel.owner]] = values
            elif channel.owner == names[0]:
                location = values
            elif np.abs(values - np.nanmean(values, axis=0)).max() > STILL:
                raise AnimePoseError(
                    f"{channel.owner} of {rig.name} changes its place, and only {names[0]} may.",
                    "Loops are made of bones that turn; bake controls to them first.",
                )
    at_rest = armature.to_world @ armature.rest[root]
    root_m = location @ at_rest[:3, :3].T + at_rest[:3, 3]
    contact = standing.firm if standing is not None and legs is not None else np.zeros((len(frames), 4))
    return figure, names, Poses(rotations, root_m, frame_time_s(context, frames - frames[0]), contact)


def location_of(armature: Armature, root: str, root_m: np.ndarray) -> np.ndarray:
    """(F, 3) location channels of the bone that carries a figure, of places (F, 3) in the world."""
    at_rest = armature.to_world @ armature.rest[armature.index[root]]
    return (root_m - at_rest[:3, 3]) @ np.linalg.inv(at_rest[:3, :3]).T


def _legs(
    rig: bpy.types.Object, armature: Armature, root: int, standing: Standing
) -> list[tuple[str, str, str]] | None:
    """Thigh, shin and foot of both sides, if nothing else has a part in them."""
    made: list[tuple[str, str, str]] = []
    for side in SIDES:
        names = [standing.moving.bones.get(f"{slot}.{side}", "") for slot in ("thigh", "shin", "foot")]
        bones = [armature.index.get(name, -1) for name in names]
        if min(bones) < 0 or any(armature.parents[low] != up for up, low in pairwise(bones)):
            return None
        chain = with_ancestors(armature, bones)
        if root not in chain[:-3] or not is_plain(rig, armature, chain[chain.index(root) :]):
            return None
        if any(np.abs(np.array(rig.pose.bones[armature.names[one]].scale) - 1).max() > STILL for one in chain):
            return None
        made.append((names[0], names[1], names[2]))
    return made
