"""Tracks to people: join the pieces of one person across gaps, with the whole clip in view.

Each gap is looked at from both ends: the earlier piece is carried on, the later one carried back, and both must meet
within what is likely. Looks decide after long absences, and who left at the edge of the picture may come back there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from . import motion_filter
from .appearance import colour_distance, usual_colours
from .detections import Placed, Seen
from .encounters import overlapping

MAX_GAP_S = 3.0
"""Longest absence after which somebody who returns is known by place alone."""
MAX_GAP_KNOWN_S = 60.0
"""Longest absence after which somebody is known by their looks."""
ALIKE = 1.0
"""Colour distance below which two pieces look like one person."""
ALIKE_SPEAKS = 1.5
"""What they then speak for being one, as a negative log-likelihood."""
REENTRY_M, RUN_M_S = 1.0, 4.0
"""How far from where they left somebody may enter again: errors of place, and how fast people run outside."""
ZONES_NEEDED = 3
"""Parts of the body that must be seen in both for that."""
WALK_M_S = 1.0
"""How far somebody unseen strays from where they were going, for each second."""
ALONG_SHARE = 0.08
"""Spread of the distance between lost and found, as a share of it: they are seen in other poses."""
GATE = 6.0
"""Largest cost of a join, as a negative log-likelihood; being two people costs as much."""
TAIL_S = 0.8
"""Part of a piece next to a gap that its motion is taken from."""
EDGE = 0.02
"""Distance from the edge of the picture, as a share of its size, within which a box counts as leaving it."""
FEWEST = 3
"""Frames of a track below which it is left out: what is seen for a moment between others is parts of two people."""
MIN_SEEN_S = 0.3
"""Shorter appearances are finds that were no person, or of no use."""


@dataclass(frozen=True, eq=False)
class _Piece:
    frames: np.ndarray
    first_m: np.ndarray
    """(6,) place and velocity at its beginning, still axes."""
    last_m: np.ndarray
    first_ray: np.ndarray
    """(3,) from the camera, metres."""
    last_ray: np.ndarray
    colours: np.ndarray
    begins_at_edge: bool
    ends_at_edge: bool


def stitch(
    label: np.ndarray,
    seen: Seen,
    placed: Placed,
    camera_to_start: np.ndarray,
    time_s: np.ndarray,
    size_px: tuple[int, int],
) -> np.ndarray:
    """Join tracks into people, and leave out what is too short to be of use.

    Args:
        label: (N,) from `track`.
        seen, placed: the N person-frames.
        camera_to_start: (F, 4, 4).
        time_s: (F,).
        size_px: width and height of the picture.
    Returns:
        (N,) number of the person, -1 for none; numbered without gaps in the order of appearance.
    """
    numbers, sizes = np.unique(label[label >= 0], return_counts=True)
    # In a clip of a few frames, half of them are enough.
    numbers = numbers[sizes >= min(FEWEST, (len(time_s) + 1) // 2)]
    if len(numbers) == 0:
        return np.full(len(label), -1)
    motion = camera_to_start[seen.frame]
    root_m = placed.roots_in(motion)
    ray_m = root_m - motion[:, :3, 3]
    mixed = overlapping(seen)
    pieces = [_piece(np.flatnonzero(label == n), mixed, seen, root_m, ray_m, time_s, size_px) for n in numbers]
    cost = np.full((len(pieces), len(pieces)), GATE)
    for a, before in enumerate(pieces):
        for b, after in enumerate(pieces):
            gap_s = time_s[after.frames[0]] - time_s[before.frames[-1]]
            if a != b and gap_s > 0:
                cost[a, b] = min(GATE, _cost(before, after, gap_s))
    joined = {a: b for a, b in zip(*linear_sum_assignment(cost), strict=True) if cost[a, b] < GATE}
    step_s = (time_s[-1] - time_s[0]) / max(len(time_s) - 1, 1)
    least = min(MIN_SEEN_S, (time_s[-1] - time_s[0]) / 2)
    person, count = np.full(len(label), -1), 0
    for start in sorted(set(range(len(pieces))) - set(joined.values()), key=lambda k: pieces[k].frames[0]):
        chain = [start]
        while chain[-1] in joined:
            chain.append(joined[chain[-1]])
        if sum(len(pieces[k].frames) for k in chain) * step_s >= least:
            person[np.isin(label, numbers[chain])] = count
            count += 1
    return person


def _piece(
    own: np.ndarray,
    mixed: np.ndarray,
    seen: Seen,
    root_m: np.ndarray,
    ray_m: np.ndarray,
    time_s: np.ndarray,
    size_px: tuple[int, int],
) -> _Piece:
    times = time_s[seen.frame[own]]
    head, tail = (_clear(own[near], mixed) for near in (times <= times[0] + TAIL_S, times >= times[-1] - TAIL_S))
    edge = np.array(size_px) * EDGE
    box_px = seen.box_px[own[[0, -1]]]
    at_edge = (box_px[:, :2] <= edge).any(axis=1) | (box_px[:, 2:] >= np.array(size_px) - edge).any(axis=1)
    return _Piece(
        seen.frame[own],
        _end(root_m[head], time_s[seen.frame[head]], times[0]),
        _end(root_m[tail], time_s[seen.frame[tail]], times[-1]),
        ray_m[head].mean(axis=0),
        ray_m[tail].mean(axis=0),
        usual_colours(seen.colours[_clear(own, mixed)], least_share=0.1),
        bool(at_edge[0]),
        bool(at_edge[1]),
    )


def _clear(own: np.ndarray, mixed: np.ndarray) -> np.ndarray:
    """Those finds that overlap no other, if there are enough of them: in an encounter bodies are mixed up."""
    clear = own[~mixed[own]]
    return clear if len(clear) >= FEWEST else own


def _end(root_m: np.ndarray, times: np.ndarray, at_s: float) -> np.ndarray:
    """(6,) place and velocity at one end of a piece: a line through all its roots there, which steadies both."""
    if len(times) < 4:
        return np.concatenate([root_m[np.argmin(np.abs(times - at_s))], np.zeros(3)])
    velocity, place = np.polyfit(times - at_s, root_m, 1)
    return np.concatenate([place, velocity])


def _cost(before: _Piece, after: _Piece, gap_s: float) -> float:
    """Negative log-likelihood that two pieces are one person, against their being two."""
    looks = colour_distance(before.colours, after.colours)
    shared = int(np.isfinite(before.colours + after.colours).all(axis=-1).sum())
    known = bool(looks < ALIKE) and shared >= ZONES_NEEDED
    if gap_s > (MAX_GAP_KNOWN_S if known else MAX_GAP_S):
        return np.inf
    # Looks alike speak for one person, unlike ones against it, and wholly unlike ones settle it.
    likeness = float(np.clip(looks**2 / 2, 0, GATE)) - (ALIKE_SPEAKS if known else 0.0)
    # Who went out of the picture may come back from anywhere outside it.
    if known and before.ends_at_edge and after.begins_at_edge:
        away_m = float(np.linalg.norm(after.first_m[:3] - before.last_m[:3]))
        return likeness if away_m <= REENTRY_M + RUN_M_S * gap_s else np.inf
    forth = _surprise(before.last_m, after.first_m[:3], before.last_ray, gap_s)
    back = _surprise(np.concatenate([after.first_m[:3], -after.first_m[3:]]), before.last_m[:3], after.first_ray, gap_s)
    return likeness + (forth**2 + back**2) / 4


def _surprise(state: np.ndarray, found_m: np.ndarray, ray_m: np.ndarray, gap_s: float) -> float:
    """Standard deviations between where somebody should be after a time and where they are found."""
    spread = WALK_M_S * gap_s
    distance = np.linalg.norm(ray_m)
    covariance = motion_filter.measurement_noise(ray_m[None], np.zeros(3), np.array([[0.15, ALONG_SHARE * distance]]))
    expected, _ = motion_filter.predict(state[None], np.zeros((1, 6, 6)), np.array([gap_s]))
    error = found_m - expected[0, :3]
    return float(np.sqrt(error @ np.linalg.inv(covariance[0] + spread**2 * np.eye(3)) @ error))
