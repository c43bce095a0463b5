"""Maps of time: which moment of the old motion is shown at each moment of the new one.

A map has knots (new, old), both increasing, and the speed d old / d new at each. Between two knots, with h the new time
from one to the next, s the mean speed and u from 0 to 1, it is

    old(u) = old0 + s h (s u^2 + d0 u (1 - u)) / (s + (d0 + d1 - 2 s) u (1 - u))

which increases for every choice of speeds above zero, has speeds d0 and d1 at its ends and is a straight line where all
three are the same. Reference: Gregory and Delbourgo (1982), Piecewise rational quadratic interpolation to monotonic
data. A cubic would have to give up speeds to stay monotone (Fritsch and Carlson, 1980): neither a keyed speed nor a
contact that keeps its own time would come out as asked. Where only places are given, speeds are those of Fritsch and
Butland (1984), with which the cubic is monotone as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import AnimePoseError
from ..retarget.easing import bounds, step_s

LEAST_SPEED, GREATEST_SPEED = 0.01, 100.0
"""A motion never stands still nor leaps."""


@dataclass(frozen=True, eq=False)
class TimeMap:
    """See the head of this file; beyond its ends it goes on at the speeds it has there."""

    new_s: np.ndarray
    """(K,) increasing, K at least 2."""
    old_s: np.ndarray
    """(K,) increasing."""
    speed: np.ndarray
    """(K,) above zero."""

    def __post_init__(self) -> None:
        for name in ("new_s", "old_s", "speed"):
            values = getattr(self, name)
            if values.shape != self.new_s.shape or values.ndim != 1 or not np.isfinite(values).all():
                raise ValueError(f"{name} is not {self.new_s.shape} finite numbers")
        if len(self.new_s) < 2 or (np.diff(self.new_s) <= 0).any() or (np.diff(self.old_s) <= 0).any():
            raise ValueError("a map of time needs two knots or more, and both times must increase")
        if (self.speed <= 0).any():
            raise ValueError("speeds must be above zero")

    @classmethod
    def identity(cls, time_s: np.ndarray) -> TimeMap:
        """Everything stays as it is."""
        ends = np.array([time_s[0], time_s[-1] if len(time_s) > 1 else time_s[0] + 1.0], dtype=np.float64)
        return cls(ends, ends.copy(), np.ones(2))

    @classmethod
    def of_pairs(cls, old_s: Sequence[float] | np.ndarray, new_s: Sequence[float] | np.ndarray) -> TimeMap:
        """What happened at `old_s` happens at `new_s`; between them time runs smoothly.

        Raises:
            AnimePoseError: if there are fewer than two pairs, or either time does not increase.
        """
        old, new = _sorted_pairs(old_s, new_s)
        return cls(new, old, _smooth_speeds(new, old))

    @classmethod
    def of_speeds(
        cls, keys_s: Sequence[float] | np.ndarray, speed: Sequence[float] | np.ndarray, start_s: float, end_s: float
    ) -> TimeMap:
        """Keyed speeds: 1 as it was, 2 twice as fast; between keys the speed changes evenly over the old motion.

        With speed v = v0 + m (old - old0), new time is the integral of d old / v, ln(v1 / v0) / m from key to key.

        Args:
            keys_s: (K,) old times of the keys, increasing; K at least 1.
            speed: (K,)
            start_s, end_s: of the old motion; it begins at the same time as before.
        Raises:
            AnimePoseError: if a speed is not within `LEAST_SPEED` and `GREATEST_SPEED`, or keys do not increase.
        """
        keys, speeds = np.atleast_1d(np.asarray(keys_s, np.float64)), np.atleast_1d(np.asarray(speed, np.float64))
        if keys.shape != speeds.shape or keys.ndim != 1 or not len(keys) or not (np.diff(keys) > 0).all():
            raise AnimePoseError("The keys of the speed do not follow one another.", "Give each time one speed.")
        if not ((speeds >= LEAST_SPEED) & (speeds <= GREATEST_SPEED)).all():
            raise AnimePoseError(
                f"A speed is not between {LEAST_SPEED:g} and {GREATEST_SPEED:g}.", "Key speeds within these limits."
            )
        if end_s <= start_s:
            raise AnimePoseError("The motion has no length.", "Choose at least two frames.")
        within = (keys > start_s) & (keys < end_s)
        old = np.concatenate([[start_s], keys[within], [end_s]])
        v = np.interp(old, keys, speeds)
        v0, v1 = v[:-1], v[1:]
        alike = np.abs(v1 - v0) < 1e-6 * v0
        # Of almost equal speeds the logarithm's series: 1 / mean speed.
        pace = np.where(alike, 2.0 / (v0 + v1), np.log(v1 / v0) / np.where(alike, 1.0, v1 - v0))
        new = start_s + np.concatenate([[0.0], np.cumsum(np.diff(old) * pace)])
        return cls(new, old, v)

    def old_at(self, new_s: np.ndarray) -> np.ndarray:
        """(...) old times of new ones (...); it increases with them."""
        new = np.asarray(new_s, dtype=np.float64)
        at, u, s, d0, d1 = self._piece(new)
        part = u * (1 - u)
        rise = np.diff(self.old_s)[at]
        inside = self.old_s[at] + rise * (s * u * u + d0 * part) / (s + (d0 + d1 - 2 * s) * part)
        before = self.speed[0] * np.minimum(new - self.new_s[0], 0.0)
        after = self.speed[-1] * np.maximum(new - self.new_s[-1], 0.0)
        return inside + before + after

    def speed_at(self, new_s: np.ndarray) -> np.ndarray:
        """(...) speeds d old / d new at new times (...)."""
        _, u, s, d0, d1 = self._piece(np.asarray(new_s, dtype=np.float64))
        part = u * (1 - u)
        return s * s * (d1 * u * u + 2 * s * part + d0 * (1 - u) ** 2) / (s + (d0 + d1 - 2 * s) * part) ** 2

    def _piece(self, new_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(...) each: the number of the piece between knots, u, its mean speed, and the speeds at its ends."""
        at = np.clip(np.searchsorted(self.new_s, new_s, side="right") - 1, 0, len(self.new_s) - 2)
        h = np.diff(self.new_s)[at]
        u = np.clip((new_s - self.new_s[at]) / h, 0.0, 1.0)
        return at, u, np.diff(self.old_s)[at] / h, self.speed[at], self.speed[at + 1]

    def new_at(self, old_s: np.ndarray) -> np.ndarray:
        """(...) new times of old ones (...), the inverse of `old_at`.

        u is the root of a quadratic, in the form that loses no digits (Press et al., Numerical Recipes, 5.6).
        """
        old = np.asarray(old_s, dtype=np.float64)
        at = np.clip(np.searchsorted(self.old_s, old, side="right") - 1, 0, len(self.old_s) - 2)
        h, rise = np.diff(self.new_s)[at], np.diff(self.old_s)[at]
        s, d0, d1 = rise / h, self.speed[at], self.speed[at + 1]
        y = np.clip((old - self.old_s[at]) / rise, 0.0, 1.0)
        bend = y * (d0 + d1 - 2 * s)
        a, b, c = s - d0 + bend, d0 - bend, -s * y
        u = 2 * c / (-b - np.sqrt(np.maximum(b * b - 4 * a * c, 0.0)))
        before = np.minimum(old - self.old_s[0], 0.0) / self.speed[0]
        after = np.maximum(old - self.old_s[-1], 0.0) / self.speed[-1]
        return self.new_s[at] + h * np.clip(u, 0.0, 1.0) + before + after

    def new_times(self, time_s: np.ndarray) -> np.ndarray:
        """(G,) times of the new motion's frames: the old rate from the new start to the new end.

        Args:
            time_s: (F,) of the old motion. Where nothing changes, the result is `time_s` itself.
        """
        if np.array_equal(self.new_s, self.old_s) and np.all(self.speed == 1.0):
            return np.array(time_s, dtype=np.float64)
        step = step_s(time_s)
        count = int(np.floor((self.new_s[-1] - self.new_s[0]) / step + 1e-6)) + 1
        return self.new_s[0] + step * np.arange(count)


