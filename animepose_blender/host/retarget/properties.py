"""What the scene remembers of retargeting: the choices, the map of each rig, what was put onto it, and the people."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
from collections.abc import Iterator
from contextlib import contextmanager

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...core.retarget.settings import OFFSET_PARTS, Offset, Settings
from ...errors import AnimePoseError
from ..key_options import KeyOptionProperties
from ..properties import path_property

ROOT_ITEMS = (
    ("auto", "Automatic", "Kept for people of a take, who are to stay over the plate, and scaled for other sources"),
    ("scaled", "Scaled", "The path grows with the legs, from where the figure first stands"),
    ("kept", "Kept", "The path stays as it is, so that figures stay over the plate and in each other's arms"),
    ("in_place", "In Place", "The figure stays on its spot"),
)
OUTPUT_ITEMS = (
    ("fk", "FK", "Key the controls that turn the bones of arms and legs"),
    ("ik", "IK", "Key the controls that hands and feet follow, where the rig has some"),
)
RESULT_ITEMS = (
    ("ACTION", "New Action", "The keys go into a new action, which the rig then uses; others are kept"),
    ("STRIP", "NLA Strip", "The keys go into a new action in a strip of a new NLA track, above the others"),
)
SHOWN_MAP_ITEMS = (
    ("TARGET", "Target", "The bones of the rig that gets the motion"),
    ("SOURCE", "Source", "The bones of the armature that the motion comes from"),
)
CHOICE_ITEMS = (
    ("MANNEQUIN", "New Mannequin", "An armature of the person's own size, with a simple body", "ARMATURE_DATA", 0),
    ("RIG", "Rig", "A rig of your own", "OUTLINER_OB_ARMATURE", 1),
    ("IGNORE", "Ignore", "Leave this person out", "X", 2),
)
MOVING_PARTS = ("hips", "hand.L", "hand.R", "foot.L", "foot.R")
"""Parts whose offset may also move them."""

_filling = 0


@contextmanager
def filling() -> Iterator[None]:
    """While the add-on fills properties itself, their updates do nothing."""
    global _filling
    _filling += 1
    try:
        yield
    finally:
        _filling -= 1


def _is_armature(_: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    return candidate.type == "ARMATURE"


def _detect_if_new(self: "ANIMEPOSE_PG_retarget | ANIMEPOSE_PG_person", context: bpy.types.Context) -> None:
    """A rig that is chosen for the first time gets its map, so that it can be looked at before anything is done."""
    from . import maps

    rig = self.rig if isinstance(self, ANIMEPOSE_PG_person) else self.target
    if not _filling and rig is not None:
        maps.detect_if_new(context, self.id_data.animepose_retarget, rig)


def _detect_source_if_new(self: "ANIMEPOSE_PG_retarget", context: bpy.types.Context) -> None:
    from . import maps

    if not _filling and self.source is not None:
        maps.detect_if_new(context, self, self.source)


def _choose_rig(self: "ANIMEPOSE_PG_person", context: bpy.types.Context) -> None:
    if not _filling and self.rig is not None:
        self.choice = "RIG"
    _detect_if_new(self, context)


def _bone_chosen(self: "ANIMEPOSE_PG_slot", _: bpy.types.Context) -> None:
    """The user's word is certain, and a bone fills one slot only."""
    if _filling:
        return
    self.score = 1.0
    with filling():
        rig_map = self.id_data.path_resolve(self.path_from_id().rpartition(".")[0])
        for other in rig_map.slots:
            if other.name != self.name and other.bone == self.bone:
                other.bone, other.score = "", 0.0


def _offset_changed(self: "ANIMEPOSE_PG_offset", context: bpy.types.Context) -> None:
    """Write the result anew here, so that it belongs to the undo step of the slider."""
    if _filling:
        return
    from . import live

    live.update(context, self.id_data.path_resolve(self.path_from_id().rpartition(".")[0]))


class ANIMEPOSE_PG_slot(bpy.types.PropertyGroup):
    """A slot of a rig's map; its name is the slot's."""

    bone: StringProperty(name="Bone", description="The bone of the rig that fills this place", update=_bone_chosen)  # type: ignore
    score: FloatProperty(name="Score", description="How sure the bone is", min=0.0, max=1.0)  # type: ignore


