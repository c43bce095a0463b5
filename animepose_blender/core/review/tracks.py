"""People of an edited take: for every person and frame, which track of the estimate it comes from.

Nothing is copied here, so that `replay` takes the time of a few additions per frame; `edited` makes the arrays. There
are P people and F frames in the estimate.

A person's frames are named by numbers: 0 to P - 1 is that row of the take, in whatever state it is there; P + n is the
n-th `Fill` or `Inset`; NOBODY is an absent frame without content. An absent row is told from NOBODY so that what is
split and merged again is, to the byte, what it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...take import State, Take

NOBODY = -1


@dataclass(frozen=True, eq=False)
class Fill:
    """Frames `start` to `stop` - 1, to be filled between the frames `before` and `after`.

    The four sources are the numbers (see the module) of the frames one before `before`, at it, at `after` and one
    after it; NOBODY for an outer one that does not carry the motion on.
    """

    start: int
    stop: int
    before: int
    after: int
    sources: tuple[int, int, int, int]
    rows: tuple[int, int]
    """The rows of the take that stand behind both ends, for their bone lengths."""


@dataclass(frozen=True, eq=False)
class Inset:
    """Frames `start` to `stop` - 1 that are given, as they were solved again."""

    start: int
    stop: int
    row: int
    """The row of the take that stands behind them, for the bone lengths."""
    frames: dict[str, np.ndarray]
    """All that a take knows of somebody's frames, each (n, ...); `state` too."""

    @property
    def rows(self) -> tuple[int, int]:
        """As those of a fill."""
        return self.row, self.row


@dataclass(eq=False)
class Track:
    """One person of the edited take."""

    person: int
    source: np.ndarray
    """(F,) int32, see the module."""
    home: int
    """The row that stands for the person where no frame does."""
    name: str = ""
    ignored: bool = False


@dataclass(eq=False)
class Tracks:
    """All people of the edited take, in the order of the take, those split off last."""

    take: Take
    people: dict[int, Track]
    used: set[int]
    """Every id that somebody has or had."""
    fills: list[Fill | Inset] = field(default_factory=list)
    folder: str | os.PathLike[str] | None = None
    """Where the take's file lies; None if that is not known."""

    def states(self, tracks: Sequence[Track]) -> np.ndarray:
        """(N, F) uint8 `State`."""
        known = self._look_up(self.take.state, State.PREDICTED, State.ABSENT, tracks)
        return self._set_in(known, tracks, lambda inset: inset.frames["state"])

    def confidence(self, tracks: Sequence[Track]) -> np.ndarray:
        """(N, F) float32 mean confidence of the joints; 0 where filled, absent or not known."""
        joints = self.take.joint_confidence
        # A product with a vector is much faster than a mean over a short axis.
        mean = joints @ np.full(joints.shape[-1], 1 / joints.shape[-1], dtype=joints.dtype)
        known = self._look_up(np.nan_to_num(mean, nan=0.0), 0, 0, tracks)
        return self._set_in(known, tracks, lambda inset: inset.frames["joint_confidence"].mean(axis=-1))

    def _look_up(self, values: np.ndarray, filled: float, nobody: float, tracks: Sequence[Track]) -> np.ndarray:
        """(N, F) values (P, F) of the take, or the two constants."""
        rows, frames = values.shape
        constants = np.array([[filled], [nobody]], dtype=values.dtype)
        table = np.concatenate([values, np.broadcast_to(constants, (2, frames))])
        # All fills share the row P, and NOBODY, -1, is the last row.
        sources = np.array([track.source for track in tracks], dtype=np.int32).reshape(len(tracks), frames)
        return table[np.minimum(sources, rows), np.arange(frames)]

    def _set_in(
        self, known: np.ndarray, tracks: Sequence[Track], values_of: Callable[[Inset], np.ndarray]
    ) -> np.ndarray:
        """Values (N, F) with those of the insets, (n,) each, where they are used."""
        for number, inset in enumerate(self.fills, start=self.take.person_count):
            if isinstance(inset, Inset):
                span = slice(inset.start, inset.stop)
                for own, track in zip(known, tracks, strict=True):
                    own[span] = np.where(track.source[span] == number, values_of(inset), own[span])
        return known

    def behind(self, source: np.ndarray) -> np.ndarray:
        """Rows of the take that stand behind sources of any shape; NOBODY remains NOBODY."""
        filled = [fill.rows[0] for fill in self.fills]
        return np.array([*range(self.take.person_count), *filled, NOBODY], dtype=np.int32)[source]

    def main_row(self, track: Track) -> int:
        """The row of the take that most of a person's frames come from; the person's own one of several."""
        frames = self.frames_of(track)
        return track.home if frames[track.home] == frames.max() else int(frames.argmax())

    def frames_of(self, track: Track) -> np.ndarray:
        """(P,) in how many frames of its presence a person comes from each row of the take."""
        rows = self.behind(track.source)[self.states([track])[0] != State.ABSENT]
        return np.bincount(rows[rows >= 0], minlength=self.take.person_count)
