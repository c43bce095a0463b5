"""Who stands in front of whom: the one whose joints are hidden behind the other's mask is the farther one.

Distances from single people's sizes err by more than two dancers are apart. That one of them hides the other is plain
to see, and settles their order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .backends import region_cells
from .depth import GRID
from .detections import Seen
from .fuse import RootEvidence, from_depth
from .lift import Lifted
from .view import View

FEWEST = 3
"""Joints of one person behind the other's mask that it takes to tell."""
CLEARLY = 0.25
"""Difference of the mean confidence of the hidden joints from which on the order is clear."""
ENCOUNTER_S = 0.5
"""Moments farther apart than this are of two encounters."""
AGREED = 0.8
"""Share of the moments of an encounter that must agree."""
APART_M = 0.15
"""Least distance along the view of the pelvises of two people, one before the other."""
ORDER_SIGMA_M = 0.10
"""How firmly it is kept."""


@dataclass(frozen=True, eq=False)
class Order:
    """M moments in which one person is seen to stand before another."""

    frame: np.ndarray
    """(M,)"""
    front: np.ndarray
    """(M,) number of the person."""
    back: np.ndarray
    """(M,)"""


def depth_order(seen: Seen, lifted: Lifted, person: np.ndarray, time_s: np.ndarray) -> Order:
    """Every moment in which one person clearly hides another.

    Args:
        seen: N person-frames in the order of frames.
        lifted: their keypoints.
        person: (N,) who they are.
        time_s: (F,).
    """
    pairs = [np.zeros((0, 2), int)]
    for step in range(1, int(np.bincount(seen.frame).max(initial=1))):
        rows = np.flatnonzero(seen.frame[step:] == seen.frame[:-step])
        pairs.append(np.stack([rows, rows + step], axis=-1))
    a, b = np.concatenate(pairs).T
    near = (
        np.minimum(seen.box_px[a, 2:], seen.box_px[b, 2:]) > np.maximum(seen.box_px[a, :2], seen.box_px[b, :2])
    ).all(1)
    a, b = a[near & (person[a] != person[b])], b[near & (person[a] != person[b])]
    a_hidden, a_count = _hidden(a, b, seen, lifted)
    b_hidden, b_count = _hidden(b, a, seen, lifted)
    a_in_front = (b_hidden - a_hidden > CLEARLY) & (b_count >= FEWEST)
    b_in_front = (a_hidden - b_hidden > CLEARLY) & (a_count >= FEWEST)
    clear = a_in_front | b_in_front
    front, back = np.where(a_in_front, a, b)[clear], np.where(a_in_front, b, a)[clear]
    return _agreed(Order(seen.frame[front], person[front], person[back]), time_s)


def _agreed(order: Order, time_s: np.ndarray) -> Order:
    """Only encounters in which the moments agree, and of those the moments that do."""
    kept = np.zeros(len(order.frame), dtype=bool)
    low, high = np.minimum(order.front, order.back), np.maximum(order.front, order.back)
    for pair in np.unique(np.stack([low, high]), axis=1).T:
        own = np.flatnonzero((low == pair[0]) & (high == pair[1]))
        for part in np.split(own, np.flatnonzero(np.diff(time_s[order.frame[own]]) > ENCOUNTER_S) + 1):
            first_in_front = order.front[part] == pair[0]
            share = first_in_front.mean()
            if max(share, 1 - share) >= AGREED:
                kept[part] = first_in_front == (share > 0.5)
    return Order(order.frame[kept], order.front[kept], order.back[kept])


def _hidden(of: np.ndarray, behind: np.ndarray, seen: Seen, lifted: Lifted) -> tuple[np.ndarray, np.ndarray]:
    """(M,) mean lack of confidence of one person's joints over the other's mask, and (M,) how many those are."""
    cell, inside = region_cells(lifted.keypoints_px[of], seen.region[behind], GRID)
    over = inside & seen.silhouette[behind][np.arange(len(of))[:, None], cell[..., 1], cell[..., 0]]
    doubt = np.where(over, 1 - lifted.keypoint_confidence[of], 0.0)
    return doubt.sum(axis=1) / np.maximum(over.sum(axis=1), 1), over.sum(axis=1)


def order_evidence(order: Order, roots_world_m: np.ndarray, view: View) -> dict[int, RootEvidence]:
    """For each person who stands on the wrong side of another, roots that put that right, half each.

    Args:
        order: who is in front when.
        roots_world_m: (P, F, 3) as solved without it.
        view: times and camera.
    """
    front_m, back_m = roots_world_m[order.front, order.frame], roots_world_m[order.back, order.frame]
    centre, axis = view.centre_m[order.frame], view.camera_to_world[order.frame, :3, 2]
    front_z, back_z = (np.sum((m - centre) * axis, axis=-1) for m in (front_m, back_m))
    missing_m = front_z + APART_M - back_z
    wrong = missing_m > 0
    found: dict[int, RootEvidence] = {}
    for number in np.unique(np.concatenate([order.front[wrong], order.back[wrong]])):
        target_m = np.full(len(view.time_s), np.nan)
        for mine, z, sign in ((order.front, front_z, -0.5), (order.back, back_z, 0.5)):
            own = wrong & (mine == number)
            target_m[order.frame[own]] = z[own] + sign * missing_m[own]
        at = np.flatnonzero(np.isfinite(target_m))
        found[int(number)] = from_depth(
            at, roots_world_m[number, at], view.centre_m[at], view.camera_to_world[at, :3, 2], target_m[at],
            ORDER_SIGMA_M / target_m[at], len(view.time_s),
        )  # fmt: skip
    return found
