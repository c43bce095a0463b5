"""A human body from the MakeHuman base mesh: macro shape, rig and skin weights.

Reference: MakeHuman community assets (hm08 base mesh, macro targets, `game_engine` rig), CC0. Files are in decimetres
with Y up; everything here is in metres with Z up.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from pathlib import Path

import numpy as np

from animepose_blender.errors import AnimePoseError

RIG = "game_engine"
"""Of the rigs offered, the smallest that has fingers, a ball of the foot, and weights for the clothes helpers too."""

INFLUENCES = 4
"""Bones per vertex that are kept, the strongest ones."""


@dataclass(frozen=True)
class Shape:
    """What a body looks like, on MakeHuman's macro axes, each 0 to 1 with 0.5 as average.

    `gender` 0 is female and 1 male; `race` holds the weights of african, asian and caucasian features, which sum to 1.
    `stature_m` is the height that the body is scaled to, after `height` has set its build.
    """

    stature_m: float
    gender: float
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    proportions: float = 0.5
    race: tuple[float, float, float] = (0.0, 0.0, 1.0)
    age: str = "young"
    """child, young (an adult) or old."""


@dataclass(frozen=True)
class BaseMesh:
    """The mesh that all bodies share.

    Attributes:
        vertices_dm: (V, 3) neutral vertices in the file's own axes and unit.
        faces: (N, 4) vertex indices.
        uv: (V, 2) texture coordinates, the last one where a seam gives a vertex several.
        groups: vertex indices of each named group (body, helper-hair, joint-l-knee, ...).
        bones: names, parents first.
        parents: (B,) index of each bone's parent, -1 for the first.
        bone_cubes: for each bone the groups whose centres are its head and tail, None where it has none.
        weight_bones, weights: (V, 4) bones that move each vertex, and how much; rows of `weights` sum to 1.
    """

    vertices_dm: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    groups: dict[str, np.ndarray]
    bones: tuple[str, ...]
    parents: np.ndarray
    bone_cubes: tuple[tuple[str | None, str | None], ...]
    weight_bones: np.ndarray
    weights: np.ndarray
    folder: Path


@dataclass(frozen=True)
class Body:
    """One shaped body in the rest pose, standing on z = 0.

    Attributes:
        base: what it shares with every other body.
        vertices_m: (V, 3) rest vertices, helpers and joint markers included.
        heads_m, tails_m: (B, 3) ends of the rig's bones.
    """

    base: BaseMesh
    vertices_m: np.ndarray
    heads_m: np.ndarray
    tails_m: np.ndarray

    @cached_property
    def bone(self) -> dict[str, int]:
        """Index of each bone by name."""
        return {name: index for index, name in enumerate(self.base.bones)}

    def centre(self, group: str) -> np.ndarray:
        """(3,) the middle of a group's vertices at rest, metres; of a joint marker, the joint."""
        return self.vertices_m[self.base.groups[group]].mean(axis=0)

    def bone_weight(self, *bones: str) -> np.ndarray:
        """(V,) the summed weight of the named bones."""
        wanted = np.isin(self.base.weight_bones, [self.bone[name] for name in bones])
        return (self.base.weights * wanted).sum(axis=1)


def _indices(ranges: list[list[int]]) -> np.ndarray:
    return np.concatenate([np.arange(first, last + 1) for first, last in ranges])


