"""How the list says things. Free of bpy."""

from __future__ import annotations

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


def role_icon(role: str) -> str:
    """A picture of what a network is for."""
    return ROLE_ICONS.get(role, "QUESTION")


def sentence(state: str) -> str:
    """A state of the store's listing with a capital: `Not here`, `Unfinished 42 %`."""
    return state[:1].upper() + state[1:]


def amount_words(done: int, total: int) -> str:
    """How many bytes of how many: `312 of 1,245 MB`."""
    largest = max(done, total)
    divisor, unit = (1e6, "MB") if largest >= 1e6 else (1e3, "kB")
    here = f"{done / divisor:,.0f}"
    return f"{here} of {total / divisor:,.0f} {unit}" if total else f"{here} {unit}"
