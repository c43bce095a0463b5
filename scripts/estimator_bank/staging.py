"""Random clips for measuring the estimator: people who play training recordings, all over the picture, seen from
anywhere."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scenes.cast import CAST
from scenes.clips import Clip, Couple, Part, Solo
from scenes.paths import CameraPath, focal_px
from scenes.places import PLACES
from training.motions import FAULTY, split_of

SIZE_PX = (640, 360)
RATE, FRAMES = 30, 66
"""At the lifters' own rate, so that nothing is smoothed between frames."""
HEIGHT_PX = (105.0, 235.0)
"""How tall people of 1.70 m would stand in the picture."""
FOV_DEG, PITCH_DEG = (30.0, 80.0), (-5.0, 35.0)
PEOPLE = (8, 10)
APART_M = 0.75
BACK_M = 2.0
"""No place has anything in the way up to here."""
KINDS = {
    "salsa": 0.30, "indian": 0.22, "walking": 0.18, "basketball_signal": 0.12, "soccer": 0.07, "basketball_": 0.06,
    "directing": 0.05,
}  # fmt: skip
"""Beginnings of recordings, and how often each kind is played; basketball's last comes after the signals."""
COUPLE_SHARE = 0.35
SPEED = (0.8, 1.35)


@dataclass(frozen=True)
class Take:
    """A recording that can be played."""

    name: str
    duration_s: float


def playable(mocap: Path) -> list[Take]:
    """Training recordings that a body can be laid over, in order of name."""
    found = []
    for path in sorted(mocap.glob("cmu_*.npz")):
        stem = path.stem.removeprefix("cmu_")
        if split_of(path.stem) != "train" or stem.startswith((*FAULTY, "salsa_21")):
            continue
        with np.load(path, allow_pickle=False) as data:
            if str(data["joint_names"][0]) in ("hip", "root"):
                found.append(Take(path.stem, (len(data["rotations"]) - 1) / float(data["fps"])))
    return found


def kind_of(name: str) -> str | None:
    """The kind of a recording; None if it is of none."""
    stem = name.removeprefix("cmu_")
    return next((kind for kind in KINDS if stem.startswith(kind)), None)


def partner_of(name: str) -> str | None:
    """The other half of a couple's recording."""
    stem, _, number = name.rpartition("_")
    return f"{stem}_{(int(number) + 14) % 30 + 1:02d}" if stem == "cmu_salsa" else None


def random_clip(number: int, seed: int, takes: list[Take]) -> Clip:
    """Clip `number`; the same for the same seed and recordings."""
    name = f"measured_{number:03d}"
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    fov_deg, pitch = float(rng.uniform(*FOV_DEG)), float(np.radians(rng.uniform(*PITCH_DEG)))
    focal = focal_px(fov_deg, SIZE_PX[0])
    count = int(rng.integers(PEOPLE[0], PEOPLE[1] + 1))
    far_m = 1.70 * focal / np.exp(rng.uniform(*np.log(HEIGHT_PX), size=400))
    middle_m = float(np.median(far_m))
    spots = _spots(rng, focal, pitch, middle_m, far_m, count)
    back = max(float(spots[:, 1].max()), 0.0) - BACK_M
    spots[:, 1] -= back
    # The point looked at is the origin of `_spots`, at the height of the hips.
    height = 0.9 + middle_m * np.sin(pitch)
    path = CameraPath(((0.0, -middle_m * np.cos(pitch) - back, max(height, 0.25)),), ((0.0, -back, 0.9),))
    return Clip(
        name, "train", "measures the estimator", str(rng.choice(sorted(PLACES))), "still", path, fov_deg,
        tuple(_parts(rng, spots, takes)), size_px=SIZE_PX, rate=RATE, frames=FRAMES,
    )  # fmt: skip


def _spots(
    rng: np.random.Generator, focal: float, pitch: float, middle_m: float, far_m: np.ndarray, count: int
) -> np.ndarray:
    """(count, 2) places on the floor, whole people inside the picture at most of them."""
    chosen: list[np.ndarray] = []
    for depth in far_m:
        along = (depth - middle_m) / np.cos(pitch)
        x = rng.uniform(-0.44, 0.44) * SIZE_PX[0] / focal * depth
        down = -along * np.sin(pitch)
        half = 0.85 * np.cos(pitch)
        limit = SIZE_PX[1] / 2 / focal * depth
        inside = down + half < limit and down - half > -limit
        spot = np.array([x, along])
        apart = all(np.linalg.norm(spot - other) > APART_M for other in chosen)
        if apart and inside:
            chosen.append(spot)
        if len(chosen) == count:
            break
    return np.array(chosen)


def _parts(rng: np.random.Generator, spots: np.ndarray, takes: list[Take]) -> list[Part]:
    """Somebody for each spot, no two the same."""
    who = rng.permutation(sorted(CAST)).tolist()
    by_name = {take.name: take for take in takes}
    weights = np.array([KINDS[kind] for kind in KINDS])
    parts: list[Part] = []
    left = len(spots)
    while left:
        kind = list(KINDS)[rng.choice(len(KINDS), p=weights / weights.sum())]
        speed = float(rng.uniform(*SPEED))
        chosen = [take for take in takes if kind_of(take.name) == kind]
        take = chosen[int(rng.integers(len(chosen)))]
        needed = speed * FRAMES / RATE
        if take.duration_s < needed:
            # A short walk is played as slowly as it must be.
            speed *= 0.99 * take.duration_s / needed
            needed = 0.99 * take.duration_s
        at = (float(spots[left - 1, 0]), float(spots[left - 1, 1]))
        start_s, turn_deg = float(rng.uniform(0.0, take.duration_s - needed)), float(rng.uniform(0.0, 360.0))
        partner = partner_of(take.name)
        if left > 1 and partner in by_name and rng.random() < COUPLE_SHARE:
            start_s = min(start_s, max(by_name[partner].duration_s, take.duration_s) - FRAMES / RATE - 0.1)
            parts.append(Couple((who.pop(), who.pop()), (take.name, partner), max(start_s, 0.0), at, turn_deg))
            left -= 2
            continue
        parts.append(Solo(who.pop(), take.name, start_s, at, None, turn_deg, speed, airborne=kind in _AIRBORNE))
        left -= 1
    return parts


_AIRBORNE = ("soccer", "basketball_")


def cast_of(clip: Clip) -> tuple[list[str], list[str]]:
    """Who plays, and which recordings, person by person."""
    who: list[str] = []
    recordings: list[str] = []
    for part in clip.parts:
        if isinstance(part, Couple):
            who += part.who
            recordings += part.recordings
        elif isinstance(part, Solo):
            who.append(part.who)
            recordings.append(part.recording)
    return who, recordings
