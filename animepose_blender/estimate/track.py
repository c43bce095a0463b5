"""Who is who from frame to frame: 3D boxes first, then place, pose and looks.

The follower in the picture (`people`) hands over person-frames with a guess at which belong together. Here they are
assigned again in space, in axes that stand still while the camera moves: boxes expected by a motion filter against
boxes seen. Two people who cross in the picture are far apart along the view, so a follower that has jumped from one
body to the other is found out, and the track goes on with its own person.

Reference: AnimePose, section 2.3 (3D IoU); AB3DMOT (3D Kalman filter, 3D IoU, Hungarian method); ByteTrack (second
pass for weak detections); PHALP (costs scaled by predicted uncertainty).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core import boxes, cameras
from . import motion_filter
from .appearance import colour_distance
from .assignment import assign
from .detections import Placed, Seen

SURE_SCORE = 0.5
"""Score from which on a detection takes part in the first pass and can begin a track."""
MIN_IOU = 0.1
"""Overlap in space from which on boxes are compared by it."""
GATE = 4.0
"""Largest distance in standard deviations where boxes do not touch."""
KEEP_S = 0.25
"""Time for which somebody unseen is looked for here; later finds are left to `stitch`, which knows the whole clip."""
LINK = 1.0
"""What the follower's own word counts, in units of negative log-likelihood."""
POSE_SIGMA_M, POSE_SIGMA_M_S = 0.12, 0.8
"""How much a joint moves relative to the pelvis: error of a frame, and more for each second."""
WORST = 6.0
"""Most that any single piece of evidence can count against a match."""
COLOUR_MEMORY = 0.05
"""Weight of a new frame's colours in a track's own."""


@dataclass(eq=False)
class _Track:
    """Somebody followed: the last that was seen of them."""

    number: int
    box_m: np.ndarray
    """(6,) relative to the root."""
    joints_m: np.ndarray
    """(J, 3) relative to the root, still axes."""
    colours: np.ndarray
    tracklet: int
    frame: int


def track(seen: Seen, placed: Placed, camera_to_start: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Tracks without long gaps.

    Args:
        seen: N person-frames in the order of frames.
        placed: the same in space.
        camera_to_start: (F, 4, 4) from each frame's camera axes to axes that stand still, metres.
        time_s: (F,).
    Returns:
        (N,) number of each one's track, -1 for weak ones that continue none.
    """
    label = np.full(len(seen), -1)
    motion = camera_to_start[seen.frame]
    root_m = placed.roots_in(motion)
    noise = motion_filter.measurement_noise(root_m, motion[:, :3, 3], placed.sigma_m)
    joints_m = placed.joints_in(motion)
    relative_box_m = placed.box_m - np.tile(placed.root_m, 2)
    start_to_camera = cameras.invert(camera_to_start)

    active: list[_Track] = []
    state, covariance = np.zeros((0, 6)), np.zeros((0, 6, 6))
    count, at_s = 0, time_s[0]
    starts = np.searchsorted(seen.frame, np.arange(len(time_s) + 1))
    for frame in range(len(time_s)):
        own = np.arange(starts[frame], starts[frame + 1])
        if len(own) == 0:
            continue
        recent = [k for k, t in enumerate(active) if time_s[frame] - time_s[t.frame] <= KEEP_S]
        active, state, covariance = [active[k] for k in recent], state[recent], covariance[recent]
        state, covariance = motion_filter.predict(state, covariance, np.full(len(active), time_s[frame] - at_s))
        at_s = time_s[frame]
        partner = np.full(len(active), -1)
        if active:
            cost = _costs(
                active, state, covariance, own, frame, seen, placed, root_m, noise, joints_m, time_s,
                start_to_camera[frame],
            )  # fmt: skip
            sure = seen.score[own] >= SURE_SCORE
            for usable in (sure, ~sure):
                partner = _assign(cost, partner, usable)
        hit = partner >= 0
        chosen = own[partner[hit]]
        state[hit], covariance[hit] = motion_filter.update(state[hit], covariance[hit], root_m[chosen], noise[chosen])
        for k in np.flatnonzero(hit):
            _remember(active[k], own[partner[k]], frame, seen, relative_box_m, joints_m)
            label[own[partner[k]]] = active[k].number
        new = own[np.setdiff1d(np.flatnonzero(seen.score[own] >= SURE_SCORE), partner)]
        if len(new):
            fresh = motion_filter.begin(root_m[new], noise[new])
            state, covariance = np.concatenate([state, fresh[0]]), np.concatenate([covariance, fresh[1]])
            for index in new:
                label[index] = count
                active.append(
                    _Track(
                        count, relative_box_m[index], joints_m[index], seen.colours[index], int(seen.tracklet[index]),
                        frame,
                    )
                )  # fmt: skip
                count += 1
    return label


def _remember(
    one: _Track, index: int, frame: int, seen: Seen, relative_box_m: np.ndarray, joints_m: np.ndarray
) -> None:
    one.box_m, one.joints_m = relative_box_m[index], joints_m[index]
    one.tracklet, one.frame = int(seen.tracklet[index]), frame
    mixed = one.colours + COLOUR_MEMORY * (seen.colours[index] - one.colours)
    # A zone that was never seen takes the new colours; one that is not seen now keeps its own.
    one.colours = np.where(
        np.isfinite(mixed), mixed, np.where(np.isfinite(one.colours), one.colours, seen.colours[index])
    )


def _costs(
    active: list[_Track],
    state: np.ndarray,
    covariance: np.ndarray,
    own: np.ndarray,
    frame: int,
    seen: Seen,
    placed: Placed,
    root_m: np.ndarray,
    noise: np.ndarray,
    joints_m: np.ndarray,
    time_s: np.ndarray,
    start_to_camera: np.ndarray,
) -> np.ndarray:
    """(T, n) negative log-likelihoods of each track's being each detection; infinite where they cannot be one."""
    gap_s = time_s[frame] - time_s[[t.frame for t in active]]
    expected_m = cameras.transform(start_to_camera, state[:, :3])
    expected_box_m = np.stack([t.box_m for t in active]) + np.tile(expected_m, 2)
    overlap = boxes.iou(expected_box_m, placed.box_m[own])
    distance = motion_filter.mahalanobis(state, covariance, root_m[own], noise[own])
    linked = np.array([t.tracklet for t in active])[:, None] == seen.tracklet[own]
    pose_m = np.linalg.norm(np.stack([t.joints_m for t in active])[:, None] - joints_m[own], axis=-1).mean(axis=-1)
    pose = pose_m / (POSE_SIGMA_M + POSE_SIGMA_M_S * gap_s[:, None])
    looks = colour_distance(np.stack([t.colours for t in active])[:, None], seen.colours[own])
    touching = overlap >= MIN_IOU
    where = np.where(touching, -2 * np.log(np.maximum(overlap, MIN_IOU)), distance**2 / 2)
    cost = where.clip(0, WORST) + (pose**2 / 2).clip(0, WORST) + (looks**2 / 2).clip(0, WORST) - LINK * linked
    return np.where(touching | (distance <= GATE), cost, np.inf)


def _assign(cost: np.ndarray, partner: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """(T,) partners, the given ones kept and the rest matched to usable detections at the least total cost."""
    partner = partner.copy()
    rows = np.flatnonzero(partner < 0)
    columns = np.setdiff1d(np.flatnonzero(usable), partner)
    if len(rows) == 0 or len(columns) == 0:
        return partner
    chosen = assign(cost[np.ix_(rows, columns)], alone=2 * WORST)
    partner[rows] = np.where(chosen >= 0, columns[chosen], -1)
    return partner
