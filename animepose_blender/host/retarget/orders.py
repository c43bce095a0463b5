"""A motion for a rig, and what is done with it: prepared, put onto the rig, and remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from ...core.retarget.rig_map import RigMap
from ..import_take import PROPERTY_PERSON
from ..key_options import KEY_OPTION_NAMES
from . import live, maps
from .properties import ANIMEPOSE_PG_retarget, new_recipe

if TYPE_CHECKING:
    from .run import Prepared, Retargeted


@dataclass(frozen=True)
class Order:
    """One motion for one rig."""

    rig: bpy.types.Object
    rig_map: RigMap
    name: str
    """For the new action."""
    take_path: str = ""
    person_id: int = 0
    source: bpy.types.Object | None = None
    source_map: RigMap | None = None


def prepare(context: bpy.types.Context, settings: ANIMEPOSE_PG_retarget, order: Order) -> Prepared:
    """Work out what does not depend on the settings.

    Raises:
        AnimePoseError: if source or rig cannot be used; nothing is changed then.
    """
    from . import run

    source = live.source_of(order.take_path, order.person_id, order.source, order.source_map)
    return run.prepare(context, source, order.rig, order.rig_map, settings.output)


def carry_out(settings: ANIMEPOSE_PG_retarget, order: Order, prepared: Prepared) -> Retargeted:
    """Put the motion onto the rig, with the offsets that the rig has already.

    Raises:
        AnimePoseError: if it cannot be done; nothing is changed then.
    """
    from . import run

    before = settings.recipe_of(order.rig)
    chosen = settings.settings(dict(before.settings().offsets) if before else {})
    return run.apply(prepared, chosen, run.Output(order.name, settings.result == "STRIP", settings.within()))


def remember(settings: ANIMEPOSE_PG_retarget, order: Order, prepared: Prepared, done: Retargeted) -> None:
    """Note how the rig got its motion, so that its offsets can change."""
    maps.move_map(settings, order.rig, done.rig)
    recipe = new_recipe(settings, order.rig)
    recipe.rig, recipe.source, recipe.action = done.rig, order.source, done.action
    recipe.take_path, recipe.person_id = order.take_path, order.person_id
    recipe.rig_map = order.rig_map.to_json()
    recipe.source_map = order.source_map.to_json() if order.source_map else ""
    recipe.problem, recipe.dense = "", False
    for name in ("root", "pin_feet", "keep_hands", "fingers", "output", *KEY_OPTION_NAMES):
        setattr(recipe, name, getattr(settings, name))
    live.keep(recipe, prepared)


def is_imported_person(armature: bpy.types.Object | None) -> bool:
    """Whether an armature is one that AnimePose has made from a take."""
    return armature is not None and PROPERTY_PERSON in armature
