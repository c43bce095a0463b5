"""The recordings on bodies of many builds: joints exactly where the rendered clips' truth has them, 30 Hz.

Recordings are laid over MakeHuman bodies as for rendering (`scenes`). Those whose skeleton the scenes cannot read (the
one that begins with `CC_Base_`) lend the directions of their bones, as `motions` finds them, to the bones of such a
body. Everybody is scaled to standard size, 1.70 m.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import bpy  # noqa: F401  brings mathutils, which the scenes' truth imports
import numpy as np
from scenes import truth
from scenes.feet import leg_length_m, stand
from scenes.mesh import Body, Shape, load_base, shape_body
from scenes.mocap import sample_recording
from scenes.motion import place, turn

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.predict.body import assemble, bones_of
from animepose_blender.estimate.scene import ADULT_M

from .motions import Figure, load_figures, split_of

RATE_HZ = 30.0
CONTACT_HEIGHT_M, CONTACT_SPEED_M_S = truth.CONTACT_HEIGHT_M, truth.CONTACT_SPEED_M_S
SEED = 31
BUILDS = 40
"""Different bodies."""
SHORTEST_S = 0.8
AIRBORNE = ("run", "jump", "002_", "001_", "soccer", "basketball", "martial", "indian")
"""Recordings with such a name leave the floor with both feet."""


@dataclass(frozen=True, eq=False)
class Moving:
    """Recordings on bodies, one after another: N frames in all, at 30 Hz, of standard size."""

    name: tuple[str, ...]
    """(R,) recording and body."""
    first: np.ndarray
    """(R + 1,) frame at which each begins; the last is N."""
    root_m: np.ndarray
    """(N, 3) float32 pelvis in the world, Z up, floor at 0."""
    joints_m: np.ndarray
    """(N, J, 3) float32 relative to it, world axes."""
    size: np.ndarray
    """(R,) the body's stature over 1.70 m."""
    grounded: np.ndarray
    """(R,) bool: feet stand on the floor as in the rendered clips, so that contacts can be told."""

    def contacts(self) -> np.ndarray:
        """(N, 4) bool by the rendered truth's own rule."""
        found = np.zeros((len(self.root_m), 4), bool)
        for k, (a, b) in enumerate(zip(self.first[:-1], self.first[1:], strict=True)):
            world_m = (self.joints_m[a:b].astype(float) + self.root_m[a:b, None]) * self.size[k]
            found[a:b] = truth.contacts(world_m[None], np.arange(b - a) / RATE_HZ)[0]
        return found


def random_shape(rng: np.random.Generator) -> Shape:
    """A grown-up of any build, one in seven old; children's builds differ so much that they are one in ten."""
    gender = float(rng.random() < 0.5)
    gender = abs(gender - 0.2 * rng.random())
    age = "child" if rng.random() < 0.1 else "old" if rng.random() < 0.15 else "young"
    stature = 1.15 + 0.25 * rng.random() if age == "child" else rng.normal(1.63 + 0.13 * gender, 0.07)
    race = rng.dirichlet([0.6, 0.6, 0.6])
    return Shape(
        stature_m=float(stature),
        gender=gender,
        muscle=float(np.clip(rng.normal(0.5, 0.15), 0, 1)),
        weight=float(np.clip(rng.normal(0.5, 0.18), 0, 1)),
        height=float(np.clip(rng.normal(0.5, 0.2), 0, 1)),
        proportions=float(np.clip(rng.normal(0.55, 0.2), 0, 1)),
        race=(float(race[0]), float(race[1]), float(race[2])),
        age=age,
    )


@lru_cache(maxsize=BUILDS)
def build(humans: Path, number: int) -> Body:
    """One of the bodies, always the same for the same number."""
    return shape_body(load_base(humans), random_shape(np.random.default_rng((SEED, number))))


