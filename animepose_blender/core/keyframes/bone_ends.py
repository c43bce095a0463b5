"""Where both ends of every bone are in the world, over a whole motion; for pictures of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..retarget.armature import Armature
from .world import Track, World, padded

CHUNK = 512
"""Frames computed at once."""


def bone_ends(armature: Armature, tracks: Sequence[Track], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Heads and tails of all bones, whether they move or not.

    Args:
        armature: N bones.
        tracks: each of `count` frames. Values that are not known leave the bone, and what hangs on it, not known.
        count: F.
    Returns:
        (F, N, 3) heads and (F, N, 3) tails; world axes and units, float32.
    """
    heads = np.repeat(armature.heads[None], count, axis=0)
    tails = np.repeat(armature.tails[None], count, axis=0)
    if tracks:
        world = World(armature, tracks)
        for start in range(0, count, CHUNK):
            part = slice(start, min(start + CHUNK, count))
            channels = np.stack([padded(np.asarray(one.values[part], dtype=np.float64)) for one in tracks])
            pose = world.pose(*world.basis(channels))
            heads[part, world.moving] = pose.heads.transpose(2, 0, 1)
            tails[part, world.moving] = pose.tails.transpose(2, 0, 1)
        unknown = _unknown(armature, tracks, count)
        heads[unknown] = tails[unknown] = np.nan
    return armature.in_world(heads).astype(np.float32), armature.in_world(tails).astype(np.float32)


def _unknown(armature: Armature, tracks: Sequence[Track], count: int) -> np.ndarray:
    """(F, N) bool, bones whose channels, or those of a bone above, are not known."""
    unknown = np.zeros((count, len(armature.names)), dtype=bool)
    for track in tracks:
        unknown[:, track.bone] |= ~np.isfinite(track.values).all(axis=1)
    if unknown.any():
        for bone, parent in enumerate(armature.parents):
            if parent >= 0:
                unknown[:, bone] |= unknown[:, parent]
    return unknown


def carried(armature: Armature, name: str = "") -> Armature:
    """The same armature on one more bone, which comes first and stands for the object: its tracks move everything."""
    return replace(
        armature,
        names=(name, *armature.names),
        parents=np.concatenate([[-1], armature.parents + 1]),
        rest=np.concatenate([np.eye(4)[None], armature.rest]),
        lengths=np.concatenate([[0.0], armature.lengths]),
        deform=np.concatenate([[False], armature.deform]),
    )
