"""Tracklets to people: join the pieces of one person across gaps, leave out what is no person."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

MAX_GAP_S = 3.0
"""Longest absence after which somebody who returns is taken for the same person without looking at the face."""
SPEED_SIGMA_M_S = 1.0
"""How much people's walking changes over a second that nobody sees."""
ACROSS_SIGMA_M = 0.25
"""Spread of a root across the ray when it is lost and found."""
ALONG_SIGMA = 0.08
"""Spread along the ray, as a share of depth."""
GATE = 3.0
"""Largest distance of a join in standard deviations."""
MIN_SEEN_S = 0.3
"""Shorter appearances are finds that were no person, or of no use."""


def join(frames: list[np.ndarray], roots_camera_m: list[np.ndarray], time_s: np.ndarray) -> list[list[int]]:
    """Chains of tracklets that are one person each.

    The end of each tracklet is carried on with its mean motion; the start of every later one within `MAX_GAP_S` is
    compared with that in standard deviations, which grow with the gap and are wide along the camera's ray. The best
    set of joins is one assignment for the whole clip.

    Args:
        frames: for each tracklet its (n,) frame numbers.
        roots_camera_m: for each tracklet its (n, 3) roots, camera axes.
        time_s: (F,) of all frames.
    Returns:
        Lists of indices of tracklets, each in order of time.
    """
    count = len(frames)
    # Not to be joined costs as much as a join at the gate, so that no good join is given up for two poor ones.
    cost = np.full((count, count), GATE)
    for a in range(count):
        for b in range(count):
            gap_s = time_s[frames[b][0]] - time_s[frames[a][-1]]
            if a != b and 0 < gap_s <= MAX_GAP_S:
                cost[a, b] = min(GATE, _distance(frames[a], roots_camera_m[a], roots_camera_m[b][0], gap_s, time_s))
    joined = {a: b for a, b in zip(*linear_sum_assignment(cost), strict=True) if cost[a, b] < GATE}
    chains = []
    for start in sorted(set(range(count)) - set(joined.values()), key=lambda i: frames[i][0]):
        chain = [start]
        while chain[-1] in joined:
            chain.append(joined[chain[-1]])
        chains.append(chain)
    return chains


def long_enough(frames: list[np.ndarray], chain: list[int], time_s: np.ndarray) -> bool:
    """Whether a person is seen for `MIN_SEEN_S` in all, or for half of a clip that is shorter than twice that."""
    step_s = (time_s[-1] - time_s[0]) / max(len(time_s) - 1, 1)
    seen = sum(len(frames[i]) for i in chain)
    return seen * step_s >= min(MIN_SEEN_S, (time_s[-1] - time_s[0]) / 2)


def _distance(frames: np.ndarray, roots_m: np.ndarray, found_m: np.ndarray, gap_s: float, time_s: np.ndarray) -> float:
    """Standard deviations between where somebody was lost and is found."""
    times = time_s[frames]
    tail = times >= times[-1] - 0.5
    velocity = (roots_m[tail][-1] - roots_m[tail][0]) / max(times[-1] - times[tail][0], 0.1)
    # Motion dies down: nobody keeps their speed unseen for long.
    expected = roots_m[-1] + velocity * min(gap_s, 0.5)
    ray = expected / np.linalg.norm(expected)
    error = found_m - expected
    along = error @ ray
    across = np.linalg.norm(error - along * ray)
    sigma_along = np.hypot(ALONG_SIGMA * expected[2], SPEED_SIGMA_M_S * gap_s)
    return float(np.hypot(along / sigma_along, across / np.hypot(ACROSS_SIGMA_M, SPEED_SIGMA_M_S * gap_s)))
