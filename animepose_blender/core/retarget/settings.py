"""What an animator can choose about a transfer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...errors import AnimePoseError, ExitCode

ROOT_MODES: tuple[str, ...] = ("auto", "scaled", "kept", "in_place")
"""auto: kept for people of a take, who are to stay over the plate, and scaled for other sources. scaled: the path grows
with the legs, from where the figure first stands. kept: the path stays as it is, so that figures stay over the plate
and in each other's arms; only legs are longer or shorter. in_place: the figure stays on its spot."""
OUTPUTS: tuple[str, ...] = ("fk", "ik")
OFFSET_PARTS: tuple[str, ...] = (
    "hips", "spine", "head", "arm.L", "arm.R", "hand.L", "hand.R", "leg.L", "leg.R", "foot.L", "foot.R",
)  # fmt: skip


@dataclass(frozen=True)
class Offset:
    """A constant correction of one part of the body; axes of the figure: x its left, y backwards, z up, turning with
    what carries the part."""

    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """About x, then y, then z."""
    move_cm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of hips, hands and feet; the limb bends for it. Other parts have none."""

    @property
    def is_zero(self) -> bool:
        """Whether it changes nothing."""
        return not any((*self.turn_deg, *self.move_cm))


@dataclass(frozen=True)
class Settings:
    """See the fields."""

    root: str = "auto"
    pin_feet: bool = True
    """Feet that stand are held on the target's own proportions."""
    keep_hands: bool = False
    """Hands that touch the body or each other do so on the target as well."""
    fingers: bool = True
    output: str = "fk"
    """FK or IK controls of the limbs, where the rig has both; a plain rig has FK only."""
    offsets: Mapping[str, Offset] = field(default_factory=dict)
    """Part (`OFFSET_PARTS`) → offset."""

    def __post_init__(self) -> None:
        for name, value, known in (("root", self.root, ROOT_MODES), ("output", self.output, OUTPUTS)):
            if value not in known:
                raise AnimePoseError(
                    f"{name} is {value!r}, expected one of {', '.join(known)}.", "Choose one of these.", ExitCode.USAGE
                )
        unknown = set(self.offsets) - set(OFFSET_PARTS)
        if unknown:
            raise AnimePoseError(f"There is no part {min(unknown)!r} to offset.", "", ExitCode.USAGE)
