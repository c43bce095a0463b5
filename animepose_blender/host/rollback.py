"""All or nothing: what a failed import made is removed, and the settings it changed are put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

DATA = ("objects", "meshes", "armatures", "cameras", "materials", "actions", "collections", "movieclips", "images")
"""Kinds of data-blocks that an import makes."""
SCENE_SETTINGS = ("frame_start", "frame_end", "camera")
RENDER_SETTINGS = ("fps", "fps_base", "resolution_x", "resolution_y", "pixel_aspect_x", "pixel_aspect_y")


@contextmanager
def undone_on_failure(scene: bpy.types.Scene) -> Iterator[None]:
    """If the block fails, remove every data-block and marker it made, restore the scene's settings, and raise on."""
    before = {kind: {block.session_uid for block in getattr(bpy.data, kind)} for kind in DATA}
    scene_settings = {name: getattr(scene, name) for name in SCENE_SETTINGS}
    markers = len(scene.timeline_markers)  # new ones come last
    render_settings = {name: getattr(scene.render, name) for name in RENDER_SETTINGS}
    local = [c for c in (scene.collection, *scene.collection.children_recursive) if c.library is None]
    held = [(collection, list(collection.objects), list(collection.children)) for collection in local]
    try:
        yield
    except BaseException:
        made = [b for kind in DATA for b in getattr(bpy.data, kind) if b.session_uid not in before[kind]]
        bpy.data.batch_remove(made)
        for collection, objects, children in held:  # library overrides take the place of what is linked
            for one in set(objects) - set(collection.objects):
                collection.objects.link(one)
            for child in set(children) - set(collection.children):
                collection.children.link(child)
        while len(scene.timeline_markers) > markers:
            scene.timeline_markers.remove(scene.timeline_markers[-1])
        for name, value in scene_settings.items():
            setattr(scene, name, value)
        for name, value in render_settings.items():
            setattr(scene.render, name, value)
        raise


@contextmanager
def animation_kept_on_failure(datablock: bpy.types.ID) -> Iterator[None]:
    """If the block fails, let a data-block play what it played before, and raise on."""
    animation = datablock.animation_data
    action = animation.action if animation is not None else None
    slot = getattr(animation, "action_slot", None)
    fake_user = action.use_fake_user if action is not None else False
    tracks = {track.as_pointer() for track in animation.nla_tracks} if animation is not None else set()
    try:
        yield
    except BaseException:
        if animation is None:
            datablock.animation_data_clear()
            raise
        for track in [track for track in animation.nla_tracks if track.as_pointer() not in tracks]:
            animation.nla_tracks.remove(track)
        if animation.action != action:
            animation.action = action
        if action is not None:
            action.use_fake_user = fake_user
            if slot is not None:
                animation.action_slot = slot
        raise
