"""What each engine expects of a file, as one table.

A person at rest looks along -Y of Blender's world, the left hand at +X, and so in the file. What importers do:

- Unreal reads FBX in centimetres and turns it to its own axes, right-handed with Z up and -Y in front (its
  `ConvertScene`); a file that says so itself is not turned. Its older importer heeds a file's unit only on request. An
  empty object above the skeleton becomes a bone, unless it is called `Armature` (since 4.24). It takes one skeleton
  from a file, and root motion from the skeleton's topmost bone.
- Unity heeds the file's unit. It turns files with Y up and Z in front by nothing but a mirror, so that no object gets a
  turn of -90 degrees. Root motion of Generic avatars comes from a node one chooses (Rig tab, Root node).
- Godot reads glTF, whose unit is the metre and whose up is +Y. `:` and `/` have a meaning in its paths; its humanoid
  profile calls the root bone `Root`. It samples at the rate of its import tab, 30 a second by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Layout:
    """How one format is laid out. Units are metres, unless the fields say otherwise."""

    suffix: str
    y_up: bool = False
    """Whether the file's up is Y, which a root bone's axes follow; else Z."""
    turned: bool = False
    """Whether the data themselves are turned to Y up, since the exporter would turn the objects instead."""
    centimetres: bool = False
    root_bone: str = ""
    """Name of the bone on the ground that carries path and heading; empty = none."""
    from_zero: bool = False
    """Whether the first frame is at 0 seconds; else frames are those of the scene."""
    one_person_a_file: bool = False
    armature_name: str = ""
    """Of the object that holds the skeleton; empty = the person's name."""
    unusable: str = ""
    """Characters that bones' names may not have, for a regular expression's [...]; `_` takes their place."""


@dataclass(frozen=True)
class Preset:
    """One engine."""

    title: str
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    """Format → layout."""


_BVH = Layout("bvh", y_up=True, turned=True, one_person_a_file=True, unusable=r"\s{}")
"""Readers take Y for up, know one skeleton a file, and part names at spaces. The root's channels carry its path."""

PRESETS: Mapping[str, Preset] = {
    "": Preset(
        "Blender",
        {
            "fbx": Layout("fbx", y_up=True),
            "glb": Layout("glb", y_up=True),
            "usd": Layout("usd"),
            "bvh": _BVH,
        },
    ),
    "unreal": Preset(
        "Unreal Engine",
        {
            "fbx": Layout(
                "fbx",
                centimetres=True,
                root_bone="root",
                from_zero=True,
                one_person_a_file=True,
                armature_name="Armature",
                unusable=r"^A-Za-z0-9_:\-",
            ),
            "glb": Layout("glb", y_up=True, root_bone="root", from_zero=True, unusable=r"^A-Za-z0-9_:\-"),
            "usd": Layout("usd", root_bone="root", from_zero=True),
            "bvh": _BVH,
        },
    ),
    "unity": Preset(
        "Unity",
        {
            "fbx": Layout("fbx", y_up=True, turned=True, root_bone="root", from_zero=True, unusable="/"),
            "glb": Layout("glb", y_up=True, root_bone="root", from_zero=True, unusable="/"),
            "usd": Layout("usd", root_bone="root", from_zero=True),
            "bvh": _BVH,
        },
    ),
    "godot": Preset(
        "Godot",
        {
            "fbx": Layout("fbx", y_up=True, turned=True, root_bone="Root", from_zero=True, unusable=":/"),
            "glb": Layout("glb", y_up=True, root_bone="Root", from_zero=True, unusable=":/"),
            "usd": Layout("usd", root_bone="Root", from_zero=True),
            "bvh": _BVH,
        },
    ),
}
"""Engine (`batch.order.ENGINES`, or empty) → preset. A colon stays in names for Unreal and Unity: they do with it what
they do with the same rig's own file, so that motion fits the skeleton that is there."""
