"""How the camera moved: not at all, turning where it stands, or travelling, whichever simplest explains the background.

A shot is solved on key views, which lie a twentieth of the picture apart, all of them together (`bundle`); the frames
between are then laid onto the points found. Parts between which no point was followed are held together by nothing:
there the camera is taken to go on as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from .background import Tracks
from .bundle import Fit, Scene, Sightings, adjust, at_rest, fit_of, resect
from .structure import travelling

LEAST_NOISE = 0.08
"""Points are not believed to be found better than this, in the pixels of comparison."""
STILL_PX = 0.35
"""Spread, in the pixels of comparison, up to which a point counts as resting: compression alone moves it so far."""
STILL_SHARE = 0.3
"""Share of the points, and of the fields of the picture with points in them, that rest in front of a still camera;
the others may be leaves, water, shadows and people. Hardly any rest in front of a camera that is held or moved."""
STILL_TURN_PX = 0.5
"""A turn that moves the picture by less than this is none."""
LONG_ENOUGH = 8
"""Frames for which a point must be seen to tell whether it rests."""
KEY_STEP = 0.05
"""Median motion between key views, as a share of the longer side."""
KEY_FRAMES = 15
"""Frames between key views at most."""
MOST_KEYS = 100
FEW_POINTS = 6
"""Points that two views must share to hang together, and that a frame must show to be laid onto them."""
PARALLAX_PX = 0.2
"""Misses of a turning camera, in the pixels of comparison, below which there is no parallax worth the name."""
BETTER = 0.6
"""A travelling camera must fit so much better, by the size of its misses."""
TRIES = 64
INLIER_PX = 2.5
"""Distance up to which a point counts as following the camera."""


@dataclass(frozen=True, eq=False)
class CameraMotion:
    """The path of a camera over F frames."""

    camera_to_start: np.ndarray
    """(F, 4, 4) from each frame's camera axes to those of frame 0; translation in units of unknown length."""
    kind: str
    """`still`, `turning` or `moving`."""
    rotation_sigma_deg: np.ndarray
    """(F,) how far the rotation since the start may be off."""
    inlier_share: float
    """Share of the sightings that follow the camera."""
    points_start: np.ndarray
    """(L, 4) homogeneous points of the background, axes and units of the start; empty for a still camera."""
    noise_px: float
    """Standard deviation of the sightings about the solution, pixels of the clip."""


def solve(tracks: Tracks, intrinsics: np.ndarray, time_s: np.ndarray) -> CameraMotion:
    """Find the camera's path from points of the background.

    Args:
        tracks: see `background.Background`; points on people who were missed do no harm while they are fewer.
        intrinsics: (F, 3, 3).
        time_s: (F,).
    """
    bounds = [0, *tracks.cuts, tracks.frame_count]
    shots = [
        _solve_shot(tracks.between(start, stop), intrinsics[start:stop], time_s[start:stop])
        for start, stop in pairwise(bounds)
    ]
    if len(shots) == 1:
        return shots[0]
    matrices, last = [], np.eye(4)
    for shot in shots:
        matrices.append(last @ shot.camera_to_start)
        last = matrices[-1][-1]
    kinds = [shot.kind for shot in shots]
    weights = np.diff(bounds)
    return CameraMotion(
        np.concatenate(matrices),
        next(kind for kind in ("moving", "turning", "still") if kind in kinds),
        np.concatenate([shot.rotation_sigma_deg for shot in shots]),
        float(np.average([shot.inlier_share for shot in shots], weights=weights)),
        shots[0].points_start,
        float(np.average([shot.noise_px for shot in shots], weights=weights)),
    )


