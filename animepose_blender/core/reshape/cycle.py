"""Where a motion comes back to itself: the two frames between which it loops best.

Two frames are as far apart as the ends of the bones are, seen from the figure's own place and heading, and their
velocities with a weight in seconds; longer bones count more. With features x the squared distance of all pairs is
|x_i|^2 + |x_j|^2 - 2 x_i x_j, a product of matrices, made block by block over every n-th frame; around the best pairs
all frames are looked at.

Reference: Kovar, Gleicher and Pighin (2002), Motion graphs, whose distance of point clouds this is, with velocities
instead of windows and the heading taken from the first bone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import AnimePoseError
from .. import quaternions as quat
from ..retarget.easing import step_s
from .poses import Figure, Poses
from .travel import turn_about_z, upright

VELOCITY_S = 0.1
"""A metre a second of difference counts as so many metres."""
CONTACT_M = 0.1
"""What all feet count that stand in one of the frames and not in the other."""
COARSE_S, COARSE_FRAMES = 1 / 15, 3000
"""Frames that are first looked at are at least so far apart, and not more in number."""
BLOCK = 256
"""Rows of the matrix of distances that are made at once: memory is BLOCK times the number of frames."""
LIVELY = 0.5
"""Part of the clip's mean motion that a cycle must have, so that no pause is taken for one."""
LENGTH_COUNTS = 0.15
"""A cycle of twice the shortest length must be nearer by this part, so that one step is preferred to seven."""
UNSEEN_M = 0.001
"""Distances below this are as good as none."""
PARTNERS, CANDIDATES = 3, 24
"""How many ends of cycles are kept of each beginning, and how many pairs are looked at closely."""


@dataclass(frozen=True)
class Cycle:
    """Frame `last` is like frame `first`."""

    first: int
    last: int
    distance_m: float
    """How unlike they are; of a walk that is not at all periodic, decimetres."""


