"""A range of frames in other time, amid a motion whose other frames keep theirs: what follows shifts by whole frames,
so that nothing is lost and keys on frames stay on frames.

Lengths are rounded to whole frames, and the speed is chosen so that the range takes just that many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...errors import AnimePoseError
from .time_map import GREATEST_SPEED, LEAST_SPEED, TimeMap, keep_spans

_HALVINGS = 60
_WHOLE = 1e-6
"""Frames up to which a length is the one asked for."""


@dataclass(frozen=True, eq=False)
class RangeMap:
    """Old frames and new ones."""

    inside: TimeMap
    """From the range's first frame to its last, in frames; its length is changed by a whole number of them."""

    @property
    def first(self) -> float:
        """Where the range begins, as before."""
        return float(self.inside.old_s[0])

    @property
    def last(self) -> float:
        """The range's last old frame."""
        return float(self.inside.old_s[-1])

    @property
    def shift(self) -> int:
        """Frames by which all that follows comes later."""
        return round(float(self.inside.new_s[-1]) - self.last)

    @property
    def is_identity(self) -> bool:
        """Whether everything keeps its time."""
        kept = np.abs(self.inside.new_s - self.inside.old_s).max() < _WHOLE
        return bool(kept and np.abs(self.inside.speed - 1.0).max() < _WHOLE)

    def old_at(self, new: np.ndarray) -> np.ndarray:
        """(...) old frames shown at new ones (...)."""
        new = np.asarray(new, dtype=np.float64)
        behind = new >= self.last + self.shift
        return np.where(new <= self.first, new, np.where(behind, new - self.shift, self.inside.old_at(new)))

    def new_at(self, old: np.ndarray) -> np.ndarray:
        """(...) new frames at which old ones (...) are shown."""
        old = np.asarray(old, dtype=np.float64)
        return np.where(old <= self.first, old, np.where(old >= self.last, old + self.shift, self.inside.new_at(old)))

    def speed_at(self, old: np.ndarray, before: bool) -> np.ndarray:
        """(...) speeds d old / d new at old frames (...): at the range's borders that on the one side or the other."""
        old = np.asarray(old, dtype=np.float64)
        low, high = (old > self.first, old <= self.last) if before else (old >= self.first, old < self.last)
        return np.where(low & high, self.inside.speed_at(self.inside.new_at(old)), 1.0)


def at_speed(first: float, last: float, speed: float, borders: tuple[float, float]) -> RangeMap:
    """A range at another speed, whose length comes out in whole frames.

    Args:
        first, last: frames of the range.
        speed: 2 = twice as fast.
        borders: frames after its beginning and before its end within which the speed changes from 1 and back to it;
            0 = at once.
    Raises:
        AnimePoseError: if the range has no length or the speed is out of bounds.
    """
    refuse_empty(first, last)
    if not LEAST_SPEED <= speed <= GREATEST_SPEED:
        raise AnimePoseError(
            f"A speed of {speed:.0%} is out of bounds.", f"Choose one from {LEAST_SPEED:.0%} to {GREATEST_SPEED:.0%}."
        )
    return of_length(first, last, float(_eased(first, last, speed, borders).new_s[-1]) - first, borders)


def of_length(first: float, last: float, length: float, borders: tuple[float, float]) -> RangeMap:
    """A range that takes so many frames from its first to its last; rounded, so that what follows stays on frames.

    Raises:
        AnimePoseError: if it cannot.
    """
    refuse_empty(first, last)
    length = _whole(length, last - first)
    low, high = np.log(LEAST_SPEED), np.log(GREATEST_SPEED)
    most, least = (_eased(first, last, float(np.exp(end)), borders).new_s[-1] - first for end in (low, high))
    if not least - _WHOLE <= length <= most + _WHOLE:
        raise AnimePoseError(
            f"Frames {first:g} to {last:g} cannot be made {length:g} frames long.",
            f"Choose a length from {int(np.ceil(least - _WHOLE))} to {int(most)} frames, or a narrower border.",
        )
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        longer = _eased(first, last, float(np.exp(middle)), borders).new_s[-1] - first > length
        low, high = (middle, high) if longer else (low, middle)
    return _exactly(_eased(first, last, float(np.exp((low + high) / 2)), borders), length)


def around_steps(
    first: float, last: float, frames: np.ndarray, stands: np.ndarray, amid: tuple[bool, bool], step_s: float,
    speed: float | None = None, length: float | None = None,
) -> RangeMap:  # fmt: skip
    """A range in which only what lies between footsteps changes its pace.

    Args:
        frames: (F,) whole frames of the range, increasing.
        stands: (F,) bool, in which a foot stands; from one such frame to the next, time runs as before.
        amid: whether the motion goes on before the range and behind it, at the speed it has.
        step_s: seconds a frame, for messages.
        speed: of what lies between footsteps; or
        length: frames from the range's first to its last.
    Raises:
        AnimePoseError: if a foot stands all the time, or the rest cannot make up for what is asked.
    """
    refuse_empty(first, last)
    held = float(np.diff(frames)[stands[1:] & stands[:-1]].sum())
    free = last - first - held
    if free < 1:
        raise AnimePoseError(
            f"A foot stands all the time from frame {first:g} to {last:g}: nothing is left that could change its pace.",
            "Untick Keep Footsteps, or choose a range with a jump or a flight.",
        )
    if length is None:
        assert speed is not None
        if not LEAST_SPEED <= speed <= GREATEST_SPEED:
            raise AnimePoseError(f"A speed of {speed:.0%} is out of bounds.", "Choose one from 1% to 10000%.")
        length = held + free / speed
    length = _whole(length, last - first)
    time_s = np.unique(np.concatenate([[first], frames, [last]])) * step_s
    keep = np.isin(np.round(time_s / step_s, 6), np.round(frames[stands], 6))
    made = keep_spans([first * step_s, last * step_s], [first * step_s, (first + length) * step_s], time_s, keep)
    speeds = made.speed.copy()
    for end, goes_on in zip((0, -1), amid, strict=True):
        speeds[end] = 1.0 if goes_on else speeds[end]
    return _exactly(TimeMap(made.new_s / step_s, made.old_s / step_s, speeds), length, first, last)


def refuse_empty(first: float, last: float) -> None:
    """Make sure that a range has a length.

    Raises:
        AnimePoseError: if it has none.
    """
    if not last > first:
        raise AnimePoseError("The range has no length.", "Choose at least two frames, or select keys at two of them.")


def _eased(first: float, last: float, speed: float, borders: tuple[float, float]) -> TimeMap:
    speed = min(max(speed, LEAST_SPEED), GREATEST_SPEED)  # exp(log(x)) may be off by the last bit
    begins, ends = (min(border, (last - first) / 2) for border in borders)
    keys = {first: 1.0 if begins else speed, last: 1.0 if ends else speed}
    keys = {first + begins: speed, last - ends: speed, **keys}
    at = sorted(keys)
    return TimeMap.of_speeds(at, [keys[one] for one in at], first, last)


def _whole(length: float, before: float) -> float:
    """The length nearest to one that differs from that before by whole frames; one frame at least."""
    made = before + round(length - before)
    return made if made > 0 else before + np.floor(1 - before)


def _exactly(made: TimeMap, length: float, first: float | None = None, last: float | None = None) -> RangeMap:
    """The map with ends that are not off by rounding."""
    new, old = made.new_s.copy(), made.old_s.copy()
    if first is not None and last is not None:
        old[0], old[-1], new[0] = first, last, first
    new[-1] = new[0] + length
    return RangeMap(replace(made, new_s=new, old_s=old))
