"""How the list says things. Free of bpy."""

from __future__ import annotations

import re

ROLE_WORDS = {
    "detector": "Detector",
    "masks": "Masks",
    "pose": "Pose",
    "depth": "Depth",
    "lifter": "Lifter",
    "predictor": "Predictor",
    "root": "Root",
}
ROLE_ICONS = {
    "detector": "VIEWZOOM",
    "masks": "MOD_MASK",
    "pose": "ARMATURE_DATA",
    "depth": "EMPTY_SINGLE_ARROW",
    "lifter": "ORIENTATION_GIMBAL",
    "predictor": "FORCE_CURVE",
    "root": "EMPTY_AXIS",
}
_ADDRESS = re.compile(r"https?://([^/\s]+)/\S*/([^/\s]+)")
_COMMAND = re.compile(r"\(`animepose models (\w+)`\)")
_HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24,}\b")


def role_icon(role: str) -> str:
    """A picture of what a network is for."""
    return ROLE_ICONS.get(role, "QUESTION")


def sentence(state: str) -> str:
    """A state of the store's listing with a capital: `Not here`, `Unfinished 42 %`."""
    return state[:1].upper() + state[1:]


def licence_words(licence: str, badge: str) -> str:
    """A licence, and what it means for a studio."""
    return f"{licence}: {badge.lower()}"


def amount_words(done: int, total: int) -> str:
    """How many bytes of how many: `312 of 1,245 MB`."""
    largest = max(done, total)
    divisor, unit = (1e6, "MB") if largest >= 1e6 else (1e3, "kB")
    here = f"{done / divisor:,.0f}"
    return f"{here} of {total / divisor:,.0f} {unit}" if total else f"{here} {unit}"


def shortened(text: str) -> str:
    """A message for a panel: without the middle of addresses and the end of hashes, which no panel is wide enough for,
    and with the names of buttons instead of the command line's."""
    text = _COMMAND.sub(lambda match: f"({match[1].capitalize()})", text)
    return _HASH.sub(r"\1…", _ADDRESS.sub(r"\1 … \2", text))


def squeezed(title: str, characters: int) -> str:
    """A title in so many characters: what is left out is in the middle, since titles of a family differ at the end."""
    if len(title) <= characters:
        return title
    tail = " ".join(title.split()[-2:])
    head = title[: max(characters - len(tail) - 2, 4)].rstrip()
    return f"{head}… {tail}"