def _solve_shot(tracks: Tracks, intrinsics: np.ndarray, time_s: np.ndarray) -> CameraMotion:
    pixel = tracks.pixel
    rest_share, noise_px = resting(tracks)
    if rest_share >= STILL_SHARE or tracks.frame_count < 2 or len(tracks.frame) == 0:
        return _still(tracks.frame_count, rest_share, noise_px)
    keys = key_frames(tracks)
    views = key_sightings(tracks, intrinsics, keys)
    if views is None:
        return _still(tracks.frame_count, rest_share, noise_px)
    least_px = LEAST_NOISE * pixel
    turning, turning_fit = adjust(chained(views, pixel), views, moving=False, least_noise_px=least_px)
    scene, fit, moving = turning, turning_fit, False
    # A turn that is seen with a wrong focal length has no parallax either, though it fits badly.
    least_turning_px = turning_fit.noise_px
    if least_turning_px > PARALLAX_PX * pixel:
        _, zoomed = adjust(turning, views, moving=False, zoom=True, least_noise_px=least_px)
        least_turning_px = min(least_turning_px, zoomed.noise_px)
    if least_turning_px > PARALLAX_PX * pixel:
        travelled = travelling(turning, views, least_px)
        if travelled is not None and travelled[1].noise_px < BETTER * least_turning_px:
            (scene, fit), moving = travelled, True
    rests = at_rest(views, fit, least_px)
    scene, fit = adjust(scene, views.only(rests[views.point]), moving=moving, least_noise_px=least_px, stages=1)
    frames, seen, share = _all_frames(tracks, intrinsics, keys, scene, rests, fit, moving, pixel)
    if not moving and _largest_shift_px(frames, intrinsics, tracks.size) < STILL_TURN_PX * pixel:
        return _still(tracks.frame_count, share, fit.noise_px)
    key_sigma = np.degrees(np.sqrt(np.diag(fit.covariance).reshape(-1, 3).max(axis=1)))
    return CameraMotion(
        _camera_to_start(frames, seen),
        "moving" if moving else "turning",
        np.interp(np.arange(tracks.frame_count), keys, key_sigma) * np.where(seen, 1.0, 3.0),
        share,
        scene.point[rests],
        fit.noise_px,
    )


def _still(count: int, share: float, noise_px: float) -> CameraMotion:
    return CameraMotion(np.tile(np.eye(4), (count, 1, 1)), "still", np.zeros(count), share, np.zeros((0, 4)), noise_px)


