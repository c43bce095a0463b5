"""Spans in which a foot stands, and what can be done to one of them.

A list of footsteps is in the order of their starts; two of one foot neither overlap nor touch: a frame at least lies
between them, for otherwise the two would be one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import AnimePoseError, ExitCode

LEFT, RIGHT = 0, 1
STANDS = 0.5
"""Contact from which on a heel or toe stands."""


@dataclass(frozen=True, order=True)
class Footstep:
    """A foot stands from one frame to another, both included."""

    start: int
    end: int
    foot: int
    """`LEFT` or `RIGHT`."""

    def __post_init__(self) -> None:
        if self.end < self.start or self.foot not in (LEFT, RIGHT):
            raise AnimePoseError(
                f"A footstep from frame {self.start} to {self.end} is none.", "Let it last a frame at least.",
                ExitCode.USAGE,
            )  # fmt: skip


def from_contact(contact: np.ndarray, frames: np.ndarray) -> list[Footstep]:
    """The spans of (F, 4) contacts (left heel, left toe, right heel, right toe; 0 to 1) at (F,) frame numbers."""
    stands = np.nan_to_num(contact).reshape(-1, 2, 2).max(axis=-1) > STANDS
    found = []
    for foot in (LEFT, RIGHT):
        padded = np.concatenate([[False], stands[:, foot], [False]]).astype(np.int8)
        changes = np.diff(padded)
        starts, ends = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1) - 1
        found += [Footstep(round(frames[a]), round(frames[b]), foot) for a, b in zip(starts, ends, strict=True)]
    return sorted(found)


def to_contact(steps: Sequence[Footstep], frames: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(F, 4) contacts that stand within the footsteps and nowhere else.

    Args:
        frames: (F,) frame numbers.
        found: (F, 4) as they were found: they tell heel from toe where one of them was found to stand; where neither
            was, the whole foot does.
    """
    made = np.zeros((len(frames), 2, 2))
    known = np.nan_to_num(found).reshape(-1, 2, 2)
    told = (known.max(axis=-1, keepdims=True) > STANDS).repeat(2, axis=-1)
    whole = np.where(told, known, 1.0)
    for step in steps:
        inside = (frames > step.start - 0.5) & (frames < step.end + 0.5)
        made[inside, step.foot] = whole[inside, step.foot]
    return made.reshape(-1, 4)


def with_step(steps: Sequence[Footstep], new: Footstep) -> list[Footstep]:
    """The list with one more; those of its foot that it overlaps or touches become part of it."""
    near = [one for one in steps if one.foot == new.foot and one.start <= new.end + 1 and one.end >= new.start - 1]
    joined = Footstep(min(one.start for one in [*near, new]), max(one.end for one in [*near, new]), new.foot)
    return sorted([one for one in steps if one not in near] + [joined])


def changed(steps: Sequence[Footstep], index: int, start: int, end: int) -> list[Footstep]:
    """The list with one footstep at other frames: it stops short of its neighbours, a frame between them.

    Raises:
        AnimePoseError: if nothing is left of it, or there is no such footstep.
    """
    if not 0 <= index < len(steps):
        raise AnimePoseError("There is no such footstep.", "Choose one in the list.", ExitCode.USAGE)
    one = steps[index]
    others = [other for other in steps if other.foot == one.foot and other != one]
    lowest = max((other.end + 2 for other in others if other.end < one.start), default=start)
    highest = min((other.start - 2 for other in others if other.start > one.end), default=end)
    start, end = max(start, lowest), min(end, highest)
    if end < start:
        raise AnimePoseError("The footstep would last no frame.", "Remove it instead.", ExitCode.USAGE)
    return sorted([other for other in steps if other != one] + [Footstep(start, end, one.foot)])
