"""Imported people whose place somebody else has taken: kept, in a collection that is switched off."""

from __future__ import annotations

import bpy

from ..import_take import PROPERTY_SCHEMA, PROPERTY_TAKE

REPLACED = "replaced"
"""What their collection is called, after their take's."""
PROPERTY_ASIDE = "animepose_replaced_of"
"""Custom property of that collection: the take's."""


def set_aside(people: list[tuple[bpy.types.Object, bpy.types.Collection]]) -> None:
    """Move imported people, with what hangs on them, into a collection of their take that is switched off."""
    for armature, collection in people:
        if PROPERTY_ASIDE in collection:
            continue
        aside = next((child for child in collection.children if PROPERTY_ASIDE in child), None)
        if aside is None:
            aside = bpy.data.collections.new(f"{collection.name} {REPLACED}")
            aside.hide_viewport = aside.hide_render = True
            aside[PROPERTY_ASIDE] = collection
            # Whoever asks an armature's collection for its take is to find it here too.
            for name in (PROPERTY_TAKE, PROPERTY_SCHEMA):
                aside[name] = collection[name]
            collection.children.link(aside)
        _move(armature, aside)


def bring_back(people: list[tuple[bpy.types.Object, bpy.types.Collection]]) -> None:
    """Undo `set_aside` for people who are to be mannequins after all."""
    for armature, collection in people:
        if isinstance(collection.get(PROPERTY_ASIDE), bpy.types.Collection):
            _move(armature, collection[PROPERTY_ASIDE])


def _move(armature: bpy.types.Object, collection: bpy.types.Collection) -> None:
    for one in (armature, *armature.children_recursive):
        for old in [old for old in one.users_collection if PROPERTY_TAKE in old]:
            old.objects.unlink(one)
        collection.objects.link(one)
