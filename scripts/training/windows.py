"""Spans of recordings as the trajectory network meets them: cut, turned, mixed with others, and as noisy as estimates.

All random numbers come from the generator that is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animepose_blender.estimate.predict.body import unit
from animepose_blender.estimate.predict.encoding import HORIZON_S, Encoded, encode
from animepose_blender.estimate.predict.past import LENGTH, RATE_HZ
from animepose_blender.skeleton import JOINT_COUNT, MIRROR

from .motions import RATE_HZ as RECORDED_HZ
from .motions import Figure

OTHERS = 3
SHORTEST_PAST_S = 0.3
HORIZONS = 20
"""Moments of the future that the loss looks at, evenly spread with a random shift."""

ROOT_NOISE_M = (0.005, 0.02)
"""Spread of the root across the ray, each span its own."""
RAY_NOISE = (0.005, 0.04)
"""Spread along it, as a share of the distance: 5 cm at 3 m is 0.017."""
BONE_NOISE = (0.02, 0.08)
"""Spread of the bones' directions: 2 cm at the end of 0.4 m is 0.05."""
MEMORY_S = (0.08, 0.2, 0.5, 1.2)
"""Times over which errors keep their sign."""


@dataclass(frozen=True, eq=False)
class Batch:
    """N spans: what the network reads, and what it should say."""

    encoded: Encoded
    ray: np.ndarray
    """(N, 3) unit vector from the camera, in the person's axes."""
    last: np.ndarray
    """(N, 27, 3) directions of the last pose, noisy, in the person's axes."""
    since_s: np.ndarray
    """(n,)."""
    root: np.ndarray
    """(N, n, 3) true way from the last known root, in the person's axes."""
    directions: np.ndarray
    """(N, n, 27, 3) true directions there."""
    valid: np.ndarray
    """(N, n) whether the recording goes on as long."""


def correlated(rng: np.random.Generator, count: int, steps: int, shape: tuple[int, ...], memory_s: float) -> np.ndarray:
    """(count, steps, *shape) noise of variance 1 at 30 Hz that changes smoothly (Matérn 3/2)."""
    lag = np.abs(np.subtract.outer(np.arange(steps), np.arange(steps))) / RATE_HZ * np.sqrt(3) / memory_s
    factor = np.linalg.cholesky((1 + lag) * np.exp(-lag) + 1e-6 * np.eye(steps)).astype(np.float32)
    white = rng.standard_normal((count, steps, int(np.prod(shape))), dtype=np.float32)
    return (factor @ white).reshape(count, steps, *shape)


