"""Settings of the cleanup tools: one set kept with the scene, and the same ones for each operator's own panel."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
from math import radians

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty

from ..key_options import KEYED_BY_ITEMS
from .changes import Smoothing
from .channels import Kind
from .scope import Scope
from .time_properties import MirrorProperties, SteadyProperties, WarpProperties
from .write_back import KeyOn

METHOD_ITEMS = (
    ("HALF_LIFE", "Half-Life", "Says how soon a wrong value has lost half of its influence; keeps straight lines"),
    ("BUTTERWORTH", "Butterworth", "Says which frequencies stay: usual in motion science; walking has up to 6 Hz"),
    ("ONE_EURO", "One-Euro", "Smooths slow movements much and fast ones little"),
    ("SAVITZKY_GOLAY", "Savitzky-Golay", "Fits polynomials to a sliding window; keeps the height of peaks"),
)
FRAMES_ITEMS = (
    ("ACTION", "Whole Action", "Every key of the action"),
    ("SCENE", "Scene Range", "The scene's frames, or the preview's if there is a preview range"),
    (
        "KEYS",
        "Selected Keys",
        "The keys that are selected in the dope sheet or graph editor, and what lies between them",
    ),
)
RESULT_ITEMS = (
    ("ACTION", "In Place", "The action is changed"),
    ("NEW", "New Action", "A copy of the action is changed and used from now on; the old one is kept"),
)
KEYS_ITEMS = (
    ("KEYS", "As They Are", "Keys stay where they are and get new values"),
    ("FRAMES", "Every Frame", "Every frame of the range gets a key"),
)
_OWN = {"SKIP_SAVE"}
"""An operator begins with the scene's settings, not with those it had last."""


class ScopeProperties:
    """Which channels and frames, and where the result goes."""

    frames: EnumProperty(name="Frames", description="Which frames are changed", items=FRAMES_ITEMS, options=_OWN)  # type: ignore
    border: IntProperty(  # type: ignore
        name="Border", description="Frames over which the change comes and goes at both ends of the range", min=0,
        soft_max=30, default=5, options=_OWN,
    )  # fmt: skip
    rotations: BoolProperty(name="Rotations", description="Change rotations", default=True, options=_OWN)  # type: ignore
    locations: BoolProperty(name="Locations", description="Change locations", default=True, options=_OWN)  # type: ignore
    others: BoolProperty(  # type: ignore
        name="Other Numbers", description="Change scales, single angles, custom properties and influences that are no "
        "switches", default=False, options=_OWN,
    )  # fmt: skip
    result: EnumProperty(name="Result", description="Where the result goes", items=RESULT_ITEMS, options=_OWN)  # type: ignore

    def scope(self) -> Scope:
        """The choice as data."""
        chosen = {Kind.ROTATION: self.rotations, Kind.LOCATION: self.locations, Kind.SCALAR: self.others}
        kinds = frozenset(kind for kind, wanted in chosen.items() if wanted)
        return Scope(self.frames, self.border, kinds, self.result == "NEW")


class KeyProperties:
    """Where keys are afterwards."""

    keys: EnumProperty(name="Keys", description="Where keys are afterwards", items=KEYS_ITEMS, options=_OWN)  # type: ignore

    def key_on(self) -> KeyOn:
        """The choice as data."""
        return KeyOn[self.keys]


