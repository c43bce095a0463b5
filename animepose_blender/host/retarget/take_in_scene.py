"""Where the takes of a scene are: collections that know their take's path, and the people in them."""

from __future__ import annotations

import os

import bpy

from ...errors import AnimePoseError
from ..import_take import PROPERTY_PERSON, PROPERTY_TAKE


def take_collections(scene: bpy.types.Scene) -> list[bpy.types.Collection]:
    """The collections that takes were imported into."""
    return [collection for collection in scene.collection.children_recursive if PROPERTY_TAKE in collection]


def chosen_take(context: bpy.types.Context) -> str:
    """Path of the take of the active object, of the active collection, or of the only take in the scene.

    Raises:
        AnimePoseError: if none of these is of a take.
    """
    found = take_collections(context.scene)
    active = context.view_layer.objects.active
    current = context.view_layer.active_layer_collection.collection
    for collection in found:
        if active is not None and active in collection.all_objects[:]:
            return _path(collection)
    for collection in found:
        if current == collection or current in collection.children_recursive:
            return _path(collection)
    if len({_path(collection) for collection in found}) == 1:
        return _path(found[0])
    raise AnimePoseError(
        "There is no take in the scene." if not found else "There are several takes in the scene.",
        "Choose a take's file." if not found else "Select somebody of one of them, or choose its file.",
    )


def people_in_scene(scene: bpy.types.Scene, path: str) -> dict[int, tuple[bpy.types.Object, bpy.types.Collection]]:
    """Person id → the armature that was imported for that person, and the take's collection."""
    return {int(one[PROPERTY_PERSON]): (one, collection) for one, collection in everybody_in_scene(scene, path)}


def everybody_in_scene(scene: bpy.types.Scene, path: str) -> list[tuple[bpy.types.Object, bpy.types.Collection]]:
    """All armatures that were imported from a take, however often, and their collections."""
    return [
        (one, collection)
        for collection in take_collections(scene)
        if _same(collection[PROPERTY_TAKE], path)
        for one in collection.all_objects
        if one.type == "ARMATURE" and PROPERTY_PERSON in one
    ]


def is_in_scene(scene: bpy.types.Scene, path: str) -> bool:
    """Whether a take was imported into the scene."""
    return any(_same(collection[PROPERTY_TAKE], path) for collection in take_collections(scene))


def _path(collection: bpy.types.Collection) -> str:
    path = str(collection[PROPERTY_TAKE])
    if not path:
        raise AnimePoseError(f"{collection.name} does not know its take's file.", "Choose the file.")
    return path


def _same(one: object, other: str) -> bool:
    return bool(one) and os.path.realpath(bpy.path.abspath(str(one))) == os.path.realpath(other)
