"""AnimePose: video of people to character animation in Blender.

Importing this package needs neither bpy nor torch, so that Blender, the worker and the tests share it.
"""

__version__ = "0.1.0"


def register() -> None:
    """Register everything with Blender."""
    from .host import registration

    registration.register()


def unregister() -> None:
    """Undo `register`."""
    from .host import registration

    registration.unregister()
