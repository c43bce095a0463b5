"""What keeps the families' tables short: one line for both sides, one for all fingers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.fingers import FINGERS

Names = Mapping[str, str | tuple[str, ...]]
"""Slot without its side → a name or several."""


def middle(names: Names) -> dict[str, tuple[str, ...]]:
    """Slots of the middle as a family wants them."""
    return {slot: (name,) if isinstance(name, str) else name for slot, name in names.items()}


def both(names: Names, left: str, right: str) -> dict[str, tuple[str, ...]]:
    """Slots of both sides.

    Args:
        names: `%` stands for the word for the side.
        left: that word, as `l`, `.L`, `Left`.
        right: the same.
    """
    words = {"L": left, "R": right}
    return {
        f"{slot}.{side}": tuple(name.replace("%", word) for name in found)
        for side, word in words.items()
        for slot, found in middle(names).items()
    }


def fingers(
    pattern: str,
    words: Sequence[str] = FINGERS,
    ends: Sequence[str] = ("1", "2", "3"),
    of: Sequence[str] = FINGERS,
) -> dict[str, tuple[str, ...]]:
    """Slots of the fingers, without their side.

    Args:
        pattern: `{finger}` and `{end}` stand for the words below.
        words: of each finger of `of`.
        ends: of the bones from the knuckle out; fewer than three leave the last slots out.
        of: the fingers meant.
    """
    return {
        f"{finger}_{number}": (pattern.format(finger=word, end=end),)
        for finger, word in zip(of, words, strict=True)
        for number, end in enumerate(ends, start=1)
    }
