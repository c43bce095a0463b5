"""A rig's map: which bone fills which slot, how sure that is, and its file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ...errors import AnimePoseError
from .slots import MAIN, SLOTS, mirrored

VERSION = 1
DOUBTFUL_BELOW = 0.6
"""A bone with a lower score is shown as doubtful."""


@dataclass(frozen=True)
class RigMap:
    """Slots and the bones that fill them."""

    bones: Mapping[str, str]
    """Slot → bone name; every bone fills one slot at most."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Slot → 0 to 1; a slot that is not named is certain."""
    family: str = ""
    """Id of the rig family (`rigs`) that knows the rig's controls; empty for a rig of its own."""

    def __post_init__(self) -> None:
        unknown = [slot for slot in (*self.bones, *self.scores) if slot not in SLOTS]
        if unknown:
            raise AnimePoseError(f"There is no slot {unknown[0]!r}.", "Choose one of the slots of the list.")
        twice = {bone for bone in self.bones.values() if list(self.bones.values()).count(bone) > 1}
        if twice:
            raise AnimePoseError(f"{min(twice)} fills more than one slot.", "Give each bone one slot.")
        ordered = {slot: self.bones[slot] for slot in SLOTS if slot in self.bones}
        object.__setattr__(self, "bones", MappingProxyType(ordered))
        object.__setattr__(self, "scores", MappingProxyType(dict(self.scores)))

    def score(self, slot: str) -> float:
        """How sure the bone of a slot is; 0 for an empty one."""
        return float(self.scores.get(slot, 1.0)) if slot in self.bones else 0.0

    @property
    def doubtful(self) -> tuple[str, ...]:
        """Slots to look at: filled ones with a low score, and main ones that are empty."""
        return tuple(
            slot for slot in SLOTS if (slot in self.bones or slot in MAIN) and self.score(slot) < DOUBTFUL_BELOW
        )

    def with_bone(self, slot: str, bone: str | None) -> RigMap:
        """The map with one slot filled by the user's word, or emptied; another slot loses that bone."""
        bones = {s: b for s, b in self.bones.items() if s != slot and b != bone}
        scores = {s: v for s, v in self.scores.items() if s in bones}
        return RigMap(bones | ({slot: bone} if bone else {}), scores, self.family)

    def mirrored(self, other_side: Mapping[str, str], source_side: str = "L") -> RigMap:
        """The map with one side made like the other.

        Args:
            other_side: bone → its counterpart on the other side; a bone that is not named has none.
            source_side: L or R, the side that is copied.
        """
        end = f".{source_side}"
        kept = {slot: bone for slot, bone in self.bones.items() if slot[-2:-1] != "." or slot.endswith(end)}
        copied = {
            mirrored(slot): other_side[bone]
            for slot, bone in kept.items()
            if slot.endswith(end) and bone in other_side and other_side[bone] not in kept.values()
        }
        bones = kept | copied
        scores = {s: self.score(s if s in kept else mirrored(s)) for s in bones}
        return RigMap(bones, scores, self.family)

    def to_json(self) -> str:
        """The map as text for a file."""
        content = {"version": VERSION, "family": self.family, "bones": dict(self.bones), "scores": dict(self.scores)}
        return json.dumps({"animepose_rig_map": content}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "the file") -> RigMap:
        """Read what `to_json` wrote.

        Raises:
            AnimePoseError: if the text is no rig map, or one of a newer version.
        """
        try:
            content: Any = json.loads(text)["animepose_rig_map"]
            version, family, bones, scores = (content[name] for name in ("version", "family", "bones", "scores"))
            if not all(isinstance(b, str) for b in (family, *bones, *bones.values())):
                raise TypeError("a bone is no text")
            scores = {slot: float(score) for slot, score in scores.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AnimePoseError(f"{where} is not a rig map ({error}).", "Choose a map saved by AnimePose.") from error
        if not isinstance(version, int) or version > VERSION:
            raise AnimePoseError(f"{where} was written by a newer AnimePose (map version {version}).", "Update it.")
        return cls(bones, scores, family)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RigMap:
        """Read a map's file.

        Raises:
            AnimePoseError: if it cannot be read or is no rig map.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise AnimePoseError(f"{path} cannot be read: {error}.", "Choose a map saved by AnimePose.") from error
        return cls.from_json(text, str(path))
