"""The motion of an armature, whatever moves it: its own action, layers of them, constraints, drivers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import numpy as np

from ...core import quaternions as quat
from ...core.armature_space import body_size
from ...core.retarget import euler, stance
from ...core.retarget.armature import Armature
from ...core.retarget.contact import contacts_of
from ...core.retarget.motion import Motion
from ...core.retarget.rig_map import RigMap
from ...core.retarget.slots import ARM, FINGER, LEG, NECK, SLOTS, SPINE
from ...core.review.edited import load_edited
from ...errors import AnimePoseError
from ...skeleton import CONTACT_JOINTS, REST_JOINTS_M
from ...take import State, Take
from .. import compat
from ..import_plan import frames_in
from ..import_take import PROPERTY_PERSON, PROPERTY_TAKE
from .read_curves import has_plain_action, is_plain, own_poses, with_ancestors
from .read_rig import matrices_of, read_rig, scene_with, set_frame, world_matrices

FOOT_HEIGHT_M = float(REST_JOINTS_M[list(CONTACT_JOINTS), 2].min())
"""Height at which heel and toe lie within the foot of a person of the skeleton's own size."""
LONGEST_FRAMES = 200_000
PROPERTY_OWN_WAY = "animepose_own_way"
"""Of an action whose times or sides are no longer those of the take it came from."""
FIT_FRAMES = 0.5
"""A take's frame this near to a sampled one is the same moment."""


@dataclass(frozen=True, eq=False)
class Sampled:
    """A motion, and what its armature's take knows of its frames."""

    motion: Motion
    frames: np.ndarray
    """(F,) frame numbers of the scene."""
    predicted: np.ndarray
    """(F,) bool"""
    poses: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 4, 4)))
    """(A, F, 4, 4) pose matrices of further bones that were asked for, armature axes and units."""
    to_world: np.ndarray = field(default_factory=lambda: np.eye(4))
    """(4, 4) or (F, 4, 4) where the armature's object stands."""


def frame_range_of(context: bpy.types.Context, source: bpy.types.Object) -> tuple[int, int]:
    """First and last frame of an armature's motion: those of its action's keys, else of the scene."""
    times: list[np.ndarray] = []
    if has_plain_action(source):
        for curve in compat.curves_of(source):
            ends = [curve.keyframe_points[end].co[0] for end in (0, -1)] if len(curve.keyframe_points) else []
            times.append(np.array(ends))
    ends = np.concatenate(times) if times else np.empty(0)
    if not len(ends) or ends.max() - ends.min() < 0.5:
        return context.scene.frame_start, context.scene.frame_end
    return int(np.floor(ends.min() + 1e-3)), int(np.ceil(ends.max() - 1e-3))


def sample_armature(
    context: bpy.types.Context,
    source: bpy.types.Object,
    rig_map: RigMap,
    frame_range: tuple[int, int] | None = None,
    also: Sequence[str] = (),
    made: Mapping[str, np.ndarray] | None = None,
) -> Sampled:
    """The motion of an armature in every frame of a range.

    Args:
        context: its scene tells rate and, where nothing else does, the range.
        source: the armature; nothing of it changes.
        rig_map: which of its bones fills which slot; names that it lacks are left out.
        frame_range: first and last frame; None = see `frame_range_of`.
        also: further bones that it has, whose poses are wanted.
        made: slot → (F, 4, 4) poses that are known already; None = they are read, with those of `also`.
    Raises:
        AnimePoseError: if the object cannot be read, has no pelvis, or the range is empty.
    """
    armature = read_rig(context, source)
    slots = tuple(s for s in SLOTS if s != "root" and rig_map.bones.get(s) in armature.index)
    if "pelvis" not in slots:
        raise AnimePoseError(f"{source.name} has no bone for the pelvis.", "Choose one in its map.")
    if source.data.pose_position == "REST":
        raise AnimePoseError(f"{source.name} is shown in Rest Position and does not move.", "Show its Pose Position.")
    first, last = frame_range or frame_range_of(context, source)
    if not 0 <= last - first < LONGEST_FRAMES:
        raise AnimePoseError(
            f"Frames {first} to {last} are no range to retarget.", "Choose a last frame after the first."
        )
    frames = np.arange(first, last + 1, dtype=np.float64)
    bones = [armature.index[rig_map.bones[slot]] for slot in slots]
    if made is None:
        poses = poses_of(source, armature, [*bones, *(armature.index[name] for name in also)], frames)
    else:
        poses = np.stack([made[slot] for slot in slots])
    to_world = world_matrices(context, source, frames)
    motion = _motion(armature, slots, bones, poses[: len(bones)], to_world, _seconds(context.scene, frames))
    motion, predicted = _with_take(context, source, motion, frames)
    return Sampled(motion, frames, predicted, poses[len(bones) :], to_world)


def _seconds(scene: bpy.types.Scene, frames: np.ndarray) -> np.ndarray:
    return (frames - frames[0]) * scene.render.fps_base / scene.render.fps


def poses_of(source: bpy.types.Object, armature: Armature, bones: list[int], frames: np.ndarray) -> np.ndarray:
    """(S, F, 4, 4) pose matrices of some bones, armature axes and units."""
    chain = with_ancestors(armature, bones)
    if has_plain_action(source) and is_plain(source, armature, chain):
        places = {bone: number for number, bone in enumerate(chain)}
        return own_poses(source, armature, chain, frames)[[places[bone] for bone in bones]]
    return evaluated_poses(source, bones, frames)