def _read_obj(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    vertices, texture, corners = [], [], []
    with path.open(encoding="ascii") as lines:
        for line in lines:
            kind, _, rest = line.partition(" ")
            if kind == "v":
                vertices.append(rest.split())
            elif kind == "vt":
                texture.append(rest.split()[:2])
            elif kind == "f":
                corners.append([corner.split("/")[:2] for corner in rest.split()])
    faces = np.array(corners, dtype=np.int64) - 1  # (N, 4, 2): vertex and texture index
    uv = np.zeros((len(vertices), 2))
    uv[faces[..., 0]] = np.array(texture, dtype=np.float64)[faces[..., 1]]
    return np.array(vertices, dtype=np.float64), faces[..., 0], uv


def _read_weights(path: Path, bones: tuple[str, ...], vertex_count: int) -> tuple[np.ndarray, np.ndarray]:
    dense = np.zeros((vertex_count, len(bones)), dtype=np.float32)
    for name, pairs in json.loads(path.read_text())["weights"].items():
        if name in bones and pairs:
            rows = np.array(pairs, dtype=np.float64)
            dense[rows[:, 0].astype(int), bones.index(name)] = rows[:, 1]
    strongest = np.argsort(-dense, axis=1)[:, :INFLUENCES]
    weights = np.take_along_axis(dense, strongest, axis=1)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.where(total > 0, weights / np.where(total > 0, total, 1.0), [1.0, 0.0, 0.0, 0.0])
    return strongest, weights.astype(np.float64)


@lru_cache(maxsize=1)
def load_base(humans: Path) -> BaseMesh:
    """Read the shared mesh, rig and weights.

    Args:
        humans: the folder with `3dobjs`, `rigs`, `targets` and `mesh_metadata`.
    Raises:
        AnimePoseError: if the folder or one of the files is not there.
    """
    needed = [
        humans / "3dobjs/base.obj",
        humans / f"rigs/standard/rig.{RIG}.json",
        humans / f"rigs/standard/weights.{RIG}.json",
        humans / "mesh_metadata/basemesh_vertex_groups.json",
    ]
    missing = [path for path in needed if not path.is_file()]
    if missing:
        raise AnimePoseError(
            f"The human base mesh is not complete: {missing[0]} is missing.",
            "Name the folder that holds `humans` and `mocap` with --data.",
        )
    vertices, faces, uv = _read_obj(needed[0])
    rig = json.loads(needed[1].read_text())
    order: list[str] = []
    while len(order) < len(rig):
        order += [
            name for name, bone in rig.items() if name not in order and (bone["parent"] or None) in (None, *order)
        ]
    bones = tuple(order)
    groups = {name: _indices(ranges) for name, ranges in json.loads(needed[3].read_text()).items()}
    weight_bones, weights = _read_weights(needed[2], bones, len(vertices))

    def cube(bone: str, end: str) -> str | None:
        return rig[bone][end]["cube_name"] if rig[bone][end]["strategy"] == "CUBE" else None

    return BaseMesh(
        vertices_dm=vertices,
        faces=faces,
        uv=uv,
        groups=groups,
        bones=bones,
        parents=np.array([bones.index(rig[name]["parent"]) if rig[name]["parent"] else -1 for name in bones]),
        bone_cubes=tuple((cube(name, "head"), cube(name, "tail")) for name in bones),
        weight_bones=weight_bones,
        weights=weights,
        folder=humans,
    )


def _target(path: Path, vertex_count: int) -> np.ndarray:
    offsets = np.zeros((vertex_count, 3))
    with gzip.open(path, "rt") as lines:
        rows = np.array([line.split() for line in lines if line.strip() and line[0] != "#"], dtype=np.float64)
    rows = rows.reshape(-1, 4)  # some targets are empty
    offsets[rows[:, 0].astype(int)] = rows[:, 1:]
    return offsets


def _split(value: float, low: str, middle: str, high: str) -> dict[str, float]:
    far = abs(value - 0.5) * 2
    return {high if value > 0.5 else low: far, middle: 1.0 - far}


def _macro_targets(shape: Shape) -> dict[str, float]:
    """Target file (below `macrodetails`, without its suffix) and weight, for this shape."""
    gender = {"male": shape.gender, "female": 1.0 - shape.gender}
    muscle = _split(shape.muscle, "minmuscle", "averagemuscle", "maxmuscle")
    weight = _split(shape.weight, "minweight", "averageweight", "maxweight")
    height = _split(shape.height, "minheight", "", "maxheight")
    proportions = _split(shape.proportions, "uncommonproportions", "", "idealproportions")
    found: dict[str, float] = {}
    for (sex, a), (race, b) in product(gender.items(), zip(("african", "asian", "caucasian"), shape.race, strict=True)):
        found[f"{race}-{sex}-{shape.age}"] = a * b
    for (sex, a), (m, b), (w, c) in product(gender.items(), muscle.items(), weight.items()):
        found[f"universal-{sex}-{shape.age}-{m}-{w}"] = a * b * c
        for folder, extra in (("height", height), ("proportions", proportions)):
            for name, d in extra.items():
                if name:
                    found[f"{folder}/{sex}-{shape.age}-{m}-{w}-{name}"] = a * b * c * d
    return {name: value for name, value in found.items() if value > 1e-6}


def shape_body(base: BaseMesh, shape: Shape) -> Body:
    """A body of the given shape in the rest pose, on the floor, scaled to its stature."""
    vertices = base.vertices_dm.copy()
    for name, value in _macro_targets(shape).items():
        vertices += value * _target(base.folder / "targets/macrodetails" / f"{name}.target.gz", len(vertices))
    vertices = 0.1 * np.stack([vertices[:, 0], -vertices[:, 2], vertices[:, 1]], axis=1)
    skin_z = vertices[base.groups["body"], 2]
    vertices[:, 2] -= skin_z.min()
    vertices *= shape.stature_m / np.ptp(skin_z)

    def end(group: str | None) -> np.ndarray:
        return np.zeros(3) if group is None else vertices[base.groups[group]].mean(axis=0)

    heads, tails = (np.array([end(cubes[side]) for cubes in base.bone_cubes]) for side in (0, 1))
    return Body(base, vertices, heads, tails)


def skin(
    body: Body,
    rotations: np.ndarray,
    heads_m: np.ndarray,
    vertices: np.ndarray | slice = slice(None),
    rest_m: np.ndarray | None = None,
) -> np.ndarray:
    """Linear blend skinning of one frame or many.

    A vertex v bound to bone b follows R_b (v - h_b) + x_b, with h_b the bone's head at rest and x_b its head now.

    Args:
        rotations: (..., B, 3, 3) world rotation of each bone, identity at rest.
        heads_m: (..., B, 3) world position of each bone's head.
        vertices: which vertices are wanted, n of them; repeats are allowed.
        rest_m: (n, 3) where they rest, if not where the body has them (a coat of the skin, say).
    Returns:
        (..., n, 3) metres.
    """
    rest = body.vertices_m[vertices] if rest_m is None else rest_m
    shift = heads_m - np.einsum("...bij,bj->...bi", rotations, body.heads_m)
    moved = np.zeros((*heads_m.shape[:-2], len(rest), 3))
    for k in range(INFLUENCES):
        bone, weight = body.base.weight_bones[vertices, k], body.base.weights[vertices, k]
        turned = np.einsum("...nij,nj->...ni", rotations[..., bone, :, :], rest) + shift[..., bone, :]
        moved += weight[:, None] * turned
    return moved
