"""Settings of the tools that change a whole motion: its time, its mirror image, its body's steadiness."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty

PACE_ITEMS = (
    ("SPEED", "Speed", "Say how fast; the length follows"),
    ("LENGTH", "Length", "Say how many frames the range is to take; the speed follows"),
)
PLANE_ITEMS = (
    ("RIG", "Rig", "The armature's own middle: a figure that walks away to the left then walks away to the right"),
    (
        "FIGURE",
        "Figure",
        "The middle of the figure as the motion begins: it starts where it did and looks the same way",
    ),
)
_OWN = {"SKIP_SAVE"}


class WarpProperties:
    """Of "Warp Time"."""

    pace_by: EnumProperty(name="By", description="What you say of the new time", items=PACE_ITEMS, options=_OWN)  # type: ignore
    pace: FloatProperty(  # type: ignore
        name="Speed", description="100% is as it was, 200% twice as fast; the range then takes whole frames", min=1.0,
        soft_min=10.0, soft_max=400.0, max=10000.0, default=150.0, subtype="PERCENTAGE", precision=0, options=_OWN,
    )  # fmt: skip
    pace_length: IntProperty(  # type: ignore
        name="Frames", description="From the first frame of the range to its last", min=1, soft_max=1000, default=100,
        options=_OWN,
    )  # fmt: skip
    keep_footsteps: BoolProperty(  # type: ignore
        name="Keep Footsteps", description="While a foot stands time runs as before; only jumps and flights change "
        "their pace", default=False, options=_OWN,
    )  # fmt: skip


class SteadyProperties:
    """Of "Stabilise Root"."""

    steadiness: FloatProperty(  # type: ignore
        name="Strength", description="How much of the drift of standing feet the body takes back", min=0.0, max=1.0,
        default=1.0, subtype="FACTOR", options=_OWN,
    )  # fmt: skip
    steady_blend: FloatProperty(  # type: ignore
        name="Blend", description="Time over which a foot that lands gets its say, and loses it before it lifts",
        min=0.01, soft_max=1.0, max=10.0, default=0.15, unit="TIME_ABSOLUTE", step=1, precision=2, options=_OWN,
    )  # fmt: skip
    steady_level: BoolProperty(name="Horizontal", description="Along the floor", default=True, options=_OWN)  # type: ignore
    steady_upright: BoolProperty(name="Vertical", description="Up and down", default=True, options=_OWN)  # type: ignore


class MirrorProperties:
    """Of "Mirror Motion"."""

    plane: EnumProperty(name="Across", description="Where the mirror stands", items=PLANE_ITEMS, options=_OWN)  # type: ignore
