"""Bundle adjustment: cameras and points of a scene at rest that explain where the points were seen.

Points are homogeneous unit vectors X = (x, y, z, w), so that those without parallax lie at infinity (w = 0) without
further ado: a view sees R (x, y, z) + t w. A camera that only turns is the case t = 0, w = 0 of the same equations.
Gauss-Newton with Levenberg's damping; the points are eliminated by Schur's complement (Triggs and others, "Bundle
adjustment: a modern synthesis", 2000), and Cauchy's loss lets go of what moves by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse
from scipy.spatial.transform import Rotation

NOISE_PER_SPREAD = 1 / 1.1774
"""Standard deviation of each coordinate, from the median distance (Rayleigh's)."""
CAUCHY = 3.0
"""Distance, in standard deviations, at which a sighting counts half."""
MOVES = 4.0
"""Median miss, in standard deviations, beyond which a point moves by itself."""
SMALL = 300_000
"""Entries of the mixed part of the normal equations up to which it is worked on whole."""
SETTLED = 1e-4
"""Relative gain from which on it is not worth going on."""


@dataclass(frozen=True, eq=False)
class Sightings:
    """N places where L points were seen in V views."""

    view: np.ndarray
    """(N,) int, from 0."""
    point: np.ndarray
    """(N,) int, from 0."""
    place_px: np.ndarray
    """(N, 2)."""
    intrinsics: np.ndarray
    """(V, 3, 3) of the views."""

    def only(self, chosen: np.ndarray) -> Sightings:
        """Those that are chosen, by mask or index."""
        return replace(self, view=self.view[chosen], point=self.point[chosen], place_px=self.place_px[chosen])

    @property
    def rays(self) -> np.ndarray:
        """(N, 2) x/z and y/z, camera axes."""
        k = self.intrinsics[self.view]
        return (self.place_px - k[:, :2, 2]) / k[:, (0, 1), (0, 1)]


@dataclass(frozen=True, eq=False)
class Scene:
    """V cameras and L points; a camera sees rotation @ (x, y, z) + travel * w of each point."""

    rotation: np.ndarray
    """(V, 3, 3) from the axes of the start to those of the camera."""
    travel: np.ndarray
    """(V, 3) units."""
    point: np.ndarray
    """(L, 4) homogeneous, of length 1, axes of the start."""
    log_zoom: float = 0.0
    """Logarithm of the factor by which the focal length differs from the one in the intrinsics."""

    def seen(self, view: np.ndarray, point: np.ndarray) -> np.ndarray:
        """(N, 3) points in the axes of the views."""
        x = self.point[point]
        return np.einsum("nij,nj->ni", self.rotation[view], x[:, :3]) + self.travel[view] * x[:, 3:]

    def misses_px(self, sightings: Sightings) -> np.ndarray:
        """(N, 2) predicted less seen places; far off for what would lie behind the camera."""
        m = self.seen(sightings.view, sightings.point)
        k = sightings.intrinsics[sightings.view]
        focal = k[:, (0, 1), (0, 1)] * np.exp(self.log_zoom)
        ahead = m[:, 2:] > 1e-6
        return np.where(ahead, m[:, :2] / np.where(ahead, m[:, 2:], 1) * focal + k[:, :2, 2] - sightings.place_px, 1e4)


@dataclass(frozen=True, eq=False)
class Fit:
    """How well a scene explains the sightings."""

    noise_px: float
    """Standard deviation of each coordinate, from the median."""
    miss_px: np.ndarray
    """(N,) distances."""
    cost: float
    """Sum of the losses, in units of the noise that it was solved with."""
    covariance: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    """Of the views' small turns (V, 3 each), and of `log_zoom` as the last, where solved for."""


def adjust(
    scene: Scene,
    sightings: Sightings,
    *,
    moving: bool,
    zoom: bool = False,
    least_noise_px: float,
    stages: int = 3,
    rounds: int = 12,
) -> tuple[Scene, Fit]:
    """Solve for all views but the first, for all points and, with `zoom`, for one common focal length.

    Args:
        moving: solve for travel and the points' distances too.
        least_noise_px: sightings are not believed to be better than this.
        stages: how often the noise, and with it the loss, is set anew from the misses.
        rounds: steps of each stage at most.
    """
    damping = 1e-3
    fit = fit_of(scene, sightings, least_noise_px)
    for _ in range(stages):
        noise_px = max(fit.noise_px, least_noise_px)
        cost = _cost(scene.misses_px(sightings), noise_px)
        for _ in range(rounds):
            system = _System(scene, sightings, noise_px, moving, zoom)
            tried = system.step(scene, damping)
            tried_cost = _cost(tried.misses_px(sightings), noise_px)
            while tried_cost >= cost and damping < 1e3:
                damping *= 10
                tried = system.step(scene, damping)
                tried_cost = _cost(tried.misses_px(sightings), noise_px)
            if tried_cost >= cost:
                damping = 1e-3
                break
            gained, scene, cost = (cost - tried_cost) / cost, tried, tried_cost
            damping = max(damping / 10, 1e-9)
            if gained < SETTLED:
                break
        fit = fit_of(scene, sightings, least_noise_px)
    system = _System(scene, sightings, max(fit.noise_px, least_noise_px), moving, zoom)
    return scene, replace(fit, covariance=system.covariance())


def fit_of(scene: Scene, sightings: Sightings, least_noise_px: float) -> Fit:
    """How well a scene fits as it is."""
    misses = scene.misses_px(sightings)
    distance = np.linalg.norm(misses, axis=1)
    noise_px = float(np.median(distance)) * NOISE_PER_SPREAD if len(distance) else 0.0
    return Fit(noise_px, distance, _cost(misses, max(noise_px, least_noise_px)))


def at_rest(sightings: Sightings, fit: Fit, least_noise_px: float) -> np.ndarray:
    """(L,) whether points stay where the scene has them, in half their sightings; the others move by themselves."""
    order = np.lexsort((fit.miss_px, sightings.point))
    count = np.bincount(sightings.point)
    start = np.cumsum(count) - count
    median = np.full(len(count), np.inf)
    median[count > 0] = fit.miss_px[order][(start + count // 2)[count > 0]]
    return median < MOVES * max(fit.noise_px, least_noise_px)


def resect(scene: Scene, sightings: Sightings, *, moving: bool, noise_px: float, rounds: int = 8) -> Scene:
    """Solve for every view by itself, the points held; from far to near, so that outliers fall away gradually."""
    size = 6 if moving else 3
    count = len(scene.rotation)
    for number in range(rounds):
        scale = max(noise_px, noise_px * 8 * 0.5**number)
        misses = scene.misses_px(sightings)
        weight = _weight(misses, scale)
        jacobian = _jacobian(scene, sightings)[0][..., :size]
        normal = np.zeros((count, size, size))
        np.add.at(normal, sightings.view, np.einsum("n,nci,ncj->nij", weight, jacobian, jacobian))
        gradient = np.zeros((count, size))
        np.add.at(gradient, sightings.view, np.einsum("n,nci,nc->ni", weight, jacobian, misses))
        # Held by a hair where a view sees too little.
        hair = np.trace(normal, axis1=1, axis2=2)[:, None, None] * 1e-9 + 1e-12
        step = -np.linalg.solve(normal + hair * np.eye(size), gradient[..., None])[..., 0]
        scene = _moved(scene, step[:, :3], step[:, 3:] if moving else None)
    return scene


def triangulate(scene: Scene, sightings: Sightings) -> np.ndarray:
    """(L, 4) the points that the views ask for, by least squares; those seen twice or more are worth something."""
    rays, view = sightings.rays, sightings.view
    matrix = np.concatenate([scene.rotation, scene.travel[..., None]], axis=2)[view]
    rows = rays[:, :, None] * matrix[:, 2:] - matrix[:, :2]
    normal = np.zeros((len(scene.point), 4, 4))
    np.add.at(normal, sightings.point, np.einsum("nci,ncj->nij", rows, rows))
    point = np.linalg.eigh(normal)[1][..., 0]
    found = replace(scene, point=point)
    ahead = np.zeros(len(point))
    np.add.at(ahead, sightings.point, np.sign(found.seen(view, sightings.point)[:, 2]))
    return point * np.where(ahead < 0, -1.0, 1.0)[:, None]


class _System:
    """The linearised problem: normal equations of the views, with the points eliminated."""

    def __init__(self, scene: Scene, sightings: Sightings, noise_px: float, moving: bool, zoom: bool) -> None:
        self._of_view, self._of_point = (6, 3) if moving else (3, 2)
        self._moving, self._zoom = moving, zoom
        misses = scene.misses_px(sightings)
        weight = _weight(misses, noise_px) / noise_px**2
        by_view, by_point, by_zoom = _jacobian(scene, sightings)
        self._tangent = _tangents(scene.point, moving)
        by_point = np.einsum("nci,nij->ncj", by_point, self._tangent[sightings.point])
        views = self._matrix(by_view[..., : self._of_view], sightings.view, len(scene.rotation))
        # The first view is the start: it stays.
        views = views[:, self._of_view :]
        if zoom:
            views = sparse.csr_array(sparse.hstack([views, by_zoom.reshape(-1, 1)]))
        points = self._matrix(by_point, sightings.point, len(scene.point))
        weights = sparse.diags_array(np.repeat(weight, 2))
        weighted = sparse.csr_array((weights @ views).T)
        self._views = sparse.csr_array(weighted @ views).toarray()
        self._mixed = sparse.csr_array(weighted @ points)
        self._views_gradient = weighted @ misses.ravel()
        self._points = np.zeros((len(scene.point), self._of_point, self._of_point))
        np.add.at(self._points, sightings.point, np.einsum("n,nci,ncj->nij", weight, by_point, by_point))
        self._points_gradient = np.zeros((len(scene.point), self._of_point))
        np.add.at(self._points_gradient, sightings.point, np.einsum("n,nci,nc->ni", weight, by_point, misses))

    def step(self, scene: Scene, damping: float) -> Scene:
        """The scene after one damped step."""
        reduced, inverse = self._reduced(damping)
        toward = self._views_gradient - self._mixed @ (inverse @ self._points_gradient.ravel())
        by_views = -np.linalg.solve(reduced, toward)
        by_points = -(inverse @ (self._points_gradient.ravel() + self._mixed.T @ by_views))
        zoom = float(by_views[-1]) if self._zoom else 0.0
        of_views = np.zeros((len(scene.rotation), self._of_view))
        of_views[1:] = by_views[: len(by_views) - self._zoom].reshape(-1, self._of_view)
        point = scene.point + np.einsum("lij,lj->li", self._tangent, by_points.reshape(-1, self._of_point))
        point /= np.linalg.norm(point, axis=1, keepdims=True)
        moved = _moved(scene, of_views[:, :3], of_views[:, 3:] if self._moving else None)
        return replace(moved, point=point, log_zoom=float(np.clip(scene.log_zoom + np.clip(zoom, -0.3, 0.3), -3, 3)))

    def covariance(self) -> np.ndarray:
        """Of the turns of all views, the first with none, and of the zoom."""
        reduced, _ = self._reduced(1e-9)
        inverse = np.linalg.pinv(reduced, hermitian=True)
        count = (len(reduced) - self._zoom) // self._of_view
        turns = (np.arange(count)[:, None] * self._of_view + np.arange(3)).ravel()
        kept = np.concatenate([turns, [len(reduced) - 1]]) if self._zoom else turns
        whole = np.zeros((len(kept) + 3, len(kept) + 3))
        whole[3:, 3:] = inverse[np.ix_(kept, kept)]
        return whole

    def _reduced(self, damping: float) -> tuple[np.ndarray, sparse.bsr_array]:
        diagonal = np.arange(self._of_point)
        points = self._points.copy()
        points[:, diagonal, diagonal] *= 1 + damping
        points[:, diagonal, diagonal] += 1e-9 * np.trace(self._points, axis1=1, axis2=2).mean()
        count = len(points)
        each = np.linalg.inv(points)
        inverse = sparse.bsr_array((each, np.arange(count), np.arange(count + 1)))
        views = self._views + np.diag(damping * np.diag(self._views) + 1e-9 * np.trace(self._views) / len(self._views))
        if len(views) * points.shape[0] * points.shape[1] <= SMALL:
            # For few views and points the bookkeeping of sparse products costs more than the zeros do.
            mixed = self._mixed.toarray()
            by_point = mixed.reshape(len(mixed), count, -1).swapaxes(0, 1)
            scaled = (by_point @ each).swapaxes(0, 1).reshape(len(mixed), -1)
            return views - scaled @ mixed.T, inverse
        eliminated = sparse.csr_array(self._mixed @ inverse @ self._mixed.T)
        return views - eliminated.toarray(), inverse

    @staticmethod
    def _matrix(blocks: np.ndarray, column: np.ndarray, count: int) -> sparse.csr_array:
        """(2 N, count * size) with the (N, 2, size) blocks at their columns."""
        size = blocks.shape[2]
        columns = np.repeat(column[:, None] * size + np.arange(size), 2, axis=0).reshape(-1)
        starts = np.arange(2 * len(blocks) + 1) * size
        return sparse.csr_array((blocks.reshape(-1), columns, starts), shape=(2 * len(blocks), count * size))


def _jacobian(scene: Scene, sightings: Sightings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, 2, 6) by the views' turn and travel, (N, 2, 4) by the points, (N, 2) by the logarithm of the focal length."""
    view, point = sightings.view, sightings.point
    x = scene.point[point]
    turned = np.einsum("nij,nj->ni", scene.rotation[view], x[:, :3])
    m = turned + scene.travel[view] * x[:, 3:]
    focal = sightings.intrinsics[view][:, (0, 1), (0, 1)] * np.exp(scene.log_zoom)
    z = np.where(m[:, 2:] > 1e-6, m[:, 2:], 1.0)
    lens = np.zeros((len(m), 2, 3))
    lens[:, (0, 1), (0, 1)] = focal / z
    lens[:, :, 2] = -focal * m[:, :2] / z**2
    cross = np.zeros((len(m), 3, 3))
    cross[:, (0, 1, 2), (1, 2, 0)] = turned[:, (2, 0, 1)]
    cross[:, (1, 2, 0), (0, 1, 2)] = -turned[:, (2, 0, 1)]
    by_view = np.concatenate([lens @ cross, lens * x[:, 3:, None]], axis=2)
    camera = np.concatenate([scene.rotation, scene.travel[..., None]], axis=2)[view]
    return by_view, lens @ camera, focal * m[:, :2] / z


def _moved(scene: Scene, turn: np.ndarray, travel: np.ndarray | None) -> Scene:
    """Views turned by (V, 3) rotation vectors, in their own axes, and shifted."""
    rotation = Rotation.from_rotvec(turn.clip(-0.5, 0.5)).as_matrix() @ scene.rotation
    return replace(scene, rotation=rotation, travel=scene.travel if travel is None else scene.travel + travel)


def _tangents(point: np.ndarray, moving: bool) -> np.ndarray:
    """(L, 4, 3) directions in which a homogeneous point can go; (L, 4, 2) for one that stays at infinity."""
    if moving:
        return np.linalg.svd(point[:, None, :])[2][:, 1:].swapaxes(1, 2)
    tangent = np.zeros((len(point), 4, 2))
    tangent[:, :3] = np.linalg.svd(point[:, None, :3])[2][:, 1:].swapaxes(1, 2)
    return tangent


def _weight(misses: np.ndarray, noise_px: float) -> np.ndarray:
    return 1 / (1 + (misses**2).sum(axis=1) / (CAUCHY * noise_px) ** 2)


def _cost(misses: np.ndarray, noise_px: float) -> float:
    square = (CAUCHY * noise_px) ** 2
    return float(np.log1p((misses**2).sum(axis=1) / square).sum() * square / noise_px**2)
