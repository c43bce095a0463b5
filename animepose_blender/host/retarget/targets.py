"""Rigs that cannot be keyed as they are: linked ones get an override; hidden ones are keyed where they are."""

from __future__ import annotations

import bpy

from ...errors import AnimePoseError


def refuse_unwritable(rig: bpy.types.Object) -> None:
    """Make sure that `writable` can do its work.

    Raises:
        AnimePoseError: if the rig is linked from a file that is missing.
    """
    if rig.is_missing or (rig.library is not None and rig.library.is_missing):
        raise AnimePoseError(f"The file that {rig.name} is linked from is missing.", "Relocate the library first.")


def writable(context: bpy.types.Context, rig: bpy.types.Object) -> tuple[bpy.types.Object, list[str]]:
    """The rig itself if its animation can be changed, else an override of it; with sentences for the user.

    Raises:
        AnimePoseError: if Blender makes no override of it.
    """
    if rig.override_library is not None:
        warnings = []
        if rig.override_library.is_system_override:
            rig.override_library.is_system_override = False
            warnings.append(f"The library override of {rig.name} was made editable.")
        return rig, warnings + _hidden(context, rig)
    if rig.library is None:
        return rig, _hidden(context, rig)
    made = _existing_override(rig)
    if made is None and not rig.users_scene:
        made = _existing_or_system_override(rig)  # another rig's, whose override took the whole collection's place
    if made is not None and made.override_library.is_system_override:
        made.override_library.is_system_override = False
    made = made or _override(context, rig)
    told = f"{rig.name} is linked from {rig.library.filepath}: its library override in this file got the motion."
    return made, [told, *_hidden(context, made)]


def _existing_override(rig: bpy.types.Object) -> bpy.types.Object | None:
    """The one editable override of a linked object that this file has already."""
    found = [
        other
        for other in bpy.data.objects
        if other.override_library is not None
        and other.override_library.reference == rig
        and not other.override_library.is_system_override
    ]
    return found[0] if len(found) == 1 else None


def _override(context: bpy.types.Context, rig: bpy.types.Object) -> bpy.types.Object:
    """A new override: of the whole character where its collection is linked, as Object > Library Override > Make does,
    so that mesh and helpers go with their rig."""
    scene, view_layer = context.scene, context.view_layer
    holder = next((one for one in scene.objects if _holds(one.instance_collection, rig)), None)
    collection = holder.instance_collection if holder is not None else _topmost(scene.collection, rig)
    made = None
    if collection is not None:
        whole = collection.override_hierarchy_create(scene, view_layer, reference=holder, do_fully_editable=False)
        if whole is not None and holder is None:
            # As Blender's own operator does; what is linked would stand beside its override.
            for parent in (scene.collection, *scene.collection.children_recursive):
                if parent.library is None and any(child == collection for child in parent.children):
                    parent.children.unlink(collection)
    else:
        made = rig.override_hierarchy_create(scene, view_layer, do_fully_editable=False)
    made = made or _existing_or_system_override(rig) or rig.override_create(remap_local_usages=True)
    if made is None:
        raise AnimePoseError(
            f"Blender makes no library override of {rig.name}.", "Make it one yourself, or append it instead."
        )
    if made.override_library.is_system_override:
        made.override_library.is_system_override = False
    return made


def _holds(collection: bpy.types.Collection | None, rig: bpy.types.Object) -> bool:
    return collection is not None and collection.library is not None and any(o == rig for o in collection.all_objects)


def _topmost(local: bpy.types.Collection, rig: bpy.types.Object) -> bpy.types.Collection | None:
    """The linked collection that holds the rig, itself in a local one."""
    for child in local.children:
        found = child if _holds(child, rig) else _topmost(child, rig) if child.library is None else None
        if found is not None:
            return found
    return None


def _existing_or_system_override(rig: bpy.types.Object) -> bpy.types.Object | None:
    return next(
        (
            other
            for other in bpy.data.objects
            if other.override_library is not None and other.override_library.reference == rig
        ),
        None,
    )


def _hidden(context: bpy.types.Context, rig: bpy.types.Object) -> list[str]:
    if rig.visible_get(view_layer=context.view_layer):
        return []
    return [f"{rig.name} is hidden, or its collection is; it got the motion all the same."]
