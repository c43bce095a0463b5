"""Slots: the places of a humanoid that a bone of any rig can fill.

Spine and neck are chains of as many slots as a rig has bones there, filled from the first on. Sides are Blender's
`.L` and `.R`; fingers are those of `core.fingers`. A slot's parent is the slot that its bone hangs on, directly or over
bones that fill no slot.
"""

from __future__ import annotations

from ..fingers import FINGERS

SIDES: tuple[str, ...] = ("L", "R")
SPINE: tuple[str, ...] = tuple(f"spine_{number}" for number in range(1, 7))
"""From the pelvis up; the last that is filled carries the shoulders."""
NECK: tuple[str, ...] = tuple(f"neck_{number}" for number in range(1, 4))
ARM: tuple[str, ...] = ("shoulder", "upper_arm", "forearm", "hand")
"""Shoulder is the clavicle."""
LEG: tuple[str, ...] = ("thigh", "shin", "foot", "toe")
FINGER: tuple[str, ...] = tuple(f"{finger}_{number}" for finger in FINGERS for number in (1, 2, 3))
"""From the knuckle out; bones within the palm fill no slot."""

_SIDED = (*ARM, *LEG, *FINGER)
SLOTS: tuple[str, ...] = ("root", "pelvis", *SPINE, *NECK, "head", *(f"{s}.{side}" for side in SIDES for s in _SIDED))
"""All slots, parents first. Root is a bone on the ground above the pelvis, that moves everything."""

MAIN: tuple[str, ...] = (
    "pelvis", "spine_1", "head",
    *(f"{s}.{side}" for side in SIDES for s in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")),
)  # fmt: skip
"""The 15 slots without which nothing looks like a person."""

LIMBS: tuple[str, ...] = tuple(f"{limb}.{side}" for limb in ("arm", "leg") for side in SIDES)
"""Limbs that rigs can move by FK or IK."""
LIMB_SLOTS: dict[str, tuple[str, str, str]] = {
    f"{limb}.{side}": (f"{first}.{side}", f"{second}.{side}", f"{end}.{side}")
    for limb, (first, second, end) in {"arm": ARM[1:], "leg": LEG[:3]}.items()
    for side in SIDES
}
"""The two bones of each limb and the hand or foot at its end."""


def mirrored(slot: str) -> str:
    """The slot on the other side of the body; one of the middle is its own mirror."""
    return {"L": slot[:-1] + "R", "R": slot[:-1] + "L"}.get(slot[-1], slot) if slot[-2:-1] == "." else slot


def _parents() -> dict[str, tuple[str, ...]]:
    above: dict[str, tuple[str, ...]] = {"root": (), "pelvis": ("root",)}
    trunk: tuple[str, ...] = ("pelvis", "root")
    for slot in SPINE:
        above[slot] = trunk
        trunk = (slot, *trunk)
    chest = trunk
    for slot in (*NECK, "head"):
        above[slot] = trunk
        trunk = (slot, *trunk)
    for side in SIDES:
        for chain, base in ((ARM, chest), (LEG, ("pelvis", "root"))):
            for slot in chain:
                above[f"{slot}.{side}"] = base
                base = (f"{slot}.{side}", *base)
        for slot in FINGER:
            finger, _, number = slot.partition("_")
            before = tuple(f"{finger}_{n}.{side}" for n in range(int(number) - 1, 0, -1))
            above[f"{slot}.{side}"] = (*before, f"hand.{side}", *above[f"hand.{side}"])
    return above


ANCESTORS: dict[str, tuple[str, ...]] = _parents()
"""The slots above each, nearest first; in a rig that does not fill the first, the next one is the parent."""


def parent_of(slot: str, filled: object) -> str | None:
    """The nearest slot above that is filled; None if there is none.

    Args:
        filled: anything that answers `slot in filled`.
    """
    return next((above for above in ANCESTORS[slot] if above in filled), None)  # type: ignore[operator]