def evaluated_poses(source: bpy.types.Object, bones: list[int], frames: np.ndarray) -> np.ndarray:
    """(S, F, 4, 4) pose matrices of some bones as Blender shows them, armature axes and units."""
    poses = np.empty((len(bones), len(frames), 4, 4))
    with scene_with(source) as scene:
        view_layer = scene.view_layers[0]
        for number, frame in enumerate(frames):
            set_frame(scene, float(frame))
            evaluated = source.evaluated_get(view_layer.depsgraph)
            poses[:, number] = matrices_of(evaluated.pose.bones, "matrix")[bones]
    return poses


def _motion(
    armature: Armature,
    slots: tuple[str, ...],
    bones: list[int],
    poses: np.ndarray,
    to_world: np.ndarray,
    time_s: np.ndarray,
) -> Motion:
    # Of an object that moves, the place where it begins is as good as any for the rest pose.
    at_rest = to_world if to_world.ndim == 2 else to_world[0]
    resting = at_rest @ armature.rest[bones]
    rest_head_m = resting[:, :3, 3]
    own_tail_m = armature.tails[bones] @ at_rest[:3, :3].T + at_rest[:3, 3]
    place = {slot: number for number, slot in enumerate(slots)}
    ends = [place.get(_next(slot, place), -1) for slot in slots]
    rest_tail_m = np.where(np.array(ends)[:, None] >= 0, rest_head_m[ends], own_tail_m)

    posed = to_world @ poses
    from_rest = quat.conjugate(euler.rotations_of(resting))
    turned = quat.unroll(quat.multiply(euler.rotations_of(posed), from_rest[:, None]), axis=1)
    tails = {slot: own_tail_m[number] for slot, number in place.items()}
    rest = stance.Rest(dict(zip(slots, rest_head_m)), tails, np.concatenate([np.eye(3), _axes(at_rest)]))
    try:
        rest_sole_m = stance.soles(rest, stance.body_frame(rest), at_rest[:3, 3])
    except ValueError as error:
        raise AnimePoseError(
            f"The source's bones do not make a person: {error}.", "Check which bones its map names."
        ) from error
    count = len(time_s)
    return Motion(
        slots=slots,
        rest_head_m=rest_head_m,
        rest_tail_m=rest_tail_m,
        turned=np.ascontiguousarray(turned.transpose(1, 0, 2)),
        head_m=np.ascontiguousarray(posed[..., :3, 3].transpose(1, 0, 2)),
        rest_sole_m=rest_sole_m,
        time_s=time_s,
        contact=np.zeros((count, 4)),
        present=np.ones(count, dtype=bool),
        origin_m=at_rest[:3, 3],
    )


def _axes(matrix: np.ndarray) -> np.ndarray:
    """(3, 3) directions of an object's axes, one a row."""
    return (matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)).T


def _next(slot: str, filled: dict[str, int]) -> str:
    """The filled slot that a slot's part leads to; empty if it ends by itself."""
    stem, _, side = slot.partition(".")
    if not side:
        trunk = ("pelvis", *SPINE, *NECK, "head")
        return next((above for above in trunk[trunk.index(slot) + 1 :] if above in filled), "")
    for limb in (ARM, LEG):
        if stem in limb[:-1]:
            return f"{limb[limb.index(stem) + 1]}.{side}"
    return f"{stem[:-1]}{int(stem[-1]) + 1}.{side}" if stem in FINGER else ""


def _with_take(
    context: bpy.types.Context, source: bpy.types.Object, motion: Motion, frames: np.ndarray
) -> tuple[Motion, np.ndarray]:
    """The motion with contacts and presence, of the take it came from, or else found in it; and (F,) what of it is
    predicted."""
    known = _take_frames(context, source, frames)
    if known is None:
        return dataclasses.replace(motion, contact=contacts_of(motion)), np.zeros(len(frames), dtype=bool)
    take, person, index = known
    state = take.state[person, index]
    present = state != State.ABSENT
    contact = np.where(present[:, None], np.nan_to_num(take.contact[person, index].astype(np.float64)), 0.0)
    # As of the take itself: the world is the take's, and contacts speak of joints within the feet.
    height_m = float(FOOT_HEIGHT_M * body_size(take.bone_length_m[person]))
    motion = dataclasses.replace(
        motion, contact=contact, present=present, origin_m=None, sole_height_m=height_m,
        rest_sole_m=motion.rest_sole_m + [0.0, 0.0, height_m],
    )  # fmt: skip
    return motion, state == State.PREDICTED


def _goes_its_own_way(source: bpy.types.Object) -> bool:
    action = source.animation_data.action if source.animation_data is not None else None
    return action is not None and bool(action.get(PROPERTY_OWN_WAY))


def _take_frames(
    context: bpy.types.Context, source: bpy.types.Object, frames: np.ndarray
) -> tuple[Take, int, np.ndarray] | None:
    """The take an armature was imported from, the person's index, and (F,) its frame for each sampled one; None if the
    armature comes from none, its file is gone, or its frames are others by now."""
    person_id = source.get(PROPERTY_PERSON)
    paths = [c.get(PROPERTY_TAKE) for c in source.users_collection if c.get(PROPERTY_TAKE)]
    if person_id is None or not paths or _goes_its_own_way(source):
        return None
    path = Path(bpy.path.abspath(paths[0]))
    if not path.is_file():
        return None
    try:
        take = load_edited(path)
    except AnimePoseError:
        return None  # a file that has changed since is no reason to refuse: contacts are found in the motion
    people = np.flatnonzero(take.person_id == person_id)
    numbers = frames_in(context.scene, take)
    index = np.clip(np.searchsorted(numbers, frames - FIT_FRAMES), 0, len(numbers) - 1)
    if not len(people) or np.abs(numbers[index] - frames).max() > FIT_FRAMES:
        return None
    if (take.state[people[0], index] == State.ABSENT).all():
        return None
    return take, int(people[0]), index
