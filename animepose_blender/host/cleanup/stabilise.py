"""The body of an armature steadied by its standing feet: only the location of the bone that carries it changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import bpy
import numpy as np

from ...core.cleanup.stabilise import stabilise
from ...core.footsteps.spans import STANDS
from ...core.retarget.armature import Armature
from ...core.retarget.rig_map import RigMap
from ...errors import AnimePoseError
from ...rigs.family import Property
from .. import compat
from ..footsteps.properties import footsteps_of
from ..retarget.probe import copy_at_hand
from ..retarget.read_curves import is_plain, with_ancestors
from ..retarget.read_rig import matrices_of, read_rig
from .channels import Batch, Channel, Kind, Wanted, batches, find_channels
from .run import Done
from .scope import Scope, action_to_change, frame_time_s, range_of, refuse_unusable, wanted_of
from .standing import Standing, maps_of, standing_of
from .write_back import KeyOn, Range, write_back

FOLLOWS = 0.1
"""Feet that miss the way of the bone that is to carry them by more than this part do not follow it."""
TRIED = 0.05
"""How far it is moved to see that, parts of the rig's size."""
HALF_LIFE_S = 0.15
"""In which a correction fades while no foot stands."""


_CUSTOM = re.compile(r'pose\.bones\["((?:[^"\\]|\\.)*)"\]\["((?:[^"\\]|\\.)*)"\]', re.DOTALL)


@dataclass(frozen=True)
class Steadying:
    """How to steady."""

    strength: float = 1.0
    """1 = feet stand still; parts of it leave some of their drift."""
    blend_s: float = 0.15
    """Time in which a foot that lands takes its part, or one that lifts gives it up."""
    level: bool = True
    upright: bool = True
    """Along the floor, and up and down."""
    key_on: KeyOn = KeyOn.KEYS


def steady_motion(context: bpy.types.Context, rigs: Sequence[bpy.types.Object], scope: Scope, how: Steadying) -> Done:
    """Take out what a body drifts and trembles by while its feet stand.

    Args:
        scope: of it the frames count, and where the result goes.
    Raises:
        AnimePoseError: if an armature has no feet, or no bone with location keys carries it; then nothing is changed.
    """
    if not (how.level or how.upright):
        raise AnimePoseError("Neither Horizontal nor Vertical is chosen.", "Choose one of them.")
    usable = refuse_unusable(list(rigs), scope)
    changed = 0
    with ExitStack() as stack:
        work: list[tuple[bpy.types.Object, Batch, np.ndarray, Range]] = []
        for rig in wanted_of(usable, scope):
            stack.enter_context(action_to_change(rig, scope))
            work.append((rig, *steadied(context, rig, scope, how), range_of(context, rig, scope)))
        for rig, batch, result, within in work:
            changed += write_back(batch, result, within, how.key_on)
            rig.update_tag()
    return Done(changed, len(work), ())


def steadied(
    context: bpy.types.Context, rig: bpy.types.Object, scope: Scope, how: Steadying
) -> tuple[Batch, np.ndarray]:
    """The location of the bone that carries a figure, and its new values; nothing is written.

    Raises:
        AnimePoseError: see `steady_motion`.
    """
    if rig.animation_data.use_tweak_mode:
        raise AnimePoseError(f"An NLA strip of {rig.name} is being edited (tweak mode).", "Leave it first.")
    if footsteps_of(rig) is not None:
        raise AnimePoseError(
            f"The footsteps of {rig.name} hold its feet already.", "Forget them first, if the body is to give way."
        )
    armature = read_rig(context, rig)
    channels = find_channels(rig, Wanted(None, frozenset((Kind.LOCATION,))), selection=scope.frames == "KEYS").channels
    known = {one.owner: one for one in channels if one.owner}
    if not known:
        raise AnimePoseError(f"No bone of {rig.name} has two location keys.", "Key the place of its hips first.")
    first = min(one.extent[0] for one in known.values())
    last = max(one.extent[1] for one in known.values())
    maps = maps_of(context, rig, armature)
    carrier = _carrier(rig, armature, maps, known)
    parent = int(armature.parents[armature.index[carrier.owner]])
    also = [armature.names[parent]] if parent >= 0 else []
    standing = standing_of(context, rig, armature, (first, last), also)
    if not (standing.contact > STANDS).any():
        raise AnimePoseError(f"No foot of {rig.name} stands anywhere in its motion.", "Use Smooth instead.")
    (batch,) = batches([carrier])
    inside = np.isin(standing.frames, batch.frames)
    points_m = standing.motion.sole_m.reshape(-1, 4, 3)
    shift_m = stabilise(
        np.zeros((len(points_m), 3)),
        points_m,
        standing.contact > STANDS,
        frame_time_s(context, standing.frames),
        how.blend_s,
        HALF_LIFE_S,
        (how.level, how.level, how.upright),
    )
    axes = _location_axes(rig, armature, armature.index[carrier.owner], standing)
    moved = np.linalg.solve(axes, how.strength * shift_m[..., None])[inside, :, 0]
    return batch, batch.values + moved[:, None]


