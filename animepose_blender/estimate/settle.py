"""Settle who is who while people overlap, from how they went in and how they came out.

In the moments in which one body hides part of another, finds jump between the two and are made up of both. By then it
is known where everybody was before and after, which way they faced and what they look like: each of these finds is
given to the person whose path through the encounter it fits best, or to nobody.
"""

from __future__ import annotations

import numpy as np

from ..core.frame_numbers import nearest_frames
from ..skeleton import J
from . import motion_filter
from .appearance import colour_distance, usual_colours
from .assignment import assign
from .detections import Placed, Seen
from .encounters import overlapping
from .smooth import smooth

MARGIN_S = 0.1
"""Time around an encounter that is looked at again with it."""
ACROSS_SIGMA_M, ALONG_SHARE = 0.15, 0.06
"""How far a find may lie off a person's path, across the view and as a share of the distance along it."""
STRAY_M_S = 0.7
"""How much less sure the path is for each second from where it is known."""
FACING_SIGMA = 0.7
"""How far off the direction that a find faces is, as the length of a difference of unit vectors."""
PASSING_S = 1.0
"""Somebody who is seen for less than this, and only where others overlap, is nobody."""
PATH_CUTOFF_HZ = 1.0
WORST = 6.0
"""Most that any single piece of evidence can count against a person."""
NOBODY = 4.0
"""Cost of belonging to nobody."""


def settle(
    person: np.ndarray, seen: Seen, placed: Placed, camera_to_start: np.ndarray, time_s: np.ndarray
) -> np.ndarray:
    """People again, with the finds of encounters given out anew.

    Args:
        person: (N,) from `stitch`; -1 = nobody.
        seen, placed: the N person-frames.
        camera_to_start: (F, 4, 4).
        time_s: (F,).
    Returns:
        (N,) in the order of `person`, without those who turn out to be nobody.
    """
    count = int(person.max(initial=-1)) + 1
    mixed = _encounters(seen, person, time_s)
    if count < 2 or not mixed.any():
        return person
    motion = camera_to_start[seen.frame]
    root_m = placed.roots_in(motion)
    noise = motion_filter.measurement_noise(
        root_m,
        motion[:, :3, 3],
        np.stack([np.full(len(root_m), ACROSS_SIGMA_M), ALONG_SHARE * placed.root_m[:, 2]], axis=-1),
    )
    joints_m = placed.joints_in(motion)
    left = joints_m[:, [J["left_hip"], J["left_shoulder"]]].sum(1)
    left -= joints_m[:, [J["right_hip"], J["right_shoulder"]]].sum(1)
    left /= np.linalg.norm(left, axis=-1, keepdims=True) + 1e-9

    # In a short clip everybody is seen shortly.
    least_s = min(PASSING_S, float(time_s[-1] - time_s[0]) / 2)
    step_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
    cost = np.full((count, len(person)), np.inf)
    open_to = np.flatnonzero(mixed)
    for number in range(count):
        known = np.flatnonzero((person == number) & ~mixed)
        if len(known) < 3:
            # Who is seen in encounters only keeps what they have; for a moment only, they are parts of the others.
            own = open_to[person[open_to] == number]
            if len(own) * step_s >= least_s:
                cost[number, own] = 0.0
            continue
        frames = seen.frame[known]
        away_s = _away(time_s[frames], time_s)[seen.frame[open_to]]
        path_m, facing = (
            _interpolated(values, frames, time_s)[seen.frame[open_to]] for values in (root_m[known], left[known])
        )
        spread = noise[open_to] + (STRAY_M_S * away_s[:, None, None]) ** 2 * np.eye(3)
        error = root_m[open_to] - path_m
        where = np.einsum("ni,nij,nj->n", error, np.linalg.inv(spread), error) / 2
        turned = np.linalg.norm(left[open_to] - facing, axis=-1) / (FACING_SIGMA + away_s)
        looks = colour_distance(usual_colours(seen.colours[known]), seen.colours[open_to])
        cost[number, open_to] = where.clip(0, WORST) + (turned**2 / 2).clip(0, WORST) + (looks**2 / 2).clip(0, WORST)
    cost = _steadied(cost, open_to, seen)
    settled = person.copy()
    for frame in np.unique(seen.frame[open_to]):
        own = open_to[seen.frame[open_to] == frame]
        # Those of this frame who are beyond doubt are not to be had.
        taken = person[(seen.frame == frame) & ~mixed]
        free = np.setdiff1d(np.arange(count), taken)
        chosen = assign(cost[np.ix_(free, own)].T, alone=NOBODY)
        settled[own] = np.where(chosen >= 0, np.append(free, -1)[chosen], -1)
    left_over = np.unique(settled[settled >= 0])
    return np.where(settled >= 0, np.searchsorted(left_over, settled), -1)


def _steadied(cost: np.ndarray, open_to: np.ndarray, seen: Seen) -> np.ndarray:
    """(P, N) costs averaged with those of the same tracklet a frame before and after: a follower jumps once, not to and
    fro."""
    steadied = cost.copy()
    for number in np.unique(seen.tracklet[open_to]):
        own = open_to[seen.tracklet[open_to] == number]
        near = np.abs(seen.frame[own][:, None] - seen.frame[own]) <= 1
        # What is out of the question stays so, and says nothing of its neighbours.
        possible = np.isfinite(cost[:, own])
        total, count = np.where(possible, cost[:, own], 0.0) @ near, possible.astype(float) @ near
        steadied[:, own] = np.where(possible, total / np.maximum(count, 1), np.inf)
    return steadied


def _encounters(seen: Seen, person: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(N,) whether a find overlaps another in the picture, or does so within a moment for the same person."""
    mixed = overlapping(seen)
    for number in np.unique(person[mixed]):
        mine = np.flatnonzero(person == number)
        busy_s = time_s[seen.frame[mine[mixed[mine]]]]
        own_s = time_s[seen.frame[mine]]
        mixed[mine] |= _away(busy_s, own_s) <= MARGIN_S
    return mixed


def _away(some_s: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F,) time from each moment to the nearest of some."""
    return np.abs(time_s - some_s[nearest_frames(some_s, time_s)])


def _interpolated(values: np.ndarray, frames: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F, 3) a smooth curve through (n, 3) values at some frames, straight where there are none, held at the ends."""
    whole, weight = np.full((len(time_s), 3), np.nan), np.zeros(len(time_s))
    whole[frames], weight[frames] = values, 1.0
    curve = smooth(whole[:, None], weight[:, None], time_s, PATH_CUTOFF_HZ)[:, 0]
    curve[: frames[0]], curve[frames[-1] + 1 :] = curve[frames[0]], curve[frames[-1]]
    return curve
