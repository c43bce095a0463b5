"""Test rigs of all families as data: bones on a human figure of 1.70 m, the true map, and what rigs differ by.

`rig("mixamo")` is the family's rig in T-pose, metres, Z up, looking along -Y. A `Variant` says what is otherwise: pose,
rolls, tails, units, axes, proportions, names. Whatever the variant, the figure stands upright on the world's floor.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from animepose_blender.core import fingers
from animepose_blender.core.retarget.armature import Armature
from animepose_blender.core.retarget.rig_map import RigMap
from animepose_blender.core.retarget.slots import MAIN, SLOTS
from animepose_blender.skeleton import REST_JOINTS_M, J

from . import names
from .tables import TABLES


@dataclass(frozen=True)
class Variant:
    """What makes a rig differ from its family's plain one."""

    pose: str = "T"
    """T; A (arms 45 degrees down, elbows a little bent forward); I (arms 75 degrees down)."""
    rolls: int = 0
    """0 = regular rolls; other numbers seed random ones."""
    stray_tails: bool = False
    """Bones as importers of FBX and glTF leave them: short, each pointing anywhere but along its limb."""
    unit_m: float = 1.0
    """Metres a unit of the armature; the object's scale makes up for it (0.01 = data in centimetres)."""
    object_x_deg: float = 0.0
    """The object is turned about X; the bones' data the other way (90: Y-up data, as of an imported FBX)."""
    facing_deg: float = 0.0
    """The figure is turned about the world's Z; 180 = it looks along +Y."""
    place_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Where the object stands."""
    legs: float = 1.0
    """Length of the legs against the plain figure's."""
    arms: float = 1.0
    renaming: str = ""
    """One of `names.RENAMINGS` or of `names.LANGUAGES`; empty = the family's names."""
    sides: str = ".L"
    """How a language's names tell sides: one of `names.SIDES`."""


PLAIN = Variant()


@dataclass(frozen=True, eq=False)
class RawBone:
    """A bone as an edit bone takes it: set head and tail, then `align_roll(z_axis)`. Armature axes and units."""

    name: str
    parent: str
    head: np.ndarray
    tail: np.ndarray
    z_axis: np.ndarray
    deform: bool


@dataclass(frozen=True, eq=False)
class Catalogued:
    """A rig and the truth about it."""

    family: str
    variant: Variant
    armature: Armature
    truth: dict[str, str]
    """Slot → bone."""
    bones: tuple[RawBone, ...]
    """In the armature's order."""

    @property
    def rig_map(self) -> RigMap:
        """The truth as a map."""
        return RigMap(self.truth)

    @property
    def main_truth(self) -> dict[str, str]:
        """The truth of the main slots."""
        return {slot: bone for slot, bone in self.truth.items() if slot in MAIN}


def families() -> list[str]:
    """Names of all rigs of the catalogue."""
    return list(TABLES)


# The figure. Points are those of a left side; `_place` mirrors them.


def _joint(name: str) -> np.ndarray:
    return REST_JOINTS_M[J[name if name in J else f"left_{name}"]]


