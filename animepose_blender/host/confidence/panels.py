"""What the sidebar's panel "Tracks" has about confidence."""

from __future__ import annotations

import bpy

from . import overlay


class ANIMEPOSE_PT_confidence(bpy.types.Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "AnimePose"
    bl_label = "Confidence"
    bl_parent_id = "ANIMEPOSE_PT_tracks"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator("animepose.show_confidence", icon="BONE_DATA", depress=overlay.is_shown())
        row = layout.row(align=True)
        row.operator("animepose.key_confidence", icon="KEY_HLT")
        row.operator("animepose.remove_confidence", text="", icon="X")
        if context.mode == "POSE":
            row = layout.row(align=True)
            row.operator("animepose.jump_to_doubt", text="", icon="TRIA_LEFT").backwards = True
            row.operator("animepose.jump_to_doubt", text="Doubts of These Bones", icon="TRIA_RIGHT").backwards = False


CLASSES = (ANIMEPOSE_PT_confidence,)
