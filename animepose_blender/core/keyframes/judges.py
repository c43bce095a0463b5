"""How far fitted channels are from the samples, in parts of what is allowed.

A judge looks at times S: the F frames, or 2 F - 1 times with the middles between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from .world import Pose, World, moved, turned_rad, unscaled

SAFETY = 0.998
"""Part of the tolerance that is used: Blender keeps keys in single precision."""


class Judge(Protocol):
    """What tells how good a fit is; G groups of tracks are keyed together, T things are looked at."""

    @property
    def reference(self) -> np.ndarray:
        """(R, S, 4) what is to be met."""
        ...

    @property
    def group(self) -> np.ndarray:
        """(R,) int, each track's group."""
        ...

    @property
    def carriers(self) -> np.ndarray:
        """(T, A) int, the groups that a thing depends on; padded with -1."""
        ...

    @property
    def weights(self) -> np.ndarray:
        """(R, S) about how much of the tolerance a channel's error of 1 takes."""
        ...

    @property
    def independent(self) -> bool:
        """Whether a group's errors depend on no other group; then things are groups."""
        ...

    @property
    def quaternions(self) -> np.ndarray:
        """(R,) bool, tracks whose length is not seen."""
        ...

    def frames_only(self) -> Judge:
        """A judge that leaves the middles out and computes in single precision: for what is checked again."""
        ...

    def look(self, channels: np.ndarray) -> Look:
        """How good (R, S, 4) channels are."""
        ...


class Look(Protocol):
    """One fit, judged."""

    @property
    def shares(self) -> np.ndarray:
        """(G, S) how much of the tolerance the errors of a group's own channels take at most."""
        ...

    def errors(self) -> np.ndarray:
        """(T, S) the error of each thing in parts of what is allowed."""
        ...


@dataclass(frozen=True, eq=False)
class PlainLook:
    """Channels with bounds of their own: what a group takes is the error."""

    shares: np.ndarray

    def errors(self) -> np.ndarray:
        return self.shares


@dataclass(frozen=True, eq=False)
class PlainJudge:
    """Each track is a group of its own, with channels that may be off by so much each."""

    reference: np.ndarray
    """(R, S, 4)"""
    tolerance: np.ndarray
    """(R,)"""
    independent = True

    @property
    def group(self) -> np.ndarray:
        return np.arange(len(self.reference))

    @property
    def carriers(self) -> np.ndarray:
        return np.arange(len(self.reference))[:, None]

    @property
    def weights(self) -> np.ndarray:
        return np.repeat(1 / self.tolerance[:, None], self.reference.shape[1], axis=1)

    @property
    def quaternions(self) -> np.ndarray:
        return np.zeros(len(self.reference), dtype=bool)

    def frames_only(self) -> PlainJudge:
        return PlainJudge(self.reference[:, ::2], self.tolerance)

    def look(self, channels: np.ndarray) -> PlainLook:
        return PlainLook(np.abs(channels - self.reference).max(axis=-1) / (SAFETY * self.tolerance[:, None]))


