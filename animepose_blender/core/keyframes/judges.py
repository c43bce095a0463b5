"""How far fitted channels are from the samples, in parts of what is allowed.

A judge looks at times S = 2 F - 1: the F frames and the middles between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from .world import Pose, World, moved, turned_rad, unscaled

_SAFETY = 0.998
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
        """(R, F) about how much of the tolerance a channel's error of 1 takes."""
        ...

    def shares(self, channels: np.ndarray) -> np.ndarray:
        """(G, S) how much of the tolerance the errors of a group's own channels take at most; channels (R, S, 4)."""
        ...

    def errors(self, channels: np.ndarray) -> np.ndarray:
        """(T, S) the error of each thing in parts of what is allowed."""
        ...


@dataclass(frozen=True, eq=False)
class PlainJudge:
    """Each track is a group of its own, with channels that may be off by so much each."""

    reference: np.ndarray
    """(R, S, 4)"""
    tolerance: np.ndarray
    """(R,)"""

    @property
    def group(self) -> np.ndarray:
        return np.arange(len(self.reference))

    @property
    def carriers(self) -> np.ndarray:
        return np.arange(len(self.reference))[:, None]

    @property
    def weights(self) -> np.ndarray:
        frames = (self.reference.shape[1] + 1) // 2
        return np.repeat(1 / self.tolerance[:, None], frames, axis=1)

    def shares(self, channels: np.ndarray) -> np.ndarray:
        return np.abs(channels - self.reference).max(axis=-1) / (_SAFETY * self.tolerance[:, None])

    def errors(self, channels: np.ndarray) -> np.ndarray:
        return self.shares(channels)


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

    @cached_property
    def _bones(self) -> np.ndarray:
        """(G,) place of each group's bone among the moving ones."""
        return np.unique(self.world.place)

    @cached_property
    def group(self) -> np.ndarray:
        return np.searchsorted(self._bones, self.world.place)

    @cached_property
    def carriers(self) -> np.ndarray:
        groups = np.full(len(self.world.moving) + 1, -1)
        groups[self._bones] = np.arange(len(self._bones))
        return groups[self.world.ancestors]

    @cached_property
    def _basis(self) -> tuple[np.ndarray, np.ndarray]:
        return self.world.basis(self.reference)

    @cached_property
    def _pose(self) -> Pose:
        return self.world.pose(*self._basis)

    @cached_property
    def _allowed(self) -> tuple[np.ndarray, np.ndarray]:
        """(M or 1, S) in the armature's units, and radians."""
        mm, rad = (
            _SAFETY * (each if len(each) == 1 else each[self.world.moving])
            for each in (self.tolerance_mm, self.tolerance_rad)
        )
        return mm / 1000 / self.world.armature.scale, rad

    @cached_property
    def _strictest(self) -> tuple[np.ndarray, np.ndarray]:
        """(G, S) the least that is allowed of what a group carries."""
        result = []
        for allowed in self._allowed:
            if len(allowed) == 1:
                result.append(allowed)
                continue
            least = np.full((len(self._bones) + 1, allowed.shape[1]), np.inf)
            for place, carriers in enumerate(self.carriers):
                np.minimum.at(least, carriers, allowed[place])
            result.append(least[:-1])
        return result[0], result[1]

    @cached_property
    def _levers(self) -> np.ndarray:
        """(M, S) in the armature's units."""
        return self.world.levers(self._pose)

    @cached_property
    def weights(self) -> np.ndarray:
        mm, rad = self._strictest
        lever = self._levers[self.world.place]
        mm, rad = (np.broadcast_to(each, (len(self._bones), lever.shape[1]))[self.group] for each in (mm, rad))
        # A quaternion's parts are halves of angles.
        half = np.array([2.0 if track.kind == "QUATERNION" else 1.0 for track in self.world.tracks])[:, None]
        turning = np.array([track.kind != "location" for track in self.world.tracks])[:, None]
        return np.where(turning, half * np.maximum(lever / mm, 1 / rad), 1 / mm)[:, ::2]

    def shares(self, channels: np.ndarray) -> np.ndarray:
        basis, location = self.world.basis(channels)
        angle = turned_rad(basis[self._bones], self._basis[0][self._bones])
        way = angle * self._levers[self._bones] + moved(location[self._bones], self._basis[1][self._bones])
        mm, rad = self._strictest
        return np.maximum(way / mm, angle / rad)

    def errors(self, channels: np.ndarray) -> np.ndarray:
        pose, wanted = self.world.pose(*self.world.basis(channels)), self._pose
        way = np.maximum(moved(pose.heads, wanted.heads), moved(pose.tails, wanted.tails))
        mm, rad = self._allowed
        a, b = pose.axes, wanted.axes
        if self.world.scales:
            a, b = unscaled(a), unscaled(b)
        return np.maximum(way / mm, turned_rad(a, b) / rad)


def between_frames(values: np.ndarray) -> np.ndarray:
    """(..., S) what is said per frame (..., F), with the stricter of both frames in the middle between them."""
    fine = np.empty((*values.shape[:-1], 2 * values.shape[-1] - 1))
    fine[..., ::2] = values
    fine[..., 1::2] = np.minimum(values[..., 1:], values[..., :-1])
    return fine
