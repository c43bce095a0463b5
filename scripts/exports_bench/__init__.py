"""Exported files as readers that are not Blender's see them, and how far their joints are from what was exported."""
