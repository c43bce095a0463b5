"""A rig whose bones can be added, taken away, turned and renamed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from animepose_blender.core.retarget.armature import Armature


@dataclass
class Bone:
    """A bone that can be edited; world axes, metres."""

    name: str
    parent: str
    head: np.ndarray
    axes: np.ndarray
    """(3, 3) columns; Y along the bone."""
    length: float
    deform: bool = True


@dataclass
class Rig:
    """Bones by name, and the true slots; an empty truth for what is no humanoid."""

    bones: dict[str, Bone] = field(default_factory=dict)
    truth: dict[str, str] = field(default_factory=dict)
    order: int = 0
    """Seeds another order of the bones, parents still first; 0 = as they were made."""

    @classmethod
    def of(cls, armature: Armature, truth: dict[str, str]) -> Rig:
        """An armature's bones in world axes."""
        heads = armature.in_world(armature.heads)
        turn = armature.to_world[:3, :3] / armature.scale
        bones = {
            name: Bone(name, armature.names[p] if (p := int(armature.parents[i])) >= 0 else "", heads[i],
                       turn @ armature.rest[i, :3, :3], float(armature.lengths[i]) * armature.scale,
                       bool(armature.deform[i]))
            for i, name in enumerate(armature.names)
        }  # fmt: skip
        return cls(bones, dict(truth))

    def add(self, name: str, parent: str, head, tail, deform: bool = True) -> str:
        """A new bone; its name gets a number if it is taken."""
        while name in self.bones:
            name += "x"
        head, along = np.asarray(head, float), np.asarray(tail, float) - np.asarray(head, float)
        length = float(np.linalg.norm(along))
        y = along / max(length, 1e-9)
        x = np.cross(y, [0.3, 0.5, 0.8])
        x /= np.linalg.norm(x)
        self.bones[name] = Bone(name, parent, head, np.stack([x, y, np.cross(x, y)], 1), length, deform)
        return name

    def chain(self, name: str, parent: str, start, step, count: int, deform: bool = True) -> list[str]:
        """A straight chain of new bones."""
        made: list[str] = []
        for number in range(count):
            at = np.asarray(start, float) + number * np.asarray(step, float)
            made.append(self.add(f"{name}_{number + 1}", made[-1] if made else parent, at, at + step, deform))
        return made

    def head(self, slot: str) -> np.ndarray:
        """(3,) of the bone of a slot."""
        return self.bones[self.truth[slot]].head

    def below(self, name: str) -> list[str]:
        """A bone and all below it."""
        found = [name]
        for bone in self._parents_first():
            if bone.parent in found and bone.name not in found:
                found.append(bone.name)
        return found

    def remove(self, name: str, branch: bool = False) -> None:
        """Take a bone away; what hangs on it goes along, or hangs on its parent."""
        gone = self.below(name) if branch else [name]
        parent = self.bones[name].parent
        for bone in gone:
            del self.bones[bone]
        for bone in self.bones.values():
            bone.parent = parent if bone.parent in gone else bone.parent
        self.truth = {slot: bone for slot, bone in self.truth.items() if bone not in gone}

    def turn(self, slot: str, axis, degrees: float) -> None:
        """Turn the bone of a slot about its head, with all below it."""
        pivot, turn = self.head(slot).copy(), rotation(axis, degrees)
        for name in self.below(self.truth[slot]):
            bone = self.bones[name]
            bone.head = pivot + turn @ (bone.head - pivot)
            bone.axes = turn @ bone.axes

    def renamed(self, names: dict[str, str]) -> Rig:
        """The rig with other names; what is not named keeps its own."""
        new = {old: names.get(old, old) for old in self.bones} | {"": ""}
        bones = {new[b.name]: replace(b, name=new[b.name], parent=new[b.parent]) for b in self.bones.values()}
        return Rig(bones, {slot: new[bone] for slot, bone in self.truth.items()}, self.order)

    def scrambled(self, seed: int = 0) -> Rig:
        """Names that say nothing."""
        rng = np.random.default_rng(seed)
        numbers = rng.permutation(len(self.bones))
        return self.renamed({name: f"Bone.{number:03d}" for name, number in zip(self.bones, numbers)})

    def _parents_first(self) -> list[Bone]:
        ordered: list[Bone] = []
        done = {""}
        rest = list(self.bones.values())
        if self.order:
            np.random.default_rng(self.order).shuffle(rest)  # type: ignore[arg-type]
        while rest:
            ready = [bone for bone in rest if bone.parent in done]
            assert ready, "a bone's parent is missing"
            ready = ready[:1] if self.order else ready
            ordered += ready
            done |= {bone.name for bone in ready}
            rest = [bone for bone in rest if bone.name not in done]
        return ordered

    def armature(
        self, turn: np.ndarray | None = None, unit_m: float = 1.0, object_turn: np.ndarray | None = None
    ) -> Armature:
        """The rig as an armature.

        Args:
            turn: (3, 3) of the figure in the world.
            unit_m: metres a unit of the armature.
            object_turn: (3, 3) of the object, undone by the bones' data.
        """
        turn = np.eye(3) if turn is None else turn
        object_turn = np.eye(3) if object_turn is None else object_turn
        bones = self._parents_first()
        index = {bone.name: number for number, bone in enumerate(bones)}
        rest = np.tile(np.eye(4), (len(bones), 1, 1))
        for number, bone in enumerate(bones):
            rest[number, :3, :3] = object_turn.T @ turn @ bone.axes
            rest[number, :3, 3] = object_turn.T @ turn @ bone.head / unit_m
        to_world = np.eye(4)
        to_world[:3, :3] = object_turn * unit_m
        return Armature(
            tuple(index),
            np.array([index.get(bone.parent, -1) for bone in bones], int),
            rest,
            np.array([bone.length / unit_m for bone in bones]),
            to_world,
            np.array([bone.deform for bone in bones], bool),
        )


def rotation(axis, degrees: float) -> np.ndarray:
    """(3, 3) about any axis (Rodrigues)."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