class ANIMEPOSE_PG_rig_map(bpy.types.PropertyGroup):
    """The map of one rig; kept with the scene, since rigs may be linked."""

    rig: PointerProperty(type=bpy.types.Object, poll=_is_armature)  # type: ignore
    family: StringProperty()  # type: ignore
    title: StringProperty(description="Name of the rig's family")  # type: ignore
    problem: StringProperty(description="Why no bones could be found")  # type: ignore
    slots: CollectionProperty(type=ANIMEPOSE_PG_slot)  # type: ignore
    active: IntProperty(options={"SKIP_SAVE"})  # type: ignore


class ANIMEPOSE_PG_offset(bpy.types.PropertyGroup):
    """A constant correction of one part; its name is the part's."""

    turn_deg: FloatVectorProperty(  # type: ignore
        name="Turn", description="Degrees about the figure's left, back and up; writes the keys of the result anew",
        size=3, soft_min=-90.0, soft_max=90.0, min=-360.0, max=360.0, step=50, precision=1, update=_offset_changed,
    )  # fmt: skip
    move_cm: FloatVectorProperty(  # type: ignore
        name="Move", description="Centimetres to the figure's left, back and up; writes the keys of the result anew",
        size=3, soft_min=-30.0, soft_max=30.0, step=20, precision=1, update=_offset_changed,
    )  # fmt: skip

    @property
    def is_zero(self) -> bool:
        """Whether it changes nothing."""
        return not any((*self.turn_deg, *self.move_cm))


class ANIMEPOSE_PG_recipe(KeyOptionProperties, bpy.types.PropertyGroup):
    """What was last put onto a rig, and how: enough to make it again."""

    rig: PointerProperty(type=bpy.types.Object)  # type: ignore
    source: PointerProperty(type=bpy.types.Object)  # type: ignore
    take_path: StringProperty()  # type: ignore
    person_id: IntProperty()  # type: ignore
    rig_map: StringProperty()  # type: ignore
    source_map: StringProperty()  # type: ignore
    action: PointerProperty(type=bpy.types.Action)  # type: ignore
    root: EnumProperty(items=ROOT_ITEMS)  # type: ignore
    pin_feet: BoolProperty()  # type: ignore
    keep_hands: BoolProperty()  # type: ignore
    fingers: BoolProperty()  # type: ignore
    output: EnumProperty(items=OUTPUT_ITEMS)  # type: ignore
    offsets: CollectionProperty(type=ANIMEPOSE_PG_offset)  # type: ignore
    active: IntProperty(options={"SKIP_SAVE"})  # type: ignore
    problem: StringProperty(description="Why the last change of an offset had no effect")  # type: ignore
    dense: BoolProperty(description="Whether an offset has given every frame its key again")  # type: ignore

    def settings(self) -> Settings:
        """As the motion was put onto the rig, with the offsets of now."""
        offsets = {
            offset.name: Offset(_plain(offset.turn_deg), _plain(offset.move_cm))
            for offset in self.offsets
            if not offset.is_zero
        }
        return Settings(self.root, self.pin_feet, self.keep_hands, self.fingers, self.output, offsets)


def _plain(vector: object) -> tuple[float, float, float]:
    x, y, z = vector  # type: ignore[misc]
    return float(x), float(y), float(z)


class ANIMEPOSE_PG_person(bpy.types.PropertyGroup):
    """A person of a take; its name is what the list shows."""

    person_id: IntProperty()  # type: ignore
    seconds: FloatProperty(description="How long the person is seen")  # type: ignore
    choice: EnumProperty(name="Onto", description="What becomes of this person", items=CHOICE_ITEMS)  # type: ignore
    rig: PointerProperty(  # type: ignore
        name="Rig", description="The rig that gets this person's motion", type=bpy.types.Object, poll=_is_armature,
        update=_choose_rig,
    )  # fmt: skip


