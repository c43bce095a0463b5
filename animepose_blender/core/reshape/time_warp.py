"""A motion in other time: what stood on the floor stands there still, in its place.

Joints are interpolated bone by bone, so that a foot would swim a little between two frames in which it stands: its
ankle is therefore interpolated in the world as well, and the leg brought there. A point of the sole that stands in
both frames goes from its one place to the other, which for a foot that does not slide is the same place. Between a
frame in which a point stands and one in which it does not it is on its way, and is not said to stand.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .. import quaternions as quat
from ..retarget.two_bone import end_of, reach
from .poses import Figure, Poses
from .resample import Moments
from .time_map import TimeMap

STANDS = 0.5
"""Probability from which on a point stands."""
ROUNDS = 4
"""Of legs that reach for their places and a pelvis that gives way."""


def retime(figure: Figure, poses: Poses, time_map: TimeMap, new_time_s: np.ndarray | None = None) -> Poses:
    """The same motion at another pace.

    Args:
        figure: with legs, if standing feet are to stay in their places.
        poses: F frames; unknown ones (NaN) stay unknown, and so does what lies between them and others.
        time_map: see `time_map`; `keep_spans` makes one that leaves contacts their own duration.
        new_time_s: (G,) times of the new frames; None = at the old rate from the map's beginning to its end.
    Returns:
        G frames. Where the map shows a frame of the old motion, it is that frame to the last bit, but for the signs of
        its quaternions.
    """
    new_s = time_map.new_times(poses.time_s) if new_time_s is None else np.asarray(new_time_s, dtype=np.float64)
    moments = Moments(poses.time_s, time_map.old_at(new_s))
    contact = np.nan_to_num(poses.contact)
    between = np.minimum(contact[moments.before], _handed_over(contact, moments))
    made = Poses(
        rotations=moments.rotations(poses.rotations),
        root_m=moments.positions(poses.root_m),
        time_s=new_s,
        contact=moments.exact(contact, between),
    )
    if figure.legs is None:
        return made
    return _feet_kept(figure, poses, made, moments)


def _handed_over(contact: np.ndarray, moments: Moments) -> np.ndarray:
    """(N, 4) contacts in the frames after the moments; there a point that hands over to the other one of its foot, and
    does not stand any more itself, still counts."""
    before, after = (contact[at].reshape(-1, 2, 2) for at in (moments.before, moments.after))
    was, stands = before > STANDS, after > STANDS
    over = was & ~stands & stands[..., ::-1] & ~was[..., ::-1]
    return np.where(over, before, after).reshape(-1, 4)


def _feet_kept(figure: Figure, poses: Poses, made: Poses, moments: Moments) -> Poses:
    """`made` with its ankles and feet where the old ones are, interpolated in the world."""
    old, new = figure.legs_of(poses), figure.legs_of(made)
    sole_m = figure.soles(poses)
    foot = moments.rotations(old.turned[:, :, 2])
    places_m = moments.positions(sole_m, still=True)
    # The ankle that each point asks for; where none stands, that of its own way.
    asked_m = places_m - quat.rotate(foot[:, :, None], old.sole_m)
    ankle_m = sole_m[:, :, 0] - quat.rotate(old.turned[:, :, 2], old.sole_m[:, 0])
    flying_m = moments.positions(ankle_m)
    contact = np.nan_to_num(poses.contact)
    stays = ((contact[moments.before] > STANDS) & (_handed_over(contact, moments) > STANDS)).reshape(-1, 2, 2)
    weight = stays / np.maximum(stays.sum(axis=-1, keepdims=True), 1)
    standing = stays.any(axis=-1)[..., None]
    target_m = np.where(standing, (asked_m * weight[..., None]).sum(axis=2), flying_m)
    root_m, hip_m = made.root_m, new.hip_m
    leg = new.turned[:, :, :2]
    for _ in range(ROUNDS):
        # Legs that are stretched in the clip stay so: the reach's own limit is for those that are not.
        leg = reach(hip_m, new.turned[:, :, :2], new.segments_m, target_m, 1.0 - 1e-6, new.hinge)
        # Where a straight leg is too short by the bit that the pelvis's own way bends, the pelvis gives way.
        lacks_m = np.where(standing, target_m - end_of(hip_m, leg, new.segments_m), 0.0)
        lacks_m = lacks_m[np.arange(len(lacks_m)), np.linalg.norm(lacks_m, axis=-1).argmax(axis=1)]
        root_m, hip_m = root_m + lacks_m, hip_m + lacks_m[:, None]
    made = replace(made, root_m=moments.exact(poses.root_m, root_m))
    rotations = figure.with_legs(made, np.concatenate([leg, foot[:, :, None]], axis=2))
    exact = (moments.share == 0) | (moments.share == 1)
    rotations[exact] = made.rotations[exact]
    return replace(made, rotations=rotations)
