"""Where the joints of an armature are, and how far a change of its channels moves them.

A bone's matrix is its parent's, times its own rest in the parent's, times its channels:

    pose[c] = pose[p] rest[p]^-1 rest[c] basis[c]

Constraints, drivers and unusual ways to inherit are not part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..retarget import euler
from ..retarget.armature import Armature

_WIDEST = 4
"""Channels of the widest property."""


@dataclass(frozen=True, eq=False)
class Track:
    """One property of one bone, sampled at F frames."""

    bone: int
    """Index in the armature."""
    kind: str
    """`location`, `scale`, `QUATERNION`, `AXIS_ANGLE` or an Euler order."""
    values: np.ndarray
    """(F, C) Blender's channels; a channel that is not animated repeats its value. Quaternions on one side of the
    sphere and Euler angles without jumps by whole turns reduce well; others get more keys."""

    def __post_init__(self) -> None:
        channels = {"QUATERNION": 4, "AXIS_ANGLE": 4}.get(self.kind, 3)
        if self.kind not in ("location", "scale", "QUATERNION", "AXIS_ANGLE", *euler.ORDERS):
            raise ValueError(f"no kind of channels: {self.kind}")
        if self.values.ndim != 2 or self.values.shape[1] != channels:
            raise ValueError(f"{self.kind} has {self.values.shape} values, expected (F, {channels})")

    @property
    def turns(self) -> bool:
        """Whether it is a rotation."""
        return self.kind not in ("location", "scale")


@dataclass(frozen=True, eq=False)
class Pose:
    """An armature's N bones at S times; armature axes and units."""

    axes: np.ndarray
    """(N, 3, 3, S) the posed bones' axes as columns."""
    heads: np.ndarray
    """(N, 3, S)"""
    tails: np.ndarray
    """(N, 3, S)"""


