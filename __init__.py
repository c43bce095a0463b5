"""AnimePose as a Blender extension; everything is in `animepose_blender`."""

from .animepose_blender import register, unregister

__all__ = ("register", "unregister")
