"""Spans in which a foot stands, and what can be done to one of them.

A list of footsteps is in the order of their starts; two of one foot neither overlap nor touch: a frame at least lies
between them, for otherwise the two would be one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import AnimePoseError, ExitCode
from ..retarget.easing import bounds

LEFT, RIGHT = 0, 1
STANDS = 0.5
"""Contact from which on a heel or toe stands."""
LIKE_FOUND_S = 0.2
"""A footstep that is made longer goes on as it was for so long: on the heel or on the toes."""


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
    return from_stands(np.nan_to_num(contact).reshape(-1, 2, 2).max(axis=-1) > STANDS, frames)


def from_stands(stands: np.ndarray, frames: np.ndarray) -> list[Footstep]:
    """The spans in which feet stand, (F, 2) bool, left and right, at (F,) frame numbers."""
    found = []
    for foot in (LEFT, RIGHT):
        padded = np.concatenate([[False], stands[:, foot], [False]]).astype(np.int8)
        changes = np.diff(padded)
        starts, ends = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1) - 1
        found += [Footstep(round(frames[a]), round(frames[b]), foot) for a, b in zip(starts, ends, strict=True)]
    return sorted(found)


def stand_in(steps: Sequence[Footstep], frames: np.ndarray) -> np.ndarray:
    """(F, 2) bool, in which of (F,) frames the left and the right foot stand."""
    stands = np.zeros((len(frames), 2), dtype=bool)
    for step in steps:
        stands[(frames > step.start - 0.5) & (frames < step.end + 0.5), step.foot] = True
    return stands


def to_contact(
    stands: np.ndarray, found: np.ndarray, time_s: np.ndarray, part: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Contacts that stand where feet do and nowhere else.

    Where heel or toe was found to stand, it is the one that does. Near such frames of the same footstep the same does;
    far from them, the whole foot.

    Args:
        stands: (F, 2) bool, the left and the right foot.
        found: (F, 4) as contacts were found.
        time_s: (F,)
        part: (F, 2, 2) bool, heel and toe: what stands where nothing was found; None = the whole foot.
    Returns:
        (F, 4) contacts, and (F, 4) bool: points that stand although they were not found to.
    """
    known = np.nan_to_num(found).reshape(-1, 2, 2)
    heel_or_toe = (known > STANDS) & stands[..., None]
    sure = heel_or_toe.any(axis=-1)
    contact, told = np.zeros(known.shape), np.zeros(known.shape, dtype=bool)
    first, last = bounds(stands)
    for foot in (LEFT, RIGHT):
        nearest = _nearest(sure[:, foot])
        same = (nearest >= first[:, foot]) & (nearest <= last[:, foot]) & sure[nearest, foot]
        near = stands[:, foot] & same & (np.abs(time_s[nearest] - time_s) <= LIKE_FOUND_S)
        whole = True if part is None else part[:, foot]
        points = np.where(near[:, None], heel_or_toe[nearest, foot], whole) & stands[:, foot, None]
        contact[:, foot] = np.where(points, np.where(sure[:, foot, None], known[:, foot], 1.0), 0.0)
        told[:, foot] = points & ~sure[:, foot, None]
    return contact.reshape(-1, 4), told.reshape(-1, 4)


def _nearest(mask: np.ndarray) -> np.ndarray:
    """(F,) the frame of `mask` (F,) nearest to each; something if there is none."""
    frames, there = np.arange(len(mask)), np.flatnonzero(mask)
    if not len(there):
        return frames
    after = np.searchsorted(there, frames).clip(0, len(there) - 1)
    before = (after - 1).clip(0)
    return np.where(np.abs(there[before] - frames) <= np.abs(there[after] - frames), there[before], there[after])


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
