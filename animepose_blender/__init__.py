"""AnimePose: video of people to character animation in Blender.

Importing this package needs neither bpy nor torch, so that Blender, the worker and the tests share it. The functions of
`api` are here too, and load what they need when they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import AnimePoseError, estimate, evaluate, import_take, load_take, retarget

__version__ = "0.1.0"
__all__ = ["AnimePoseError", "estimate", "evaluate", "import_take", "load_take", "register", "retarget", "unregister"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from . import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def register() -> None:
    """Register everything with Blender."""
    from .host import registration

    registration.register()


def unregister() -> None:
    """Undo `register`."""
    from .host import registration

    registration.unregister()