SHOULDER, ELBOW, WRIST = _joint("shoulder"), _joint("elbow"), _joint("wrist")
HIP, KNEE, ANKLE, TOE = (_joint(name) for name in ("hip", "knee", "ankle", "toe"))
PELVIS, NECK, HEAD_TOP = _joint("pelvis"), _joint("neck"), _joint("head_top")
BALL = np.array([0.105, -0.115, 0.02])
HEAD = np.array([0.0, -0.005, 1.50])
SPINE_BASE = np.array([0.0, 0.01, 0.98])
HAND_END = (_joint("index_knuckle") + _joint("pinky_knuckle")) / 2
PARTS: dict[str, tuple[np.ndarray, np.ndarray]] = {
    "ground": (np.zeros(3), np.array([0.0, 0.2, 0.0])),
    "pelvis": (PELVIS, SPINE_BASE),
    "head": (HEAD, HEAD_TOP),
    "shoulder": (np.array([0.02, -0.015, 1.385]), SHOULDER),
    "upper_arm": (SHOULDER, ELBOW), "forearm": (ELBOW, WRIST), "hand": (WRIST, HAND_END),
    "hip": (PELVIS, HIP), "thigh": (HIP, KNEE), "shin": (KNEE, ANKLE), "foot": (ANKLE, BALL), "toe": (BALL, TOE),
}  # fmt: skip
POINTS: dict[str, np.ndarray] = {
    "shoulder": SHOULDER, "elbow": ELBOW, "wrist": WRIST, "hip": HIP, "knee": KNEE, "ankle": ANKLE, "pelvis": PELVIS,
    "jaw": np.array([0.0, -0.05, 1.53]), "eye": np.array([0.03, -0.10, 1.58]), "hair": np.array([0.0, 0.08, 1.66]),
    "breast": np.array([0.08, -0.10, 1.25]), "heel": _joint("heel"),
    "toe2": np.array([0.095, -0.13, 0.02]), "toe5": np.array([0.135, -0.10, 0.02]),
}  # fmt: skip
NEEDLE_M = 0.04
FOREARM_WORDS = ("forearm", "hand", "wrist", "elbow", "finger", "palm")


def _spine(at: float) -> np.ndarray:
    """A point of the spine, 0 at its base, 1 at the neck's: bent a little, as spines are."""
    return SPINE_BASE + at * (NECK - SPINE_BASE) + np.array([0.0, 0.02 * np.sin(np.pi * at), 0.0])


def _place(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Head and tail of a place, T-pose, left side."""
    word, *more = text.split()
    if word in ("spine", "neck") and "/" in (more or [""])[0]:
        number, count = (int(n) for n in more[0].split("/"))
        ends = [(number - 1) / count, number / count]
        head, tail = ([_spine(t) for t in ends]) if word == "spine" else ([NECK + t * (HEAD - NECK) for t in ends])
        return head, tail
    if text == "neck and head":
        return NECK, HEAD_TOP
    if word == "down":
        return PELVIS, PELVIS - [0.0, 0.0, 0.1]
    if word == "along":
        start, end = PARTS[more[0]]
        return start + float(more[1]) * (end - start), start + float(more[2]) * (end - start)
    if word == "finger":
        first = 1 + 4 * fingers.FINGERS.index(more[0]) + int(more[1]) - 1
        return _hand_point(first), _hand_point(first + 1)
    if word == "palm":
        knuckle = _hand_point(1 + 4 * fingers.FINGERS.index(more[0]))
        return WRIST + 0.25 * (knuckle - WRIST), knuckle
    if word == "end":
        tip = {"head": HEAD_TOP, "toe": TOE}.get(more[0])
        tip = _hand_point(4 + 4 * fingers.FINGERS.index(more[1])) if tip is None else tip
        return tip, tip + NEEDLE_M * np.array({"head": [0, 0, 1.0], "toe": [0, -1.0, 0]}.get(more[0], [1.0, 0, 0]))
    if word == "pole":
        point = {"elbow": ELBOW + [0.0, 0.5, 0.0], "knee": KNEE + [0.0, -0.6, 0.0]}[more[0]]
        return point, point + [0.0, 0.0, NEEDLE_M]
    if word == "at":
        point = POINTS[more[0]]
        return point, point + [0.0, -NEEDLE_M, 0.0]
    return PARTS[word]


def _hand_point(point: int) -> np.ndarray:
    return WRIST + fingers.REST_POINTS_M[0][point]


def _turn(axis: int, degrees: float) -> np.ndarray:
    """(3, 3) rotation about X, Y or Z."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    turn = np.eye(3)
    turn[i, i], turn[i, j], turn[j, i], turn[j, j] = c, -s, s, c
    return turn


def _posed(text: str, points: np.ndarray, variant: Variant) -> tuple[np.ndarray, np.ndarray]:
    """Points (2, 3) of a place with the variant's arms and legs, and how they are turned from the T-pose (3, 3)."""
    words = text.split()
    arm = any(w in ("upper_arm", *FOREARM_WORDS) for w in words) or "at shoulder" in text
    points, turn = points.copy(), np.eye(3)
    if arm:
        points[:, 0] = SHOULDER[0] + (points[:, 0] - SHOULDER[0]) * variant.arms
        down, bend = {"T": (0.0, 0.0), "A": (45.0, 15.0), "I": (75.0, 10.0)}[variant.pose]
        turn = _turn(1, down)
        if any(w in FOREARM_WORDS for w in words) and "pole" not in words:
            elbow = SHOULDER + (ELBOW - SHOULDER) * variant.arms
            points = elbow + (points - elbow) @ _turn(2, -bend).T
            turn = turn @ _turn(2, -bend)
        points = SHOULDER + (points - SHOULDER) @ _turn(1, down).T
    low = points[:, 2] < PELVIS[2]
    longer = PELVIS[2] * (variant.legs - 1.0)
    points[:, 2] = np.where(low, points[:, 2] * variant.legs, points[:, 2] + longer)
    return points, turn


def _orientation(along: np.ndarray, z_hint: np.ndarray) -> np.ndarray:
    """(3, 3) columns X, Y along the bone, and Z as near to the hint as can be."""
    y = along / np.linalg.norm(along)
    z = z_hint - y * (y @ z_hint)
    z /= np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z], axis=1)


