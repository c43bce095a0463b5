"""The take that is being looked over: the estimate in memory, the edits in the scene, and what both make.

The edits are text in a property of the scene, so that Blender's undo and redo bring them back, and saving the .blend
keeps them. The take's file gets them when the user saves them there.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache

import bpy
import numpy as np

from ...core.frame_numbers import nearest_frames
from ...core.review.doubts import Doubt, suspicious
from ...core.review.edited import apply_edits
from ...core.review.edits import Edit, from_json, to_json
from ...core.review.people import Summary, people_of
from ...core.review.replay import with_edit
from ...core.review.saved_edits import edits_of
from ...errors import AnimePoseError
from ...take import Take
from ..import_plan import frames_in

KEPT_TAKES = 2
"""Estimates that are kept in memory."""
KEPT_SHOWN = 8
"""Takes in one scene that are kept with everybody, as long as somebody looks at them."""


@dataclass(frozen=True, eq=False)
class Reviewed:
    """A take after the edits of a scene."""

    estimate: Take
    take: Take
    people: list[Summary]
    doubts: list[Doubt]


def load(path: str) -> Take:
    """A take's estimate, from memory where it is there and its file has not changed.

    Raises:
        AnimePoseError: if it cannot be read.
    """
    path = os.path.abspath(bpy.path.abspath(path))
    return _load(path, _stamp(path))


def _stamp(path: str) -> int:
    """When a take's file was changed last."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError as error:
        raise AnimePoseError(f"There is no take at {path}.", "Choose its file again.") from error


@lru_cache(maxsize=KEPT_TAKES)
def _load(path: str, stamp: int) -> Take:
    return Take.load(path)


@lru_cache(maxsize=KEPT_TAKES)
def _reviewed(path: str, stamp: int, edits: str) -> Reviewed:
    estimate, records, folder = _load(path, stamp), from_json(json.loads(edits or "[]")), os.path.dirname(path)
    take = apply_edits(estimate, records, folder)
    return Reviewed(estimate, take, people_of(estimate, records, folder), suspicious(take))


def reviewed(scene: bpy.types.Scene) -> Reviewed:
    """What the scene's review is about.

    Raises:
        AnimePoseError: if there is none, or its take cannot be read.
    """
    settings = scene.animepose_review
    if not settings.take:
        raise AnimePoseError("No take is being reviewed.", "Press Review Take.")
    path = path_of(scene)
    return _reviewed(path, _stamp(path), settings.edits)


def everybody(scene: bpy.types.Scene, path: str) -> Take:
    """The take at a path, with those who are ignored, after the edits of the scene's review if it is about that take,
    else after those that are saved with it.

    Raises:
        AnimePoseError: if it cannot be read.
    """
    path = os.path.abspath(bpy.path.abspath(path))
    stamp = _stamp(path)
    if scene.animepose_review.take and path_of(scene) == path:
        return _everybody(path, stamp, scene.animepose_review.edits)
    return _everybody(path, stamp, None)


def forget_everybody() -> None:
    """Let go of the takes that `everybody` keeps in memory."""
    _everybody.cache_clear()


@lru_cache(maxsize=KEPT_SHOWN)
def _everybody(path: str, stamp: int, edits: str | None) -> Take:
    estimate = _load(path, stamp)
    records = edits_of(estimate) if edits is None else from_json(json.loads(edits or "[]"))
    return apply_edits(estimate, records, os.path.dirname(path), with_ignored=True)


def path_of(scene: bpy.types.Scene) -> str:
    """Where the take of the scene's review is."""
    return os.path.abspath(bpy.path.abspath(scene.animepose_review.take))


def edits_in(scene: bpy.types.Scene) -> list[Edit]:
    """The edits of the scene's review."""
    return from_json(json.loads(scene.animepose_review.edits or "[]"))


def add(scene: bpy.types.Scene, edit: Edit) -> None:
    """Make one more edit.

    Raises:
        AnimePoseError: if it does not fit; nothing is changed then.
    """
    edits = with_edit(reviewed(scene).estimate, edits_in(scene), edit, os.path.dirname(path_of(scene)))
    keep(scene, edits)


def keep(scene: bpy.types.Scene, edits: list[Edit]) -> None:
    """Let these be the edits of the scene's review."""
    scene.animepose_review.edits = json.dumps(to_json(edits))


def index_at(scene: bpy.types.Scene, take: Take, frame: float | None = None) -> int:
    """The take's frame that a frame of the scene shows; None = the current one."""
    wanted = scene.frame_current_final if frame is None else float(frame)
    return int(nearest_frames(frames_in(scene, take), np.array([wanted]))[0])
