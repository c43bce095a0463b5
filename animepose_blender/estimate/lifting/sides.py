"""Left and right exchanged for a while: found from jumps, since limbs do not change places from one frame to the next.

Estimators take a back for a front, or one leg for the other, for some frames and then see it right again. In between
both sides trade places at once, twice. For legs and upper body apart, the cheapest sequence of "as found" and
"exchanged" is sought (Viterbi): it pays for the way all keypoints move between frames, and for every moment exchanged,
so that what is never contradicted stays as it was found.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...skeleton import JOINTS, MIRROR
from .encoding import USUAL_M
from .protocol import Sequence

EXCHANGED_PER_S = 0.25
"""What a second of being exchanged costs, in metres of the mean way of a keypoint: swaps that go back to normal after a
jump of 0.2 m there and back are believed up to about a second and a half."""
CHANGE_M = 0.06
"""What a change costs beside its way: where both sides lie on each other, as of somebody seen from the side, shiver
decides nothing."""
MOST_M = 0.4
"""A keypoint that jumps farther counts as if it jumped so far."""
LONGEST_STEP_S = 0.25
"""Over longer gaps nothing is known of who was where."""
_LEGS = np.array([any(part in name for part in ("hip", "knee", "ankle", "heel", "toe")) for name in JOINTS])
_SIDED = MIRROR != np.arange(len(JOINTS))
PARTS = (_LEGS & _SIDED, ~_LEGS & _SIDED)


def exchanged(time_s: np.ndarray, plane_m: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """(n, K) bool: keypoints that have changed places with those of the other side.

    Args:
        time_s: (n,) rising.
        plane_m: (n, K, 2) keypoints about the person's middle, about in metres; NaN = not seen.
        confidence: (n, K).
    """
    result = np.zeros(confidence.shape, bool)
    step_s = np.diff(time_s)
    for part in PARTS:
        own = np.flatnonzero(part)
        here, there = plane_m[:, own], plane_m[:, MIRROR[own]]
        sure = np.where(np.isfinite(here).all(axis=-1), confidence[:, own], 0.0)
        weight = np.minimum(sure[1:], sure[:-1])
        same = _way(here[1:] - here[:-1], weight)
        cross = _way(here[1:] - there[:-1], np.minimum(sure[1:], confidence[:-1][:, MIRROR[own]]))
        cross = cross + CHANGE_M
        apart = (step_s > LONGEST_STEP_S) | (weight.sum(axis=-1) <= 0)
        same, cross = np.where(apart, 0.0, same), np.where(apart, 0.0, cross)
        states = _cheapest(same, cross, EXCHANGED_PER_S * np.minimum(np.append(step_s, 0.0), LONGEST_STEP_S))
        result[np.ix_(states, own)] = True
    return result


def put_right(sequence: Sequence) -> tuple[Sequence, np.ndarray]:
    """The sequence with sides put right, and (n, K) bool what was exchanged.

    There the estimator's depths are of somebody who faces the other way, and are dropped.
    """
    rays = sequence.rays
    if len(rays) < 3:
        return sequence, np.zeros(sequence.confidence.shape, bool)
    known = np.isfinite(sequence.direction).all(axis=-1)
    direction = np.where(known[:, None], sequence.direction, [0.0, 0.0, 1.0])
    plane = rays - direction[:, None, :2] / direction[:, None, 2:]
    seen = np.isfinite(plane).all(axis=-1)
    found, usual = np.where(seen, np.sum(plane**2, axis=-1), 0.0), np.where(seen, USUAL_M**2, 0.0)
    plane = plane / np.sqrt(max(found.sum() / max(usual.sum(), 1e-9), 1e-9))
    wrong = exchanged(sequence.time_s, plane, sequence.confidence)
    if not wrong.any():
        return sequence, wrong
    depth_m = sequence.depth_m
    if depth_m is not None:
        depth_m = np.where(wrong, np.nan, depth_m)
    return replace(
        sequence,
        rays=np.where(wrong[..., None], rays[:, MIRROR], rays),
        confidence=np.where(wrong, sequence.confidence[:, MIRROR], sequence.confidence),
        depth_m=depth_m,
    ), wrong


def _way(step_m: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(n,) weighted mean length of (n, k, 2) steps."""
    length = np.minimum(np.nan_to_num(np.linalg.norm(step_m, axis=-1), nan=0.0), MOST_M)
    return (weight * length).sum(axis=-1) / np.maximum(weight.sum(axis=-1), 1e-9)


def _cheapest(same: np.ndarray, cross: np.ndarray, exchanged_cost: np.ndarray) -> np.ndarray:
    """(n,) bool: exchanged, by the cheapest path through two states.

    Args:
        same: (n - 1,) cost of staying in a state between frames.
        cross: (n - 1,) cost of going from one to the other.
        exchanged_cost: (n,) cost of being exchanged.
    """
    count = len(exchanged_cost)
    came = np.zeros((count, 2), dtype=bool)
    plain, other = 0.0, float(exchanged_cost[0])
    for k, (stay, change, cost) in enumerate(
        zip(same.tolist(), cross.tolist(), exchanged_cost[1:].tolist(), strict=True), start=1
    ):
        to_plain, to_other = (plain + stay, other + change), (other + stay, plain + change)
        came[k] = to_plain[1] < to_plain[0], to_other[1] < to_other[0]
        plain, other = min(to_plain), min(to_other) + cost
    states = np.zeros(count, dtype=bool)
    state = other < plain
    for k in range(count - 1, -1, -1):
        states[k] = state
        if came[k, int(state)]:
            state = not state
    return states