def keep_spans(
    old_s: Sequence[float] | np.ndarray, new_s: Sequence[float] | np.ndarray, time_s: np.ndarray, keep: np.ndarray
) -> TimeMap:
    """A map that leaves some spans their own speed and changes only what is between them.

    From pair to pair the new time is that asked for; of it each kept span takes what it took, and the rest is shared
    out evenly. A pair may lie within a kept span: it says where that span comes to lie.

    Args:
        old_s, new_s: pairs as those of `TimeMap.of_pairs`.
        time_s: (F,) of the old motion.
        keep: (F,) bool, such as `contact.max(axis=1) > 0.5`.
    Raises:
        AnimePoseError: if the kept spans leave no time for what is between them, or nothing is between them.
    """
    old, new = _sorted_pairs(old_s, new_s)
    first, last = bounds(np.asarray(keep, dtype=bool))
    runs = np.unique(first[keep])
    begins, ends = time_s[runs], time_s[last[runs]]
    long = (ends > begins) & (begins < old[-1]) & (ends > old[0])
    begins, ends = np.clip(begins[long], old[0], old[-1]), np.clip(ends[long], old[0], old[-1])

    knots = np.unique(np.concatenate([old, begins, ends]))
    middle = (knots[1:] + knots[:-1]) / 2
    kept = ((middle[:, None] > begins) & (middle[:, None] < ends)).any(axis=1)
    lasts = np.diff(knots)
    segment = np.searchsorted(old, middle) - 1
    count = len(old) - 1
    held_s = np.bincount(segment, lasts * kept, count)
    free_s = np.bincount(segment, lasts * ~kept, count)
    asked_s = np.diff(new)
    wrong = np.where(free_s > 0, asked_s - held_s < free_s / GREATEST_SPEED, np.abs(asked_s - held_s) > 1e-6)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise AnimePoseError(
            f"Between {old[at]:.2f} s and {old[at + 1]:.2f} s, {held_s[at]:.2f} s of {asked_s[at]:.2f} s keep "
            "their time, and the rest cannot make up for it.",
            "Give that part more time, or let contacts change their timing too.",
        )
    pace = np.where(kept, 1.0, ((asked_s - held_s) / np.where(free_s > 0, free_s, 1.0))[segment])
    made = new[0] + np.concatenate([[0.0], np.cumsum(lasts * pace)])
    speed = _smooth_speeds(made, knots)
    beside = np.zeros(len(knots), dtype=bool)
    beside[:-1] |= kept
    beside[1:] |= kept
    return TimeMap(made, knots, np.where(beside, 1.0, speed))


def _sorted_pairs(
    old_s: Sequence[float] | np.ndarray, new_s: Sequence[float] | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    old, new = np.asarray(old_s, dtype=np.float64), np.asarray(new_s, dtype=np.float64)
    if old.shape != new.shape or old.ndim != 1 or len(old) < 2:
        raise AnimePoseError(
            "A map of time needs two pairs or more of an old and a new time.", "Give at least its beginning and end."
        )
    order = np.argsort(old, kind="stable")
    old, new = old[order], new[order]
    if not ((np.diff(old) > 0).all() and (np.diff(new) > 0).all()):
        raise AnimePoseError("Time would stand still or run backwards.", "Let the new times follow as the old ones do.")
    return old, new


def _smooth_speeds(new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """(K,) speeds at the knots: weighted harmonic means of the speeds beside each, at the ends those of the end.

    Reference: Fritsch and Butland (1984), as in SciPy's PchipInterpolator, whose ends differ.
    """
    h = np.diff(new)
    s = np.diff(old) / h
    if len(s) == 1:
        return np.array([s[0], s[0]])
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    inner = (w1 + w2) / (w1 / s[:-1] + w2 / s[1:])
    return np.concatenate([[s[0]], inner, [s[-1]]])