@dataclass(frozen=True, eq=False)
class WorldJudge:
    """Bones are groups; looked at are the heads, tails and orientations of all bones that move."""

    world: World
    reference: np.ndarray
    """(R, S, 4)"""
    tolerance_mm: np.ndarray
    """(N, S) or (1, S), per bone of the armature."""
    tolerance_rad: np.ndarray
    """(N, S) or (1, S)"""
    independent = False

    @cached_property
    def bones(self) -> np.ndarray:
        """(G,) place of each group's bone among the moving ones."""
        return np.unique(self.world.place)

    @property
    def group(self) -> np.ndarray:
        return self._group

    @cached_property
    def _group(self) -> np.ndarray:
        return np.searchsorted(self.bones, self.world.place)

    @property
    def carriers(self) -> np.ndarray:
        return self._carriers

    @cached_property
    def _carriers(self) -> np.ndarray:
        groups = np.full(len(self.world.moving) + 1, -1)
        groups[self.bones] = np.arange(len(self.bones))
        return groups[self.world.ancestors]

    @cached_property
    def _basis(self) -> tuple[np.ndarray, np.ndarray]:
        return self.world.basis(self.reference)

    @cached_property
    def _pose(self) -> Pose:
        return self.world.pose(*self._basis)

    @cached_property
    def allowed(self) -> tuple[np.ndarray, np.ndarray]:
        """(M or 1, S) in the armature's units, and radians."""
        mm, rad = (
            each if len(each) == 1 else each[self.world.moving] for each in (self.tolerance_mm, self.tolerance_rad)
        )
        return mm / 1000 / self.world.armature.scale, rad

    @cached_property
    def _allowed(self) -> tuple[np.ndarray, np.ndarray]:
        return SAFETY * self.allowed[0], SAFETY * self.allowed[1]

    @cached_property
    def _strictest(self) -> tuple[np.ndarray, np.ndarray]:
        """(G, S) the least that is allowed of what a group carries."""
        result = []
        for allowed in self._allowed:
            if len(allowed) == 1:
                result.append(allowed)
                continue
            least = np.full((len(self.bones) + 1, allowed.shape[1]), np.inf)
            for place, carriers in enumerate(self.carriers):
                np.minimum.at(least, carriers, allowed[place])
            result.append(least[:-1])
        return result[0], result[1]

    @cached_property
    def _levers(self) -> np.ndarray:
        """(M, S) in the armature's units."""
        return self.world.levers(self._pose)

    @property
    def weights(self) -> np.ndarray:
        return self._weights

    @cached_property
    def _weights(self) -> np.ndarray:
        mm, rad = self._strictest
        lever = self._levers[self.world.place]
        mm, rad = (np.broadcast_to(each, (len(self.bones), lever.shape[1]))[self.group] for each in (mm, rad))
        # A quaternion's parts are halves of angles.
        half = np.array([2.0 if track.kind == "QUATERNION" else 1.0 for track in self.world.tracks])[:, None]
        turning = np.array([track.kind != "location" for track in self.world.tracks])[:, None]
        return np.where(turning, half * np.maximum(lever / mm, 1 / rad), 1 / mm)

    @property
    def quaternions(self) -> np.ndarray:
        return np.array([track.kind == "QUATERNION" for track in self.world.tracks])

    def frames_only(self) -> WorldJudge:
        tolerances = self.tolerance_mm[:, ::2], self.tolerance_rad[:, ::2]
        return WorldJudge(self.world, self.reference[:, ::2].astype(np.float32), *tolerances)

    def look(self, channels: np.ndarray) -> WorldLook:
        return WorldLook(self, *self.world.basis(channels.astype(self.reference.dtype, copy=False)))

    def turn_shares(self, basis: np.ndarray, location: np.ndarray) -> np.ndarray:
        """(G, S) shares of what `World.basis` gives."""
        bones = self.bones
        angle = turned_rad(basis[bones], self._basis[0][bones])
        way = angle * self._levers[bones] + moved(location[bones], self._basis[1][bones])
        mm, rad = self._strictest
        return np.maximum(way / mm, angle / rad)

    def joint_errors(self, basis: np.ndarray, location: np.ndarray) -> np.ndarray:
        """(M, S) errors of what `World.basis` gives."""
        pose, wanted = self.world.pose(basis, location), self._pose
        way = np.maximum(moved(pose.heads, wanted.heads), moved(pose.tails, wanted.tails))
        mm, rad = self._allowed
        a, b = pose.axes, wanted.axes
        if self.world.scales:
            a, b = unscaled(a), unscaled(b)
        return np.maximum(way / mm, turned_rad(a, b) / rad)


@dataclass(frozen=True, eq=False)
class WorldLook:
    """Bones' channels, judged by where their joints are."""

    judge: WorldJudge
    basis: np.ndarray
    location: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        return self._shares

    @cached_property
    def _shares(self) -> np.ndarray:
        return self.judge.turn_shares(self.basis, self.location)

    def errors(self) -> np.ndarray:
        return self.judge.joint_errors(self.basis, self.location)


def between_frames(values: np.ndarray) -> np.ndarray:
    """(..., S) what is said per frame (..., F), with the stricter of both frames in the middle between them."""
    fine = np.empty((*values.shape[:-1], 2 * values.shape[-1] - 1))
    fine[..., ::2] = values
    fine[..., 1::2] = np.minimum(values[..., 1:], values[..., :-1])
    return fine
