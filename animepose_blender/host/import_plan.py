"""What an import is asked for, and everything about it that can be worked out, and refused, before anything changes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath

import bpy
import numpy as np

from ..core.armature_space import SHOWN, RestBones, rest_bones
from ..core.frame_numbers import clip_rate, frame_numbers, is_constant_rate
from ..errors import AnimePoseError
from ..skeleton import BONES
from ..take import State, Take
from .cameras import Optics, optics
from .key_options import Within

FIRST_FRAME = 1
"""Frame of the scene where the take begins."""
SHORTEST_BONE_M = 1e-3
"""Blender drops bones that have no length."""


@dataclass(frozen=True)
class ImportOptions:
    """What an import makes and which settings of the scene it sets."""

    set_frame_range: bool = True
    set_frame_rate: bool = True
    """Otherwise keys are placed by time at the scene's own rate."""
    make_camera: bool = True
    """Also makes it the scene's camera and sets the scene's resolution, which is part of matching it."""
    show_plate: bool = True
    make_mannequins: bool = True
    make_floor: bool = True
    show_boxes: bool = False
    """Otherwise the boxes are there, in a collection that is switched off."""
    add_markers: bool = False
    """On the timeline, where somebody is predicted, absent, or seen again."""
    people: tuple[int, ...] | None = None
    """Ids of those who are imported; None = everybody. The floor and the camera are those of all."""
    reduce: Within | None = None
    """How far curves with fewer keys may be off; None = a key on every frame."""


DEFAULT_OPTIONS = ImportOptions()


@dataclass(frozen=True)
class Plan:
    """Everything worked out before anything is changed."""

    name: str
    clip: str
    people: list[int]
    """Indices of the people who are imported: those who are seen at all, as far as the options ask for them."""
    rests: list[RestBones]
    present: np.ndarray
    """(P, F) bool"""
    clip_rate: Fraction
    scene_rate: Fraction
    frames: np.ndarray
    """(F,) frame numbers."""
    size: tuple[int, int] | None
    lens: Optics | None
    clip_start: int

    @property
    def frame_range(self) -> tuple[int, int]:
        return FIRST_FRAME, int(np.ceil(self.frames[-1] - 1e-6))


def rate_of(scene: bpy.types.Scene) -> Fraction:
    """Frames a second."""
    return Fraction(scene.render.fps / scene.render.fps_base).limit_denominator(100_000)


def frames_in(scene: bpy.types.Scene, take: Take) -> np.ndarray:
    """(F,) frame numbers that an import gives a take at the scene's own rate."""
    return frame_numbers(take.frame_time_s, rate_of(scene), FIRST_FRAME)


def make_plan(scene: bpy.types.Scene, take: Take, options: ImportOptions) -> Plan:
    """Check what an import needs, and work out what does not depend on what it makes.

    Raises:
        AnimePoseError: if the take cannot be imported into the scene.
    """
    if scene.library is not None:
        raise AnimePoseError(
            f"The scene {scene.name} is linked from {scene.library.filepath} and cannot be changed.",
            "Make it local, or show a scene of this file.",
        )
    take.validate()
    present = take.state != State.ABSENT
    people = np.flatnonzero(present.any(axis=1)).tolist()
    if not people:
        raise AnimePoseError("The take shows nobody in any frame.", "Estimate the clip again, or choose another take.")
    if options.people is not None:
        unknown = sorted(set(options.people) - set(take.person_id.tolist()))
        if unknown:
            raise AnimePoseError(f"The take knows no person {unknown[0]}.", "Choose among those of the take.")
        people = [person for person in people if take.person_id[person] in options.people]
    for person in people:
        shortest = min(SHOWN[1:], key=lambda bone: take.bone_length_m[person, bone])
        if take.bone_length_m[person, shortest] < SHORTEST_BONE_M:
            raise AnimePoseError(
                f"Bone {BONES[shortest]} of person {take.person_id[person]} is "
                f"{take.bone_length_m[person, shortest] * 1000:.2f} mm long; expected at least 1 mm.",
                "Estimate the clip again, or report this as a bug.",
            )
    try:
        rate = clip_rate(take.source.get("frame_rate"), take.frame_time_s)
    except (ValueError, TypeError) as error:
        raise AnimePoseError(f"The take has no frame rate: {error}.", "Estimate the clip again.") from error
    scene_rate = rate if options.set_frame_rate else rate_of(scene)
    clip = str(take.source.get("clip") or "")
    size = _size(take) if options.make_camera else None
    # The frames of a clip of variable rate are not counted but timed: players, Blender among them, seek by time.
    clip_start = int(take.source.get("start_frame") or 0)
    if not is_constant_rate(take.frame_time_s, rate):
        clip_start = round(float(take.frame_time_s[0]) * float(rate))
    return Plan(
        name=f"{PurePath(clip.replace(chr(92), '/')).stem or 'AnimePose'} (take)",
        clip=clip,
        people=people,
        rests=[rest_bones(take.bone_length_m[person], _hand_lengths(take, person)) for person in people],
        present=present,
        clip_rate=rate,
        scene_rate=scene_rate,
        frames=frame_numbers(take.frame_time_s, scene_rate, FIRST_FRAME),
        size=size,
        lens=optics(take.intrinsics, size) if size else None,
        clip_start=clip_start,
    )


def _hand_lengths(take: Take, person: int) -> np.ndarray | None:
    """(2, 20) lengths of the hands' bones, in a take that knows fingers."""
    if not take.has_fingers:
        return None
    lengths_m = take.extras["hand_bone_length_m"][person]
    if lengths_m.min() < SHORTEST_BONE_M:
        raise AnimePoseError(
            f"A finger bone of person {take.person_id[person]} is {lengths_m.min() * 1000:.2f} mm long; expected at "
            "least 1 mm.",
            "Estimate the clip again, or report this as a bug.",
        )
    return lengths_m


def _size(take: Take) -> tuple[int, int]:
    size = take.source.get("size")
    if not (isinstance(size, (list, tuple)) and len(size) == 2 and all(isinstance(v, int) and v >= 4 for v in size)):
        raise AnimePoseError(
            f"The take does not say how large the picture is: size is {size!r}, expected [width, height] in pixels.",
            "Estimate the clip again, or import without a camera.",
        )
    if (take.intrinsics[:, [0, 1], [0, 1]] <= 0).any():
        raise AnimePoseError(
            "The take's focal length is not above 0.", "Estimate the clip again, or import without a camera."
        )
    return size[0], size[1]
