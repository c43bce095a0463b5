"""The made-up take that tests share; see `animepose_blender.core.synthetic`."""

from animepose_blender.core.synthetic import walking_take

__all__ = ["walking_take"]
