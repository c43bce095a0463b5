"""Spans of motion as a lifter meets them: filmed by a virtual camera, seen by an estimator that errs, partly hidden.

All random numbers come from the generator that is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animepose_blender.estimate.lifting.encoding import encode, in_view, middle, view_axes
from animepose_blender.estimate.predict.body import assemble
from animepose_blender.skeleton import CONTACT_JOINTS, JOINT_COUNT, MIRROR, PARENTS

from . import lift_hiding as hiding
from .bodies import CONTACT_HEIGHT_M, CONTACT_SPEED_M_S, RATE_HZ, Moving
from .estimator_errors import ErrorModel
from .lift_cameras import film
from .windows import correlated

SPEED = (2 / 3, 1.5)
BONE_SIGMA = 0.05
"""Spread of the logarithm of bones' lengths, both sides alike; the bodies differ already by some 5 %."""
PLANE_AMPLITUDE, DEPTH_AMPLITUDE = (0.2, 1.4), (0.4, 1.5)
"""Of the estimator's errors that are not systematic: keypoints of real, large people are better than the bank's."""
BIAS_AMPLITUDE = (0.6, 1.2)
"""Of the systematic ones."""
EXACT = 0.12
"""Share of spans whose keypoints are all but right, so that better estimators are of use, too."""
ROLL_RAD, SIZE_SIGMA = np.radians(10.0), 0.05
"""Of rows of the bank."""
GAUSS_DEPTH_M, GAUSS_PLANE_M = 0.1, 0.01
"""Plain noise, as in "Temporal refinement with depth" (sigma 0.1)."""
MATERN_M, MATERN_MEMORY_S = 0.03, 0.3
"""Noise in the plane where there is no bank of errors."""


@dataclass(frozen=True)
class Settings:
    """What a lifter is trained or tested with."""

    keypoints: str = "estimator"
    """"true", or with the estimator's errors: "estimator"."""
    depth: str = "estimator"
    """"none", "true", "gauss" (true with plain noise), "systematic" (the estimator's, without noise) or "estimator"."""
    hidden: bool = True
    """Whether people are hidden, cut off and swapped."""
    varied: bool = True
    """Whether speed and builds are changed, and errors made larger and smaller."""
    real: float = 0.0
    """Share of spans that are rows of the bank itself."""
    no_depth: float = 0.0
    """Share of spans without any depth."""


@dataclass(frozen=True, eq=False)
class Batch:
    """N spans of T frames: what the network reads, and what it should say."""

    inputs: np.ndarray
    """(N, T, C)"""
    joints_m: np.ndarray
    """(N, T, J, 3) view axes, relative to the pelvis."""
    contact: np.ndarray
    """(N, T, 4)"""
    valid: np.ndarray
    """(N, T) whether the recording goes on as long."""
    contact_known: np.ndarray
    """(N, T)"""