class SmoothProperties:
    """Of "Smooth Motion"."""

    method: EnumProperty(name="Method", description="How motion is smoothed", items=METHOD_ITEMS, options=_OWN)  # type: ignore
    half_life: FloatProperty(  # type: ignore
        name="Half-Life", description="Time after which a sudden error has lost half of its influence; more takes the "
        "edge off fast moves", min=0.001, soft_max=0.5, max=10.0, default=0.05, unit="TIME_ABSOLUTE", step=1,
        precision=3, options=_OWN,
    )  # fmt: skip
    cutoff: FloatProperty(  # type: ignore
        name="Cutoff (Hz)", description="Movements to and fro more often than this a second are taken out; half of "
        "what is just as often stays", min=0.05, soft_min=0.5, soft_max=15.0, max=1000.0, default=6.0, step=10,
        precision=1, options=_OWN,
    )  # fmt: skip
    order: IntProperty(  # type: ignore
        name="Order", description="How sharply the cutoff divides; sharp ones ring at sudden moves", min=1, max=8,
        default=2, options=_OWN,
    )  # fmt: skip
    min_cutoff: FloatProperty(  # type: ignore
        name="Cutoff at Rest (Hz)", description="Movements more often than this a second are taken out while a bone is "
        "slow", min=0.05, soft_max=10.0, max=1000.0, default=1.5, step=10, precision=1, options=_OWN,
    )  # fmt: skip
    quickness: FloatProperty(  # type: ignore
        name="Quickness", description="How much the cutoff rises with the speed: Hz for each radian or metre a second",
        min=0.0, soft_max=5.0, max=100.0, default=1.0, step=10, precision=2, options=_OWN,
    )  # fmt: skip
    window: FloatProperty(  # type: ignore
        name="Window", description="Length of the window; more smooths more", min=0.01, soft_max=1.0, max=60.0,
        default=0.25, unit="TIME_ABSOLUTE", step=1, precision=3, options=_OWN,
    )  # fmt: skip
    degree: IntProperty(  # type: ignore
        name="Degree", description="Of the polynomials; higher ones follow more closely", min=0, max=7, default=3,
        options=_OWN,
    )  # fmt: skip

    def smoothing(self) -> Smoothing:
        """The choice as data."""
        return Smoothing(
            self.method, self.half_life, self.cutoff, self.order, self.min_cutoff, self.quickness, self.window,
            self.degree,
        )  # fmt: skip


class PopProperties:
    """Of "Remove Pops"."""

    pop_angle: FloatProperty(  # type: ignore
        name="Angle", description="Rotations that leap by less are left alone", min=radians(0.1),
        soft_max=radians(90), default=radians(10), subtype="ANGLE", options=_OWN,
    )  # fmt: skip
    pop_length: FloatProperty(  # type: ignore
        name="Distance", description="Places that leap by less are left alone", min=0.0001, soft_max=1.0, default=0.05,
        unit="LENGTH", step=1, precision=3, options=_OWN,
    )  # fmt: skip
    pop_longest: FloatProperty(  # type: ignore
        name="Longest", description="What stays away longer is a move and no pop", min=0.001, soft_max=0.5, max=10.0,
        default=0.1, unit="TIME_ABSOLUTE", step=1, precision=3, options=_OWN,
    )  # fmt: skip


class GapProperties:
    """Of "Fill Gaps"."""

    gap_longest: FloatProperty(  # type: ignore
        name="Longest Gap", description="Longer gaps are left as they are", min=0.001, soft_max=10.0, default=1.0,
        unit="TIME_ABSOLUTE", step=10, precision=2, options=_OWN,
    )  # fmt: skip


class StillProperties:
    """Of "Hold Still"."""

    still_angle: FloatProperty(  # type: ignore
        name="Angle", description="Rotations that stay within this angle stand still; 0 leaves rotations alone",
        min=0.0, soft_max=radians(20), default=radians(1), subtype="ANGLE", options=_OWN,
    )  # fmt: skip
    still_length: FloatProperty(  # type: ignore
        name="Distance", description="Places that stay within this distance stand still; 0 leaves places alone",
        min=0.0, soft_max=0.2, default=0.01, unit="LENGTH", step=0.1, precision=3, options=_OWN,
    )  # fmt: skip
    still_shortest: FloatProperty(  # type: ignore
        name="At Least", description="Shorter rests are left alone", min=0.01, soft_max=3.0, max=60.0, default=0.3,
        unit="TIME_ABSOLUTE", step=1, precision=2, options=_OWN,
    )  # fmt: skip


