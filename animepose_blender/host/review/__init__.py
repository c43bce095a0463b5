"""Looking at what was tracked, in Blender's viewport."""