class Sampler:
    """Draws spans from moving bodies."""

    def __init__(self, moving: Moving, errors: ErrorModel | None, settings: Settings) -> None:
        self.moving, self.errors, self.settings = moving, errors, settings
        count = np.diff(moving.first)
        # Long recordings count for more, but not in proportion: dances would leave walks no room.
        self.chance = np.sqrt(count) / np.sqrt(count).sum()

    def draw(self, rng: np.random.Generator, count: int, steps: int) -> Batch:
        """N = count spans of T = steps frames."""
        real = int(rng.binomial(count - 1, self.settings.real)) if self.errors else 0
        if not real:
            return self._made(rng, count, steps)
        made = self._made(rng, count - real, steps)
        assert self.errors is not None
        found = self._real(rng, self.errors, real, steps)
        return Batch(*(np.concatenate([getattr(made, n), getattr(found, n)]) for n in made.__dataclass_fields__))

    def _made(self, rng: np.random.Generator, count: int, steps: int) -> Batch:
        root_m, joints_m, size, valid, grounded = self._play(rng, count, steps)
        contact = contacts_of(root_m, joints_m, size)
        if self.settings.varied:
            joints_m = _other_builds(rng, joints_m)
        camera_m = film(rng, root_m, joints_m, tumbled=self.settings.varied)
        rays = camera_m[..., :2] / camera_m[..., 2:]
        relative_m = camera_m - camera_m[:, :, :1]
        axes = view_axes(middle(rays, np.ones(rays.shape[:-1]))).astype(np.float32)
        truth_m = relative_m @ axes
        distance = np.einsum("ntc,ntc->nt", camera_m[:, :, 0], axes[..., 2])
        plane = in_view(rays, axes).astype(np.float32) * distance[..., None, None]
        seen, depth_m, confidence = self._estimate(rng, plane, truth_m)
        if self.settings.hidden:
            seen, depth_m, confidence = hiding.hide(rng, plane, seen, depth_m, confidence)
        if self.settings.depth == "none":
            depth_m = np.full_like(depth_m, np.nan)
        depth_m[rng.random(count) < self.settings.no_depth] = np.nan
        seen = np.where(valid[..., None, None], seen, np.nan)
        depth_m = np.where(valid[..., None], depth_m, np.nan)
        full = np.concatenate([seen / distance[..., None, None], np.ones((*seen.shape[:-1], 1), np.float32)], axis=-1)
        full = full @ np.swapaxes(axes, -1, -2)
        found = np.where(full[..., 2:] > 0.05, full[..., :2] / np.maximum(full[..., 2:], 0.05), np.nan)
        encoded = encode(found, confidence, depth_m, middle(found, confidence))
        told = np.broadcast_to(grounded[:, None], valid.shape) & valid
        return Batch(encoded.inputs, (relative_m @ encoded.axes).astype(np.float32), contact, valid, told)

    def _play(self, rng, count: int, steps: int):
        """Roots (N, T, 3), joints relative to them, sizes (N,), whether the recording goes on, and has a floor."""
        moving = self.moving
        which = rng.choice(len(moving.first) - 1, count, p=self.chance)
        log_speed = rng.uniform(np.log(SPEED[0]), np.log(SPEED[1]), count)
        speed = np.exp(log_speed * self.settings.varied)
        first, last = moving.first[which], moving.first[which + 1] - 1
        spare = (last - first) - speed * (steps - 1)
        start = first + rng.random(count) * np.maximum(spare, 0)
        at = start[:, None] + speed[:, None] * np.arange(steps)
        valid = at <= last[:, None]
        at = np.minimum(at, last[:, None])
        low = np.minimum(at.astype(int), last[:, None] - 1)
        share = (at - low).astype(np.float32)[..., None]
        root_m = (1 - share) * moving.root_m[low] + share * moving.root_m[low + 1]
        share = share[..., None]
        joints_m = (1 - share) * moving.joints_m[low] + share * moving.joints_m[low + 1]
        mirror = rng.random(count) < 0.5
        flip = np.array([-1, 1, 1], np.float32)
        root_m[mirror] *= flip
        joints_m[mirror] = (joints_m[mirror] * flip)[:, :, MIRROR]
        return root_m, joints_m, moving.size[which], valid, moving.grounded[which]

    def _estimate(self, rng, plane: np.ndarray, truth_m: np.ndarray):
        """What the estimator finds: (N, T, K, 2) in the plane, depths (N, T, J), confidences (N, T, K)."""
        settings = self.settings
        count, steps = plane.shape[:2]
        confidence = np.ones(plane.shape[:-1], np.float32)
        true_depth = truth_m[..., 2].astype(np.float32)
        wrong, wrong_depth = np.zeros_like(plane), np.zeros_like(true_depth)
        bias, bias_depth = np.zeros_like(plane), np.zeros_like(true_depth)
        exact = (rng.random((count, 1, 1)) < EXACT) & settings.varied
        amplitude, deep = self._strength(rng, count, PLANE_AMPLITUDE), self._strength(rng, count, DEPTH_AMPLITUDE)
        amplitude = np.where(exact, 0.1 * amplitude, amplitude)
        systematic = np.where(exact, 0.0, self._strength(rng, count, BIAS_AMPLITUDE)).astype(np.float32)
        if self.errors is not None:
            bias, bias_depth = self.errors.systematic(truth_m)
            bias, bias_depth = systematic[..., None] * bias, self._strength(rng, count, BIAS_AMPLITUDE) * bias_depth
            rest = self.errors.rest(rng, truth_m)
            wrong, wrong_depth = amplitude[..., None] * rest[..., :2], deep * rest[..., 2]
            own = rest[..., 3]
        else:
            wrong = amplitude[..., None] * MATERN_M * correlated(rng, count, steps, (JOINT_COUNT, 2), MATERN_MEMORY_S)
            wrong_depth = deep * GAUSS_DEPTH_M * correlated(rng, count, steps, (JOINT_COUNT,), MATERN_MEMORY_S)
            own = confidence
        if settings.keypoints == "estimator":
            seen, confidence = plane + bias + wrong, own
        else:
            seen = plane.copy()
        if settings.depth == "estimator":
            depth_m = true_depth + bias_depth + wrong_depth
        elif settings.depth == "systematic":
            depth_m = true_depth + bias_depth
        elif settings.depth == "gauss":
            depth_m = true_depth + GAUSS_DEPTH_M * rng.standard_normal(true_depth.shape, np.float32)
            seen = seen + GAUSS_PLANE_M * rng.standard_normal(seen.shape, np.float32)
        else:
            depth_m = true_depth.copy()
        return seen, depth_m, confidence

    def _strength(self, rng: np.random.Generator, count: int, span: tuple[float, float]) -> np.ndarray:
        """(N, 1, 1) a factor for each span; 1 where nothing is varied."""
        return rng.uniform(*(span if self.settings.varied else (1.0, 1.0)), (count, 1, 1)).astype(np.float32)

    def _real(self, rng, errors: ErrorModel, count: int, steps: int) -> Batch:
        """Rows of the bank; a short track goes back and forth."""
        bank = errors.bank
        chosen = rng.integers(len(bank.track), size=count)
        first = np.searchsorted(bank.track, bank.track[chosen], side="left")[:, None]
        length = np.searchsorted(bank.track, bank.track[chosen], side="right")[:, None] - first
        step = np.arange(steps) + rng.integers(0, 1000, (count, 1)) % np.maximum(length - steps + 1, 1)
        step = step % np.maximum(2 * length - 1, 1)
        step = np.minimum(step, 2 * (length - 1) - step).clip(0)
        step = np.where(rng.random((count, 1)) < 0.5, step, length - 1 - step)
        rows = first + step
        # A picture held askew, a person somewhat larger: what the estimator finds goes with it.
        roll, size = rng.normal(0, ROLL_RAD, count), np.exp(rng.normal(0, SIZE_SIGMA, count))
        if not self.settings.varied:
            roll, size = np.zeros(count), np.ones(count)
        c, s = np.cos(roll), np.sin(roll)
        turn = np.stack([np.stack([c, s], -1), np.stack([-s, c], -1)], -2)[:, None]
        distance = bank.distance[rows][..., None, None]
        scale = size[:, None, None]
        rays = (bank.plane_seen[rows] @ turn) * scale[..., None] / distance
        depth_m = bank.depth_seen[rows] * scale
        if self.settings.depth == "none":
            depth_m = np.full_like(depth_m, np.nan)
        confidence = bank.confidence[rows]
        encoded = encode(rays, confidence, depth_m, middle(rays, confidence))
        truth_m = bank.truth_view_m[rows] * scale[..., None]
        truth_m = np.concatenate([truth_m[..., :2] @ turn, truth_m[..., 2:]], axis=-1)
        truth_m = (truth_m @ encoded.axes).astype(np.float32)
        known = np.ones((count, steps), bool)
        return Batch(encoded.inputs, truth_m, np.zeros((count, steps, 4), np.float32), known, ~known)


