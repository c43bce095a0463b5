"""What each edit does to the tracks of a take, and which edits do not fit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ...errors import AnimePoseError
from ...take import State, Take
from .edits import ID_LIMIT, LONGEST_NAME, Edit, Ignore, MarkWrong, Merge, Rename, Solved, Split, Swap
from .solved import fitting, load_solved
from .tracks import NOBODY, Fill, Inset, Track, Tracks


def next_person_id(take: Take, edits: Sequence[Edit]) -> int:
    """An id that nobody has or had, for a `Split`."""
    new = [edit.new_person for edit in edits if isinstance(edit, Split)]
    return max([0, *take.person_id.tolist(), *new]) + 1


def with_edit(
    take: Take, edits: Sequence[Edit], edit: Edit, folder: str | os.PathLike[str] | None = None
) -> list[Edit]:
    """The list with one more edit, which is checked first.

    Raises:
        AnimePoseError: if it cannot be made; its words are about this edit alone.
    """
    _apply(replay(take, edits, folder), edit)
    return [*edits, edit]


def replay(take: Take, edits: Sequence[Edit], folder: str | os.PathLike[str] | None = None) -> Tracks:
    """Everybody after the edits.

    Args:
        take: the estimate.
        edits: in the order in which they were made.
        folder: that of the take's file; spans that were solved again are read from there.
    Raises:
        AnimePoseError: if an edit does not fit the take or what the edits before it left; it is named.
    """
    frames = take.frame_count
    tracks = Tracks(
        take,
        {
            int(person): Track(int(person), np.full(frames, row, dtype=np.int32), row)
            for row, person in enumerate(take.person_id)
        },
        set(take.person_id.tolist()),
        folder=folder,
    )
    for number, edit in enumerate(edits, start=1):
        try:
            _apply(tracks, edit)
        except AnimePoseError as error:
            raise AnimePoseError(
                f"Edit {number} of {len(edits)} ({edit.kind}) does not fit the take: {error.message}",
                "Undo the edits back to it, or take the take that they were made for.",
            ) from error
    return tracks


def frame_at(take: Take, time_s: float) -> int:
    """The frame nearest to a time, the earlier of two that are as near.

    Raises:
        AnimePoseError: if the time lies outside the take, by more than half a frame.
    """
    times = take.frame_time_s
    half_s = float(np.median(np.diff(times))) / 2 if len(times) > 1 else 0.5
    if not times[0] - half_s <= time_s <= times[-1] + half_s:
        raise AnimePoseError(
            f"{time_s:.3f} s lies outside the take, which runs from {times[0]:.3f} to {times[-1]:.3f} s.",
            "Choose a frame of the take.",
        )
    after = int(np.searchsorted(times, time_s))
    before = max(after - 1, 0)
    return before if after == len(times) or time_s - times[before] <= times[after] - time_s else after


def _apply(tracks: Tracks, edit: Edit) -> None:
    match edit:
        case Rename():
            _rename(tracks, edit)
        case Ignore():
            _known(tracks, edit.person).ignored = edit.ignored
        case Merge():
            _merge(tracks, edit)
        case Split():
            _split(tracks, edit)
        case Swap():
            _swap(tracks, edit)
        case MarkWrong():
            _mark_wrong(tracks, edit)
        case Solved():
            _put_solved(tracks, edit)


def _rename(tracks: Tracks, edit: Rename) -> None:
    track, name = _known(tracks, edit.person), edit.name.strip()
    if not name or not name.isprintable() or len(name.encode()) > LONGEST_NAME:
        raise AnimePoseError(
            f"{edit.name!r:.80} cannot be a name: expected 1 to {LONGEST_NAME} bytes that can be printed.",
            "Choose another name.",
        )
    track.name = name


def _merge(tracks: Tracks, edit: Merge) -> None:
    kept, merged = _two(tracks, edit.kept, edit.merged, "merged with")
    both = [kept, merged]
    states = tracks.states(both).astype(np.int8)
    # From best to worst: observed, predicted, absent, and absent without content.
    rank = np.array([1, 3, 2], dtype=np.int8)[states]
    rank[np.stack([track.source for track in both]) == NOBODY] = 0
    take_merged = rank[1] > rank[0]
    alike = np.flatnonzero((rank[0] == rank[1]) & (rank[0] >= 2))
    if len(alike):
        take_merged[alike] = _more_confident(tracks, both, alike, rank[0, alike])
    kept.source = np.where(take_merged, merged.source, kept.source)
    kept.name = kept.name or merged.name
    del tracks.people[edit.merged]


def _more_confident(tracks: Tracks, both: Sequence[Track], frames: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """(n,) bool, whether the second is the more confident in the stretch that each of `frames` (n,) belongs to."""
    starts = np.flatnonzero(np.concatenate([[True], (np.diff(frames) > 1) | (np.diff(rank) != 0)]))
    lead = np.zeros(len(frames))
    for track, sign in zip(both, (-1.0, 1.0), strict=True):
        rows = track.source[frames]
        real = rows < tracks.take.person_count
        known = np.nan_to_num(tracks.take.joint_confidence[rows[real], frames[real]], nan=0.0)
        lead[real] += sign * known.mean(axis=-1, dtype=np.float64)
        given = rows >= tracks.take.person_count
        if given.any():
            lead[given] += sign * tracks.confidence([track])[0, frames[given]]
    leads = np.add.reduceat(lead, starts)
    return np.repeat(leads > 0, np.diff(np.append(starts, len(frames))))


def _split(tracks: Tracks, edit: Split) -> None:
    track, frame = _known(tracks, edit.person), frame_at(tracks.take, edit.time_s)
    if edit.new_person in tracks.used or not 0 <= edit.new_person < ID_LIMIT:
        raise AnimePoseError(f"The id {edit.new_person} cannot be given: it is or was somebody's.", "Take another id.")
    present = tracks.states([track])[0] != State.ABSENT
    for part, where in ((present[:frame], "before"), (present[frame:], "from")):
        if not part.any():
            raise AnimePoseError(
                f"Person {edit.person} is in no frame {where} {edit.time_s:.3f} s, so there is nothing to split.",
                "Choose a frame within the person's span.",
            )
    later = np.arange(len(present)) >= frame
    new = Track(edit.new_person, np.where(later, track.source, NOBODY).astype(np.int32), track.home)
    new.ignored = track.ignored
    track.source = np.where(later, NOBODY, track.source).astype(np.int32)
    tracks.people[edit.new_person] = new
    tracks.used.add(edit.new_person)


def _swap(tracks: Tracks, edit: Swap) -> None:
    first, second = _two(tracks, edit.first, edit.second, "swapped with")
    frame = frame_at(tracks.take, edit.time_s)
    if (tracks.states([first, second])[:, frame:] == State.ABSENT).all():
        raise AnimePoseError(
            f"Neither person {edit.first} nor person {edit.second} is in a frame from {edit.time_s:.3f} s on.",
            "Choose an earlier frame.",
        )
    ours, theirs = first.source, second.source
    first.source = np.concatenate([ours[:frame], theirs[frame:]])
    second.source = np.concatenate([theirs[:frame], ours[frame:]])


def _mark_wrong(tracks: Tracks, edit: MarkWrong) -> None:
    track = _known(tracks, edit.person)
    start, stop = frame_at(tracks.take, edit.start_s), frame_at(tracks.take, edit.end_s) + 1
    if edit.end_s < edit.start_s:
        raise AnimePoseError(
            f"The span ends at {edit.end_s:.3f} s, before it starts at {edit.start_s:.3f} s.",
            "Choose its frames again.",
        )
    present = tracks.states([track])[0] != State.ABSENT
    span = f"from {edit.start_s:.3f} to {edit.end_s:.3f} s"
    if not edit.fill and not present[start:stop].any():
        raise AnimePoseError(f"Person {edit.person} is in no frame {span}.", "Choose frames in which the person is.")
    source = track.source.copy()
    source[start:stop] = NOBODY if not edit.fill else tracks.take.person_count + len(tracks.fills)
    if edit.fill:
        tracks.fills.append(_fill(tracks, track, present, start, stop, span))
    track.source = source


def _put_solved(tracks: Tracks, edit: Solved) -> None:
    track, take = _known(tracks, edit.person), tracks.take
    start, stop = frame_at(take, edit.start_s), frame_at(take, edit.end_s) + 1
    frames = fitting(take, load_solved(tracks.folder, edit.file), start, stop)
    behind = tracks.behind(track.source[start:stop])
    behind = np.where(behind == NOBODY, tracks.main_row(track), behind)
    source = track.source.copy()
    # One piece for each stretch with one person of the estimate behind it, so that bone lengths stay what they are.
    cuts = [0, *(np.flatnonzero(np.diff(behind)) + 1).tolist(), stop - start]
    for low, high in pairwise(cuts):
        source[start + low : start + high] = take.person_count + len(tracks.fills)
        piece = {name: values[low:high] for name, values in frames.items()}
        tracks.fills.append(Inset(start + low, start + high, int(behind[low]), piece))
    track.source = source


def _fill(tracks: Tracks, track: Track, present: np.ndarray, start: int, stop: int, span: str) -> Fill:
    earlier, later = np.flatnonzero(present[:start]), stop + np.flatnonzero(present[stop:])
    for side, where in ((earlier, "before"), (later, "after")):
        if not len(side):
            raise AnimePoseError(
                f"The span {span} cannot be filled: person {track.person} is in no frame {where} it.",
                "Mark it wrong without filling it, or choose a shorter span.",
            )
    before, after = int(earlier[-1]), int(later[0])
    inner = int(track.source[before]), int(track.source[after])

    def outer(frame: int, neighbour: int) -> int:
        """Where somebody else's frames begin, the way from the one to the other is no speed."""
        there = 0 <= frame < len(present) and present[frame] and track.source[frame] == neighbour
        return neighbour if there else NOBODY

    rows = tracks.behind(np.array(inner))
    return Fill(
        start,
        stop,
        before,
        after,
        (outer(before - 1, inner[0]), *inner, outer(after + 1, inner[1])),
        (int(rows[0]), int(rows[1])),
    )


def _known(tracks: Tracks, person: int) -> Track:
    track = tracks.people.get(person)
    if track is None:
        known = ", ".join(map(str, tracks.people)) or "nobody"
        raise AnimePoseError(f"There is no person {person}; there is {known}.", "Choose a person of the list.")
    return track


def _two(tracks: Tracks, first: int, second: int, what: str) -> tuple[Track, Track]:
    if first == second:
        raise AnimePoseError(f"Person {first} cannot be {what} themselves.", "Choose two people.")
    return _known(tracks, first), _known(tracks, second)
