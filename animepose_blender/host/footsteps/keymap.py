"""Mouse and keys over the strip of footsteps; the user can change them in the preferences, where its editors' are."""

from __future__ import annotations

import bpy

from .drag import ANIMEPOSE_OT_drag_footstep, ANIMEPOSE_OT_footstep_cursor, ANIMEPOSE_OT_remove_footstep_here

KEYMAPS = {"Dopesheet": "DOPESHEET_EDITOR", "Graph Editor": "GRAPH_EDITOR"}
KEYS = (
    (ANIMEPOSE_OT_footstep_cursor, "MOUSEMOVE", "ANY", {"any": True}),
    (ANIMEPOSE_OT_drag_footstep, "LEFTMOUSE", "PRESS", {}),
    (ANIMEPOSE_OT_remove_footstep_here, "LEFTMOUSE", "PRESS", {"ctrl": True}),
    (ANIMEPOSE_OT_remove_footstep_here, "X", "PRESS", {}),
    (ANIMEPOSE_OT_remove_footstep_here, "DEL", "PRESS", {}),
)
_added: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def register() -> None:
    """Add the keys to the editors'; without a window there may be no key configuration."""
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:
        return
    for name, space in KEYMAPS.items():
        keymap = config.keymaps.new(name, space_type=space)
        for cls, kind, value, held in KEYS:
            _added.append((keymap, keymap.keymap_items.new(cls.bl_idname, kind, value, **held)))


def unregister() -> None:
    """Take them away."""
    for keymap, item in _added:
        keymap.keymap_items.remove(item)
    _added.clear()
