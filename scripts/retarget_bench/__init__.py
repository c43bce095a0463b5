"""Parts of the retargeting benchmark: sources, what is measured in Blender, and the way by hand."""