# The tables.

_FIVE = {
    "f": fingers.FINGERS, "F": ("Thumb", "Index", "Middle", "Ring", "Pinky"),
    "V": ("Thumb", "Index", "Middle", "Ring", "Little"), "D": ("Thumb", "Index", "Mid", "Ring", "Pinky"),
}  # fmt: skip
_FOUR = {
    "g": fingers.FINGERS[1:], "W": ("Index", "Middle", "Ring", "Little"), "E": ("Index", "Mid", "Ring", "Pinky"),
    "e": ("index", "mid", "ring", "pinky"), "m": ("1", "2", "3", "4"), "n": ("2", "3", "4", "5"),
}  # fmt: skip
_SIDES = ({"l": "l", "L": "L", "s": "left", "S": "Left"}, {"l": "r", "L": "R", "s": "right", "S": "Right"})


@dataclass(frozen=True)
class Row:
    """One bone of a family."""

    name: str
    parent: str
    place: str
    side: str
    """L, R or nothing."""
    slot: str
    """Empty for a helper."""


def _expanded(line: str) -> list[str]:
    used = set(re.findall(r"{(\w)}", line))
    for words in (_FIVE, _FOUR):
        if used & set(words):
            count = len(next(iter(words.values())))
            return [_filled(line, {key: words[key][n] for key in words}) for n in range(count)]
    return [line]


def _filled(line: str, words: dict[str, str]) -> str:
    return re.sub(r"{(\w)}", lambda match: words.get(match[1], match[0]), line)


@cache
def rows(family: str) -> tuple[Row, ...]:
    """All bones of a family, parents first."""
    found: list[Row] = []
    for template in TABLES[family].split("\n"):
        for line in _expanded(template) if template else ():
            sided = bool(re.search(r"{\w}", line))
            for side in "LR" if sided else ("",):
                text = _filled(line, _SIDES[side == "R"]) if sided else line
                name, parent, place, slot = (word.strip() for word in text.split(","))
                slot = _slot_of(place) if slot == "=" else slot.lstrip("=")
                found.append(Row(name, parent, place, side, f"{slot}.{side}" if slot and side else slot))
    return _parents_first(found)


def _slot_of(place: str) -> str:
    words = place.split()
    return f"{words[1]}_{words[2]}" if words[0] == "finger" else words[0]