class ReduceProperties:
    """Of "Reduce Keys"."""

    within_mm: FloatProperty(  # type: ignore
        name="Within (mm)", description="Neither end of any bone moves further than this from where it was in the "
        "world", min=0.01, soft_max=50.0, max=10000.0, default=5.0, step=10, precision=1, options=_OWN,
    )  # fmt: skip
    within_angle: FloatProperty(  # type: ignore
        name="Within Angle", description="No bone turns further than this from how it was", min=radians(0.01),
        soft_max=radians(20), default=radians(2), subtype="ANGLE", options=_OWN,
    )  # fmt: skip
    keyed_by: EnumProperty(  # type: ignore
        name="Keyed by", description="Which channels have their keys together", items=KEYED_BY_ITEMS, options=_OWN
    )


class LoopProperties:
    """Of "Make Loop"."""

    cycle_shortest: FloatProperty(  # type: ignore
        name="At Least", description="The cycle lasts this long or longer", min=0.05, soft_max=10.0, default=0.6,
        unit="TIME_ABSOLUTE", step=10, precision=2, options=_OWN,
    )  # fmt: skip
    cycle_longest: FloatProperty(  # type: ignore
        name="At Most", description="The cycle lasts no longer than this", min=0.05, soft_max=30.0, default=5.0,
        unit="TIME_ABSOLUTE", step=10, precision=2, options=_OWN,
    )  # fmt: skip
    seam: FloatProperty(  # type: ignore
        name="Blend", description="Time on either side of the seam over which the ends flow into each other", min=0.0,
        soft_max=1.0, max=10.0, default=0.25, unit="TIME_ABSOLUTE", step=1, precision=2, options=_OWN,
    )  # fmt: skip
    in_place: BoolProperty(  # type: ignore
        name="In Place", description="Take out the way that the figure gets on in a cycle", default=False, options=_OWN
    )


TOOL_ITEMS = (
    ("SMOOTH", "Smooth", "Take out trembling", "SMOOTHCURVE", 0),
    ("POPS", "Pops", "Take out frames that leap away and back", "IPO_ELASTIC", 1),
    ("GAPS", "Gaps", "Fill frames without keys", "ACTION", 2),
    ("ROTATIONS", "Rotations", "Take out flips of angles and quaternions", "ORIENTATION_GIMBAL", 3),
    ("STILL", "Hold Still", "Let stand still what hardly moves", "FREEZE", 4),
    ("REDUCE", "Reduce Keys", "As few keys as the motion needs", "KEYFRAME", 5),
    ("MIRROR", "Mirror", "Left and right change places", "MOD_MIRROR", 6),
    ("LOOP", "Loop", "The best cycle, made seamless", "FILE_REFRESH", 7),
    ("STEADY", "Stabilise", "Let the body be steady over its standing feet", "ANCHOR_BOTTOM", 8),
    ("TIME", "Time Warp", "Let a range take more time or less", "TIME", 9),
)


class ANIMEPOSE_PG_cleanup(
    ScopeProperties, KeyProperties, SmoothProperties, PopProperties, GapProperties, StillProperties, ReduceProperties,
    LoopProperties, WarpProperties, SteadyProperties, MirrorProperties,
    bpy.types.PropertyGroup,
):  # fmt: skip
    """Settings of "Clean Up", kept with the scene."""

    tool: EnumProperty(name="Tool", description="What to do", items=TOOL_ITEMS)  # type: ignore


CLASSES = (ANIMEPOSE_PG_cleanup,)


def register() -> None:
    """Give every scene its settings."""
    bpy.types.Scene.animepose_cleanup = PointerProperty(type=ANIMEPOSE_PG_cleanup)


def unregister() -> None:
    """Take them away."""
    del bpy.types.Scene.animepose_cleanup
