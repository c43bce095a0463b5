"""The review's settings: which take, its edits, and the list of its people."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...core.review.edits import LONGEST_NAME, Rename
from ...errors import AnimePoseError
from ...protocol import SMOOTHNESS_RANGE_S, JobRequest
from ..properties import FOOT_LOCK_ITEMS
from ..retarget.thumbnails import make_icons
from . import session

AS_BEFORE = "as_before"
SOLVE_FOOT_LOCK_ITEMS = ((AS_BEFORE, "As Before", "As the take was made"), *FOOT_LOCK_ITEMS)
FOOT_LOCK_DESCRIPTION = "What is done to feet in the span: Never lets a wrongly pinned foot go, Always pins one"

_filling = False


@contextmanager
def _being_filled() -> Iterator[None]:
    """Names that are set here are no renames."""
    global _filling
    _filling = True
    try:
        yield
    finally:
        _filling = False


def _rename(self: "ANIMEPOSE_PG_reviewed_person", context: bpy.types.Context) -> None:
    if _filling:
        return
    scene = self.id_data
    try:
        session.add(scene, Rename(self.person, self.name))
    except AnimePoseError as error:
        scene.animepose_review.problem = str(error)
    refresh(scene)


class ANIMEPOSE_PG_reviewed_person(bpy.types.PropertyGroup):
    """One person of the take that is being reviewed."""

    person: IntProperty()  # type: ignore
    name: StringProperty(  # type: ignore
        name="Name", description="What this person is called", maxlen=LONGEST_NAME, update=_rename
    )
    span: StringProperty()  # type: ignore
    confidence: FloatProperty()  # type: ignore
    ignored: BoolProperty()  # type: ignore
    thumbnail: IntProperty()  # type: ignore


def _others(self: "ANIMEPOSE_PG_review", context: bpy.types.Context) -> list[tuple[str, str, str, int, int]]:
    _others.items = [  # Blender keeps no reference to the texts
        (str(one.person), one.name, "", 0, one.person) for one in self.other_people()
    ] or [("0", "Nobody", "", 0, 0)]
    return _others.items


def _other(self: "ANIMEPOSE_PG_review") -> int:
    """The person chosen last, or somebody else if that one has gone from the list or is the active one now."""
    ids = [one.person for one in self.other_people()] or [0]
    return self.other_id if self.other_id in ids else ids[0]


def _set_other(self: "ANIMEPOSE_PG_review", person: int) -> None:
    self.other_id = person


class ANIMEPOSE_PG_review(bpy.types.PropertyGroup):
    """The review of a scene."""

    take: StringProperty()  # type: ignore
    edits: StringProperty(default="[]")  # type: ignore
    people: CollectionProperty(type=ANIMEPOSE_PG_reviewed_person)  # type: ignore
    active: IntProperty(options={"SKIP_SAVE"})  # type: ignore
    other: EnumProperty(  # type: ignore
        name="With", description="The other person", items=_others, get=_other, set=_set_other
    )
    other_id: IntProperty()  # type: ignore
    solve_wrong: BoolProperty(  # type: ignore
        name="Not This Person",
        description="What was seen in the span is not this person: leave it out, and fill the span in",
    )
    solve_foot_lock: EnumProperty(  # type: ignore
        name="Feet", description=FOOT_LOCK_DESCRIPTION, items=SOLVE_FOOT_LOCK_ITEMS
    )
    solve_smoothly: BoolProperty(  # type: ignore
        name="Other Smoothness", description="Solve the span more or less smoothly than the take was made"
    )
    solve_smoothness: FloatProperty(  # type: ignore
        name="Smoothness", description="Half-life of sudden errors in seconds; 0 smooths nothing",
        min=SMOOTHNESS_RANGE_S[0], soft_max=0.3, max=SMOOTHNESS_RANGE_S[1], default=JobRequest.smoothness_s, step=1,
        precision=3,
    )  # fmt: skip
    problem: StringProperty(options={"SKIP_SAVE"})  # type: ignore

    def active_person(self) -> "ANIMEPOSE_PG_reviewed_person | None":
        """The person who is chosen in the list."""
        return self.people[self.active] if 0 <= self.active < len(self.people) else None

    def other_people(self) -> "list[ANIMEPOSE_PG_reviewed_person]":
        """Everybody in the list but the one who is chosen in it."""
        active = self.active_person()
        return [one for one in self.people if active is None or one.person != active.person]


def tell_icons(scene: bpy.types.Scene) -> None:
    """Make the people's pictures anew, where undo brought another take back."""
    settings = scene.animepose_review
    if settings.take:
        with contextlib.suppress(AnimePoseError):
            make_icons(settings.take, session.load(settings.take))


def refresh(scene: bpy.types.Scene) -> None:
    """Fill the list of people anew, and show their tracks as they are now."""
    from . import overlay

    settings = scene.animepose_review
    try:
        now = session.reviewed(scene)
    except AnimePoseError as error:
        settings.problem = str(error)
        return
    settings.problem = ""
    active = settings.active_person()
    chosen = active.person if active is not None else 0
    with _being_filled():
        settings.people.clear()
        for one in now.people:
            item = settings.people.add()
            item.person, item.name, item.ignored = one.person, one.name, one.ignored
            item.confidence, item.thumbnail = one.mean_confidence, int(now.estimate.person_id[one.thumbnail_row])
            item.span = f"{one.start_s:.1f} - {one.end_s:.1f} s"
    ids = [one.person for one in settings.people]
    settings.active = ids.index(chosen) if chosen in ids else min(max(settings.active, 0), max(len(ids) - 1, 0))
    make_icons(settings.take, now.estimate)
    overlay.update(scene)


CLASSES = (ANIMEPOSE_PG_reviewed_person, ANIMEPOSE_PG_review)


def register() -> None:
    """Give every scene its review."""
    bpy.types.Scene.animepose_review = PointerProperty(type=ANIMEPOSE_PG_review)


def unregister() -> None:
    """Take them away."""
    del bpy.types.Scene.animepose_review
