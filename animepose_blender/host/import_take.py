"""A take becomes a scene: collection, camera with plate, armatures, mannequins and boxes, all in one go."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import PurePath

import bpy
import numpy as np

from ..core.armature_space import SHOWN, RestBones, rest_bones
from ..core.frame_numbers import blender_rate, clip_rate, frame_numbers, is_constant_rate
from ..errors import AnimePoseError
from ..skeleton import BONES
from ..take import SCHEMA_VERSION, State, Take
from .armatures import animate_armature, make_armatures
from .boxes import make_box
from .cameras import Optics, make_camera, optics
from .curves import CurveWriter, hide_while_absent
from .mannequin import make_mannequin, make_materials, person_colour
from .plate import PlateTiming, add_plate, find_clip
from .rollback import undone_on_failure

FIRST_FRAME = 1
"""Frame of the scene where the take begins."""
SHORTEST_BONE_M = 1e-3
"""Blender drops bones that have no length."""
PROPERTY_TAKE, PROPERTY_SCHEMA, PROPERTY_PERSON = "animepose_take", "animepose_schema_version", "animepose_person_id"
"""Custom properties: of the collection the take's path and schema version, of an armature its person's id."""


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
    show_boxes: bool = False
    """Otherwise the boxes are there, in a collection that is switched off."""


@dataclass(frozen=True)
class ImportedTake:
    """What an import made."""

    collection: bpy.types.Collection
    camera: bpy.types.Object | None
    armatures: list[bpy.types.Object]
    """One a person who is seen at all, in the take's order."""
    mannequins: list[bpy.types.Object]
    boxes: list[bpy.types.Object]
    frame_range: tuple[int, int]
    """First and last frame of the take in the scene."""
    warnings: list[str] = field(default_factory=list)
    """Sentences for the user."""


@dataclass(frozen=True)
class _Plan:
    """Everything worked out before anything is changed."""

    name: str
    clip: str
    people: list[int]
    """Indices of the people who are seen at all."""
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


def import_take(
    context: bpy.types.Context, take: Take, take_path: str | None, options: ImportOptions = ImportOptions()
) -> ImportedTake:
    """Build the scene of a take in the context's scene.

    Works in any mode. Selection, active object, mode and current frame stay as they are, and no undo step is pushed.
    If anything fails, what was made is removed and the scene's settings are put back.

    Args:
        context: its scene gets the take.
        take: what to import.
        take_path: where the take lies: kept on the collection, and the clip is also looked for beside it; or None.
        options: see `ImportOptions`.
    Raises:
        AnimePoseError: before any change, if the take cannot be imported.
    """
    scene = context.scene
    plan = _plan(scene, take, options)
    with undone_on_failure(scene):
        return _build(context, scene, take, take_path, options, plan)


def _plan(scene: bpy.types.Scene, take: Take, options: ImportOptions) -> _Plan:
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
    own_rate = Fraction(scene.render.fps / scene.render.fps_base).limit_denominator(100_000)
    scene_rate = rate if options.set_frame_rate else own_rate
    clip = str(take.source.get("clip") or "")
    size = _size(take) if options.make_camera else None
    # The frames of a clip of variable rate are not counted but timed: players, Blender among them, seek by time.
    clip_start = int(take.source.get("start_frame") or 0)
    if not is_constant_rate(take.frame_time_s, rate):
        clip_start = round(float(take.frame_time_s[0]) * float(rate))
    return _Plan(
        name=f"{PurePath(clip.replace(chr(92), '/')).stem or 'AnimePose'} (take)",
        clip=clip,
        people=people,
        rests=[rest_bones(take.bone_length_m[person]) for person in people],
        present=present,
        clip_rate=rate,
        scene_rate=scene_rate,
        frames=frame_numbers(take.frame_time_s, scene_rate, FIRST_FRAME),
        size=size,
        lens=optics(take.intrinsics, size) if size else None,
        clip_start=clip_start,
    )


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


def _build(
    context: bpy.types.Context,
    scene: bpy.types.Scene,
    take: Take,
    take_path: str | None,
    options: ImportOptions,
    plan: _Plan,
) -> ImportedTake:
    warnings = [
        f"Person {take.person_id[person]} is seen in no frame and was left out."
        for person in range(take.person_count)
        if person not in plan.people
    ]
    collection = bpy.data.collections.new(plan.name)
    collection[PROPERTY_TAKE] = take_path or ""
    collection[PROPERTY_SCHEMA] = SCHEMA_VERSION
    scene.collection.children.link(collection)
    _apply_settings(scene, options, plan)

    camera = None
    if options.make_camera and plan.lens:
        camera = make_camera(f"{plan.name} camera", plan.lens, take.camera_to_world, plan.frames)
        collection.objects.link(camera)
        scene.camera = camera
        if options.show_plate:
            warnings += _plate(camera, take_path, plan, round(take.source.get("rotation") or 0))

    names = [f"Person {take.person_id[person]}" for person in plan.people]
    armatures = make_armatures(context, names, plan.rests)
    mannequins, boxes = [], []
    box_collection = bpy.data.collections.new(f"{plan.name} boxes")
    box_collection.hide_viewport = not options.show_boxes
    box_collection.hide_render = True
    collection.children.link(box_collection)
    for number, (person, name, armature, rest) in enumerate(
        zip(plan.people, names, armatures, plan.rests, strict=True)
    ):
        present = plan.present[person]
        colour = person_colour(number)
        collection.objects.link(armature)
        armature[PROPERTY_PERSON] = int(take.person_id[person])
        armature.color = colour
        animate_armature(armature, rest, plan.frames, present, take.rotations[person], take.root_world_m[person])
        if options.make_mannequins:
            mannequin = make_mannequin(
                f"{name} mannequin", rest, take.bone_length_m[person], make_materials(name, number), armature
            )
            mannequin.color = colour
            collection.objects.link(mannequin)
            mannequins.append(mannequin)
            if not present.all():
                hide_while_absent(CurveWriter(mannequin, f"{name} presence"), plan.frames, present)
        box = make_box(f"{name} box", colour, take.box_camera_m[person], take.camera_to_world, plan.frames)
        if box is not None:
            box_collection.objects.link(box)
            boxes.append(box)
    return ImportedTake(collection, camera, armatures, mannequins, boxes, plan.frame_range, warnings)


def _apply_settings(scene: bpy.types.Scene, options: ImportOptions, plan: _Plan) -> None:
    if options.set_frame_rate:
        scene.render.fps, scene.render.fps_base = blender_rate(plan.clip_rate)
    if options.set_frame_range:
        scene.frame_start, scene.frame_end = plan.frame_range
    if plan.size and plan.lens:
        scene.render.resolution_x, scene.render.resolution_y = plan.size
        scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = plan.lens.pixel_aspect


def _plate(camera: bpy.types.Object, take_path: str | None, plan: _Plan, rotation_deg: int) -> list[str]:
    path = find_clip(plan.clip, take_path)
    if path is None:
        return [f"The clip {plan.clip or '(not named in the take)'} was not found, so the camera has no plate."]
    timing = PlateTiming(plan.clip_start, *plan.frame_range, plan.clip_rate, plan.scene_rate)
    try:
        add_plate(camera, path, timing, rotation_deg)
    except RuntimeError as error:
        return [f"Blender cannot show the clip {path} as a plate: {error}"]
    return []
