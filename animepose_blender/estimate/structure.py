"""The path of a camera that travels, and the points it passed: structure from motion over key views.

Two views with parallax come first (Nistér's five points inside RANSAC, by OpenCV); then, view by view, the one that
shares most points with those solved, and the points that it makes known. All is adjusted together whenever there is
half as much again.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .bundle import Fit, Scene, Sightings, adjust, resect, triangulate

MIN_SHARED = 25
"""Points that the first two views must share."""
MIN_KNOWN = 12
"""Known points that a further view must show."""
GROWTH, MOST_NEW = 1.5, 5
"""All is adjusted together when the solved views have become so many times more, or have so many new ones."""
PAIRS = 3
"""Pairs of views that are tried as the first two."""
GOOD = 2.0
"""Misses, in standard deviations of the tracker, with which no other pair is tried."""
RANSAC_PX = 3.0
"""Distance to the epipolar line at which a point is an outlier, in standard deviations of the tracker."""


def travelling(turning: Scene, views: Sightings, least_noise_px: float) -> tuple[Scene, Fit] | None:
    """Solve for a camera that travels.

    Args:
        turning: the best that a turning camera can do; tells which views have parallax.
        views: sightings of the key views.
        least_noise_px: sightings are not believed to be better than this.
    Returns:
        The scene, in units of the median distance of its points from the start, and its fit; None where the views do
        not hang together.
    """
    best: tuple[Scene, Fit] | None = None
    for pair in _pairs(turning, views):
        first = _first_two(views, pair, least_noise_px)
        grown = None if first is None else _grown(first, views, pair, least_noise_px)
        if grown is not None and (best is None or grown[1].noise_px < best[1].noise_px):
            best = grown
        if best is not None and best[1].noise_px < GOOD * least_noise_px:
            break
    return best


def _pairs(turning: Scene, views: Sightings) -> list[tuple[int, int]]:
    """Pairs of views with many shared points and much parallax, best first, far apart from each other."""
    count = len(views.intrinsics)
    place = np.full((count, int(views.point.max()) + 1, 2), np.nan)
    # Where the points would be in the first view if the camera had only turned.
    misses = turning.misses_px(views)
    place[views.view, views.point] = misses
    scored = []
    step = max(1, count // 40)
    for a in range(0, count, step):
        for b in range(a + 1, count, step):
            apart = place[a] - place[b]
            apart = apart[np.isfinite(apart[:, 0])]
            if len(apart) >= MIN_SHARED:
                apart = np.linalg.norm(apart - np.median(apart, axis=0), axis=1)
                scored.append((float(np.median(apart) * min(1.0, len(apart) / (3 * MIN_SHARED))), a, b))
    chosen: list[tuple[int, int]] = []
    for _, a, b in sorted(scored, reverse=True):
        if all(abs(a - c) + abs(b - d) > count // 8 for c, d in chosen):
            chosen.append((a, b))
        if len(chosen) == PAIRS:
            break
    return chosen


def _first_two(views: Sightings, pair: tuple[int, int], least_noise_px: float) -> Scene | None:
    """The scene with the two views solved and the first of them as the start."""
    in_a, in_b = (np.flatnonzero(views.view == v) for v in pair)
    _, here, there = np.intersect1d(views.point[in_a], views.point[in_b], assume_unique=True, return_indices=True)
    rays = views.rays
    a, b = rays[in_a[here]], rays[in_b[there]]
    threshold = RANSAC_PX * least_noise_px / views.intrinsics[pair[0], 0, 0]
    essential, inlier = cv2.findEssentialMat(
        a, b, np.eye(3), method=cv2.USAC_MAGSAC, prob=0.9999, threshold=threshold, maxIters=5000
    )
    if essential is None or essential.shape != (3, 3):
        return None
    _, rotation, travel, _ = cv2.recoverPose(essential, a, b, np.eye(3), mask=inlier.copy())
    count = len(views.intrinsics)
    scene = Scene(
        np.tile(np.eye(3), (count, 1, 1)),
        np.zeros((count, 3)),
        np.tile([0.0, 0, 1, 0], (int(views.point.max()) + 1, 1)),
    )
    scene.rotation[pair[1]], scene.travel[pair[1]] = rotation, travel[:, 0]
    return scene


def _grown(scene: Scene, views: Sightings, pair: tuple[int, int], least_noise_px: float) -> tuple[Scene, Fit] | None:
    """All views solved, from the first two on; the start is view 0 in the end."""
    count, solved = len(views.intrinsics), list(pair)
    scene = _with_points(scene, views, solved)
    scene = _adjusted(scene, views, solved, least_noise_px)
    adjusted_at = 2
    while len(solved) < count:
        known = _known(views, solved)
        shows = np.bincount(views.view[known[views.point]], minlength=count)
        shows[solved] = -1
        view = int(np.argmax(shows))
        if shows[view] < MIN_KNOWN:
            break
        near = min(solved, key=lambda v: abs(v - view))
        scene.rotation[view], scene.travel[view] = scene.rotation[near], scene.travel[near]
        scene = _resected(scene, views, view, known, least_noise_px)
        solved.append(view)
        scene = _with_points(scene, views, solved)
        if len(solved) >= min(GROWTH * adjusted_at, adjusted_at + MOST_NEW):
            scene = _adjusted(scene, views, solved, least_noise_px)
            adjusted_at = len(solved)
    if len(solved) < count:
        return None
    scene = _from_first(scene)
    return _in_scene_units(*adjust(scene, views, moving=True, least_noise_px=least_noise_px, rounds=30))


def _known(views: Sightings, solved: list[int]) -> np.ndarray:
    """(L,) whether a point is seen in two or more of the solved views."""
    inside = np.isin(views.view, solved)
    return np.bincount(views.point[inside], minlength=int(views.point.max()) + 1) >= 2


def _with_points(scene: Scene, views: Sightings, solved: list[int]) -> Scene:
    """The scene with the points that the solved views ask for."""
    return replace(scene, point=triangulate(scene, views.only(np.isin(views.view, solved))))


def _resected(scene: Scene, views: Sightings, view: int, known: np.ndarray, noise_px: float) -> Scene:
    """The scene with one more view, laid onto the known points."""
    chosen = views.only((views.view == view) & known[views.point])
    alone = replace(chosen, view=np.zeros(len(chosen.view), int), intrinsics=views.intrinsics[[view]])
    start = replace(scene, rotation=scene.rotation[[view]], travel=scene.travel[[view]])
    found = resect(start, alone, moving=True, noise_px=4 * noise_px, rounds=15)
    scene.rotation[view], scene.travel[view] = found.rotation[0], found.travel[0]
    return scene


def _adjusted(scene: Scene, views: Sightings, solved: list[int], least_noise_px: float) -> Scene:
    """The scene with the solved views and their points adjusted together, the first of them held."""
    order = np.array(solved)
    number = np.full(len(views.intrinsics), -1)
    number[order] = np.arange(len(order))
    known = _known(views, solved)
    inside = views.only((number[views.view] >= 0) & known[views.point])
    renumbered = np.cumsum(known) - 1
    part = Sightings(number[inside.view], renumbered[inside.point], inside.place_px, views.intrinsics[order])
    start = _from_first(Scene(scene.rotation[order], scene.travel[order], scene.point[known]))
    found, _ = adjust(start, part, moving=True, least_noise_px=least_noise_px, stages=2, rounds=8)
    scene.rotation[order], scene.travel[order] = found.rotation, found.travel
    scene.point[known] = found.point
    return scene


def _from_first(scene: Scene) -> Scene:
    """The same scene, in the axes of its first view."""
    to_first = np.eye(4)
    to_first[:3, :3], to_first[:3, 3] = scene.rotation[0], scene.travel[0]
    point = scene.point @ to_first.T
    rotation = scene.rotation @ scene.rotation[0].T
    travel = scene.travel - np.einsum("vij,j->vi", rotation, scene.travel[0])
    return Scene(rotation, travel, point / np.linalg.norm(point, axis=1, keepdims=True), scene.log_zoom)


def _in_scene_units(scene: Scene, fit: Fit) -> tuple[Scene, Fit]:
    """The same with the points' median distance from the start as the unit."""
    nearness = scene.point[:, 3] / np.linalg.norm(scene.point[:, :3], axis=1)
    unit = 1 / max(float(np.median(np.abs(nearness))), 1e-9)
    point = scene.point * (1, 1, 1, unit)
    return replace(scene, travel=scene.travel / unit, point=point / np.linalg.norm(point, axis=1, keepdims=True)), fit
