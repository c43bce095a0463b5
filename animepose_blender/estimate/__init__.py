"""The worker: from a video to a take. Never imports bpy.

`animepose_blender.estimate(...)` is also a function of the library (`api.estimate`), under the name of this package: so
the package can be called, whichever of the two Python has met first.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *words: Any, **settings: Any) -> Any:
        """See `api.estimate`."""
        from ..api import estimate

        return estimate(*words, **settings)


sys.modules[__name__].__class__ = _Callable
