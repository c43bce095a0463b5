"""Who is in an edited take, for a list and a timeline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...take import State, Take
from .edits import Edit
from .replay import replay


@dataclass(frozen=True, eq=False)
class Summary:
    """One person of an edited take."""

    person: int
    """The id."""
    name: str
    """As given, or Person and the id."""
    start: int
    """First frame of presence; equal to `stop` for somebody who is in none."""
    stop: int
    """One after the last."""
    start_s: float
    end_s: float
    """When the first frame begins and the last one ends."""
    seen_s: float
    predicted_s: float
    mean_confidence: float
    """0 to 1, of the joints in frames of observation; 0 without any."""
    runs: np.ndarray
    """(R, 3) int64 start, stop and `State` of each stretch of frames, in order; together all frames."""
    ignored: bool
    thumbnail_row: int
    """Row of the estimate, and thus of its `thumbnails`, that most of the person's frames come from."""
    mixed: bool
    """Whether frames come from several people of the estimate, so that bone lengths do not fit exactly."""


def people_of(take: Take, edits: Sequence[Edit], folder: str | os.PathLike[str] | None = None) -> list[Summary]:
    """Everybody after the edits, those who are ignored too; not those merged into others.

    Args:
        take: the estimate.
        edits: in the order in which they were made.
        folder: that of the take's file; spans that were solved again are read from there.
    Raises:
        AnimePoseError: if an edit does not fit; it is named.
    """
    tracks = replay(take, edits, folder)
    people = list(tracks.people.values())
    states, confidence = tracks.states(people), tracks.confidence(people)
    times = take.frame_time_s
    # A frame lasts until the next; the last one as long as most do.
    lasts_s = np.append(np.diff(times), np.median(np.diff(times)) if len(times) > 1 else 0.0)
    ends_s = times + lasts_s
    summaries = []
    for track, state, sure in zip(people, states, confidence, strict=True):
        seen, present = state == State.OBSERVED, np.flatnonzero(state != State.ABSENT)
        start, stop = (int(present[0]), int(present[-1]) + 1) if len(present) else (0, 0)
        summaries.append(
            Summary(
                person=track.person,
                name=track.name or f"Person {track.person}",
                start=start,
                stop=stop,
                start_s=float(times[start]),
                end_s=float(ends_s[stop - 1]) if stop else float(times[0]),
                seen_s=float(lasts_s[seen].sum()),
                predicted_s=float(lasts_s[state == State.PREDICTED].sum()),
                mean_confidence=float(sure[seen].mean(dtype=np.float64)) if seen.any() else 0.0,
                runs=runs_of(state),
                ignored=track.ignored,
                thumbnail_row=tracks.main_row(track),
                mixed=int(np.count_nonzero(tracks.frames_of(track))) > 1,
            )
        )
    return summaries


def runs_of(values: np.ndarray) -> np.ndarray:
    """(R, 3) int64 start, stop and value of each stretch of equal values in (F,)."""
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    return np.stack([starts, np.append(starts[1:], len(values)), values[starts].astype(np.int64)], axis=-1)
