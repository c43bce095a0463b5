"""A person as a file has them: another unit, other axes, a root bone, names that the engine accepts. Numbers only."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from ...core import quaternions as quat
from .people import Person
from .presets import Layout
from .root_motion import ground_path

Y_UP = np.array([np.sqrt(0.5), -np.sqrt(0.5), 0.0, 0.0])
"""Quaternion of the turn from Blender's axes to those with Y up: Z becomes Y, and -Y, where people look, becomes Z."""
CENTIMETRES = 100.0
ROOT_LENGTH_M = 0.25


@dataclass(frozen=True, eq=False)
class LaidOut:
    """What to make in Blender for one person, so that its exporter writes the layout."""

    person: Person
    """In the file's unit and axes; with its root bone, if it gets one."""
    new_names: dict[str, str]
    """Bone of the rig → bone of the file."""
    first_frame: int
    to_data: np.ndarray
    """(4, 4) from Blender's world to the data's axes and unit."""
    object_turn: np.ndarray
    """(4,) how the armature's object is turned in Blender, so that it is turned by nothing in the file."""


def lay_out(person: Person, layout: Layout, rate: float) -> LaidOut:
    """A person for one format of one engine.

    Args:
        rate: frames a second.
    """
    if layout.root_bone:
        person = _with_root(person, layout, rate)
    new_names = usable_names(person.names, layout.unusable)
    unit, turn = (CENTIMETRES if layout.centimetres else 1.0), (Y_UP if layout.turned else np.eye(4)[0])
    to_data = np.eye(4)
    to_data[:3, :3] = unit * quat.to_matrix(turn)
    changed = replace(
        person,
        names=tuple(new_names[name] for name in person.names),
        rest_m=unit * quat.rotate(turn, person.rest_m),
        rest=quat.multiply(turn, person.rest),
        length_m=unit * person.length_m,
        head_m=unit * quat.rotate(turn, person.head_m),
        turn=quat.multiply(turn, person.turn),
    )
    # The exporter turns objects of FBX to Y up; BVH knows no objects.
    undone = layout.turned and layout.suffix == "fbx"
    return LaidOut(
        changed, new_names, 0 if layout.from_zero else int(person.frames[0]), to_data,
        quat.conjugate(turn) if undone else np.eye(4)[0],
    )  # fmt: skip


def _with_root(person: Person, layout: Layout, rate: float) -> Person:
    """The person with path and heading on a root bone; all other bones stay where they are in the world."""
    pelvis = person.pelvis
    turned = quat.multiply(person.turn[:, pelvis], quat.conjugate(person.rest[pelvis]))
    place_m, heading = ground_path(person.head_m[:, pelvis], turned, rate)
    if person.root >= 0:
        head_m, turn = person.head_m.copy(), person.turn.copy()
        offset_m = person.rest_m[person.root] - person.rest_m[pelvis] * [1.0, 1.0, 0.0]
        head_m[:, person.root] = place_m + quat.rotate(heading, np.broadcast_to(offset_m, place_m.shape))
        turn[:, person.root] = quat.multiply(heading, person.rest[person.root])
        return replace(person, head_m=head_m, turn=turn)
    # Its axes are the file's own, so that engines show it without any turn.
    rest = quat.conjugate(Y_UP) if layout.y_up else np.eye(4)[0]
    name = layout.root_bone
    while name in person.names:
        name += "_motion"
    return replace(
        person,
        names=(name, *person.names),
        parents=np.append(-1, np.where(person.parents < 0, 0, person.parents + 1)),
        rest_m=np.concatenate([np.zeros((1, 3)), person.rest_m]),
        rest=np.concatenate([rest[None], person.rest]),
        length_m=np.append(ROOT_LENGTH_M, person.length_m),
        head_m=np.concatenate([place_m[:, None], person.head_m], axis=1),
        turn=np.concatenate([quat.multiply(heading, rest)[:, None], person.turn], axis=1),
        root=0,
    )


def usable_names(names: tuple[str, ...], unusable: str) -> dict[str, str]:
    """Name → name without the characters that a file or engine cannot have; all different, ASCII case aside."""
    used: set[str] = set()
    made: dict[str, str] = {}
    for name in names:
        base = re.sub(f"[{unusable}]", "_", name) if unusable else name
        new, number = base, 1
        while new.lower() in used and (new != name or new in made.values()):
            number += 1
            new = f"{base}_{number}"
        used.add(new.lower())
        made[name] = new
    return made


def local_motion(person: Person, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What Blender's pose channels have to be.

    With rest matrices R, poses P and a bone's parent p: P = P_p (R_p^-1 R) B, so B = R^-1 R_p P_p^-1 P.

    Args:
        rest: (B, 4, 4) as Blender holds it, within the data's axes.
    Returns:
        (F, B, 3) locations in the data's unit, and (F, B, 4) quaternions.
    """
    own, at = quat.from_matrix(rest[:, :3, :3]), rest[:, :3, 3]
    parents = person.parents
    none = parents < 0
    above = np.where(none[:, None], np.eye(4)[0], own[parents])
    above_at = np.where(none[:, None], 0.0, at[parents])
    carried = np.where(none[:, None], np.eye(4)[0], person.turn[:, parents])
    carried_at = np.where(none[:, None], 0.0, person.head_m[:, parents])
    # From the posed parent to the parent at rest, and from there into the bone at rest.
    back = quat.multiply(quat.multiply(quat.conjugate(own), above), quat.conjugate(carried))
    turn = quat.multiply(back, person.turn)
    offset = quat.rotate(quat.conjugate(carried), person.head_m - carried_at)
    in_rest = quat.rotate(np.broadcast_to(above, offset.shape[:-1] + (4,)), offset) + above_at - at
    location = quat.rotate(np.broadcast_to(quat.conjugate(own), carried.shape), in_rest)
    return location, quat.unroll(turn)