@dataclass(frozen=True, eq=False)
class World:
    """Forward kinematics of the bones that move, and only of them."""

    armature: Armature
    tracks: Sequence[Track]

    @cached_property
    def moving(self) -> np.ndarray:
        """(M,) bones that have channels or hang on one that has, parents first."""
        moves = np.zeros(len(self.armature.names), dtype=bool)
        moves[[track.bone for track in self.tracks]] = True
        for bone, parent in enumerate(self.armature.parents):
            moves[bone] |= parent >= 0 and moves[parent]
        return np.flatnonzero(moves)

    @cached_property
    def parents(self) -> np.ndarray:
        """(M,) place of each moving bone's parent among the moving ones; -1 for a parent that stays at rest."""
        place = np.full(len(self.armature.names) + 1, -1)
        place[self.moving] = np.arange(len(self.moving))
        return place[self.armature.parents[self.moving]]

    @cached_property
    def ancestors(self) -> np.ndarray:
        """(M, A) for each moving bone itself and the moving bones above it; padded with -1."""
        chains: list[list[int]] = []
        for bone, parent in enumerate(self.parents):
            chains.append([bone] + (chains[parent] if parent >= 0 else []))
        padded = np.full((len(chains), max(map(len, chains))), -1)
        for bone, chain in enumerate(chains):
            padded[bone, : len(chain)] = chain
        return padded

    @cached_property
    def place(self) -> np.ndarray:
        """(R,) place of each track's bone among the moving ones."""
        return np.searchsorted(self.moving, [track.bone for track in self.tracks])

    @cached_property
    def scales(self) -> bool:
        """Whether any bone is scaled."""
        return any(track.kind == "scale" for track in self.tracks)

    @cached_property
    def relative(self) -> np.ndarray:
        """(M, 4, 4) each moving bone's rest in its parent's."""
        rest, above = self.armature.rest, self.armature.parents[self.moving]
        base = np.where((self.parents >= 0)[:, None, None], rest[above], np.eye(4))
        return np.linalg.inv(base) @ rest[self.moving]

    def basis(self, channels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the moving bones' channels say.

        Args:
            channels: (R, S, 4) of the tracks in their order; properties of three channels are padded.
        Returns:
            (M, 3, 3, S) rotation and scale, (M, 3, S) location.
        """
        return local_basis(self.tracks, self.place, len(self.moving), channels)

    def basis_of(self, places: np.ndarray, rows: np.ndarray, channels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same of some moving bones alone, from their tracks' channels."""
        tracks = [self.tracks[row] for row in rows]
        return local_basis(tracks, np.searchsorted(places, self.place[rows]), len(places), channels)

    def pose(self, basis: np.ndarray, location: np.ndarray) -> Pose:
        """The moving bones' pose from what `basis` gives."""
        # Time is the last axis, and one step of the loop is one bone: nothing here is done frame by frame.
        count = len(self.moving)
        relative = self.relative.astype(basis.dtype)
        own = (relative[:, :3, :3] @ basis.reshape(count, 3, -1)).reshape(basis.shape)
        offset = relative[:, :3, :3] @ location + relative[:, :3, 3, None]
        axes, heads = np.empty_like(basis), np.empty_like(offset)
        for place, parent in enumerate(self.parents):
            if parent < 0:
                axes[place], heads[place] = own[place], offset[place]
                continue
            above = axes[parent]
            axes[place] = above[:, 0, None] * own[place, None, 0]
            heads[place] = above[:, 0] * offset[place, 0] + heads[parent]
            for part in (1, 2):
                axes[place] += above[:, part, None] * own[place, None, part]
                heads[place] += above[:, part] * offset[place, part]
        lengths = self.armature.lengths[self.moving].astype(basis.dtype)
        tails = heads + axes[:, :, 1] * lengths[:, None, None]
        return Pose(axes, heads, tails)

    def levers(self, pose: Pose) -> np.ndarray:
        """(M, S) from each bone's head to the farthest joint that it carries, in the armature's units."""
        lever = moved(pose.tails, pose.heads)
        for place, chain in enumerate(self.ancestors):
            for above in chain[1:]:
                if above >= 0:
                    np.maximum(lever[above], moved(pose.tails[place], pose.heads[above]), out=lever[above])
        return lever


def local_basis(
    tracks: Sequence[Track], place: np.ndarray, count: int, channels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(count, 3, 3, S) rotation and scale, (count, 3, S) location of bones whose tracks, at their (R,) place, have
    (R, S, 4) channels."""
    times = channels.shape[1]
    basis = np.zeros((count, 3, 3, times), dtype=channels.dtype)
    basis[:, [0, 1, 2], [0, 1, 2]] = 1.0
    location = np.zeros((count, 3, times), dtype=channels.dtype)
    kinds = np.array([track.kind for track in tracks])
    for kind in dict.fromkeys(kinds):
        rows = np.flatnonzero(kinds == kind)
        if kind == "location":
            location[place[rows]] = channels[rows, :, :3].swapaxes(1, 2)
        elif kind != "scale":
            own = channels[rows]
            basis[place[rows]] = _matrices(own if kind == "QUATERNION" else euler.from_channels(own, kind))
    for row in np.flatnonzero(kinds == "scale"):
        basis[place[row]] *= channels[row, :, :3].T
    return basis, location


def padded(values: np.ndarray) -> np.ndarray:
    """(..., 4) with zeros where a property has three channels."""
    missing = _WIDEST - values.shape[-1]
    return np.pad(values, [*[(0, 0)] * (values.ndim - 1), (0, missing)]) if missing else values


def _matrices(q: np.ndarray) -> np.ndarray:
    """(..., 3, 3, S) of quaternions (..., S, 4) of any length; time last. One of length 0 turns nothing."""
    w, x, y, z = np.ascontiguousarray(np.moveaxis(q, -1, 0))
    length = w * w + x * x + y * y + z * z
    twice = np.where(length > 1e-18, 2 / np.maximum(length, 1e-18), 0.0).astype(q.dtype, copy=False)
    matrix = np.empty((*w.shape[:-1], 3, 3, w.shape[-1]), dtype=q.dtype)
    matrix[..., 0, 0, :] = 1 - twice * (y * y + z * z)
    matrix[..., 1, 1, :] = 1 - twice * (x * x + z * z)
    matrix[..., 2, 2, :] = 1 - twice * (x * x + y * y)
    for a, b, across, along in ((0, 1, x * y, w * z), (2, 0, x * z, w * y), (1, 2, y * z, w * x)):
        matrix[..., a, b, :] = twice * (across - along)
        matrix[..., b, a, :] = twice * (across + along)
    return matrix


def turned_rad(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., S) radians between rotations (..., 3, 3, S); their difference has the norm sqrt(8) sin(angle / 2)."""
    apart = a - b
    apart *= apart
    return 2 * np.arcsin(np.minimum(np.sqrt(apart.sum(axis=(-3, -2)) / 8.0), 1.0))


def moved(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., S) distance between points (..., 3, S)."""
    apart = a - b
    apart *= apart
    return np.sqrt(apart.sum(axis=-2))


def unscaled(axes: np.ndarray) -> np.ndarray:
    """Axes (..., 3, 3, S) without scale."""
    return axes / np.maximum(np.sqrt((axes * axes).sum(axis=-3, keepdims=True)), 1e-12)


def errors(world: World, wanted: Sequence[Track], found: Sequence[Track]) -> tuple[np.ndarray, np.ndarray]:
    """(F,) the largest error of any joint in millimetres, and of any bone's orientation in degrees, at each frame."""
    a, b = (world.pose(*world.basis(np.stack([padded(t.values) for t in tracks]))) for tracks in (wanted, found))
    way = np.maximum(moved(a.heads, b.heads), moved(a.tails, b.tails)).max(axis=0)
    turn = turned_rad(unscaled(a.axes), unscaled(b.axes)).max(axis=0)
    return 1000 * world.armature.scale * way, np.degrees(turn)
