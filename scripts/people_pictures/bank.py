"""Dressed bodies and poses, made once and kept in one file, so that rendering needs neither Blender nor the data.

Bodies, clothes and their weights are those of the Blender scenes (`scenes`), poses the training recordings laid over
them with their feet on the floor (`scenes.feet`). Colours are not in here: every picture chooses its own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scenes.clothing import MATERIALS, Dressed, M, Outfit, dress, vertex_normals
from scenes.feet import leg_length_m, stand
from scenes.mesh import Body, load_base, shape_body
from scenes.mocap import sample_recording
from scenes.motion import Motion, place, turn

from animepose_blender.errors import AnimePoseError

from .mixing import mixed

POSES_HZ = 10.0
LONGEST_S = 40.0
SHORTEST_S = 1.0
BARE = (1.0, 1.0, 1.0)
"""Skin is stored white, with what differs from it (lips, brows, ears) as a share of the tone."""


@dataclass(frozen=True, eq=False)
class Figure:
    """One dressed body and its poses; n vertices, T triangles, B bones, F poses, 28 joints. Metres, Z up.

    Attributes:
        rest_m, normals: (n, 3) float32.
        colours: (n, 3) float32 shares of the skin's tone, or the eyes' own linear colours.
        regions: (n,) uint8 indices into `scenes.clothing.MATERIALS`.
        weight_bones, weights: (n, 4) uint8 and float32.
        triangles: (T, 3) int32.
        rotations, shifts_m: (F, B, 3, 3) float16 and (F, B, 3) float32: a vertex of bone b is at R_b v + s_b.
        joints_m: (F, 28, 3) float32; the pelvis lies above the origin of the floor.
    """

    rest_m: np.ndarray
    normals: np.ndarray
    colours: np.ndarray
    regions: np.ndarray
    weight_bones: np.ndarray
    weights: np.ndarray
    triangles: np.ndarray
    rotations: np.ndarray
    shifts_m: np.ndarray
    joints_m: np.ndarray


@dataclass(frozen=True, eq=False)
class Bank:
    """Figures, and (28,) how deep under the surface a joint may lie and still count as seen, metres."""

    figures: list[Figure]
    joint_depth_m: np.ndarray


def random_outfit(rng: np.random.Generator) -> Outfit:
    """Cuts only: lengths of sleeves, skirts and hair."""
    sleeve = rng.choice([0.10, 0.30, 0.45, 0.70, 0.97])
    return Outfit(
        skin=BARE, lips=(0.85, 0.50, 0.48), iris=(0.08, 0.07, 0.05), hair=(0.30, 0.26, 0.24), top=BARE, top_2=BARE,
        pattern="stripes", pattern_m=0.1, legs=BARE, shoes=BARE, sleeve=float(sleeve), skirt=bool(rng.random() < 0.15),
        hem=float(rng.uniform(0.1, 0.6)), hair_m=float(rng.uniform(0.004, 0.025)), long_hair=bool(rng.random() < 0.3),
    )  # fmt: skip


def make_bank(
    data: Path, split: str = "train", figures: int = 24, poses: int = 150, seed: int = 0, mixed_share: float = 0.0
) -> Bank:
    """Dress `figures` bodies and give each about `poses` poses of the split's recordings.

    Args:
        data: the folder with `humans` and `mocap`.
        split: "train", "validation" or "test", by whole recordings; their bodies differ, too.
        mixed_share: of the poses that are put together from several (`mixing`).
    Raises:
        AnimePoseError: if the data are not there.
    """
    # Needed here only: they import Blender's mathutils, which comes with bpy.
    import bpy  # noqa: F401
    from scenes import truth
    from training.bodies import AIRBORNE, random_shape
    from training.motions import FAULTY, split_of

    base = load_base(data / "humans")
    names = [path.stem for path in sorted((data / "mocap").glob("cmu_*.npz")) if split_of(path.stem) == split]
    names = [n for n in names if n.removeprefix("cmu_") not in FAULTY and _seconds(data, n) > SHORTEST_S]
    if not names:
        raise AnimePoseError(f"There are no {split} recordings in {data / 'mocap'}.", "Name their folder with --data.")
    made = []
    for number in range(figures):
        rng = np.random.default_rng((seed, number, *split.encode()) if split != "train" else (seed, number))
        body = shape_body(base, random_shape(rng))
        dressed = dress(body, random_outfit(rng))
        motions: list[Motion] = []
        while sum(len(m.heads_m) for m in motions) < poses:
            name = names[rng.integers(len(names))]
            motion = _motion(data, name, body, any(part in name for part in AIRBORNE))
            chosen = rng.permutation(len(motion.heads_m))[: max(8, poses // 8)]
            motions.append(Motion(motion.rotations[chosen], motion.heads_m[chosen]))
        rotations = np.concatenate([m.rotations for m in motions])[:poses].astype(np.float16).astype(np.float64)
        motion = Motion(rotations, np.concatenate([m.heads_m for m in motions])[:poses])
        motion = mixed(rng, body, motion, mixed_share)
        made.append(_figure(dressed, motion, truth.joints_world_m(body, motion), rng))
    depth = [truth.DEPTH_M[name.removeprefix("left_").removeprefix("right_")] for name in truth.JOINTS]
    return Bank(made, np.array(depth, np.float32))


def _seconds(data: Path, name: str) -> float:
    """Length of a recording; 0 for a skeleton that the scenes do not read."""
    with np.load(data / "mocap" / f"{name}.npz", allow_pickle=False) as file:
        readable = str(file["joint_names"][0]) in ("hip", "root")
        return (len(file["root"]) - 1) / float(file["fps"]) if readable else 0.0


def _motion(data: Path, name: str, body: Body, airborne: bool) -> Motion:
    count = int(min(_seconds(data, name), LONGEST_S) * POSES_HZ)
    recording = sample_recording(data / "mocap" / f"{name}.npz", 0.0, count, POSES_HZ)
    rotations = turn(body, recording)
    root_m = stand(body, recording, rotations, leg_length_m(body) / recording.leg_length(), airborne)
    return place(body, rotations, root_m)


def _figure(dressed: Dressed, motion: Motion, joints_m: np.ndarray, rng: np.random.Generator) -> Figure:
    body = dressed.body
    normals = vertex_normals(dressed.rest_m, dressed.faces)
    # A vertex on a seam is there once for each material.
    pairs = dressed.faces * len(MATERIALS) + dressed.materials[:, None]
    used, compact = np.unique(pairs, return_inverse=True)
    quads = compact.reshape(pairs.shape)
    at, regions = used // len(MATERIALS), (used % len(MATERIALS)).astype(np.uint8)
    colours = np.where(np.isin(regions, [M["skin"], M["eyes"]])[:, None], dressed.colours[at], 1.0)
    ankle = body.heads_m[body.bone["foot_l"], 2]
    crotch = body.heads_m[body.bone["thigh_l"], 2]
    if rng.random() < 0.3:  # shorts: below their hem the trousers are skin
        bare = (regions == M["legs"]) & (dressed.rest_m[at, 2] < ankle + rng.uniform(0.45, 0.75) * (crotch - ankle))
        regions[bare] = M["skin"]
    if rng.random() < 0.08:
        regions[regions == M["shoes"]] = M["skin"]
    follows = dressed.vertices[at]
    floor = joints_m[:, :1] * [1.0, 1.0, 0.0]
    shifts = motion.heads_m - np.einsum("fbij,bj->fbi", motion.rotations, body.heads_m) - floor
    return Figure(
        rest_m=dressed.rest_m[at].astype(np.float32),
        normals=normals[at].astype(np.float32),
        colours=colours.astype(np.float32),
        regions=regions,
        weight_bones=body.base.weight_bones[follows].astype(np.uint8),
        weights=body.base.weights[follows].astype(np.float32),
        triangles=np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32),
        rotations=motion.rotations.astype(np.float16),
        shifts_m=shifts.astype(np.float32),
        joints_m=(joints_m - floor).astype(np.float32),
    )


def save_bank(bank: Bank, path: Path) -> None:
    """Write a bank as .npz: to a temporary name, then renamed."""
    arrays = {f"{k}_{f.name}": getattr(figure, f.name) for k, figure in enumerate(bank.figures) for f in fields(Figure)}
    part = path.with_name(path.name + ".part.npz")
    np.savez_compressed(part, joint_depth_m=bank.joint_depth_m, **arrays)
    part.replace(path)


def load_bank(path: Path) -> Bank:
    """Read what `save_bank` wrote."""
    with np.load(path, allow_pickle=False) as data:
        count = sum(name.endswith("_rest_m") for name in data.files)
        figures = [Figure(**{f.name: data[f"{k}_{f.name}"] for f in fields(Figure)}) for k in range(count)]
        return Bank(figures, data["joint_depth_m"])