def contacts_of(root_m: np.ndarray, joints_m: np.ndarray, size: np.ndarray) -> np.ndarray:
    """(N, T, 4) 1 where heels and toes stand, by the rule of the rendered truth, `scenes.truth.contacts`."""
    feet_m = (joints_m[:, :, list(CONTACT_JOINTS)] + root_m[:, :, None]) * size[:, None, None, None]
    speed = np.linalg.norm(np.gradient(feet_m, 1 / RATE_HZ, axis=1), axis=-1)
    height = np.array([CONTACT_HEIGHT_M[name] for name in ("heel", "toe", "heel", "toe")])
    return ((feet_m[..., 2] < height) & (speed < CONTACT_SPEED_M_S)).astype(np.float32)


def _other_builds(rng: np.random.Generator, joints_m: np.ndarray) -> np.ndarray:
    """The same motion with bones longer and shorter."""
    log = BONE_SIGMA * rng.standard_normal((len(joints_m), JOINT_COUNT))
    factor = np.exp((log + log[:, MIRROR]) / np.sqrt(2)).astype(np.float32)
    segments_m = joints_m - joints_m[:, :, PARENTS]
    segments_m[:, :, 0] = 0
    return assemble(np.zeros_like(joints_m[:, :, 0]), segments_m, factor[:, None])
