"""Networks that look at pictures: those of the public model hub, run by `transformers`, and our own (`own_*`).
The only part of the worker, beside `models/`, that imports torch; presets without such a network never import it."""

import os
from importlib import util

from ...errors import AnimePoseError

PACKAGES = ("torch", "safetensors", "PIL")
"""For the project's own networks; all others need `transformers` besides."""

# Before any of these libraries is imported: nothing is ever fetched, reported or drawn behind the user's back.
os.environ.update(
    HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", DISABLE_SAFETENSORS_CONVERSION="1",
    HF_HUB_DISABLE_PROGRESS_BARS="1", TRANSFORMERS_VERBOSITY="error",
)  # fmt: skip
# Apple's GPU lacks a few operations; the CPU does them instead of the run failing.
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")


def require_packages(own_alone: bool = False) -> None:
    """Ask for the packages that everything here needs, before importing any of it.

    Args:
        own_alone: whether only the project's own networks will be run.
    Raises:
        AnimePoseError: if one is missing.
    """
    needed = PACKAGES if own_alone else (*PACKAGES, "transformers")
    missing = [name for name in needed if util.find_spec(name) is None]
    if missing:
        raise AnimePoseError(
            f"The worker's environment lacks what this preset needs: {', '.join(missing)}.",
            "Add the packages of the preset quality in the add-on's preferences, or use the preset offline.",
        )
