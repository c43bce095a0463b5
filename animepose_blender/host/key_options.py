"""The option to leave out keys that a motion does not need, where it is baked: its value, its properties, its look."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
from dataclasses import dataclass
from math import degrees, isfinite, radians

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty

from ..core.keyframes.reduction import TOLERANCE_DEG, TOLERANCE_MM
from ..errors import AnimePoseError, ExitCode


@dataclass(frozen=True)
class Within:
    """How far motion with fewer keys may be off."""

    mm: float = TOLERANCE_MM
    """Of the ends of any bone, in the world."""
    deg: float = TOLERANCE_DEG
    """Of any bone's direction."""
    shared: bool = True
    """Whether all channels of a bone are keyed at the same frames; otherwise each has only the keys that it needs."""

    def __post_init__(self) -> None:
        for value, unit in ((self.mm, "mm"), (self.deg, "degrees")):
            if not (isfinite(value) and value > 0):
                raise AnimePoseError(
                    f"Keys cannot be reduced within {value:g} {unit}.", "Allow more than 0.", ExitCode.USAGE
                )


KEYED_BY_ITEMS = (
    ("BONE", "Bone", "All channels of a bone have keys at the same frames, which are easily moved and copied"),
    ("CHANNEL", "Channel", "Each channel has only the keys that it needs: about half as many, and slower to find"),
)


KEY_OPTION_NAMES = ("reduce_keys", "within_mm", "within_angle", "keyed_by")


class KeyOptionProperties:
    """Properties of the option; settings and operators share them, under the names that Clean Up has for them."""

    reduce_keys: BoolProperty(  # type: ignore
        name="Reduce Keys", description="Leave out keys that the motion does not need: curves are lighter and easier "
        "to edit, and off by no more than you allow. Otherwise there is a key on every frame", default=False,
    )  # fmt: skip
    within_mm: FloatProperty(  # type: ignore
        name="Within (mm)", description="Neither end of any bone is further than this from where it was found to be, "
        "in the world", min=0.01, soft_max=50.0, max=10000.0, default=TOLERANCE_MM, step=10, precision=1,
    )  # fmt: skip
    within_angle: FloatProperty(  # type: ignore
        name="Within Angle", description="No bone is turned further than this from how it was found to be",
        min=radians(0.01), soft_max=radians(20), default=radians(TOLERANCE_DEG), subtype="ANGLE",
    )  # fmt: skip
    keyed_by: EnumProperty(  # type: ignore
        name="Keyed by", description="Which channels have their keys together", items=KEYED_BY_ITEMS
    )

    def within(self) -> Within | None:
        """How far curves may be off; None where every frame gets its key."""
        if not self.reduce_keys:
            return None
        # Blender keeps properties in single precision.
        return Within(round(self.within_mm, 4), round(degrees(self.within_angle), 4), self.keyed_by == "BONE")


def draw_key_options(layout: bpy.types.UILayout, options: KeyOptionProperties) -> None:
    """A checkbox, and below it how far curves may then be off."""
    column = layout.column(heading="Keys")
    column.prop(options, "reduce_keys", text="Reduce")
    if options.reduce_keys:
        column.prop(options, "within_mm")
        column.prop(options, "within_angle", text="Angle")
        column.prop(options, "keyed_by")
