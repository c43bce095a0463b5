"""What the scene's choice of preset and networks lacks on this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...presets import PARTS, Parts, is_part
from .. import addon_state
from . import known
from .gaps import Gap, find_gap


def parts_of(settings: Any) -> Parts:
    """Who does what by the scene's settings."""
    own = {part: name for part, name in settings.job_choices().items() if part != "commercial_only" and name}
    return replace(PARTS[settings.preset], **{part: name for part, name in own.items() if is_part(name)})


def gap_of(settings: Any) -> Gap | None:
    """What an estimate with the scene's settings lacks; None if it can start. Reads what is known, and nothing else."""
    return find_gap(parts_of(settings), settings.commercial_only, known.networks(), lacks_packages())


def lacks_packages() -> bool:
    """Whether the environment is known to have no packages for networks of the store."""
    status = addon_state.status()
    return status.usable and not status.runs_networks
