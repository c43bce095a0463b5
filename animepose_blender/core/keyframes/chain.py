"""The motion of a chain fitted from its root outwards: each bone makes up for what the bones before it are off.

A bone that is a little off carries all that hangs on it along. Where each bone is fitted to its own samples, the errors
of a chain add up, and each bone has only a small part of what is allowed. Here bones are fitted after those above them,
and not to their samples but to where their joints are in the world: to the samples turned so that the joints are met
from where the fitted bones above have put them (`levels`). Errors do not add up then, and every bone may take most of
what is allowed.
"""

from __future__ import annotations

import numpy as np

from .levels import LevelJudge
from .turning import applied, times
from .world import World, moved, unscaled

_ROOT = 0.85
"""Part of the tolerance that the first bone may take; a bone at the end of a chain takes all of it."""
_FAR = 10.0
"""Joints farther down could be off by so many tolerances if nothing made up for it: for what has to be made up for, the
bones there need keys."""
_BETWEEN = 1.2
"""Tolerances that are allowed in the middles between frames."""
_SAME = 1e-9


class Chain:
    """An armature's moving bones, put where their fitted channels put them from the root outwards; M of them."""

    def __init__(
        self,
        world: World,
        reference: np.ndarray,
        allowed: np.ndarray,
        allowed_rad: np.ndarray,
        varying: np.ndarray,
        exact: np.ndarray,
    ) -> None:
        """
        Args:
            reference: (R, S, 4) frames and the middles between them.
            allowed, allowed_rad: (M or 1, S) in the armature's units, and radians.
            varying: (M,) bool, bones with channels that change.
            exact: (M, S) bool, where a bone cannot make up for anything: its channels stay as they are.
        """
        count, times_count = len(world.moving), reference.shape[1]
        self.world, self.reference, self._varying, self._exact = world, reference, varying, exact
        self._true = world.pose(*world.basis(reference))
        self._upright = unscaled(self._true.axes) if world.scales else self._true.axes
        self._allowed, self._allowed_rad = (
            np.broadcast_to(each, (count, times_count)).copy() for each in (allowed, allowed_rad)
        )
        # A bone cannot make up for a way along itself: what is asked of a joint is asked of those above it.
        for place in range(count - 1, -1, -1):
            if (parent := world.parents[place]) >= 0:
                np.minimum(self._allowed[parent], self._allowed[place], out=self._allowed[parent])
        self._axes, self._heads = np.empty_like(self._true.axes), np.empty_like(self._true.heads)
        self._children: list[list[int]] = [[] for _ in range(count)]
        for place, parent in enumerate(world.parents):
            if parent >= 0:
                self._children[parent].append(place)
        self._part = self._parts()

    def _parts(self) -> np.ndarray:
        """(M,) part of the tolerance that a bone and those above it may take together."""
        count = len(self._children)
        above, below = np.zeros(count), np.zeros(count)
        for place, parent in enumerate(self.world.parents):
            above[place] = above[parent] + self._varying[parent] if parent >= 0 else 0
        for place in range(count - 1, -1, -1):
            under = [below[child] + self._varying[child] for child in self._children[place]]
            below[place] = max(under, default=0)
        way = np.where(below > 0, above / np.maximum(above + below, 1), 1.0)
        return _ROOT + (1 - _ROOT) * way

    def levels(self) -> list[np.ndarray]:
        """Moving bones that hang on equally many others, the roots first."""
        depth = (self.world.ancestors >= 0).sum(axis=1)
        return [np.flatnonzero(depth == each) for each in range(1, int(depth.max(initial=0)) + 1)]

    def judge(self, places: np.ndarray, rows: np.ndarray, free: np.ndarray) -> LevelJudge:
        """What tells how good (B,) bones of one level are, with channels to be met that make up for those above.

        Args:
            rows: their tracks.
            free: (B, S) bool, where they may.
        """
        above, base = self._hung(places)
        owner, offsets, points, allowed, allowed_rad, far = [], [], [], [], [], []
        for number, place in enumerate(places):
            joints, least = self._decided(place)
            part = self._part[place]
            for point, limit in joints:
                owner.append(number)
                points.append(point)
                offsets.append(self._inside(place, point))
                allowed.append(limit * part)
            allowed_rad.append(least * part)
            far.append(_FAR * part / np.maximum(self._reach(place), 1e-9))
        for limit in (*allowed, *allowed_rad, *far):
            limit[1::2] *= _BETWEEN
        judge = LevelJudge(
            [self.world.tracks[row] for row in rows], np.searchsorted(places, self.world.place[rows]),
            self.reference[rows], above, base, self._upright[places], np.array(owner), np.array(offsets),
            np.array(points), np.array(allowed), np.array(allowed_rad), self._upright[places], np.array(far),
            1 / self.world.armature.scale, self.world.scales,
        )  # fmt: skip
        return judge.aimed(free)

    def settle(self, places: np.ndarray, fitted: np.ndarray) -> None:
        """Put bones of a level where (R, S, 4) channels put them."""
        above, base = self._hung(places)
        rows = np.flatnonzero(np.isin(self.world.place, places))
        basis, location = self.world.basis_of(places, rows, fitted[rows])
        self._axes[places] = times(above, basis)
        self._heads[places] = base + applied(above, location)

    def _hung(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B, 3, 3, S) axes and (B, 3, S) heads of bones before their channels."""
        times_count = self.reference.shape[1]
        relative = self.world.relative[places, :3, :, None]
        above, base = (np.repeat(each, times_count, axis=-1) for each in (relative[:, :, :3], relative[:, :, 3]))
        hung = self.world.parents[places] >= 0
        parents = self.world.parents[places][hung]
        base[hung] = self._heads[parents] + applied(self._axes[parents], base[hung])
        above[hung] = times(self._axes[parents], above[hung])
        return above, base

    def _decided(self, place: int) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
        """Joints (3, S) that hang on a bone alone, with what is allowed (S,); and (S,) what it may be turned off."""
        every = np.ones(self.reference.shape[1], dtype=bool)
        found = [(self._true.tails[place], self._allowed[place]), (self._true.heads[place], self._allowed[place])]
        least = self._allowed_rad[place].copy()
        stack = [(child, every) for child in self._children[place]]
        while stack:
            child, when = stack.pop()
            found.append((self._true.heads[child], np.where(when, self._allowed[child], np.inf)))
            stays = when & self._exact[child] if self._varying[child] else when
            if stays.any():
                found.append((self._true.tails[child], np.where(stays, self._allowed[child], np.inf)))
                least = np.where(stays, np.minimum(least, self._allowed_rad[child]), least)
                stack += [(each, stays) for each in self._children[child]]
        joints: list[tuple[np.ndarray, np.ndarray]] = []
        for point, limit in found:
            same = (i for i, (other, _) in enumerate(joints) if np.abs(point - other).max() < _SAME)
            if (known := next(same, None)) is None:
                joints.append((point, limit.copy()))
            else:
                np.minimum(joints[known][1], limit, out=joints[known][1])
        return joints, least

    def _inside(self, place: int, point: np.ndarray) -> np.ndarray:
        """(3, S) a joint in a bone's axes."""
        away, axes = point - self._true.heads[place], self._true.axes[place]
        if not self.world.scales:
            return applied(axes.swapaxes(0, 1), away)
        # A bone may be scaled to nothing.
        return (np.linalg.pinv(axes.transpose(2, 0, 1)) @ away.T[..., None])[..., 0].T

    def _reach(self, place: int) -> np.ndarray:
        """(S,) the longest way to a joint below, in parts of what is allowed there."""
        below = np.flatnonzero((self.world.ancestors == place).any(axis=1))
        ways = moved(self._true.tails[below], self._true.heads[place]) / self._allowed[below]
        return ways.max(axis=0)
