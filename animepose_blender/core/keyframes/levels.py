"""Bones of one depth, judged by the joints that they decide, from where the bones above have been put."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .judges import SAFETY, PlainLook
from .turning import applied, times, turned, vector_of
from .world import Track, local_basis, moved, turned_rad, unscaled

_ARM_M = 0.12
"""When a bone is aimed anew, being turned off counts as much as the way at the end of an arm of this length."""
_POOR = 0.9
"""Where aiming leaves more than this part of the tolerance, keeping the bone's direction in the world is tried."""


@dataclass(frozen=True, eq=False)
class LevelJudge:
    """B bones, each a group of its own tracks; looked at are the P joints that they decide."""

    tracks: Sequence[Track]
    group: np.ndarray
    """(R,) int, each track's bone among the B."""
    reference: np.ndarray
    """(R, S, 4)"""
    above: np.ndarray
    """(B, 3, 3, S) the axes of each bone without its channels, as the fitted bones above have put it."""
    base: np.ndarray
    """(B, 3, S) its head."""
    axes: np.ndarray
    """(B, 3, 3, S) how it should be turned."""
    owner: np.ndarray
    """(P,) int, increasing; each joint's bone."""
    offsets: np.ndarray
    """(P, 3, S) the joints in their bone's axes."""
    points: np.ndarray
    """(P, 3, S) where they should be."""
    allowed: np.ndarray
    """(P, S) in the armature's units; infinite where another bone decides."""
    allowed_rad: np.ndarray
    """(B, S)"""
    aim: np.ndarray
    """(B, 3, 3, S) how the reference turns it."""
    allowed_far: np.ndarray
    """(B, S) radians from the aim, for the sake of joints farther down."""
    metre: float
    """In the armature's units."""
    scales: bool
    independent = True

    @property
    def carriers(self) -> np.ndarray:
        return np.arange(len(self.above))[:, None]

    @property
    def weights(self) -> np.ndarray:
        lever = np.sqrt((self.offsets**2).sum(axis=1)) / self.allowed
        turn = np.maximum(self._per_bone(lever), 1 / self.allowed_rad)[self.group]
        shift = self._per_bone(1 / self.allowed)[self.group]
        # A quaternion's parts are halves of angles.
        half = np.array([2.0 if track.kind == "QUATERNION" else 1.0 for track in self.tracks])[:, None]
        turning = np.array([track.kind != "location" for track in self.tracks])[:, None]
        return np.where(turning, half * turn, shift)

    @property
    def quaternions(self) -> np.ndarray:
        return np.array([track.kind == "QUATERNION" for track in self.tracks])

    def frames_only(self) -> LevelJudge:
        names = ("above", "base", "axes", "offsets", "points", "allowed", "allowed_rad", "aim", "allowed_far")
        thinned = {name: np.ascontiguousarray(getattr(self, name)[..., ::2], dtype=np.float32) for name in names}
        return replace(self, reference=self.reference[:, ::2], **thinned)

    def look(self, channels: np.ndarray) -> PlainLook:
        axes, heads = self._posed(channels)
        far = turned_rad(self._upright(axes), self.aim) / self.allowed_far
        return PlainLook(np.maximum(self._worst(axes, heads), far) / SAFETY)

    def aimed(self, free: np.ndarray) -> LevelJudge:
        """The same with a reference that brings the joints as near to their places as turning the bones alone can.

        Args:
            free: (B, S) bool, where a bone may turn; elsewhere its channels stay as they are.
        """
        axes, heads = self._posed(self.reference)
        arms = applied(axes[self.owner], self.offsets)
        off = heads[self.owner] + arms - self.points
        weight = np.isfinite(self.allowed).astype(np.float64)
        weight /= np.maximum(self._summed(weight), 1.0)[self.owner]
        spin = vector_of(times(self._upright(axes), self.axes.swapaxes(1, 2)))
        # Least squares over small turns t: the joints' ways off + t x arm, and the turn spin + t of the bone itself.
        square = (arms * arms).sum(axis=1) * weight
        normal = np.empty_like(axes)
        for i in range(3):
            for j in range(3):
                product = -arms[:, i] * arms[:, j] * weight
                normal[:, i, j] = self._summed(product + square if i == j else product)
            normal[:, i, i] += (_ARM_M * self.metre) ** 2
        right = self._summed(np.cross(arms, off, axis=1) * weight[:, None]) + (_ARM_M * self.metre) ** 2 * spin
        turn = -np.linalg.solve(normal.transpose(0, 3, 1, 2), right.transpose(0, 2, 1)[..., None])[..., 0]
        aimed, axes, error = self._turned(turn.transpose(0, 2, 1), free)
        poor = error > _POOR
        if poor.any():
            other, other_axes, other_error = self._turned(-spin, free)
            better = poor & (other_error < error)
            aimed = np.where(better[self.group][..., None], other, aimed)
            axes = np.where(better[:, None, None], other_axes, axes)
        return replace(self, reference=aimed, aim=self._upright(axes))

    def _turned(self, turn: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The reference turned by (B, 3, S) rotation vectors, the axes then, and (B, S) parts of the tolerance."""
        local = applied(unscaled(self.above).swapaxes(1, 2), np.where(free[:, None], turn, 0.0))
        aimed = self.reference.copy()
        for row, track in enumerate(self.tracks):
            if track.turns:
                aimed[row] = turned(self.reference[row], track.kind, local[self.group[row]].T)
        axes, heads = self._posed(aimed)
        return aimed, axes, self._worst(axes, heads)

    def _posed(self, channels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B, 3, 3, S) axes and (B, 3, S) heads of (R, S, 4) channels."""
        own = channels.astype(self.above.dtype, copy=False)
        basis, location = local_basis(self.tracks, self.group, len(self.above), own)
        return times(self.above, basis), self.base + applied(self.above, location)

    def _worst(self, axes: np.ndarray, heads: np.ndarray) -> np.ndarray:
        """(B, S) errors in parts of what is allowed."""
        way = moved(heads[self.owner] + applied(axes[self.owner], self.offsets), self.points) / self.allowed
        return np.maximum(self._per_bone(way), turned_rad(self._upright(axes), self.axes) / self.allowed_rad)

    def _upright(self, axes: np.ndarray) -> np.ndarray:
        return unscaled(axes) if self.scales else axes

    @property
    def _starts(self) -> np.ndarray:
        return np.searchsorted(self.owner, np.arange(len(self.above)))

    def _per_bone(self, of_joints: np.ndarray) -> np.ndarray:
        return np.maximum.reduceat(of_joints, self._starts, axis=0)

    def _summed(self, of_joints: np.ndarray) -> np.ndarray:
        return np.add.reduceat(of_joints, self._starts, axis=0)