def find_cycles(
    figure: Figure, poses: Poses, shortest_s: float, longest_s: float = np.inf, count: int = 1
) -> list[Cycle]:
    """The best cycles, the best one first.

    Args:
        figure: for the ends of its bones.
        poses: frames that are unknown (NaN) are in no cycle.
        shortest_s, longest_s: how long a cycle may be.
        count: how many at most; two that differ by less than an eighth of a cycle at both ends are one.
    Raises:
        AnimePoseError: if the motion is too short, or known nowhere for so long.
    """
    time_s = poses.time_s
    if shortest_s <= 0 or longest_s < shortest_s:
        raise ValueError("shortest_s must be above zero and not above longest_s")
    if len(time_s) < 3 or time_s[-1] - time_s[0] < shortest_s:
        raise AnimePoseError(
            f"The motion is {time_s[-1] - time_s[0]:.2f} s long, shorter than the shortest cycle, {shortest_s:.2f} s.",
            "Choose a longer part, or allow shorter cycles.",
        )
    features, moved_m = _features(figure, poses)
    allowed = _Allowed(poses, moved_m, shortest_s, longest_s)
    stride = max(1, round(COARSE_S / step_s(time_s)), -(-len(time_s) // COARSE_FRAMES))
    coarse = np.arange(0, len(time_s), stride)
    pairs = _nearest(features, coarse, allowed, shortest_s)
    found = [_refined(features, first, last, stride, allowed, shortest_s) for first, last in pairs]
    found = sorted((one for one in found if np.isfinite(one[0])), key=lambda one: one[0])
    kept: list[Cycle] = []
    for _, first, last, distance_m in found:
        apart = [max(abs(first - other.first), abs(last - other.last)) for other in kept]
        if len(kept) < count and all(gap > (last - first) / 8 for gap in apart):
            kept.append(Cycle(first, last, distance_m))
    if not kept:
        raise AnimePoseError(
            "No cycle was found: nothing of the motion is known for long enough, or it never moves.",
            "Choose another part, or allow shorter cycles.",
        )
    return kept


class _Allowed:
    """Which pairs of frames may be the ends of a cycle."""

    def __init__(self, poses: Poses, moved_m: np.ndarray, shortest_s: float, longest_s: float) -> None:
        self.time_s = poses.time_s
        self.unknown = np.concatenate([[0], np.cumsum(~poses.known)])
        self.moved_m = moved_m
        lasts = float(np.sum(np.diff(self.time_s) * (poses.known[1:] & poses.known[:-1])))
        self.least = LIVELY * moved_m[-1] / lasts if lasts > 0 else 0.0
        self.shortest_s, self.longest_s = shortest_s * (1 - 1e-6), longest_s * (1 + 1e-6)

    def __call__(self, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """(...) bool of frames (...) and (...), which are broadcast."""
        lasts = self.time_s[last] - self.time_s[first]
        long = (lasts >= self.shortest_s) & (lasts <= self.longest_s)
        lively = self.moved_m[last] - self.moved_m[first] >= self.least * lasts
        return long & lively & (self.unknown[last + 1] == self.unknown[first])


def _features(figure: Figure, poses: Poses) -> tuple[np.ndarray, np.ndarray]:
    """(F, D) features whose squared distances are those of the frames, metres, zero in unknown frames; and (F,) metres
    that the ends of the bones have moved by since the beginning."""
    tails_m = figure.tails(poses)
    length_m = np.linalg.norm(figure.tail_m, axis=-1)
    if length_m.sum() == 0:
        length_m = np.ones_like(length_m)
    weight = np.sqrt(length_m / length_m.sum())[:, None]
    rest = figure.rest_turn[0]
    heading = turn_about_z(quat.multiply(quat.multiply(rest, poses.rotations[:, 0]), quat.conjugate(rest)))
    back = upright(-heading)[:, None]
    velocity = np.gradient(tails_m, poses.time_s, axis=0)
    place = quat.rotate(back, tails_m - poses.root_m[:, None] * [1.0, 1.0, 0.0])
    parts = [weight * place, VELOCITY_S * weight * quat.rotate(back, velocity)]
    flat = [part.reshape(len(part), -1) for part in parts]
    features = np.concatenate([*flat, CONTACT_M / 2 * np.nan_to_num(poses.contact)], axis=-1)
    known = np.isfinite(features).all(axis=-1)
    features = np.where(known[:, None], features - features[known].mean(axis=0) if known.any() else 0.0, 0.0)
    steps_m = np.sqrt((np.sum((weight * np.diff(tails_m, axis=0)) ** 2, axis=-1)).sum(axis=-1))
    return features, np.concatenate([[0.0], np.cumsum(np.nan_to_num(steps_m))])


def _scores(distance_m: np.ndarray, lasts_s: np.ndarray, shortest_s: float) -> np.ndarray:
    return (distance_m + UNSEEN_M) * (1 + LENGTH_COUNTS * (lasts_s / shortest_s - 1))


def _nearest(features: np.ndarray, frames: np.ndarray, allowed: _Allowed, shortest_s: float) -> list[tuple[int, int]]:
    """Of some frames the best pairs that are not all but the same, the best first."""
    x = features[frames]
    size = np.sum(x * x, axis=-1)
    pairs: list[np.ndarray] = []
    scores: list[np.ndarray] = []
    for begin in range(0, len(frames), BLOCK):
        rows = np.arange(begin, min(begin + BLOCK, len(frames)))[:, None]
        squared = _bottoms(np.maximum(size[rows] + size - 2 * x[rows[:, 0]] @ x.T, 0.0))
        first, last = frames[rows], frames[None]
        score = _scores(np.sqrt(squared), allowed.time_s[last] - allowed.time_s[first], shortest_s)
        score = np.where(allowed(first, np.maximum(first, last)) & (last > first), score, np.inf)
        around = np.pad(score, ((0, 0), (1, 1)), constant_values=np.inf)
        score = np.where((score <= around[:, :-2]) & (score <= around[:, 2:]), score, np.inf)
        partners = np.argpartition(score, min(PARTNERS, len(frames)) - 1, axis=1)[:, :PARTNERS]
        pairs.append(np.stack([np.broadcast_to(rows, partners.shape), partners], axis=-1).reshape(-1, 2))
        scores.append(np.take_along_axis(score, partners, axis=1).ravel())
    pair, score = frames[np.concatenate(pairs)], np.concatenate(scores)
    found: list[tuple[int, int]] = []
    while len(found) < CANDIDATES and np.isfinite(score).any():
        first, last = (int(frame) for frame in pair[score.argmin()])
        found.append((first, last))
        score = np.where(np.abs(pair - [first, last]).max(axis=1) <= (last - first) / 8, np.inf, score)
    return found


def _bottoms(squared: np.ndarray) -> np.ndarray:
    """(R, N) where a row is lowest, how low it is between the frames around: the vertex of their parabola. Otherwise a
    cycle whose length is no multiple of the step between the frames would lose against two or three of it."""
    low, before, after = squared[:, 1:-1], squared[:, :-2], squared[:, 2:]
    curvature = before - 2 * low + after
    vertex = low - (before - after) ** 2 / (8 * np.where(curvature > 0, curvature, np.inf))
    made = squared.copy()
    made[:, 1:-1] = np.where((low <= before) & (low <= after), np.maximum(vertex, 0.0), low)
    return made


def _refined(
    features: np.ndarray, first: int, last: int, reach: int, allowed: _Allowed, shortest_s: float
) -> tuple[float, int, int, float]:
    """Score, both frames and distance of the best pair around one."""
    rows = np.arange(max(first - reach, 0), min(first + reach + 1, len(features)))
    columns = np.arange(max(last - reach, 0), min(last + reach + 1, len(features)))
    distance = np.linalg.norm(features[rows][:, None] - features[columns], axis=-1)
    lasts_s = allowed.time_s[columns] - allowed.time_s[rows][:, None]
    score = _scores(distance, lasts_s, shortest_s)
    score = np.where(allowed(rows[:, None], columns[None]), score, np.inf)
    row, column = np.unravel_index(int(np.argmin(score)), score.shape)
    return float(score[row, column]), int(rows[row]), int(columns[column]), float(distance[row, column])
