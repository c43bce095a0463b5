"""What keeps keypoints from being seen: other people in front, the picture's edge, mistakes of side, lost frames."""

from __future__ import annotations

import numpy as np

from animepose_blender.skeleton import JOINT_COUNT, JOINTS, MIRROR, PARENTS, J

from .windows import correlated

CROSSED = 0.2
"""Share of spans in which somebody else passes in front."""
CUT_OFF = 0.08
"""Share of spans in which the picture's edge cuts part of the person off."""
SWAPPED = 0.08
"""Share of spans with left and right exchanged for a while."""
LOST = 0.2
"""Share of spans in which the person is not found for a while."""
MASKED = 0.03
"""Share of joints masked for a while; what hangs on them goes with them."""
MISSING = 0.35
"""Share of spans in which what is hidden is missing; in the others an estimator guesses the rest."""
GUESS_M, GUESS_MEMORY_S = 0.10, 0.5
"""How far off such guesses are."""
_LEGS = np.array([any(part in name for part in ("hip", "knee", "ankle", "heel", "toe")) for name in JOINTS])
_LIMBS = [
    (J["pelvis"], J["neck"], 0.17), (J["neck"], J["head_top"], 0.11), (J["left_shoulder"], J["right_shoulder"], 0.10),
    (J["left_hip"], J["right_hip"], 0.12),
    *((J[f"{s}_{a}"], J[f"{s}_{b}"], r) for s in ("left", "right") for a, b, r in (
        ("shoulder", "elbow", 0.07), ("elbow", "wrist", 0.05), ("hip", "knee", 0.10), ("knee", "ankle", 0.07),
        ("heel", "toe", 0.05),
    )),
]  # fmt: skip
"""A silhouette made of limbs with their radii, metres."""


def hide(
    rng: np.random.Generator, plane: np.ndarray, seen: np.ndarray, depth_m: np.ndarray, confidence: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keypoints, depths and confidences with parts hidden.

    Args:
        plane: (N, T, K, 2) true keypoints in the plane through the person, metres.
        seen: (N, T, K, 2) as found.
        depth_m: (N, T, J).
        confidence: (N, T, K).
    """
    count, steps = plane.shape[:2]
    hidden = _behind_others(rng, plane) | _beyond_edge(rng, plane)
    hidden |= _masked(rng, count, steps)
    missing = hidden & (rng.random((count, 1, 1)) < MISSING)
    guessed = hidden & ~missing
    guess_m = GUESS_M * correlated(rng, count, steps, (JOINT_COUNT, 3), GUESS_MEMORY_S)
    seen = seen + np.where(guessed[..., None], guess_m[..., :2], 0)
    depth_m = depth_m + np.where(guessed, guess_m[..., 2], 0)
    confidence = np.where(guessed, confidence * rng.uniform(0.05, 0.6, (count, 1, 1)), confidence)
    seen, depth_m, confidence = _swap(rng, seen, depth_m, confidence)
    lost = _spans(rng, count, steps, LOST, (1, 30))
    missing |= lost[..., None]
    depth_m = np.where(missing, np.nan, depth_m)
    return np.where(missing[..., None], np.nan, seen), depth_m, np.where(missing, 0, confidence).astype(np.float32)


def _spans(rng: np.random.Generator, count: int, steps: int, share: float, length: tuple[int, int]) -> np.ndarray:
    """(N, T) one span of frames in a share of rows."""
    long = rng.integers(length[0], length[1] + 1, (count, 1))
    begin = rng.integers(-length[0], steps, (count, 1))
    at = np.arange(steps)
    return (at >= begin) & (at < begin + long) & (rng.random((count, 1)) < share)


def _behind_others(rng: np.random.Generator, plane: np.ndarray) -> np.ndarray:
    """(N, T, K) behind the silhouette of another span's person who passes."""
    count, steps = plane.shape[:2]
    hidden = np.zeros(plane.shape[:-1], bool)
    rows = np.flatnonzero(rng.random(count) < CROSSED)
    if not len(rows):
        return hidden
    other = rng.integers(count, size=len(rows))
    nearer = rng.uniform(1.0, 1.6, (len(rows), 1, 1, 1))
    speed = rng.normal(0, 0.8, (len(rows), 1))
    begin = rng.uniform(-0.7, 0.7, (len(rows), 1)) - speed * rng.random((len(rows), 1)) * steps / 30.0
    shift = np.stack([begin + speed * np.arange(steps) / 30.0, np.full((len(rows), steps), 0.0)], axis=-1)
    front = (plane[other] - plane[other][:, :, :1]) * nearer + (plane[rows][:, :, :1] + shift[:, :, None])
    points = plane[rows]
    inside = np.zeros(points.shape[:-1], bool)
    for a, b, radius in _LIMBS:
        start, way = front[:, :, a, None], (front[:, :, b] - front[:, :, a])[:, :, None]
        along = ((points - start) * way).sum(-1) / np.maximum((way**2).sum(-1), 1e-6)
        apart = points - start - np.clip(along, 0, 1)[..., None] * way
        inside |= (apart**2).sum(-1) < (radius * nearer[..., 0]) ** 2
    hidden[rows] = inside
    return hidden


def _beyond_edge(rng: np.random.Generator, plane: np.ndarray) -> np.ndarray:
    """(N, T, K) beyond a still line: mostly below one, or to one side."""
    count = len(plane)
    side = rng.choice(3, count, p=[0.65, 0.25, 0.1])
    normal = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]])[side]
    normal[:, 0] *= rng.choice([-1.0, 1.0], count)
    limit = np.where(side == 0, rng.uniform(0.1, 0.8, count), rng.uniform(0.2, 0.6, count))
    beyond = np.einsum("ntkc,nc->ntk", plane - plane[:, :, :1], normal) > limit[:, None, None]
    return beyond & (rng.random((count, 1, 1)) < CUT_OFF)


def _masked(rng: np.random.Generator, count: int, steps: int) -> np.ndarray:
    """(N, T, K) single joints for a while, and their children."""
    long = rng.integers(2, 60, (count, 1, JOINT_COUNT))
    begin = rng.integers(-30, steps, (count, 1, JOINT_COUNT))
    at = np.arange(steps)[:, None]
    masked = (at >= begin) & (at < begin + long) & (rng.random((count, 1, JOINT_COUNT)) < MASKED)
    masked[..., 0] = False
    for joint in range(1, JOINT_COUNT):
        masked[..., joint] |= masked[..., PARENTS[joint]]
    return masked


def _swap(
    rng: np.random.Generator, seen: np.ndarray, depth_m: np.ndarray, confidence: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Left and right of the legs or of the whole body exchanged for a span of frames."""
    count, steps = depth_m.shape[:2]
    whole = rng.random((count, 1)) < 0.4
    swapped = _spans(rng, count, steps, SWAPPED, (2, 20))[..., None] & (whole[..., None] | _LEGS)
    return (
        np.where(swapped[..., None], seen[:, :, MIRROR], seen),
        np.where(swapped, depth_m[:, :, MIRROR], depth_m),
        np.where(swapped, confidence[:, :, MIRROR], confidence),
    )