def load(data: Path, split: str, per_recording: int, cache: Path) -> Moving:
    """All recordings of a split, each on so many bodies; kept in the folder `cache`.

    Args:
        data: the folder with `humans` and `mocap`.
        split: "train", "validation" or "test".
    Raises:
        AnimePoseError: if there is none.
    """
    path = cache / f"bodies_{split}_{per_recording}.npz"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        _save(path, _make(data, split, per_recording))
    with np.load(path, allow_pickle=False) as saved:
        return Moving(
            tuple(str(name) for name in saved["name"]), saved["first"], saved["root_m"].astype(np.float32),
            saved["joints_m"].astype(np.float32), saved["size"], saved["grounded"],
        )  # fmt: skip


def _make(data: Path, split: str, per_recording: int) -> Moving:
    figures = {f.name: f for f in load_figures(data / "mocap") if split_of(f.name) == split}
    if not figures:
        raise AnimePoseError(f"There are no {split} recordings in {data / 'mocap'}.", "Name their folder with --data.")
    rng = np.random.default_rng((SEED, len(figures)))
    names, roots, joints, sizes, grounded = [], [], [], [], []
    for name, figure in figures.items():
        for number in rng.choice(BUILDS, per_recording, replace=False).tolist():
            body = build(data / "humans", number)
            size = float(np.ptp(body.vertices_m[body.base.groups["body"], 2])) / ADULT_M
            readable = _readable(data / "mocap" / f"{name}.npz")
            world_m = (
                _on_body(data, name, body) if readable else _lent(figure, _lengths(data / "humans", number))
            ) / size
            if len(world_m) < SHORTEST_S * RATE_HZ:
                continue
            names.append(f"{name} on {number}")
            roots.append(world_m[:, 0])
            joints.append(world_m - world_m[:, :1])
            sizes.append(size)
            grounded.append(readable)
        print(f"{split} {len(names)} {name}", flush=True)
    first = np.concatenate([[0], np.cumsum([len(r) for r in roots])])
    return Moving(
        tuple(names), first, np.concatenate(roots), np.concatenate(joints), np.array(sizes), np.array(grounded)
    )


def _readable(path: Path) -> bool:
    with np.load(path, allow_pickle=False) as data:
        return str(data["joint_names"][0]) in ("hip", "root")


def _on_body(data: Path, name: str, body: Body) -> np.ndarray:
    """(F, J, 3) metres."""
    path = data / "mocap" / f"{name}.npz"
    with np.load(path, allow_pickle=False) as file:
        count = int((len(file["rotations"]) - 1) / float(file["fps"]) * RATE_HZ) + 1
    recording = sample_recording(path, 0.0, count, RATE_HZ)
    rotations = turn(body, recording)
    airborne = any(part in name for part in AIRBORNE)
    root_m = stand(body, recording, rotations, leg_length_m(body) / recording.leg_length(), airborne)
    return truth.joints_world_m(body, place(body, rotations, root_m))


@lru_cache(maxsize=BUILDS)
def _lengths(humans: Path, number: int) -> np.ndarray:
    """(J,) of a body's bones, metres."""
    body = build(humans, number)
    bones = len(body.base.bones)
    still = place(body, np.broadcast_to(np.eye(3), (1, bones, 3, 3)), np.zeros((1, 3)))
    return bones_of(truth.joints_world_m(body, still))[2]


def _lent(figure: Figure, lengths_m: np.ndarray) -> np.ndarray:
    """(F, J, 3) metres: bones of such lengths in the directions of a figure's."""
    ratio = lengths_m.sum() / figure.lengths_m.sum()
    return assemble(figure.root_m[::2] * ratio, figure.directions[::2], lengths_m)


def _save(path: Path, moving: Moving) -> None:
    part = path.with_suffix(".part.npz")
    np.savez_compressed(
        part, name=np.array(moving.name), first=moving.first, root_m=moving.root_m.astype(np.float32),
        joints_m=moving.joints_m.astype(np.float16), size=moving.size, grounded=moving.grounded,
    )  # fmt: skip
    part.replace(path)
