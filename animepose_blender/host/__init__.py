"""Everything that needs bpy."""
