"""The take that edits make of an estimate.

Exact are all frames as such: joints, rotations, root, contacts, keypoints, boxes and hands of a frame stay together and
go to whom they now belong, bit by bit. Only `fill` makes new ones; those of `solved` come from a file.

Not exact are the constants of a person whose frames come from several people of the estimate, after a swap or a merge.
Their bone lengths become the mean of those people's, weighted by how many frames came from each. Joints and rotations
stay what was solved, so forward kinematics with these lengths misses the joints, by up to the difference of the
people's lengths summed along the chain, until the person is solved again; `people.Summary.mixed` says of whom that is
true.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...take import Take
from .. import fingers
from .edits import Edit
from .fill import Block, fill_block
from .replay import replay
from .saved_edits import SOURCE_KEY, edits_of
from .solved import PER_FRAME
from .tracks import NOBODY, Inset, Track, Tracks

NAMES_KEY = "person_names"
"""In the edited take's `source`: display names by id (as a string, JSON knows no other keys) of those who have one."""

NOT_NAN = ("keypoint_confidence", "joint_confidence", "contact", "hand_confidence")
"""Fields that are 0 where nothing is known."""
MEANS = ("bone_length_m", "hand_bone_length_m")
"""Constants of a person that are mixed; others, such as the thumbnail, are those of whom most frames come from."""


def apply_edits(
    take: Take, edits: Sequence[Edit], folder: str | os.PathLike[str] | None = None, *, with_ignored: bool = False
) -> Take:
    """The take after the edits; the given one is left alone.

    Each large array is put together when it is first asked for and then kept in the result: a list of people, a
    timeline or one field drawn over the picture need not wait for the others. Arrays that no edit changes are shared
    with the given take. All are read-only.

    Args:
        take: the estimate.
        edits: in the order in which they were made.
        folder: that of the take's file; spans that were solved again are read from there.
        with_ignored: whether people who are ignored stay in; otherwise they are left out.
    Returns:
        A valid take. Its `source` has the names, and no edits: they are in it already.
    Raises:
        AnimePoseError: if an edit does not fit; it is named.
    """
    tracks = replay(take, edits, folder)
    shown = [track for track in tracks.people.values() if with_ignored or not track.ignored]
    return _EditedTake.of(tracks, shown)


def load_edited(path: str | os.PathLike[str]) -> Take:
    """The take in a file after the edits saved in it.

    Raises:
        AnimePoseError: if the file is no take, or its edits cannot be read or do not fit.
    """
    take = Take.load(path)
    return apply_edits(take, edits_of(take), os.path.dirname(os.path.abspath(path)))


class _EditedTake(Take):
    """A take whose arrays are made when they are asked for. Valid by construction: every frame of it is a frame of a
    valid take (the estimate, or a file beside it), absent, or filled."""

    _tracks: Tracks
    _shown: list[Track]
    _blocks: list[Block]

    @classmethod
    def of(cls, tracks: Tracks, shown: list[Track]) -> Take:
        take = tracks.take
        source = {key: value for key, value in take.source.items() if key != SOURCE_KEY}
        if names := {str(track.person): track.name for track in shown if track.name}:
            source[NAMES_KEY] = names
        edited = cls.__new__(cls)
        edited.__dict__.update(
            _tracks=tracks,
            _shown=shown,
            _blocks=[],
            source=source,
            frame_time_s=take.frame_time_s,
            intrinsics=take.intrinsics,
            camera_to_world=take.camera_to_world,
            person_id=_locked(np.array([track.person for track in shown], dtype=take.person_id.dtype)),
            state=_locked(tracks.states(shown)),
        )
        return edited

    def __getattr__(self, name: str) -> Any:
        # Python comes here only for what is not there yet.
        if "_tracks" not in self.__dict__ or name not in (*PER_FRAME, "bone_length_m", "extras"):
            raise AttributeError(f"{type(self).__name__} has no {name}")
        take = self._tracks.take
        value = (
            {extra: self._gathered(extra, values) for extra, values in take.extras.items()}
            if name == "extras"
            else self._gathered(name, getattr(take, name))
        )
        self.__dict__[name] = value
        return value

    def _gathered(self, name: str, values: np.ndarray) -> np.ndarray:
        """A field or extra of the estimate, (P, ...) or (P, F, ...), for the people shown; others as they are.

        That an extra is somebody's shows by its shape alone, as everything of people has P first.
        """
        take = self._tracks.take
        if name in PER_FRAME or values.shape[:2] == (take.person_count, take.frame_count):
            made = self._frames(name, values)
        elif values.shape[:1] == (take.person_count,):
            made = self._constants(name, values)
        else:
            made = values.view()
        return _locked(made)

    def _frames(self, name: str, values: np.ndarray) -> np.ndarray:
        tracks, shown = self._tracks, self._shown
        if len(shown) == len(values) and all((track.source == row).all() for row, track in enumerate(shown)):
            return values.view()
        made = np.empty((len(shown), *values.shape[1:]), dtype=values.dtype)
        for own, track in zip(made, shown, strict=True):
            for start, stop, source in _pieces(track.source):
                if 0 <= source < len(values):
                    own[start:stop] = values[source, start:stop]
                    continue
                own[start:stop] = _nothing(name, values)
                if source != NOBODY and name in (block := self._block(source - len(values))):
                    first = tracks.fills[source - len(values)].start
                    own[start:stop] = block[name][start - first : stop - first]
        return made

    def _block(self, number: int) -> Block:
        while len(self._blocks) <= number:
            fills, made = self._tracks.fills, self._blocks
            fill = fills[len(made)]
            made.append(
                fill.frames if isinstance(fill, Inset) else fill_block(self._tracks.take, fills, made, len(made))
            )
        return self._blocks[number]

    def _constants(self, name: str, values: np.ndarray) -> np.ndarray:
        made = np.empty((len(self._shown), *values.shape[1:]), dtype=values.dtype)
        for own, track in zip(made, self._shown, strict=True):
            frames = self._tracks.frames_of(track)
            rows = np.flatnonzero(frames)
            if name in MEANS and len(rows) > 1:
                own[...] = np.average(values[rows].astype(np.float64), axis=0, weights=frames[rows])
            else:
                own[...] = values[self._tracks.main_row(track)]
        return made


def _pieces(source: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """(start, stop, source) of each stretch of frames that has one source."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(source) != 0]))
    return zip(starts.tolist(), [*starts[1:].tolist(), len(source)], source[starts].tolist(), strict=True)


def _nothing(name: str, values: np.ndarray) -> np.ndarray | float:
    """What a field holds where nothing is known; fingers are relaxed there."""
    if name == "hand_rotations":
        return fingers.rotations(np.broadcast_to(fingers.REST_CURL_RAD, (2, *fingers.REST_CURL_RAD.shape)))
    return 0 if name in NOT_NAN or not np.issubdtype(values.dtype, np.floating) else np.nan


def _locked(values: np.ndarray) -> np.ndarray:
    values.setflags(write=False)
    return values
