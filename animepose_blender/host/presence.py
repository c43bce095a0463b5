"""Where a person is seen, predicted and gone, as an animator meets it: hidden while gone, and named on the timeline.

Keys of predicted frames are of another type as well, see `curves.CurveWriter.write`.
"""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ..take import State
from .curves import CurveWriter

STATE_WORDS = {State.ABSENT: "absent", State.OBSERVED: "seen", State.PREDICTED: "predicted"}


def hide_while_absent(writer: CurveWriter, frames: np.ndarray, present: np.ndarray) -> None:
    """Key `hide_viewport` and `hide_render` of an object where presence changes; nothing if it is always present.

    Args:
        writer: of the object.
        frames: (F,) frame numbers.
        present: (F,) bool.
    """
    _key_presence(writer, ("hide_viewport", "hide_render"), frames, present, when_present=0.0)


def hide_bones_while_absent(armature: bpy.types.Object, frames: np.ndarray, present: np.ndarray) -> None:
    """Key the visibility of an armature's bone collections where presence changes.

    The armature itself stays: Blender deselects what is hidden and ends no mode for it, so that an animator who
    scrubs over a gap would lose the selection, and with it the keys in the dope sheet.

    Args:
        armature: its bones are in bone collections, of which none lies in another.
        frames: (F,) frame numbers.
        present: (F,) bool.
    """
    if present.all():
        return
    data = armature.data
    assert isinstance(data, bpy.types.Armature)
    paths = [f'collections["{collection.name}"].is_visible' for collection in data.collections]
    _key_presence(CurveWriter(data, f"{armature.name} bones presence"), paths, frames, present, when_present=1.0)


def _key_presence(
    writer: CurveWriter, paths: Sequence[str], frames: np.ndarray, present: np.ndarray, when_present: float
) -> None:
    if present.all():
        return
    changes = np.flatnonzero(np.append(True, present[1:] != present[:-1]))
    values = np.where(present[changes], when_present, 1.0 - when_present)[None]
    hold = np.ones(len(changes), dtype=bool)
    for path in paths:
        writer.write(path, frames[changes], values, group="Presence", hold=hold)


def state_labels(names: Sequence[str], frames: np.ndarray, state: np.ndarray) -> dict[int, str]:
    """What changes at which frame, such as `Person 1 seen, Person 2 predicted`; who is seen at the start is not named.

    Args:
        names: P names.
        frames: (F,) frame numbers; between two frames the later one counts.
        state: (P, F) `State`.
    """
    before = np.concatenate([np.full_like(state[:, :1], State.OBSERVED), state[:, :-1]], axis=1)
    labels: dict[int, str] = {}
    for index, person in np.argwhere((state != before).T):
        frame = int(np.ceil(frames[index] - 1e-6))
        told = f"{names[person]} {STATE_WORDS[State(state[person, index])]}"
        labels[frame] = f"{labels[frame]}, {told}" if frame in labels else told
    return labels


def add_markers(scene: bpy.types.Scene, labels: dict[int, str]) -> None:
    """Add timeline markers, not selected: a selected one would move with the next that the user drags."""
    for frame, label in labels.items():
        scene.timeline_markers.new(label, frame=frame).select = False
