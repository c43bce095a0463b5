"""Offsets that show while their sliders are dragged: the prepared retargets of late are kept, and written anew.

A slider's update runs before Blender ends the slider's undo step, so what is written belongs to that step. Undo gives
Blender's data new places in memory, so nothing that was prepared outlives it; the next change prepares again.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from typing import TYPE_CHECKING

import bpy
from bpy.app.handlers import persistent

from ...core.retarget.rig_map import RigMap
from ...core.review.edited import load_edited
from ...errors import AnimePoseError
from .properties import ANIMEPOSE_PG_recipe

if TYPE_CHECKING:
    from .run import ArmatureSource, Prepared, TakeSource

KEPT = 4
"""Retargets that are kept prepared; a long one of a large rig takes some ten megabytes."""

_prepared: OrderedDict[tuple[int, int], Prepared] = OrderedDict()


def source_of(
    take_path: str, person_id: int, armature: bpy.types.Object | None, source_map: RigMap | None
) -> TakeSource | ArmatureSource:
    """What a motion comes from: a person of a take if a path is given, else an armature.

    Raises:
        AnimePoseError: if the take cannot be read, or does not know the person, or the armature is gone.
    """
    from .run import ArmatureSource, TakeSource

    if take_path:
        take = load_edited(take_path)
        if person_id not in take.person_id:
            raise AnimePoseError(f"{take_path} knows no person {person_id}.", "Scan its people again.")
        return TakeSource(take, take.person_id.tolist().index(person_id))
    if armature is None:
        raise AnimePoseError("The armature that the motion came from is gone.", "Retarget from another one.")
    return ArmatureSource(armature, source_map)


def keep(recipe: ANIMEPOSE_PG_recipe, prepared: Prepared) -> None:
    """Remember what a result was made from."""
    if recipe.rig is None or recipe.action is None:
        return
    _prepared[_key(recipe)] = prepared
    _prepared.move_to_end(_key(recipe))
    while len(_prepared) > KEPT:
        _prepared.popitem(last=False)


def update(context: bpy.types.Context, recipe: ANIMEPOSE_PG_recipe) -> None:
    """Write a result with the offsets of now. What hinders that is noted in the recipe, for the panel."""
    try:
        try:
            _rewrite(context, recipe)
        except ReferenceError:  # something that it was prepared from has been removed since
            forget()
            _rewrite(context, recipe)
    except AnimePoseError as error:
        recipe.problem = str(error)
    else:
        recipe.problem, recipe.dense = "", recipe.reduce_keys


def reduce(context: bpy.types.Context, recipe: ANIMEPOSE_PG_recipe) -> None:
    """Leave out the keys that changes of offsets have brought back.

    While a slider is dragged there is no time for it, so that every frame has its key then.

    Raises:
        AnimePoseError: if the rig or what its motion came from is gone; nothing is changed then.
    """
    from . import run

    within = recipe.within()
    if within is not None:
        try:
            run.reduce(context, prepared_of(context, recipe), recipe.action, within)
        except ReferenceError:
            forget()
            run.reduce(context, prepared_of(context, recipe), recipe.action, within)
    recipe.dense = False


def _rewrite(context: bpy.types.Context, recipe: ANIMEPOSE_PG_recipe) -> None:
    from . import run

    prepared = prepared_of(context, recipe)
    run.rewrite(prepared, recipe.settings(), recipe.action)
    from ..footsteps import session

    if recipe.rig.animation_data is not None and recipe.rig.animation_data.action == recipe.action:
        session.follow_retarget(context, recipe.rig)


def prepared_of(context: bpy.types.Context, recipe: ANIMEPOSE_PG_recipe) -> Prepared:
    """What a result was made from; prepared again if it is not at hand.

    Raises:
        AnimePoseError: if the result or what it came from is gone.
    """
    from . import run

    if recipe.rig is None or recipe.action is None:
        raise AnimePoseError("The result is gone.", "Retarget again.")
    prepared = _prepared.get(_key(recipe))
    if prepared is None:
        source_map = RigMap.from_json(recipe.source_map) if recipe.source_map else None
        source = source_of(recipe.take_path, recipe.person_id, recipe.source, source_map)
        prepared = run.prepare(context, source, recipe.rig, RigMap.from_json(recipe.rig_map), recipe.output)
        keep(recipe, prepared)
    return prepared


def _key(recipe: ANIMEPOSE_PG_recipe) -> tuple[int, int]:
    return recipe.rig.session_uid, recipe.action.session_uid


@persistent
def forget(*_: object) -> None:
    """Let go of everything that is prepared."""
    _prepared.clear()


_HANDLERS = ("undo_post", "redo_post", "load_pre")


def register() -> None:
    """Forget what was prepared whenever Blender's data is replaced."""
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).append(forget)


def unregister() -> None:
    """Undo `register`."""
    forget()
    for name in _HANDLERS:
        with contextlib.suppress(ValueError):
            getattr(bpy.app.handlers, name).remove(forget)
