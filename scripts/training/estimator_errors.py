"""The estimator's errors as a model: what it gets wrong systematically for a pose, and what is left, as it came.

From the bank of `measure_estimator.py` (person-frames of rendered training recordings at 30 Hz, MediaPipe's answer
beside the truth). Systematic is what a ridge regression finds from the true pose in view axes: hips set too wide, limbs
foreshortened, people straightened towards upright. What is left is drawn as whole snippets of time, with the
confidences that came with them, from moments of similar pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animepose_blender.errors import AnimePoseError
from animepose_blender.skeleton import JOINT_COUNT, MIRROR

SNIPPET = 112
"""Frames of a snippet, 3.7 s: errors of depth last as long as somebody is seen from one side."""
OVERLAP = 8
"""Frames over which one snippet gives way to the next."""
HOP = 6
"""Frames between the beginnings of snippets."""
CANDIDATES = 32
"""Snippets drawn at random, of which the one with the most similar pose is taken."""
RIDGE = 30.0
MOST_M = 0.6
"""Larger errors are no errors any more but another person."""
MOST_SYSTEMATIC_M = (0.15, 0.4)
"""In the plane and of depth."""
_FLIP = np.array([-1.0, 1.0, 1.0], np.float32)


@dataclass(frozen=True, eq=False)
class Bank:
    """M person-frames, each track's together in order of time; see `estimator_errors.md`."""

    track: np.ndarray
    truth_view_m: np.ndarray
    """(M, J, 3)"""
    plane_true: np.ndarray
    """(M, K, 2)"""
    plane_seen: np.ndarray
    """(M, K, 2)"""
    depth_seen: np.ndarray
    """(M, J) relative to the pelvis."""
    confidence: np.ndarray
    """(M, K)"""
    distance: np.ndarray
    """(M,)"""

    @classmethod
    def load(cls, path: Path) -> Bank:
        """Read a bank.

        Raises:
            AnimePoseError: if it is missing.
        """
        if not path.is_file():
            raise AnimePoseError(f"The bank {path} is missing.", "Make it with scripts/measure_estimator.py.")
        with np.load(path, allow_pickle=False) as data:
            values = {n: data[n].astype(np.float32) for n in ("truth_view_m", "plane_true", "plane_seen", "confidence")}
            depth_seen, distance = data["seen_view_m"][..., 2].astype(np.float32), data["distance"].astype(np.float32)
            return cls(track=data["track"].astype(int), depth_seen=depth_seen, distance=distance, **values)

    def mirrored(self) -> Bank:
        """Everybody in a mirror."""
        return Bank(
            self.track, (self.truth_view_m * _FLIP)[:, MIRROR], (self.plane_true * _FLIP[:2])[:, MIRROR],
            (self.plane_seen * _FLIP[:2])[:, MIRROR], self.depth_seen[:, MIRROR], self.confidence[:, MIRROR],
            self.distance,
        )  # fmt: skip

    def both(self) -> Bank:
        """Everybody as they are and in a mirror."""
        other = self.mirrored()
        joined = {n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in self.__dataclass_fields__}
        joined["track"] = np.concatenate([self.track, other.track + self.track.max() + 1])
        return Bank(**joined)


