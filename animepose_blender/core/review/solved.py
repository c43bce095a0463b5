"""Frames of a person that were solved again, in a small file beside the take.

The file is a take itself, of one person and the frames of the span, so that whoever reads takes reads it, and it is
checked as one. Its name is made of its content: nothing in it is ever written over, and undo and redo find it again.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import fields
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np

from ...errors import AnimePoseError
from ...take import Take
from .edits import Solved

FOLDER_SUFFIX = ".solved"
"""The folder beside the take is named after it."""
NAME_LENGTH = 20
"""Hexadecimal digits."""
AROUND_S = 3.0
"""What is given to the solver before and after the span; it looks at a little less."""
KEPT_FILES = 32
SAME_TIME_S = 1e-6

PER_FRAME = (
    "keypoints_px", "keypoint_confidence", "joints_world_m", "joint_confidence", "box_px", "box_camera_m", "contact",
    "rotations", "root_world_m",
)  # fmt: skip
_CLIP = ("frame_time_s", "intrinsics", "camera_to_world")


def around(take: Take, first: int, last: int) -> Take:
    """The part of a take that a solver needs to see for the frames `first` to `last`, with everybody."""
    low = int(np.searchsorted(take.frame_time_s, take.frame_time_s[first] - AROUND_S))
    high = int(np.searchsorted(take.frame_time_s, take.frame_time_s[last] + AROUND_S, side="right"))
    return _part(take, slice(0, take.person_count), slice(low, high))


def differing(before: Take, after: Take, person: int) -> tuple[int, int] | None:
    """First and last frame in which a person (id) differs between two takes of the same frames; None if nowhere."""
    ours, theirs = (per_frame(take, take.person_id.tolist().index(person)) for take in (before, after))
    if before.frame_count != after.frame_count or ours.keys() != theirs.keys():
        return 0, after.frame_count - 1
    changed = np.zeros(after.frame_count, dtype=bool)
    for name, values in ours.items():
        same = np.isclose(values, theirs[name], rtol=0, atol=0, equal_nan=True)
        changed |= ~same.reshape(len(changed), -1).all(axis=1)
    frames = np.flatnonzero(changed)
    return (int(frames[0]), int(frames[-1])) if len(frames) else None


def per_frame(take: Take, row: int) -> dict[str, np.ndarray]:
    """Everything that a take has of one person for every frame, each (F, ...), extras too."""
    found = {name: getattr(take, name)[row] for name in ("state", *PER_FRAME)}
    people = (take.person_count, take.frame_count)
    return found | {name: values[row] for name, values in take.extras.items() if values.shape[:2] == people}


def save_solved(path: str | os.PathLike[str], solved: Take, person: int, first: int, last: int) -> Solved:
    """Keep frames of a person beside a take.

    Args:
        path: of the take that they are meant for.
        solved: a take with them, of the same clip.
        person: the id.
        first, last: the frames of `solved` to keep, both included.
    Returns:
        The edit that puts them in.
    Raises:
        AnimePoseError: if the folder cannot be written to or the disk is full.
    """
    row = solved.person_id.tolist().index(person)
    part = _part(solved, slice(row, row + 1), slice(first, last + 1))
    part.source = {"solved_again": True}
    digest = hashlib.sha256()
    for name in (f.name for f in fields(Take) if f.name not in ("source", "extras")):
        digest.update(np.ascontiguousarray(getattr(part, name)).tobytes())
    for name in sorted(part.extras):
        digest.update(name.encode() + np.ascontiguousarray(part.extras[name]).tobytes())
    path = Path(path)
    file = PurePosixPath(path.stem + FOLDER_SUFFIX, digest.hexdigest()[:NAME_LENGTH] + ".npz")
    if not (path.parent / file).exists():
        part.save(path.parent / file)
    times = part.frame_time_s
    return Solved(person, float(times[0]), float(times[-1]), str(file))


def load_solved(folder: str | os.PathLike[str] | None, file: str) -> Take:
    """The frames that an edit names.

    Args:
        folder: that of the take; None = not known.
        file: relative to it, with slashes.
    Raises:
        AnimePoseError: if the file is missing, damaged or not beside the take.
    """
    relative = PurePosixPath(file)
    if folder is None or relative.is_absolute() or ".." in relative.parts or "\\" in file or ":" in file:
        raise AnimePoseError(f"{file!r:.200} is no file beside the take.", "Drop the edit.")
    path = Path(folder, relative)
    try:
        stamp = path.stat().st_mtime_ns
    except OSError as error:
        raise AnimePoseError(
            f"The frames that were solved again are missing: there is no {file} beside the take.",
            f"Put it back into {folder}, or drop the edit.",
        ) from error
    return _load(str(path), stamp)


@lru_cache(maxsize=KEPT_FILES)
def _load(path: str, stamp: int) -> Take:
    solved = Take.load(path)
    if solved.person_count != 1:
        raise AnimePoseError(f"{path} has {solved.person_count} people, expected one.", "Drop the edit.")
    return solved


def fitting(take: Take, solved: Take, start: int, stop: int) -> dict[str, np.ndarray]:
    """The frames of a file, each (n, ...), where they fit the frames `start` to `stop` - 1 of a take.

    Raises:
        AnimePoseError: if they were made for other frames, another camera, or a take that knows other things.
    """
    times_s = take.frame_time_s[start:stop]
    fits = len(times_s) == solved.frame_count and np.abs(times_s - solved.frame_time_s).max() < SAME_TIME_S
    fits = fits and all(np.allclose(getattr(take, name)[start:stop], getattr(solved, name)) for name in _CLIP[1:])
    found, people = per_frame(solved, 0), (take.person_count, take.frame_count)
    known = {name: values for name, values in take.extras.items() if values.shape[:2] == people}
    fits = fits and all(name in found and found[name].shape[1:] == values.shape[2:] for name, values in known.items())
    if not fits:
        raise AnimePoseError("The frames that were solved again are those of another estimate.", "Drop the edit.")
    return found


def _part(take: Take, rows: slice, frames: slice) -> Take:
    """Some people and frames of a take; of the extras what is somebody's, but no pictures."""
    extras = {}
    for name, values in take.extras.items():
        if values.shape[:2] == (take.person_count, take.frame_count):
            extras[name] = values[rows, frames]
        elif values.shape[:1] == (take.person_count,) and name != "thumbnails":
            extras[name] = values[rows]
    return Take(
        source=take.source,
        **{name: getattr(take, name)[frames] for name in _CLIP},
        person_id=take.person_id[rows],
        **{name: getattr(take, name)[rows, frames] for name in ("state", *PER_FRAME)},
        bone_length_m=take.bone_length_m[rows],
        extras=extras,
    )
