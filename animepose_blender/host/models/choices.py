"""Which networks an estimate uses: the preset's, or others that are here, kept with the scene by their ids."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
from functools import cache
from typing import Any

from bpy.props import BoolProperty, EnumProperty, StringProperty

from ...presets import MEDIAPIPE, NONE, SEEING
from . import known

PARTS = (*SEEING, "lifter", "predictor")
"""What can be chosen; fields of `JobRequest`."""
ALWAYS_SHOWN = ("detector", "masks", "pose", "depth")
BY_PRESET = "PRESET"
NOT_COMMERCIAL_ICON = "LOCKED"
_MEDIAPIPE = (MEDIAPIPE, "MediaPipe", "Comes with the environment")
_BUILT_IN: dict[str, tuple[tuple[str, str, str], ...]] = {
    "detector": (_MEDIAPIPE,),
    "masks": ((NONE, "None", "Masks of the detector where it makes them, else those of the pose"),),
    "pose": (_MEDIAPIPE,),
    "root": ((NONE, "None", "How far away people are is found by the solve alone"),),
    "depth": ((NONE, "None", "Depth is found by the solve alone"),),
}
"""Beside networks of the store."""
Item = tuple[str, str, str, str, int]


@cache
def items_of(part: str, chosen: str, title: str, here: tuple[known.Choosable, ...]) -> tuple[Item, ...]:
    """The items of a part's list. They are kept for good: Blender holds pointers to their texts, not the texts.

    Args:
        part: one of `PARTS`.
        chosen: what the scene says, which stays in the list even if it is not here (any more).
        title: of what is chosen.
        here: networks of the part's role that are here.
    """
    texts = [
        (BY_PRESET, "As the Preset Says", "What the preset uses for this", "NONE"),
        *((*built_in, "NONE") for built_in in _BUILT_IN.get(part, ())),
        *((one.id, one.title, one.about, "NONE" if one.commercial else NOT_COMMERCIAL_ICON) for one in here),
    ]
    if chosen and chosen not in (text[0] for text in texts):
        texts.append((chosen, title, "As the file has it; perhaps it must be fetched first", "QUESTION"))
    return tuple((*text, number) for number, text in enumerate(texts))


def _items_now(settings: Any, part: str) -> tuple[Item, ...]:
    chosen = getattr(settings, part)
    return items_of(part, chosen, known.titles(chosen), known.choosable(part))


def _choice(part: str, name: str, description: str) -> Any:
    """A list of networks whose choice is kept as an id: numbers of items change with what is here."""

    def items(self: Any, context: Any) -> tuple[Item, ...]:
        return _items_now(self, part)

    def get(self: Any) -> int:
        chosen = getattr(self, part) or BY_PRESET
        return next(item[4] for item in _items_now(self, part) if item[0] == chosen)

    def set_(self: Any, number: int) -> None:
        chosen = _items_now(self, part)[number][0]
        setattr(self, part, "" if chosen == BY_PRESET else chosen)

    return EnumProperty(name=name, description=description, items=items, get=get, set=set_)


def _id_property(what: str) -> Any:
    return StringProperty(
        name=what, description="Id of a network of the weight store, of several separated by commas, or mediapipe, "
        "or none; empty: as the preset says",
    )  # fmt: skip


class NetworkProperties:
    """Choices of networks; `job_choices` makes them fields of `JobRequest`."""

    detector: _id_property("Detector")  # type: ignore
    masks: _id_property("Masks")  # type: ignore
    pose: _id_property("Pose")  # type: ignore
    root: _id_property("Root")  # type: ignore
    depth: _id_property("Depth")  # type: ignore
    lifter: _id_property("Lifter")  # type: ignore
    predictor: _id_property("Predictor")  # type: ignore
    detector_choice: _choice("detector", "Detector", "Who finds people in the picture")  # type: ignore
    masks_choice: _choice("masks", "Masks", "Who finds the outlines of people")  # type: ignore
    pose_choice: _choice("pose", "Pose", "Who finds joints in the picture")  # type: ignore
    root_choice: _choice("root", "Root", "Who sees how far away each person is")  # type: ignore
    depth_choice: _choice("depth", "Depth", "Who measures how far away things are")  # type: ignore
    lifter_choice: _choice("lifter", "Lifter", "Who makes keypoints over time into joints in space")  # type: ignore
    predictor_choice: _choice("predictor", "Predictor", "Who says where hidden people go")  # type: ignore
    commercial_only: BoolProperty(  # type: ignore
        name="Commercial Use Only", description="Refuse networks whose licence does not allow commercial use",
        default=False,
    )  # fmt: skip

    def job_choices(self) -> dict[str, Any]:
        """Fields of `JobRequest`."""
        return {part: getattr(self, part) for part in PARTS} | {"commercial_only": self.commercial_only}

    def shown_parts(self) -> tuple[str, ...]:
        """Parts worth showing: the usual ones, and others of which there is more than what ships."""
        return tuple(
            part for part in PARTS if part in ALWAYS_SHOWN or getattr(self, part) or len(known.choosable(part)) > 1
        )
