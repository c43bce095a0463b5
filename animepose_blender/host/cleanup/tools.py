"""The tools that are one change of channels, by their name in the panel; for the operators and for the preview."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import changes
from .run import Change
from .stabilise import Steadying

CHANGES: dict[str, Callable[[Any], Change]] = {
    "SMOOTH": lambda settings: changes.smooth(settings.smoothing(), settings.key_on()),
    "POPS": lambda settings: changes.pops(settings.pop_angle, settings.pop_length, settings.pop_longest),
    "GAPS": lambda settings: changes.fill(settings.gap_longest),
    "ROTATIONS": lambda _: changes.fix_rotations(),
    "STILL": lambda settings: changes.still(
        settings.still_angle, settings.still_length, settings.still_shortest, settings.key_on()
    ),
}
"""Tool → what it does with settings: the scene's, or those of its operator."""


def steadying(settings: Any) -> Steadying:
    """What "Stabilise Root" does with settings."""
    return Steadying(
        settings.steadiness, settings.steady_blend, settings.steady_level, settings.steady_upright, settings.key_on()
    )
