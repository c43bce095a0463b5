"""Values and rotations between frames: smooth, exact at the frames, and still where nothing moves.

At each frame the speed is that of the parabola through it and its neighbours, but at most three times the slower of the
speeds on either side (the bound of Fritsch and Carlson, 1980, for monotone cubics, here for the length of a vector).
What stands from one frame to the next then stands in between as well. That would flatten the turning points of what
swings, where a step between two frames may be small by chance; so unless it is asked for, a side is slow only if two
steps on it are. Rotations are those of Shoemake (1985), Animating
rotation with quaternion curves: Bezier curves on the sphere, evaluated by slerps.
"""

from __future__ import annotations

import numpy as np

from .. import quaternions as quat
from ..retarget.easing import from_vector, to_vector

SNAP = 1e-6
"""Part of a frame within which a moment is taken to be that frame's."""
STEEPEST = 3.0


class Moments:
    """Where N moments lie between F frames; a moment before the first or after the last is that frame's."""

    def __init__(self, time_s: np.ndarray, at_s: np.ndarray) -> None:
        """
        Args:
            time_s: (F,) increasing.
            at_s: (N,)
        """
        self.time_s = np.asarray(time_s, dtype=np.float64)
        last = max(len(self.time_s) - 2, 0)
        self.before = np.clip(np.searchsorted(self.time_s, at_s, side="right") - 1, 0, last)
        self.after = np.minimum(self.before + 1, len(self.time_s) - 1)
        lasts = self.time_s[self.after] - self.time_s[self.before]
        share = (np.asarray(at_s) - self.time_s[self.before]) / np.where(lasts > 0, lasts, 1.0)
        share = np.clip(share, 0.0, 1.0)
        self.lasts = lasts
        self.share = np.where(share < SNAP, 0.0, np.where(share > 1 - SNAP, 1.0, share))

    def positions(self, points: np.ndarray, still: bool = False) -> np.ndarray:
        """(N, ..., C) of points (F, ..., C), with no leap in their speed; `still`: two equal frames are a stand."""
        if len(points) < 2:
            return points[self.before]
        speed = self._speeds(np.diff(points, axis=0), still)
        u, lasts = _beside(self.share, points), _beside(self.lasts, points)
        p0, p1 = points[self.before], points[self.after]
        v0, v1 = lasts * speed[self.before], lasts * speed[self.after]
        # Hermite's form with the way from p0 to p1 apart, so that a point that stays is exactly where it was.
        made = p0 + u * u * (3 - 2 * u) * (p1 - p0) + u * (1 - u) * ((1 - u) * v0 - u * v1)
        return self.exact(points, made)

    def rotations(self, q: np.ndarray) -> np.ndarray:
        """(N, ..., 4) of rotations (F, ..., 4), with no leap in their speed; signs run on as those of `unroll`."""
        if len(q) < 2:
            return q[self.before]
        q = quat.unroll(q)
        # World steps, so that the speed at a frame is one vector whichever side it is seen from.
        speed = self._speeds(to_vector(quat.multiply(q[1:], quat.conjugate(q[:-1]))))
        u, third = self.share.reshape(-1, *(1,) * (q.ndim - 1)), _beside(self.lasts, q) / 3
        q0, q1 = q[self.before], q[self.after]
        a = quat.multiply(from_vector(third * speed[self.before]), q0)
        b = quat.multiply(from_vector(-third * speed[self.after]), q1)
        ab = slerp(a, b, u)
        made = slerp(slerp(slerp(q0, a, u), ab, u), slerp(ab, slerp(b, q1, u), u), u)
        return self.exact(q, made)

    def exact(self, values: np.ndarray, made: np.ndarray) -> np.ndarray:
        """(N, ...) `made`, and at the frames themselves the values (F, ...) of these."""
        share = _beside(self.share, values)
        made = np.where(share == 0, values[self.before], made)
        return np.where(share == 1, values[self.after], made)

    def _speeds(self, step: np.ndarray, still: bool = False) -> np.ndarray:
        """(F, ..., C) speeds at the frames, of steps (F - 1, ..., C) between them; NaN beside unknown frames is 0."""
        h = _beside(np.diff(self.time_s), step)
        pace = step / h
        if len(pace) == 1:
            return np.repeat(pace, 2, axis=0)
        inner = (h[1:] * pace[:-1] + h[:-1] * pace[1:]) / (h[1:] + h[:-1])
        size = np.linalg.norm(pace, axis=-1, keepdims=True)
        before = size[:-1] if still else np.fmax(size[:-1], np.concatenate([size[:1], size[:-2]]))
        after = size[1:] if still else np.fmax(size[1:], np.concatenate([size[2:], size[-1:]]))
        most = STEEPEST * np.fmin(before, after)
        length = np.linalg.norm(inner, axis=-1, keepdims=True)
        inner = inner * np.minimum(most / np.where(length > 0, length, 1.0), 1.0)
        # At the ends as if the change of speed went on; never more than thrice the step there.
        ends = []
        for edge, inside in ((pace[:1], inner[:1]), (pace[-1:], inner[-1:])):
            end = 2 * edge - inside
            length = np.linalg.norm(end, axis=-1, keepdims=True)
            most = STEEPEST * np.linalg.norm(edge, axis=-1, keepdims=True)
            ends.append(end * np.minimum(most / np.where(length > 0, length, 1.0), 1.0))
        return np.nan_to_num(np.concatenate([ends[0], inner, ends[1]]))


def slerp(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(..., 4) rotations `share` (..., 1) of the way from `a` to `b`, each on the side of the sphere it is given on."""
    cosine = np.clip(np.sum(a * b, axis=-1, keepdims=True), -1.0, 1.0)
    # By the chord: an arc cosine knows small angles only to 1e-8.
    angle = 2 * np.arctan2(np.linalg.norm(b - a, axis=-1, keepdims=True), np.linalg.norm(b + a, axis=-1, keepdims=True))
    near = (angle < 1e-7) | (cosine < -1 + 1e-12)
    sine = np.where(near, 1.0, np.sin(angle))
    wa = np.where(near, 1 - share, np.sin((1 - share) * angle) / sine)
    wb = np.where(near, share, np.sin(share * angle) / sine)
    return quat.normalize(wa * a + wb * b)


def _beside(values: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(N,) with as many axes as `other`."""
    return values.reshape(-1, *(1,) * (other.ndim - 1))