class ErrorModel:
    """Systematic error and snippets of the rest."""

    def __init__(self, bank: Bank) -> None:
        bank = self.bank = bank.both()
        features = _features(bank.truth_view_m)
        error = np.concatenate(
            [
                (bank.plane_seen - bank.plane_true).reshape(len(features), -1),
                bank.depth_seen - bank.truth_view_m[..., 2],
            ],
            axis=1,
        )
        self.weights = _ridge(features, error)
        left = error - features @ self.weights
        left = np.where(np.isfinite(left), np.clip(left, -MOST_M, MOST_M), np.nan)
        plane, depth = left[:, : 2 * JOINT_COUNT].reshape(-1, JOINT_COUNT, 2), left[:, 2 * JOINT_COUNT :]
        self.left = np.concatenate([plane, depth[..., None], bank.confidence[..., None]], axis=-1).astype(np.float32)
        """(M, J, 4) rest in the plane, rest of the depth, confidence."""
        ends = np.flatnonzero(np.diff(bank.track, append=bank.track[-1] + 1)) + 1
        begins = np.concatenate([[0], ends[:-1]])
        starts, lengths = [], []
        for a, b in zip(begins.tolist(), ends.tolist(), strict=True):
            if b - a >= 2:
                own = np.arange(a, max(b - SNIPPET, a) + 1, HOP)
                starts.append(own)
                lengths.append(np.minimum(b - own, SNIPPET))
        self.starts, self.lengths = np.concatenate(starts), np.concatenate(lengths)
        sums = np.concatenate([np.zeros((1, features.shape[1])), np.cumsum(features.astype(np.float64), axis=0)])
        self.means = ((sums[self.starts + self.lengths] - sums[self.starts]) / self.lengths[:, None]).astype(np.float32)

    def systematic(self, truth_view_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(..., K, 2) error in the plane and (..., J) of the depth for true poses (..., J, 3)."""
        found = _features(truth_view_m) @ self.weights
        plane = found[..., : 2 * JOINT_COUNT].reshape(*found.shape[:-1], JOINT_COUNT, 2)
        # Of poses unlike all in the bank nothing is known.
        limits = (-MOST_SYSTEMATIC_M[0], MOST_SYSTEMATIC_M[0]), (-MOST_SYSTEMATIC_M[1], MOST_SYSTEMATIC_M[1])
        return np.clip(plane, *limits[0]), np.clip(found[..., 2 * JOINT_COUNT :], *limits[1])

    def rest(self, rng: np.random.Generator, truth_view_m: np.ndarray) -> np.ndarray:
        """(N, T, J, 4) what is left of errors in the plane and of depths, and confidences, for poses (N, T, J, 3)."""
        count, steps = truth_view_m.shape[:2]
        hop = SNIPPET - OVERLAP
        pieces = -(-steps // hop) + 1
        shift = int(rng.integers(hop))
        features = _features(truth_view_m)
        total = np.zeros((count, pieces * hop + OVERLAP, JOINT_COUNT, 4), np.float32)
        ramp = np.clip((np.arange(SNIPPET) + 0.5) / OVERLAP, 0, 1)
        ramp = np.minimum(ramp, ramp[::-1]).astype(np.float32)
        # Errors of two snippets know nothing of each other: their squares add up. Confidences are a plain mean.
        share = np.stack([np.sqrt(ramp)] * 3 + [ramp], axis=-1)[:, None]
        for piece in range(pieces):
            inside = slice(max(piece * hop - shift, 0), max(min(piece * hop - shift + SNIPPET, steps), 1))
            if inside.start >= steps:
                break
            pose = features[:, inside].mean(axis=1)
            among = rng.integers(len(self.starts), size=(count, CANDIDATES))
            apart = np.square(self.means[among] - pose[:, None]).sum(axis=-1)
            chosen = np.take_along_axis(among, apart.argmin(axis=1)[:, None], axis=1)[:, 0]
            length = self.lengths[chosen, None]
            # A short snippet goes back and forth.
            step = (np.arange(SNIPPET) + rng.integers(0, 1000, (count, 1))) % (2 * length - 1)
            step = np.minimum(step, 2 * (length - 1) - step)
            back = rng.random(count) < 0.5
            step = np.where(back[:, None], length - 1 - step, step)
            total[:, piece * hop : piece * hop + SNIPPET] += share * self.left[self.starts[chosen, None] + step]
        return total[:, shift : shift + steps]


def _features(truth_view_m: np.ndarray) -> np.ndarray:
    """(..., 82) the pose and 1."""
    flat = truth_view_m[..., 1:, :].reshape(*truth_view_m.shape[:-2], -1)
    return np.concatenate([flat, np.ones((*flat.shape[:-1], 1), flat.dtype)], axis=-1).astype(np.float32)


def _ridge(features: np.ndarray, error: np.ndarray) -> np.ndarray:
    """(82, n) weights; large errors count for less, unknown ones for nothing."""
    damping = RIDGE * np.eye(features.shape[1])
    damping[-1, -1] = 0.0
    weights = np.zeros((features.shape[1], error.shape[1]))
    for column in range(error.shape[1]):
        known = np.isfinite(error[:, column])
        if not known.any():
            continue
        x, y = features[known].astype(np.float64), error[known, column].astype(np.float64)
        sure = np.ones(len(y))
        for _ in range(2):
            found = np.linalg.solve(x.T @ (x * sure[:, None]) + damping, x.T @ (sure * y))
            sure = 1 / (1 + ((y - x @ found) / 0.15) ** 2) ** 2
        weights[:, column] = found
    return weights.astype(np.float32)