def _parents_first(found: list[Row]) -> tuple[Row, ...]:
    done: dict[str, Row] = {"": found[0]}
    ordered: list[Row] = []
    while len(ordered) < len(found):
        ready = [row for row in found if row.parent in done and row.name not in done]
        if not ready:
            raise ValueError(f"parents missing: {[row for row in found if row.name not in done]}")
        ordered += ready
        done |= {row.name: row for row in ready}
    return tuple(ordered)


def rig(family: str, variant: Variant = PLAIN) -> Catalogued:
    """A rig of the catalogue.

    Raises:
        KeyError: if there is no such family or renaming.
    """
    listed = rows(family)
    rename = _renamer(listed, variant)
    rng = np.random.default_rng(variant.rolls + 1)
    world = np.eye(4)
    world[:3, :3] = _turn(0, variant.object_x_deg) * variant.unit_m
    world[:3, 3] = variant.place_m
    # World points are to_world * data; the bones' data undo the object's turn and scale, not its place.
    to_data = np.linalg.inv(world[:3, :3]) @ _turn(2, variant.facing_deg)
    turn_data = _turn(0, variant.object_x_deg).T @ _turn(2, variant.facing_deg)

    bones, rest = [], []
    for row in listed:
        right = row.side == "R" or row.place.endswith(" R")
        points, turn = _posed(row.place, np.stack(_place(row.place)), variant)
        z_hint = turn @ np.array([0.0, 0.0, 1.0] if abs(np.diff(points, axis=0)[0, 2]) < NEEDLE_M / 2 else [0, -1.0, 0])
        if right:
            points[:, 0] *= -1
            z_hint[0] *= -1
        if variant.stray_tails:
            stray = rng.normal(size=3)
            points[1] = points[0] + 0.05 * stray / np.linalg.norm(stray)
            z_hint = np.cross(stray, np.roll(stray, 1))
        axes = turn_data @ _orientation(points[1] - points[0], z_hint)
        if variant.rolls:
            axes = axes @ _turn(1, rng.uniform(-180.0, 180.0))
        head, tail = points @ to_data.T
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = axes, head
        rest.append(matrix)
        parent = rename(row.parent) if row.parent else ""
        bones.append(RawBone(rename(row.name), parent, head, tail, axes[:, 2], _deforms(row)))

    index = {bone.name: number for number, bone in enumerate(bones)}
    armature = Armature(
        tuple(index),
        np.array([index.get(bone.parent, -1) for bone in bones]),
        np.stack(rest),
        np.array([np.linalg.norm(bone.tail - bone.head) for bone in bones]),
        world,
        np.array([bone.deform for bone in bones]),
    )
    truth = {row.slot: rename(row.name) for row in listed if row.slot}
    return Catalogued(family, variant, armature, {slot: truth[slot] for slot in SLOTS if slot in truth}, tuple(bones))


def _deforms(row: Row) -> bool:
    helper = ("MCH-", "ORG-", "ik_", "c_arm", "c_hand", "c_foot", "c_leg", "c_thigh", "c_pos", "c_traj", "c_root")
    return not row.name.startswith(helper) and row.place != "ground" and "pole" not in row.place


def _renamer(listed: tuple[Row, ...], variant: Variant) -> Callable[[str], str]:
    if not variant.renaming:
        return str
    if variant.renaming in names.RENAMINGS:
        table = {row.name: names.RENAMINGS[variant.renaming](row.name) for row in listed}
    else:
        table = {}
        for row in listed:
            word = names.translated(variant.renaming, row.slot.partition(".")[0], row.place, row.side, variant.sides)
            number = 1
            while (word if number == 1 else f"{word}_{number}") in table.values():
                number += 1
            table[row.name] = word if number == 1 else f"{word}_{number}"
    if len(set(table.values())) < len(table):
        raise ValueError(f"{variant.renaming} gives two bones one name")
    return table.__getitem__
