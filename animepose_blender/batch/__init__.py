"""Many clips at once: what is to be made, in which order, what is there already, and what became of it.

Standard library alone, so that a plan can be shown without Blender, torch or numpy being loaded.
"""