def _carrier(
    rig: bpy.types.Object, armature: Armature, maps: tuple[RigMap, RigMap], known: dict[str, Channel]
) -> Channel:
    """The location of the nearest bone, from the pelvis upwards, that has keys and that the feet follow."""
    feet = [armature.index[name] for side in "LR" if (name := maps[1].bones.get(f"foot.{side}", ""))]
    asked = [name for name in _upwards(armature, maps) if name in known]
    for name in asked:
        if _follow(rig, armature, armature.index[name], feet):
            return known[name]
    if asked:
        raise AnimePoseError(
            f"The feet of {rig.name} do not follow {asked[0]}: controls of their own hold them.",
            "Find its footsteps instead: they pin such feet.",
        )
    raise AnimePoseError(
        f"The bones that carry {rig.name} have no location keys.", "Key the place of its hips or of its root first."
    )


def _upwards(armature: Armature, maps: tuple[RigMap, RigMap]) -> Iterator[str]:
    """The pelvis and what lies above it, of the controls and of the bones that move."""
    told: set[str] = set()
    for one in maps:
        for slot in ("pelvis", "root"):
            bone = armature.index.get(one.bones.get(slot, ""), -1)
            while bone >= 0:
                if armature.names[bone] not in told:
                    yield armature.names[bone]
                told.add(armature.names[bone])
                bone = int(armature.parents[bone])


def _follow(rig: bpy.types.Object, armature: Armature, carrier: int, feet: list[int]) -> bool:
    """Whether feet go where a bone goes: plain to see, or else tried on a copy."""
    chain = with_ancestors(armature, feet)
    if is_plain(rig, armature, chain):
        return all(carrier in with_ancestors(armature, [foot]) for foot in feet)
    with copy_at_hand(rig, list(_switches(rig))) as (copy, view_layer):
        posed = copy.pose.bones[armature.names[carrier]]
        places = []
        for moved in (0.0, TRIED * float(np.ptp(armature.heads, axis=0).max())):
            posed.location[0] += moved
            view_layer.update()
            places.append(matrices_of(copy.evaluated_get(view_layer.depsgraph).pose.bones, "matrix")[..., :3, 3])
    way = places[1] - places[0]
    off = np.linalg.norm(way[feet] - way[carrier], axis=-1).max()
    return bool(off < FOLLOWS * np.linalg.norm(way[carrier]))


def _switches(rig: bpy.types.Object) -> Iterator[Property]:
    """The custom properties of bones that the action moves, as they are where it begins: IK or FK may hang on them."""
    for curve in compat.curves_of(rig):
        found = _CUSTOM.fullmatch(curve.data_path)
        if found is None or not len(curve.keyframe_points):
            continue
        bone, name = (bpy.utils.unescape_identifier(part) for part in found.groups())
        posed = rig.pose.bones.get(bone)
        if posed is not None and isinstance(posed.get(name), (int, float)):
            yield Property(bone, name, curve.keyframe_points[0].co[1])


def _location_axes(rig: bpy.types.Object, armature: Armature, bone: int, standing: Standing) -> np.ndarray:
    """(F, 3, 3) the way in the world, metres, that each location channel of a bone moves it by.

    Args:
        standing: with the poses of its parent, if it has one.
    """
    parent, own = int(armature.parents[bone]), armature.rest[bone, :3, :3]
    local = rig.data.bones[armature.names[bone]].use_local_location
    if parent < 0:
        axes = np.repeat((own if local else np.eye(3))[None], len(standing.frames), axis=0)
    else:
        above = standing.poses[0, :, :3, :3]
        axes = above @ np.linalg.inv(armature.rest[parent, :3, :3]) @ own if local else above
    return standing.to_world[..., :3, :3] @ axes
