"""What somebody wants made of many clips: the same from a command line and from a job file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MANNEQUIN, IGNORE = "mannequin", "ignore"
"""Onto whom a person may go, besides a rig."""
EVERYBODY = "*"
"""In a casting: whoever is not named."""
FORMATS: tuple[str, ...] = ("fbx", "glb", "bvh", "usd", "blend")
ENGINES: tuple[str, ...] = ("unreal", "unity", "godot")
"""Where exports are meant to be opened; none = Blender's own axes and names."""
PLACES: tuple[str, ...] = ("local", "ray")
"""Where the work is done: on this machine, or on a Ray cluster."""


@dataclass(frozen=True)
class Rig:
    """A rig of a file, and how motion goes onto it."""

    file: str
    """`FILE.blend` or `FILE.blend:OBJECT`."""
    map: str = ""
    """Id of a family or path of a saved map; empty = found out."""
    root: str = "auto"
    """See `core.retarget.settings.ROOT_MODES`."""
    ik: bool = False
    keep_hands: bool = False


@dataclass(frozen=True)
class Casting:
    """Who goes onto what; one result of a clip."""

    name: str
    people: Mapping[str, str]
    """Person's id, or `EVERYBODY` → name of a rig, `MANNEQUIN` or `IGNORE`."""

    def role_of(self, person: int) -> str:
        """Onto what a person goes; who is neither named nor meant by `EVERYBODY` is left out."""
        return self.people.get(str(person), self.people.get(EVERYBODY, IGNORE))

    @property
    def rigs(self) -> tuple[str, ...]:
        """Names of the rigs in it, each once."""
        return tuple(sorted(set(self.people.values()) - {MANNEQUIN, IGNORE}))


ON_MANNEQUINS = Casting(MANNEQUIN, {EVERYBODY: MANNEQUIN})


@dataclass(frozen=True)
class Clip:
    """One clip or take, and what is particular to it."""

    input: str
    """Absolute path of a video or a take."""
    estimate: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `protocol.JobRequest`, over those of the order."""
    castings: tuple[Casting, ...] | None = None
    """None = those of the order."""
    name: str = ""
    """For `{clip}` in names; empty = that of the file."""

    @property
    def is_take(self) -> bool:
        """Whether it has been estimated already."""
        return self.input.lower().endswith(".npz")


@dataclass(frozen=True)
class Order:
    """Everything that is wanted; paths are absolute."""

    clips: tuple[Clip, ...]
    output: Path
    estimate: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `protocol.JobRequest`, for all clips."""
    rigs: Mapping[str, Rig] = field(default_factory=dict)
    castings: tuple[Casting, ...] = (ON_MANNEQUINS,)
    """Each clip gives one result for each."""
    formats: tuple[str, ...] = ("blend",)
    engine: str = ""
    preview: bool = False
    reduce_keys: tuple[float, float] | None = None
    """Millimetres and degrees within which keys are left out; None = a key on every frame."""
    names: str = ""
    """See `naming`; empty = the usual ones."""

    def castings_of(self, clip: Clip) -> tuple[Casting, ...]:
        """The castings of one clip."""
        return self.castings if clip.castings is None else clip.castings

    def estimate_of(self, clip: Clip) -> dict[str, Any]:
        """The settings of one clip's estimation."""
        return {**self.estimate, **clip.estimate}