def resting(tracks: Tracks) -> tuple[float, float]:
    """How much of the picture rests: the lesser of the share of points and of the share of fields of the picture that
    do, each counted for as long as seen; and the spread of those points, pixels."""
    count = int(tracks.point.max(initial=-1)) + 1
    frames = np.bincount(tracks.point, minlength=count)
    long = frames >= min(LONG_ENOUGH, tracks.frame_count)
    if not long.any():
        return 0.0, 0.0
    order = np.argsort(tracks.point, kind="stable")
    place = tracks.place_px[order].astype(float)
    start = np.concatenate([[0], np.cumsum(frames)[:-1]])
    mean = np.stack([np.bincount(tracks.point, tracks.place_px[:, i], count) for i in (0, 1)], 1)
    mean /= np.maximum(frames, 1)[:, None]
    # The middle half of the distances: a leaf that brushes past now and then does not count.
    distance = np.linalg.norm(place - np.repeat(mean, frames, axis=0), axis=1)
    ranked = distance[np.lexsort((distance, np.repeat(np.arange(count), frames)))]
    spread = np.zeros(count)
    spread[long] = ranked[start[long] + (frames[long] * 3) // 4]
    pixel = tracks.pixel
    rests = long & (spread < STILL_PX * pixel)
    share = frames[rests].sum() / frames[long].sum()
    field = (np.floor(mean / np.array(tracks.size) * 6).astype(int).clip(0, 5) * (6, 1)).sum(axis=1)
    of_fields = len(np.unique(field[rests])) / len(np.unique(field[long]))
    noise_px = float(np.median(spread[rests])) if rests.any() else 0.0
    return float(min(share, of_fields)), noise_px


def key_frames(tracks: Tracks) -> np.ndarray:
    """(K,) the first frame, the last, and those between that differ enough."""
    starts = np.searchsorted(tracks.frame, np.arange(tracks.frame_count + 1))
    counts = np.diff(starts)
    seen = np.flatnonzero(counts >= FEW_POINTS)
    if len(seen) == 0:
        return np.array([0])
    step = KEY_STEP * max(tracks.size)
    keys = [int(seen[0])]
    for frame in seen[1:]:
        a, b = (slice(starts[f], starts[f + 1]) for f in (keys[-1], frame))
        _, here, there = np.intersect1d(tracks.point[a], tracks.point[b], assume_unique=True, return_indices=True)
        moved = np.linalg.norm(tracks.place_px[a][here] - tracks.place_px[b][there], axis=1)
        worn = len(here) < 0.6 * counts[keys[-1]]
        if worn or frame - keys[-1] >= KEY_FRAMES or np.median(moved) > step:
            keys.append(int(frame))
    if keys[-1] != seen[-1]:
        keys.append(int(seen[-1]))
    thinned = keys[:: 1 + len(keys) // MOST_KEYS]
    return np.array(thinned if thinned[-1] == keys[-1] else [*thinned, keys[-1]])


def key_sightings(tracks: Tracks, intrinsics: np.ndarray, keys: np.ndarray) -> Sightings | None:
    """The sightings in key views of the points seen in two or more of them, both numbered from 0; None for too few."""
    view = np.full(tracks.frame_count, -1)
    view[keys] = np.arange(len(keys))
    inside = view[tracks.frame] >= 0
    _, point, times = np.unique(tracks.point[inside], return_inverse=True, return_counts=True)
    often = (times >= 2)[point]
    if len(keys) < 2 or often.sum() < 4 * FEW_POINTS:
        return None
    point = np.unique(point[often], return_inverse=True)[1]
    return Sightings(
        view[tracks.frame[inside][often]], point, tracks.place_px[inside][often].astype(float), intrinsics[keys]
    )


def chained(views: Sightings, pixel: float) -> Scene:
    """A turning camera by adding up the turns from view to view; what `bundle.adjust` starts from."""
    count = len(views.intrinsics)
    rays = np.concatenate([views.rays, np.ones((len(views.view), 1))], axis=1)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    starts = np.searchsorted(views.view, np.arange(count + 1))
    rotation = np.tile(np.eye(3), (count, 1, 1))
    for k in range(1, count):
        a, b = slice(starts[k - 1], starts[k]), slice(starts[k], starts[k + 1])
        _, here, there = np.intersect1d(views.point[a], views.point[b], assume_unique=True, return_indices=True)
        turn = np.eye(3)
        if len(here) >= FEW_POINTS:
            turn = _turn(rays[a][here], rays[b][there], INLIER_PX * pixel / views.intrinsics[k, 0, 0])
        rotation[k] = turn @ rotation[k - 1]
    back = np.einsum("nji,nj->ni", rotation[views.view], rays)
    point = np.zeros((int(views.point.max()) + 1, 4))
    np.add.at(point[:, :3], views.point, back)
    point /= np.linalg.norm(point, axis=1, keepdims=True)
    return Scene(rotation, np.zeros((count, 3)), point)


def _turn(a: np.ndarray, b: np.ndarray, inlier_rad: float) -> np.ndarray:
    """(3, 3) the rotation that takes most rays (n, 3) of a to those of b: two at a time decide, then all that agree."""
    random = np.random.default_rng(len(a))
    first = random.integers(len(a), size=TRIES)
    second = (first + random.integers(1, len(a), size=TRIES)) % len(a)
    tried = _frames_of(b[first], b[second]) @ _frames_of(a[first], a[second]).swapaxes(1, 2)
    off = np.linalg.norm(np.einsum("tij,nj->tni", tried, a) - b, axis=2)
    rotation = tried[np.argmin(np.minimum(off / inlier_rad, 1).sum(axis=1))]
    for _ in range(4):
        weight = 1 / (1 + (np.linalg.norm(a @ rotation.T - b, axis=1) / inlier_rad) ** 2) ** 2
        u, _, vt = np.linalg.svd((b * weight[:, None]).T @ a)
        rotation = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
    return rotation


def _frames_of(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(T, 3, 3) orthonormal axes, in columns, that two rays span."""
    middle = first + second
    across = np.cross(first, second)
    x = middle / (np.linalg.norm(middle, axis=1, keepdims=True) + 1e-12)
    z = across / (np.linalg.norm(across, axis=1, keepdims=True) + 1e-12)
    return np.stack([x, np.cross(z, x), z], axis=2)


def _all_frames(
    tracks: Tracks,
    intrinsics: np.ndarray,
    keys: np.ndarray,
    scene: Scene,
    rests: np.ndarray,
    fit: Fit,
    moving: bool,
    pixel: float,
) -> tuple[Scene, np.ndarray, float]:
    """Every frame laid onto those points of the key views that rest: the scene with F views, (F,) whether a frame
    shows enough points, and the share of sightings that follow."""
    in_keys = np.isin(tracks.frame, keys)
    numbers, times = np.unique(tracks.point[in_keys], return_counts=True)
    numbers = numbers[times >= 2]
    known = np.isin(tracks.point, numbers[rests])
    sightings = Sightings(
        tracks.frame[known],
        np.searchsorted(numbers, tracks.point[known]),
        tracks.place_px[known].astype(float),
        intrinsics,
    )
    frames = np.arange(tracks.frame_count)
    between = Slerp(keys, Rotation.from_matrix(scene.rotation)) if len(keys) > 1 else None
    rotation = (
        between(frames.clip(keys[0], keys[-1])).as_matrix() if between else np.tile(np.eye(3), (len(frames), 1, 1))
    )
    center = -np.einsum("vji,vj->vi", scene.rotation, scene.travel)
    center = np.stack([np.interp(frames, keys, center[:, i]) for i in range(3)], axis=1)
    start = Scene(rotation, -np.einsum("vij,vj->vi", rotation, center), scene.point)
    solved = resect(start, sightings, moving=moving, noise_px=max(fit.noise_px, LEAST_NOISE * pixel))
    follows = fit_of(solved, sightings, LEAST_NOISE * pixel).miss_px < INLIER_PX * pixel
    seen = np.bincount(sightings.view[follows], minlength=len(frames)) >= FEW_POINTS * (2 if moving else 1)
    return solved, seen, float(follows.sum() / max(len(tracks.frame), 1))


def _camera_to_start(frames: Scene, seen: np.ndarray) -> np.ndarray:
    """(F, 4, 4), interpolated over frames that show too little, and with the first frame as the start."""
    number = np.arange(len(seen))
    good = np.flatnonzero(seen)
    matrix = np.tile(np.eye(4), (len(seen), 1, 1))
    if len(good) == 0:
        return matrix
    inverse = frames.rotation[good].swapaxes(1, 2)
    center = -np.einsum("vij,vj->vi", inverse, frames.travel[good])
    if len(good) > 1:
        inverse = Slerp(good, Rotation.from_matrix(inverse))(number.clip(good[0], good[-1])).as_matrix()
    matrix[:, :3, :3] = inverse
    matrix[:, :3, 3] = np.stack([np.interp(number, good, center[:, i]) for i in range(3)], axis=1)
    return np.linalg.inv(matrix[0]) @ matrix


def _largest_shift_px(frames: Scene, intrinsics: np.ndarray, size: tuple[int, int]) -> float:
    """How far, at most over the frames, the turn moves the middle of the picture or its rim, pixels."""
    x, y = np.meshgrid(np.linspace(0, size[0], 3), np.linspace(0, size[1], 3))
    corners = np.stack([x.ravel(), y.ravel(), np.ones(9)])
    rays = np.linalg.inv(intrinsics[0]) @ corners
    seen = intrinsics @ frames.rotation @ frames.rotation[0].T @ rays
    shift = np.linalg.norm(seen[:, :2] / seen[:, 2:] - corners[:2], axis=1)
    return float(np.percentile(shift.max(axis=1), 98))
