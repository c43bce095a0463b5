"""Moments at which somebody is lost: what was seen before and after, as noisy as estimates, and the truth between."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animepose_blender.estimate.predict import History
from animepose_blender.estimate.predict.body import assemble, bones_of, unit

from .motions import Figure
from .windows import correlated

RATE_HZ = 30.0
PAST_S, FUTURE_S = 2.0, 4.0
EVERY_S = 1.0
"""Somebody is lost this often in each recording."""
LEAST_PAST_S = 0.8
ROOT_NOISE_M = 0.015
RAY_NOISE = 0.015
"""Of the distance: 7.5 cm at 5 m."""
BONE_NOISE = 0.05
"""2 cm at the end of 0.4 m."""
MEMORY_S = (0.15, 0.5)
"""Of pose and root, and of the distance."""
CAMERA_DISTANCE_M, CAMERA_HEIGHT_M = 5.0, 1.5


@dataclass(frozen=True, eq=False)
class Case:
    """One person of one recording about the moment 0 s, at which they are lost."""

    name: str
    time_s: np.ndarray
    """(F,) at 30 Hz, some of it before 0."""
    seen: History
    """The whole of it, noisy."""
    joints_m: np.ndarray
    """(F, J, 3) the truth."""

    def before(self) -> History:
        """Up to 0 s."""
        return self._cut((self.time_s < 1e-6) & (self.time_s > -PAST_S - 1e-6))

    def after(self, gap_s: float) -> History | None:
        """From the gap's end on; None where too little is left."""
        chosen = (self.time_s > gap_s - 1e-6) & (self.time_s < gap_s + PAST_S + 1e-6)
        return self._cut(chosen) if chosen.sum() >= 10 else None

    def _cut(self, chosen: np.ndarray) -> History:
        h = self.seen
        return History(h.time_s[chosen], h.joints_world_m[chosen], h.others_world_m[:, chosen], h.camera_m[chosen])


def of_people(
    name: str, joints_m: np.ndarray, camera_m: np.ndarray, rng: np.random.Generator, every_s: float = EVERY_S
) -> list[Case]:
    """Cases of all people of one scene.

    Args:
        joints_m: (P, F, J, 3) at 30 Hz.
        camera_m: (F, 3).
    """
    cases = []
    for person in range(len(joints_m)):
        others_m = np.delete(joints_m[:, :, 0], person, axis=0)
        first, step = round(LEAST_PAST_S * RATE_HZ), round(every_s * RATE_HZ)
        for end in range(first, joints_m.shape[1] - 12, step):
            span = slice(max(0, end - round(PAST_S * RATE_HZ)), end + round(FUTURE_S * RATE_HZ) + 1)
            truth_m, camera = joints_m[person, span], camera_m[span]
            if not np.isfinite(truth_m).all():
                continue
            time_s = (np.arange(len(truth_m)) - (end - span.start)) / RATE_HZ
            seen_m = _disturbed(truth_m, camera, rng)
            around_m = others_m[:, span] + 0.05 * _noise(rng, others_m[:, span], 0.5)
            cases.append(Case(name, time_s, History(time_s, seen_m, around_m, camera), truth_m))
    return cases


def of_figures(figures: list[Figure], rng: np.random.Generator, every_s: float = EVERY_S) -> list[Case]:
    """Cases of recordings, couples together, each before a still camera somewhere around them."""
    by_name = {figure.name: figure for figure in figures}
    cases = []
    for figure in figures:
        if figure.partner and figure.partner in by_name and figure.partner < figure.name:
            continue
        group = [figure] + ([by_name[figure.partner]] if figure.partner in by_name else [])
        joints_m = np.stack([f.joints_m()[::2] for f in group])
        angle = rng.uniform(0, 2 * np.pi)
        middle_m = joints_m[0, :, 0].mean(axis=0)
        camera_m = middle_m + CAMERA_DISTANCE_M * np.array([np.cos(angle), np.sin(angle), 0.0])
        camera_m[2] = CAMERA_HEIGHT_M
        cases += of_people(figure.name, joints_m, np.tile(camera_m, (joints_m.shape[1], 1)), rng, every_s)
    return cases


def of_clips(folder: Path, rng: np.random.Generator, every_s: float = EVERY_S / 2) -> list[Case]:
    """Cases of rendered clips, from their `*_truth.npz`; the people are true, the noise is ours."""
    cases = []
    for path in sorted(folder.glob("*_truth.npz")):
        with np.load(path, allow_pickle=False) as truth:
            times, joints_m = truth["frame_time_s"], truth["joints_world_m"].astype(float)
            camera_m = truth["camera_to_world"][:, :3, 3].astype(float)
        grid_s = np.arange(times[0], times[-1], 1 / RATE_HZ)
        after = np.clip(np.searchsorted(times, grid_s), 1, len(times) - 1)
        share = ((grid_s - times[after - 1]) / (times[after] - times[after - 1]))[:, None]
        camera_m = (1 - share) * camera_m[after - 1] + share * camera_m[after]
        share = share[:, None]
        joints_m = (1 - share) * joints_m[:, after - 1] + share * joints_m[:, after]
        cases += of_people(path.name.removesuffix("_truth.npz"), joints_m, camera_m, rng, every_s)
    return cases


def _noise(rng: np.random.Generator, like: np.ndarray, memory_s: float) -> np.ndarray:
    """Noise of variance 1 in the shape (N, F, 3) of another array."""
    return correlated(rng, len(like), like.shape[1], (like.shape[2],), memory_s) if len(like) else np.zeros_like(like)


def _disturbed(joints_m: np.ndarray, camera_m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    root_m, directions, lengths_m = bones_of(joints_m)
    count = len(joints_m)
    ray_m = root_m - camera_m
    root_m = root_m + ROOT_NOISE_M * correlated(rng, 1, count, (3,), MEMORY_S[0])[0]
    root_m = root_m + RAY_NOISE * correlated(rng, 1, count, (1,), MEMORY_S[1])[0] * ray_m
    noise = correlated(rng, 1, count, directions.shape[1:], MEMORY_S[0])[0]
    turned = unit(directions + BONE_NOISE * noise * (np.arange(directions.shape[1]) > 0)[:, None], directions)
    return assemble(root_m, turned, lengths_m)
