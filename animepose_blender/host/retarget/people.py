"""Scan and assign: who of a take goes onto which rig, in one go."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

import bpy
import numpy as np

from ...core.review.edited import load_edited
from ...errors import AnimePoseError
from ...take import State, Take
from ..import_take import ImportOptions, import_take
from ..properties import absolute_path
from ..rollback import animation_kept_on_failure, undone_on_failure
from . import maps, take_in_scene, thumbnails
from .orders import Order, carry_out, is_imported_person, prepare, remember
from .properties import ANIMEPOSE_PG_retarget, filling
from .set_aside import bring_back, set_aside


@dataclass
class Assigned:
    """What an assignment did."""

    on_rigs: int = 0
    imported: int = 0
    warnings: list[str] = field(default_factory=list)


def scan(context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget) -> Take:
    """List the people of the chosen take; choices for people of the same take stay.

    Raises:
        AnimePoseError: if there is no take, or it shows nobody; the list stays as it is then.
    """
    path = absolute_path(settings.take or take_in_scene.chosen_take(context))
    take = load_edited(path)
    present = take.state != State.ABSENT
    seen = np.flatnonzero(present.any(axis=1))
    if not len(seen):
        raise AnimePoseError("The take shows nobody in any frame.", "Estimate the clip again, or choose another take.")
    frame_s = float(np.median(np.diff(take.frame_time_s))) if take.frame_count > 1 else 0.0
    same = path == settings.scanned_take
    before = {person.person_id: (person.choice, person.rig) for person in settings.people} if same else {}
    with filling():
        settings.scanned_take, settings.active_person = path, 0
        settings.people.clear()
        for index in seen:
            person = settings.people.add()
            person.person_id = int(take.person_id[index])
            person.name = f"Person {person.person_id}"
            person.seconds = float(present[index].sum()) * frame_s
            person.choice, person.rig = before.get(person.person_id, ("MANNEQUIN", None))
    thumbnails.make_icons(path, take)
    return take


def assign_in_order(context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget) -> int:
    """Give the people who are not ignored the selected armatures, from left to right; the rest is left as it is.

    Returns:
        How many got one.
    """
    camera = context.scene.camera
    right = np.array(camera.matrix_world.col[0][:3]) if camera is not None else np.array([1.0, 0.0, 0.0])
    rigs = [one for one in context.selected_objects if one.type == "ARMATURE" and not is_imported_person(one)]
    rigs.sort(key=lambda rig: float(right @ np.array(rig.matrix_world.translation)))
    count = 0
    for person, rig in zip([one for one in settings.people if one.choice != "IGNORE"], rigs):
        person.rig = rig  # its update sets the choice and detects the bones
        count += 1
    return count


def assign(context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget) -> Assigned:
    """Put everybody where the list says. All or nothing.

    Raises:
        AnimePoseError: if somebody has no rig, two have the same, or a take, a map or a rig cannot be used; nothing is
            changed then.
    """
    path = settings.scanned_take
    take = load_edited(path)
    gone = [person.name for person in settings.people if person.person_id not in take.person_id]
    if gone or not len(settings.people):
        raise AnimePoseError(f"The take shows no {', '.join(gone) or 'people'} any more.", "Scan its people again.")
    orders = _orders(context, settings, path)
    mannequins = [person.person_id for person in settings.people if person.choice == "MANNEQUIN"]
    scene, done = context.scene, Assigned()
    with undone_on_failure(scene), ExitStack() as kept:
        there = take_in_scene.people_in_scene(scene, path)
        options = _import_options(scene, path, tuple(id_ for id_ in mannequins if id_ not in there))
        if options is not None:
            imported = import_take(context, take, path, options)
            done.imported, done.warnings = len(imported.armatures), list(imported.warnings)
        prepared = [prepare(context, settings, order) for order in orders]
        for ready in prepared:
            kept.enter_context(animation_kept_on_failure(ready.rig))
        results = [carry_out(settings, order, ready) for order, ready in zip(orders, prepared, strict=True)]
        bring_back([there[id_] for id_ in mannequins if id_ in there])
        if settings.set_aside:
            set_aside([there[order.person_id] for order in orders if order.person_id in there])
    for order, ready, result in zip(orders, prepared, results, strict=True):
        remember(settings, order, ready, result)
        done.on_rigs += 1
        done.warnings += result.warnings
        for person in settings.people:
            if person.rig == order.rig:  # a linked rig has an override now
                with filling():
                    person.rig = result.rig
    if settings.target is None and results:
        with filling():
            settings.target = results[0].rig  # so that its offsets are at hand
    return done


def _orders(context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget, path: str) -> list[Order]:
    orders, problems = [], []
    users: dict[bpy.types.Object, str] = {}
    for person in settings.people:
        if person.choice != "RIG":
            continue
        rig = person.rig
        if rig is None:
            raise AnimePoseError(f"{person.name} has no rig.", "Choose one, or choose New Mannequin or Ignore.")
        if rig in users:
            raise AnimePoseError(
                f"{users[rig]} and {person.name} have the same rig, {rig.name}.", "Give each a rig of their own."
            )
        users[rig] = person.name
        try:
            rig_map = maps.usable_map(context, settings, rig, settings.use_doubtful)
        except AnimePoseError as error:
            problems.append(error)
            continue
        name = f"{person.name} on {rig.name}"
        orders.append(Order(rig, rig_map, name, path, person.person_id))
    if problems:
        raise AnimePoseError(" ".join(error.message for error in problems), problems[0].remedy)
    return orders


def _import_options(scene: bpy.types.Scene, path: str, people: tuple[int, ...]) -> ImportOptions | None:
    """What to import: the whole scene of the take if it is not there yet, else people alone; None = nothing."""
    if not take_in_scene.is_in_scene(scene, path):
        return ImportOptions(**scene.animepose.import_options(), people=people)
    if not people:
        return None
    chosen = scene.animepose
    return ImportOptions(
        set_frame_range=False, set_frame_rate=False, make_camera=False, make_floor=False,
        make_mannequins=chosen.make_mannequins, show_boxes=chosen.show_boxes, people=people, reduce=chosen.within(),
    )  # fmt: skip
