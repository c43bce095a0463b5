"""From a clip's data to people who move and cameras that film them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .camera import Camera
from .cast import CAST
from .clips import Clip, Couple, Lying, Solo
from .clothing import Dressed, dress
from .couple import retarget_pair
from .feet import leg_length_m, stand
from .lying import exercise
from .mesh import BaseMesh, Body, load_base, shape_body
from .mocap import sample_recording
from .motion import Motion, moved, place, turn
from .paths import cameras, focal_px

STAYS_M = 1.0
"""Who gets no further than this in a clip stands; a heading is then where the person looks."""
FORWARD = np.array([0.0, -1.0, 0.0])


@dataclass(frozen=True)
class Staged:
    """A clip's people, their motions and its cameras, one a frame."""

    people: list[Dressed]
    motions: list[Motion]
    cameras: list[Camera]


def _put(motion: Motion, hips_m: np.ndarray, turn_rad: float, at: tuple[float, float], middle: int) -> Motion:
    """Turned, and shifted so that the hips (F, 3) are over `at` in the middle frame."""
    turned = moved(Motion(motion.rotations, motion.heads_m - hips_m[middle] * [1, 1, 0]), turn_rad, np.zeros(3))
    return replace(turned, heads_m=turned.heads_m + [*at, 0.0])


def _hips(body: Body, motion: Motion) -> np.ndarray:
    return 0.5 * (motion.heads_m[:, body.bone["thigh_l"]] + motion.heads_m[:, body.bone["thigh_r"]])


def _solo(part: Solo, body: Body, clip: Clip, mocap: Path) -> Motion:
    path = mocap / f"{part.recording}.npz"
    recording = sample_recording(path, part.start_s, clip.frames, clip.rate, part.speed)
    rotations = turn(body, recording)
    root = stand(body, recording, rotations, leg_length_m(body) / recording.leg_length(), part.airborne)
    motion = place(body, rotations, root)
    hips, middle = _hips(body, motion), clip.frames // 2
    angle = np.radians(part.turn_deg)
    if part.heading_deg is not None:
        way = hips[-1] - hips[0]
        if np.linalg.norm(way[:2]) < STAYS_M:
            way = rotations[middle, body.bone["pelvis"]] @ FORWARD
        angle += np.radians(part.heading_deg) - np.arctan2(way[1], way[0])
    return _put(motion, hips, float(angle), part.at, middle)


def _couple(part: Couple, bodies: list[Body], clip: Clip, mocap: Path) -> list[Motion]:
    recordings = [
        sample_recording(mocap / f"{name}.npz", part.start_s, clip.frames, clip.rate) for name in part.recordings
    ]
    shift = np.array([*part.at, 0.0])
    return [moved(motion, np.radians(part.turn_deg), shift) for motion in retarget_pair(bodies, recordings)]


def _lying(part: Lying, body: Body, clip: Clip) -> Motion:
    motion = exercise(body, np.arange(clip.frames) / clip.rate)
    # Its feet are towards -Y.
    return moved(motion, np.radians(part.feet_deg + 90.0), np.array([*part.at, 0.0]))


def body_of(base: BaseMesh, who: str) -> Body:
    """The body of one of the cast."""
    return shape_body(base, CAST[who][0])


def stage(clip: Clip, data: Path, seed: int = 0) -> Staged:
    """Everybody in a clip and its cameras.

    Args:
        data: the folder with `humans` and `mocap`.
        seed: changes the shake of hand-held cameras.
    Raises:
        AnimePoseError: if a file is missing, or a recording too short.
    """
    base, mocap = load_base(data / "humans"), data / "mocap"
    people: list[Dressed] = []
    motions: list[Motion] = []
    for part in clip.parts:
        names = part.who if isinstance(part, Couple) else (part.who,)
        bodies = [body_of(base, who) for who in names]
        if isinstance(part, Couple):
            motions += _couple(part, bodies, clip, mocap)
        elif isinstance(part, Lying):
            motions.append(_lying(part, bodies[0], clip))
        else:
            motions.append(_solo(part, bodies[0], clip, mocap))
        people += [dress(body, CAST[who][1]) for body, who in zip(bodies, names, strict=True)]
    focal = focal_px(clip.fov_deg, clip.size_px[0])
    shake = zlib.crc32(clip.name.encode()) + seed
    return Staged(people, motions, cameras(clip.camera, clip.size_px, focal, clip.frames, clip.rate, shake))
