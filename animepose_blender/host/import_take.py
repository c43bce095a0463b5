"""A take becomes a scene: collection, camera with plate, floor, armatures, mannequins and boxes, all in one go."""

from __future__ import annotations

from dataclasses import dataclass, field

import bpy
import numpy as np

from ..core.footsteps.spans import from_contact
from ..core.frame_numbers import blender_rate
from ..core.review.edited import NAMES_KEY
from ..core.source_clip import find_clip
from ..take import SCHEMA_VERSION, State, Take
from .armatures import animate_armature, make_armatures
from .boxes import make_boxes
from .cameras import make_camera
from .cleanup.reduce import Baked, Feet, reduce_baked
from .curves import CurveWriter
from .floor import make_floor
from .import_plan import DEFAULT_OPTIONS, ImportOptions, Plan, make_plan
from .mannequin import make_mannequin, make_materials, person_colour
from .plate import PlateTiming, add_plate
from .presence import add_markers, hide_bones_while_absent, hide_while_absent, state_labels
from .rollback import undone_on_failure

__all__ = ["ImportOptions", "ImportedTake", "import_take"]

PROPERTY_TAKE, PROPERTY_SCHEMA, PROPERTY_PERSON = "animepose_take", "animepose_schema_version", "animepose_person_id"
"""Custom properties: of the collection the take's path and schema version, of an armature its person's id."""
PROPERTY_ROOT_SIGMA = "animepose_root_sigma_m"
"""Of an armature: how far its person may be off across the camera's ray and along it, metres, median over the clip."""


@dataclass(frozen=True)
class ImportedTake:
    """What an import made."""

    collection: bpy.types.Collection
    camera: bpy.types.Object | None
    armatures: list[bpy.types.Object]
    """One a person who is seen at all, in the take's order."""
    mannequins: list[bpy.types.Object]
    boxes: list[bpy.types.Object]
    """One a person, and one more for whom some are predicted."""
    frame_range: tuple[int, int]
    """First and last frame of the take in the scene."""
    warnings: list[str] = field(default_factory=list)
    """Sentences for the user."""