class ANIMEPOSE_PG_retarget(KeyOptionProperties, bpy.types.PropertyGroup):
    """Settings of "Retarget", kept with the scene."""

    source: PointerProperty(  # type: ignore
        name="Source", description="The armature that the motion comes from", type=bpy.types.Object, poll=_is_armature,
        update=_detect_source_if_new,
    )  # fmt: skip
    target: PointerProperty(  # type: ignore
        name="Rig", description="The rig that gets the motion", type=bpy.types.Object, poll=_is_armature,
        update=_detect_if_new,
    )  # fmt: skip
    root: EnumProperty(name="Path", description="What becomes of the way that the figure goes", items=ROOT_ITEMS)  # type: ignore
    pin_feet: BoolProperty(  # type: ignore
        name="Pin Feet", description="Hold feet that stand, on the rig's own proportions", default=Settings.pin_feet
    )
    keep_hands: BoolProperty(  # type: ignore
        name="Keep Hands", description="Hands that touch the body or each other do so on the rig as well",
        default=Settings.keep_hands,
    )  # fmt: skip
    fingers: BoolProperty(name="Fingers", description="Key fingers too", default=Settings.fingers)  # type: ignore
    output: EnumProperty(  # type: ignore
        name="Limbs", description="Controls of arms and legs, where the rig has both", items=OUTPUT_ITEMS
    )
    result: EnumProperty(name="Result", description="Where the keys go", items=RESULT_ITEMS)  # type: ignore
    use_doubtful: BoolProperty(  # type: ignore
        name="Use Doubtful Maps", description="Go on although main bones of a rig are not sure; look at the map first",
        options={"SKIP_SAVE"},
    )  # fmt: skip

    maps: CollectionProperty(type=ANIMEPOSE_PG_rig_map)  # type: ignore
    shown_map: EnumProperty(name="Map", description="Whose bones are listed", items=SHOWN_MAP_ITEMS)  # type: ignore
    only_doubtful: BoolProperty(  # type: ignore
        name="Show Doubtful Only", description="List only the places whose bone is not sure or missing",
        options={"SKIP_SAVE"},
    )  # fmt: skip
    recipes: CollectionProperty(type=ANIMEPOSE_PG_recipe)  # type: ignore

    take: path_property(  # type: ignore
        name="Take", description="The take to read people from; empty: that of the active collection or object",
        subtype="FILE_PATH",
    )  # fmt: skip
    scanned_take: StringProperty()  # type: ignore
    people: CollectionProperty(type=ANIMEPOSE_PG_person)  # type: ignore
    active_person: IntProperty(options={"SKIP_SAVE"})  # type: ignore
    set_aside: BoolProperty(  # type: ignore
        name="Hide Replaced", description="Move people who get a rig, and are imported already, into a collection that "
        "is switched off", default=True,
    )  # fmt: skip

    def settings(self, offsets: dict[str, Offset]) -> Settings:
        """What the panel says, with the offsets of a rig."""
        return Settings(self.root, self.pin_feet, self.keep_hands, self.fingers, self.output, offsets)

    def recipe_of(self, rig: "bpy.types.Object | None") -> "ANIMEPOSE_PG_recipe | None":
        """What was last put onto a rig."""
        return next((recipe for recipe in self.recipes if recipe.rig == rig), None) if rig is not None else None

    def map_of(self, rig: "bpy.types.Object | None") -> "ANIMEPOSE_PG_rig_map | None":
        """The map of a rig, as far as there is one."""
        return next((one for one in self.maps if one.rig == rig), None) if rig is not None else None


def new_recipe(settings: ANIMEPOSE_PG_retarget, rig: bpy.types.Object) -> ANIMEPOSE_PG_recipe:
    """The recipe of a rig; a rig has one, whose offsets stay."""
    recipe = settings.recipe_of(rig)
    if recipe is None:
        recipe = settings.recipes.add()
        with filling():
            recipe.rig = rig
            for part in OFFSET_PARTS:
                recipe.offsets.add().name = part
    return recipe


def retarget_settings(context: bpy.types.Context) -> ANIMEPOSE_PG_retarget:
    """Those of the context's scene.

    Raises:
        AnimePoseError: if the scene is linked and cannot be changed.
    """
    scene = context.scene
    if scene.library is not None:
        raise AnimePoseError(f"The scene {scene.name} is linked and cannot be changed.", "Make it local first.")
    return scene.animepose_retarget


CLASSES = (
    ANIMEPOSE_PG_slot,
    ANIMEPOSE_PG_rig_map,
    ANIMEPOSE_PG_offset,
    ANIMEPOSE_PG_recipe,
    ANIMEPOSE_PG_person,
    ANIMEPOSE_PG_retarget,
)


def register() -> None:
    """Give every scene its settings."""
    bpy.types.Scene.animepose_retarget = PointerProperty(type=ANIMEPOSE_PG_retarget)


def unregister() -> None:
    """Take them away."""
    del bpy.types.Scene.animepose_retarget