class Sampler:
    """Draws spans from figures."""

    def __init__(self, figures: list[Figure]) -> None:
        self.root_m = np.concatenate([f.root_m for f in figures]).astype(np.float32)
        self.directions = np.concatenate([f.directions for f in figures]).astype(np.float32)
        count = np.array([len(f.root_m) for f in figures])
        self.first = np.concatenate([[0], np.cumsum(count)[:-1]])
        self.last = self.first + count - 1
        names = {f.name: i for i, f in enumerate(figures)}
        self.partner = np.array([names.get(f.partner, -1) for f in figures])
        # Long recordings count for more, but not in proportion: dances would leave walks no room.
        self.chance = np.sqrt(count) / np.sqrt(count).sum()

    def draw(self, rng: np.random.Generator, count: int) -> Batch:
        """N = count spans."""
        which = rng.choice(len(self.first), count, p=self.chance)
        speed = np.exp(rng.uniform(np.log(2 / 3), np.log(1.4), count)) * np.where(rng.random(count) < 0.3, -1, 1)
        at = rng.uniform(self.first[which], self.last[which])
        since_s = (np.arange(HORIZONS) + rng.uniform(0.1, 1.0)) * (HORIZON_S / HORIZONS)
        past_s = np.arange(1 - LENGTH, 1) / RATE_HZ
        moments = at[:, None] + (speed * RECORDED_HZ)[:, None] * np.concatenate([past_s, since_s])
        inside = (moments >= self.first[which, None]) & (moments <= self.last[which, None])
        root_m, directions = self._read(which, moments)
        mirror = rng.random(count) < 0.5
        root_m[mirror] *= np.array([1, -1, 1], np.float32)
        directions[mirror] = (directions[mirror] * np.array([1, -1, 1], np.float32))[:, :, MIRROR]
        others_m = self._others(rng, which, moments[:, :LENGTH], mirror, root_m[:, LENGTH - 1], speed)

        camera_m = root_m[:, LENGTH - 1] + _directions_around(rng, count) * rng.uniform(2.5, 10.0, (count, 1))
        camera_m[:, 2] = rng.uniform(0.4, 3.0, count)
        camera_m = camera_m.astype(np.float32)
        noisy_m, turned = self._disturb(rng, root_m[:, :LENGTH], directions[:, :LENGTH], camera_m)
        known = inside[:, :LENGTH] & (past_s >= -_past_lengths(rng, count)[:, None])
        noisy_m, turned = _held(noisy_m, known), _held(turned, known)
        others_m = np.where(rng.random((count, OTHERS, 1, 1)) < 0.9, others_m, np.nan)
        others_m = np.where(known[:, None, :, None] | (rng.random((count, 1, 1, 1)) < 0.5), others_m, np.nan)
        encoded = encode(noisy_m, turned, known, others_m, camera_m, np.ones(count, np.float32))

        ray = noisy_m[:, -1] - camera_m
        ray = (ray / np.linalg.norm(ray, axis=-1, keepdims=True))[:, None] @ encoded.axes
        way_m = (root_m[:, LENGTH:] - noisy_m[:, -1:]) @ encoded.axes
        return Batch(
            encoded, ray[:, 0], turned[:, -1, 1:] @ encoded.axes, since_s, way_m,
            directions[:, LENGTH:, 1:] @ encoded.axes[:, None], inside[:, LENGTH:],
        )  # fmt: skip

    def _read(self, which: np.ndarray, moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        moments = np.clip(moments, self.first[which, None], self.last[which, None])
        low = np.minimum(moments.astype(int), self.last[which, None] - 1)
        share = (moments - low).astype(np.float32)[..., None]
        root_m = (1 - share) * self.root_m[low] + share * self.root_m[low + 1]
        share = share[..., None]
        turned = (1 - share) * self.directions[low] + share * self.directions[low + 1]
        return root_m, unit(turned, turned)

    def _others(self, rng, which, moments, mirror, root_m, speed) -> np.ndarray:
        """(N, O, H, 3) the partner first, then strangers set down nearby; NaN for those who are not there."""
        count = len(which)
        others_m = np.full((count, OTHERS, LENGTH, 3), np.nan, np.float32)
        pair = np.flatnonzero(self.partner[which] >= 0)
        if len(pair):
            partner = self.partner[which[pair]]
            shifted = moments[pair] + (self.first[partner] - self.first[which[pair]])[:, None]
            found = self._read(partner, shifted)[0]
            others_m[pair, 0] = np.where(mirror[pair, None, None], found * np.array([1, -1, 1], np.float32), found)
        for slot in range(1, OTHERS):
            stranger = rng.choice(len(self.first), count, p=self.chance)
            at = rng.uniform(self.first[stranger], self.last[stranger])
            steps = (speed * RECORDED_HZ)[:, None] * (np.arange(1 - LENGTH, 1) / RATE_HZ)
            path_m = self._read(stranger, at[:, None] + steps)[0]
            angle = rng.uniform(0, 2 * np.pi, count).astype(np.float32)
            c, s, zero = np.cos(angle), np.sin(angle), np.zeros_like(angle)
            turn = np.stack(
                [np.stack([c, -s, zero], -1), np.stack([s, c, zero], -1), np.stack([zero, zero, zero], -1)], -2
            )
            away = _directions_around(rng, count) * rng.uniform(0.5, 4.0, (count, 1))
            relative = path_m - path_m[:, -1:]
            placed = relative @ turn + (root_m + away)[:, None]
            placed[..., 2] = path_m[..., 2]
            there = rng.random(count) < 0.35
            others_m[there, slot] = placed[there]
        return others_m + 0.05 * correlated(rng, count, LENGTH, (OTHERS, 3), 0.5).swapaxes(1, 2)

    def _disturb(self, rng, root_m, directions, camera_m) -> tuple[np.ndarray, np.ndarray]:
        count = len(root_m)
        memory_s = rng.choice(MEMORY_S, 2)
        ray = root_m - camera_m[:, None]
        size = [rng.uniform(*span, (count, 1, 1)).astype(np.float32) for span in (ROOT_NOISE_M, RAY_NOISE, BONE_NOISE)]
        noise_m = size[0] * correlated(rng, count, LENGTH, (3,), memory_s[0])
        noise_m += size[1] * correlated(rng, count, LENGTH, (1,), max(0.2, memory_s[1])) * ray
        turned = directions + size[2][..., None] * correlated(rng, count, LENGTH, (JOINT_COUNT, 3), memory_s[0])
        turned[:, :, 0] = 0
        return root_m + noise_m, unit(turned, directions)


def _directions_around(rng: np.random.Generator, count: int) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi, count)
    return np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], axis=-1)


def _past_lengths(rng: np.random.Generator, count: int) -> np.ndarray:
    """(N,) seconds: most are whole, some short."""
    return np.where(rng.random(count) < 0.3, rng.uniform(SHORTEST_PAST_S, HORIZON_S, count), 10.0)


def _held(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Values (N, H, ...) with the first known one before it, as `past.gather` does."""
    first = np.argmax(known, axis=1)
    index = np.maximum(np.arange(values.shape[1]), first[:, None])
    return values[np.arange(len(values))[:, None], index]
