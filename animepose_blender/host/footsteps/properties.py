"""What an action remembers of its footsteps: they belong to the keys, and are copied, saved and undone with them."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...core.footsteps.spans import Footstep

MODE_ITEMS = (
    ("auto", "Automatic", "A foot is pinned in its footsteps"),
    ("always", "Always", "The lower foot is pinned at every moment: for people who never jump"),
    ("never", "Never", "Nothing is pinned: the feet move as they did before"),
    ("grounding", "Grounding", "Nothing is pinned, and the lower foot is kept on the floor in every frame"),
)
FOOT_ITEMS = (("LEFT", "Left", "The left foot", 0), ("RIGHT", "Right", "The right foot", 1))


class ANIMEPOSE_PG_footstep(bpy.types.PropertyGroup):
    """A span in which a foot stands; frames of the action."""

    start: IntProperty(name="Start")  # type: ignore
    end: IntProperty(name="End")  # type: ignore
    foot: EnumProperty(name="Foot", items=FOOT_ITEMS)  # type: ignore


class ANIMEPOSE_PG_footsteps(bpy.types.PropertyGroup):
    """The footsteps of an action."""

    found: BoolProperty()  # type: ignore
    steps: CollectionProperty(type=ANIMEPOSE_PG_footstep)  # type: ignore
    active: IntProperty(options={"SKIP_SAVE"})  # type: ignore
    mode: EnumProperty(name="Foot Lock", items=MODE_ITEMS)  # type: ignore
    base: PointerProperty(type=bpy.types.Action, description="The legs' curves before any pins")  # type: ignore
    extent: FloatVectorProperty(size=2, description="First and last key of the legs after their pins")  # type: ignore
    slot: StringProperty()  # type: ignore
    rig_map: StringProperty()  # type: ignore
    ik_legs: StringProperty(description="Legs that IK moves, with commas between them")  # type: ignore


def footsteps_of(rig: bpy.types.Object | None) -> "ANIMEPOSE_PG_footsteps | None":
    """The footsteps of the action that a rig plays; None if none have been found in it."""
    action = rig.animation_data.action if rig is not None and rig.animation_data is not None else None
    kept = getattr(action, "animepose_footsteps", None)  # scripts may use the package without registering it
    return kept if kept is not None and kept.found else None


def steps_of(kept: ANIMEPOSE_PG_footsteps) -> list[Footstep]:
    """As the core knows them."""
    return sorted(Footstep(one.start, one.end, int(one.foot == "RIGHT")) for one in kept.steps)


def keep_steps(kept: ANIMEPOSE_PG_footsteps, steps: list[Footstep]) -> None:
    """Let these be the footsteps; nothing is pinned by it."""
    kept.steps.clear()
    for step in sorted(steps):
        one = kept.steps.add()
        one.start, one.end, one.foot = step.start, step.end, FOOT_ITEMS[step.foot][0]


CLASSES = (ANIMEPOSE_PG_footstep, ANIMEPOSE_PG_footsteps)


def register() -> None:
    """Give every action its footsteps."""
    bpy.types.Action.animepose_footsteps = PointerProperty(type=ANIMEPOSE_PG_footsteps)


def unregister() -> None:
    """Take them away."""
    del bpy.types.Action.animepose_footsteps
