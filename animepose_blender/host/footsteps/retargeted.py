"""What is known of a motion that was put onto its rig by Retarget: when its source stands and on what, and what
the legs did before the transfer pinned them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...core.retarget.settings import Settings
from ...core.retarget.transfer import path_of
from ...errors import AnimePoseError
from .. import compat
from ..cleanup.keys import everything, put_everything
from ..key_options import Within
from ..retarget import live
from ..retarget.properties import ANIMEPOSE_PG_recipe
from ..retarget.sample import FIT_FRAMES, PROPERTY_OWN_WAY

if TYPE_CHECKING:
    from ..retarget.run import Prepared

SAME = 1e-5
"""Curves that are nowhere further from what Retarget gives now were not edited since (metres, radians, parts of a
quaternion)."""
IN_PLACE = "in_place"


def of_source(context: bpy.types.Context, rig: bpy.types.Object, frames: np.ndarray) -> tuple[np.ndarray, float] | None:
    """What the source of a motion tells of the floor; None if nothing is known of it.

    Returns:
        (F, 4) contacts at (F,) frames, less what slides in the source; and the height of what the rig stands on.
    """
    recipe = _recipe(context, rig)
    if recipe is None:
        return None
    try:
        prepared = live.prepared_of(context, recipe)
        sampled = prepared.sampled
        path = path_of(sampled.motion, prepared.target, recipe.settings(), prepared.figures)
    except (AnimePoseError, ReferenceError):
        return None  # the source is gone, and contacts are found in the motion
    index = np.searchsorted(sampled.frames, frames - FIT_FRAMES).clip(0, len(sampled.frames) - 1)
    fits = np.abs(sampled.frames[index] - frames) <= FIT_FRAMES
    return np.where(fits[:, None], np.nan_to_num(sampled.motion.held[index]), 0.0), path.floor_m


def unpin(context: bpy.types.Context, rig: bpy.types.Object, base: bpy.types.Action, paths: Collection[str]) -> bool:
    """Let the base be what Retarget gives without pins, if the legs are as Retarget gives them with pins.

    Args:
        base: with the curves of `paths` as the rig's action has them.
    Returns:
        Whether it was changed.
    """
    recipe = _recipe(context, rig)
    if recipe is None or not recipe.pin_feet:
        return False
    try:
        prepared = live.prepared_of(context, recipe)
        within = None if recipe.dense else recipe.within()
        with _made_again(context, recipe, prepared, recipe.settings(), within) as again:
            here, there = _legs(base, paths), _legs(again, paths)
            if here.keys() != there.keys() or any(_differ(here[key], there[key]) for key in here):
                return False
        _unpin(context, recipe, prepared, base, paths, within)
    except (AnimePoseError, ReferenceError):
        return False  # what the motion came from is gone: its legs stay as they are
    return True


def follow(context: bpy.types.Context, rig: bpy.types.Object, base: bpy.types.Action, paths: Collection[str]) -> bool:
    """Let the base be what Retarget gives without pins by now, whatever it was: its offsets have changed.

    Returns:
        Whether it was changed.
    Raises:
        AnimePoseError: if what the motion came from is gone.
    """
    recipe = _recipe(context, rig)
    if recipe is None:
        return False
    # While a slider is dragged there is no time to leave out keys.
    _unpin(context, recipe, live.prepared_of(context, recipe), base, paths, None)
    return True


def _unpin(
    context: bpy.types.Context,
    recipe: ANIMEPOSE_PG_recipe,
    prepared: Prepared,
    base: bpy.types.Action,
    paths: Collection[str],
    within: Within | None,
) -> None:
    here = _legs(base, paths)
    with _made_again(context, recipe, prepared, replace(recipe.settings(), pin_feet=False), within) as again:
        for key, curve in _legs(again, paths).items():
            if key in here:
                put_everything(here[key], everything(curve))


@contextmanager
def _made_again(
    context: bpy.types.Context,
    recipe: ANIMEPOSE_PG_recipe,
    prepared: Prepared,
    settings: Settings,
    within: Within | None,
) -> Iterator[bpy.types.Action]:
    """An action as Retarget gives it with some settings, for a moment; with fewer keys if they may be off."""
    from ..retarget import run

    action = recipe.action.copy()
    try:
        run.rewrite(prepared, settings, action)
        if within is not None:
            run.reduce(context, prepared, action, within)
        yield action
    finally:
        bpy.data.actions.remove(action)


def _legs(action: bpy.types.Action, paths: Collection[str]) -> dict[tuple[str, int], bpy.types.FCurve]:
    curves = compat.curves_of_action(action)
    return {(curve.data_path, curve.array_index): curve for curve in curves if curve.data_path in paths}


def _differ(one: bpy.types.FCurve, other: bpy.types.FCurve) -> bool:
    here, there = everything(one)["co"], everything(other)["co"]
    return here.shape != there.shape or bool(np.abs(here - there).max(initial=0.0) > SAME)


def _recipe(context: bpy.types.Context, rig: bpy.types.Object) -> ANIMEPOSE_PG_recipe | None:
    """How the motion that the rig plays was put onto it; None if it was not, or goes another way by now."""
    recipe = context.scene.animepose_retarget.recipe_of(rig)
    action = rig.animation_data.action
    if recipe is None or recipe.action != action or recipe.root == IN_PLACE or action.get(PROPERTY_OWN_WAY):
        return None
    return recipe