def import_take(
    context: bpy.types.Context, take: Take, take_path: str | None, options: ImportOptions = DEFAULT_OPTIONS
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
    plan = make_plan(scene, take, options)
    with undone_on_failure(scene):
        return _build(context, scene, take, take_path, options, plan)


def _build(
    context: bpy.types.Context,
    scene: bpy.types.Scene,
    take: Take,
    take_path: str | None,
    options: ImportOptions,
    plan: Plan,
) -> ImportedTake:
    warnings = [
        f"Person {take.person_id[person]} is seen in no frame and was left out."
        for person in range(take.person_count)
        if not plan.present[person].any() and (options.people is None or take.person_id[person] in options.people)
    ]
    collection = bpy.data.collections.new(plan.name)
    collection[PROPERTY_TAKE] = take_path or ""
    collection[PROPERTY_SCHEMA] = SCHEMA_VERSION
    scene.collection.children.link(collection)
    _apply_settings(scene, options, plan)

    camera = None
    if options.make_camera and plan.lens:
        camera = make_camera(
            f"{plan.name} camera", plan.lens, take.camera_to_world, plan.frames, fewer_keys=options.reduce is not None
        )
        collection.objects.link(camera)
        scene.camera = camera
        if options.show_plate:
            warnings += _plate(camera, take_path, plan, round(take.source.get("rotation") or 0))

    if options.make_floor:
        collection.objects.link(make_floor(f"{plan.name} floor", take.joints_world_m[plan.present]))
    named = take.source.get(NAMES_KEY) or {}
    names = [named.get(str(id_), f"Person {id_}") for id_ in take.person_id[plan.people].tolist()]
    armatures = make_armatures(context, names, plan.rests)
    mannequins, boxes = [], []
    box_collection = bpy.data.collections.new(f"{plan.name} boxes")
    box_collection.hide_viewport = not options.show_boxes
    box_collection.hide_render = True
    collection.children.link(box_collection)
    for number, (name, armature) in enumerate(zip(names, armatures, strict=True)):
        armature.color = person_colour(number)
        collection.objects.link(armature)
        _dress_armature(armature, take, plan, number)
        if options.make_mannequins:
            mannequins.append(_mannequin(name, armature, take, plan, number))
            collection.objects.link(mannequins[-1])
        boxes += _boxes(name, take, plan, number, options)
    for box in boxes:
        box_collection.objects.link(box)
    if options.reduce is not None:
        contacts = take.contact[plan.people]
        feet = [Feet(from_contact(contact, plan.frames)) for contact in contacts]
        baked = [Baked(armature, feet=each) for armature, each in zip(armatures, feet, strict=True)]
        reduce_baked(context, baked, options.reduce)
    if options.add_markers:
        add_markers(scene, state_labels(names, plan.frames, take.state[plan.people]))
    return ImportedTake(collection, camera, armatures, mannequins, boxes, plan.frame_range, warnings)


def _dress_armature(armature: bpy.types.Object, take: Take, plan: Plan, number: int) -> None:
    """Keys and custom properties of the `number`-th person of the plan."""
    person = plan.people[number]
    armature[PROPERTY_PERSON] = int(take.person_id[person])
    sigma_m = take.extras.get("root_sigma_m")
    if sigma_m is not None and sigma_m.shape == (*take.state.shape, 2) and np.isfinite(sigma_m[person]).any(0).all():
        armature[PROPERTY_ROOT_SIGMA] = np.nanmedian(sigma_m[person].astype(np.float64), axis=0).tolist()
    animate_armature(
        armature, plan.rests[number], plan.frames, take.state[person], take.rotations[person],
        take.root_world_m[person], take.extras["hand_rotations"][person] if take.has_fingers else None,
    )  # fmt: skip
    hide_bones_while_absent(armature, plan.frames, plan.present[person])


def _mannequin(name: str, armature: bpy.types.Object, take: Take, plan: Plan, number: int) -> bpy.types.Object:
    person = plan.people[number]
    materials = make_materials(name, number)
    mannequin = make_mannequin(f"{name} mannequin", plan.rests[number], take.bone_length_m[person], materials, armature)
    mannequin.color = person_colour(number)
    if not plan.present[person].all():
        hide_while_absent(CurveWriter(mannequin, f"{name} presence"), plan.frames, plan.present[person])
    return mannequin


def _boxes(name: str, take: Take, plan: Plan, number: int, options: ImportOptions) -> list[bpy.types.Object]:
    person = plan.people[number]
    predicted = take.state[person] == State.PREDICTED
    colour, box_m = person_colour(number), take.box_camera_m[person]
    within_mm = options.reduce.mm if options.reduce is not None else None
    return make_boxes(f"{name} box", colour, box_m, take.camera_to_world, plan.frames, predicted, within_mm)


def _apply_settings(scene: bpy.types.Scene, options: ImportOptions, plan: Plan) -> None:
    if options.set_frame_rate:
        scene.render.fps, scene.render.fps_base = blender_rate(plan.clip_rate)
    if options.set_frame_range:
        scene.frame_start, scene.frame_end = plan.frame_range
    if plan.size and plan.lens:
        scene.render.resolution_x, scene.render.resolution_y = plan.size
        scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = plan.lens.pixel_aspect


def _plate(camera: bpy.types.Object, take_path: str | None, plan: Plan, rotation_deg: int) -> list[str]:
    path = find_clip(plan.clip, take_path)
    if path is None:
        return [f"The clip {plan.clip or '(not named in the take)'} was not found, so the camera has no plate."]
    timing = PlateTiming(plan.clip_start, *plan.frame_range, plan.clip_rate, plan.scene_rate)
    try:
        add_plate(camera, path, timing, rotation_deg)
    except RuntimeError as error:
        return [f"Blender cannot show the clip {path} as a plate: {error}"]
    return []
