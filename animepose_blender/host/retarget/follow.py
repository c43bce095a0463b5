"""From a handful of poses to who follows whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core import quaternions as quat
from ...core.retarget.euler import angle_between

RIGID_RAD = np.radians(0.1)
"""Single precision over a chain of constraints stays well below; a follower of a fraction is far above."""
RIGID_SHARE = 2e-4
"""The same for places, parts of the rig's height."""


@dataclass(frozen=True, eq=False)
class Poses:
    """C controls in T poses; armature axes and units."""

    turned: np.ndarray
    """(T, C, 4) orientation as posed."""
    head: np.ndarray
    """(T, C, 3)"""
    turned_alone: np.ndarray
    """(T, C, 4) and (T, C, 3) `head_alone`: where each would stand without its own channels."""
    head_alone: np.ndarray
    above: np.ndarray
    """(C, C) int; how far up the chain of bones the second lies above the first, 0 = not above."""
    height: float
    """Of the rig."""


@dataclass(frozen=True, eq=False)
class Followed:
    """Whom each control follows, and how it stands to that one; -1 = the armature."""

    rotation_parent: np.ndarray
    rotation_offset: np.ndarray
    """(C, 4)"""
    location_parent: np.ndarray
    location_offset: np.ndarray
    """(C, 3)"""
    loose: list[int]
    """Controls that follow none rigidly."""
    order: np.ndarray
    """(C,) which control stands at each place; followed ones first."""


def find_followed(poses: Poses) -> Followed:
    """The best candidate for each control: the one in whose axes it moves least.

    Of several that are as good, one above it in the chain of bones wins, the nearest first.
    """
    time, count = poses.turned.shape[:2]
    frames = np.concatenate([np.tile(quat.IDENTITY, (time, 1, 1)), poses.turned], axis=1)
    origins = np.concatenate([np.zeros((time, 1, 3)), poses.head], axis=1)
    inverse = quat.conjugate(frames)
    rotation_parent, location_parent = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    rotation_offset, location_offset = np.empty((count, 4)), np.empty((count, 3))
    loose = []
    for one in range(count):
        # Candidate 0 is the armature, the others are controls; itself is none.
        relative = quat.unroll(quat.multiply(inverse, poses.turned_alone[:, one, None]))
        mean = quat.normalize(relative.mean(axis=0))
        off = angle_between(mean, relative).max(axis=0)
        local = quat.rotate(inverse, poses.head_alone[:, one, None] - origins)
        middle = local.mean(axis=0)
        away = np.linalg.norm(local - middle, axis=-1).max(axis=0) / poses.height
        off[one + 1] = away[one + 1] = np.inf
        by_turn = _best(off, RIGID_RAD, poses.above[one])
        # A place that keeps to what the orientation keeps to is kept to that, so that offsets stay short and plain.
        by_place = by_turn if away[by_turn] < RIGID_SHARE else _best(away, RIGID_SHARE, poses.above[one])
        if off[by_turn] > RIGID_RAD or away[by_place] > RIGID_SHARE:
            loose.append(one)
        rotation_parent[one], rotation_offset[one] = by_turn - 1, mean[by_turn]
        location_parent[one], location_offset[one] = by_place - 1, middle[by_place]
    return Followed(rotation_parent, rotation_offset, location_parent, location_offset, loose, np.arange(count))


def _best(errors: np.ndarray, rigid: float, above: np.ndarray) -> int:
    """Index of the candidate, 0 the armature; `above` is that of controls alone."""
    good = np.flatnonzero(errors < rigid)
    if not len(good):
        return int(np.argmin(errors))
    steps = np.concatenate([[0], above])[good]
    rank = np.where(steps > 0, steps, np.where(good == 0, 10_000, 20_000))
    return int(good[np.argmin(rank)])


def in_order(found: Followed, poses: Poses, bones: np.ndarray) -> Followed:
    """The same, sorted so that the followed come first.

    Two that follow each other, as guesses may where nothing is rigid, are cut apart: the first of them in the order of
    bones is taken to stay in its place.

    Args:
        poses: what `found` was found in.
        bones: (C,) index of each control's bone.
    """
    count = len(bones)
    rotation_parent, location_parent = found.rotation_parent.copy(), found.location_parent.copy()
    rotation_offset, location_offset = found.rotation_offset.copy(), found.location_offset.copy()
    order: list[int] = []
    placed = {-1}
    left = sorted(range(count), key=lambda one: int(bones[one]))
    loose = set(found.loose)
    while left:
        ready = [one for one in left if rotation_parent[one] in placed and location_parent[one] in placed]
        if not ready:
            cut = left[0]
            loose.add(cut)
            if rotation_parent[cut] not in placed:
                rotation_parent[cut], rotation_offset[cut] = -1, poses.turned_alone[0, cut]
            if location_parent[cut] not in placed:
                location_parent[cut], location_offset[cut] = -1, poses.head_alone[0, cut]
            continue
        order += ready
        placed |= set(ready)
        left = [one for one in left if one not in placed]
    places = np.empty(count + 1, dtype=np.int64)
    places[order], places[-1] = np.arange(count), -1
    at = np.array(order, dtype=np.int64)
    return Followed(
        places[rotation_parent[at]], rotation_offset[at], places[location_parent[at]], location_offset[at],
        sorted(loose), at,
    )  # fmt: skip
