"""What a rig family's file says. The files beside this one hold data and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Property:
    """A custom property of a pose bone that the rig must have at some value; keyed in the result, never set."""

    bone: str
    name: str
    value: float


@dataclass(frozen=True)
class Ik:
    """The IK controls of one limb."""

    end: str
    """The control that the hand or foot follows rigidly."""
    pole: str = ""
    """The control that elbow or knee points at, if the rig has one."""
    fk: tuple[Property, ...] = ()
    """Properties for FK, such as the switch of the limb."""
    ik: tuple[Property, ...] = ()
    """Properties for IK."""
    also: Mapping[str, str] = field(default_factory=dict)
    """Slot → the control that holds it as well while the limb is moved by IK, as the toes of an IK foot."""


@dataclass(frozen=True)
class Family:
    """Names and controls of the rigs of one maker; sources of the names stand in each file's docstring."""

    id: str
    title: str
    bones: Mapping[str, tuple[str, ...]]
    """Slot → names of its bone, the most usual first. Of a control rig these are the FK controls."""
    prefixes: tuple[str, ...] = ()
    """Regular expressions for what names may begin with, such as `mixamorig\\d*[:_.]?`, tried in order."""
    case_sensitive: bool = True
    evidence: tuple[str, ...] = ()
    """Names without which a rig is not of this family, beyond those of its main slots."""
    followers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Slot → further controls that are to hold the slot's orientation."""
    ik: Mapping[str, Ik] = field(default_factory=dict)
    """Limb (`slots.LIMBS`) → its IK controls."""
    properties: tuple[Property, ...] = ()
    """Needed in FK and IK alike."""
    ignore: tuple[str, ...] = ()
    """Regular expressions of helper bones (twist, share, corrective) that fill no slot whatever they are called."""
