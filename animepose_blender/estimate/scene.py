"""Floor, way up, camera height, people's sizes and focal length: one scene that explains all standing feet at once.

One camera cannot tell a small person who is near from a large one who is far, nor a floor seen from above from one
seen through another lens. What decides is that everybody stands on one floor, that most people are of about an adult's
size, that they stand upright on the whole, that walls and door posts do too, and that cameras are held level. Each of
these is a belief with a spread; the scene is the most likely one under all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from .floor import SOLE_M, StandingFeet

UPRIGHT_SIGMA_RAD = np.radians(6.0)
"""How far people's mean stance lies from the vertical; holds the floor where the feet cover too little of it."""
LEVEL_SIGMA_RAD = np.radians(5.0)
"""How far from level cameras are held."""
FOOT_SIGMA_M = 0.12
"""Spread of the height of an adult's standing feet: mostly the root's distance, which follows their apparent size."""
ABOVE_SIGMA_M = 0.06
"""How far above one floor people stand who stand on it."""
ON_WALLS, HIGHEST_WALL_M = 0.05, 3.0
"""Share of people who stand on something else, and how high that may be."""
BELOW_SIGMA_M = 0.02
"""How far below: nobody stands in the floor, so feet seen there mean that the person is smaller and nearer."""
ADULT_M = 1.70
"""Stature of a person of size 1: on the benchmark's `dev` clips people are placed right at their stature over 1.70 m
to 4 %, while the sum of their bones comes out 3 to 8 % short."""
USUAL_SIZE, ADULT_SIGMA = 1.02, 0.07
"""Size of adults, and its spread as a logarithm."""
LOOKS_SIGMA = 0.15
"""How far off a network is that tells a person's size from their looks (`by_looks`), as a logarithm, at least: it is
mostly wrong in the same way in all frames. RootNet is off by so much on rendered people whom it has not seen."""
LOOKS_ROOM = 1.2
"""How far beyond the sizes that are believed it may be to be believed."""
ANY_SIGMA = 0.25
"""Spread of people's sizes as a logarithm, children among them, where the floor is to tell who is what."""
CHILDREN, CHILD, CHILD_SIGMA = 0.1, -0.3, 0.2
"""Share of children among people, and the logarithm of their stature as a share of an adult's."""
STARTS = 4
"""Starts of the search that are followed to their end, the likeliest ones."""
CAMERA_HEIGHT_M, CAMERA_HEIGHT_SIGMA = 1.4, 0.7
"""Usual height of a camera, and its spread as a logarithm."""
GIVEN_SIGMA = 0.003
"""How well a height that the user states holds."""
SMALLEST, LARGEST = 0.5, 1.35
"""Sizes that are believed, as shares of the estimator's average adult."""


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction with its uncertainty."""

    axis: np.ndarray
    """(3,) unit vector."""
    sigma_rad: float


@dataclass(frozen=True, eq=False)
class Beliefs:
    """What is known of a clip before its feet are looked at."""

    upright: np.ndarray | None
    """(3,) mean direction of people who look upright, still axes; None = nobody does."""
    lines: Direction | None = None
    """Way up from vertical lines of the background, for the focal length that the feet were placed with."""
    focal_sigma: float = 0.0
    """Spread of the logarithm of the focal length; 0 = it is known."""
    sizes: np.ndarray | None = None
    """(P,) sizes that the user has stated; NaN = not stated."""
    by_looks: np.ndarray | None = None
    """(P, 2) sizes by a network that sees how far away people are, and how much they change from frame to frame, as a
    logarithm; NaN = not known."""


@dataclass(frozen=True, eq=False)
class Scene:
    """The solved scene."""

    start_to_world: np.ndarray
    """(4, 4) from the still axes to the world's, for people of size 1 times `size`."""
    size: np.ndarray
    """(P,) everybody's size as a share of the estimator's average adult."""
    level_m: np.ndarray
    """(P,) height over the floor of what each person stands on."""
    focal_factor: float
    """The focal length, over the one that the feet were placed with."""
    tilt_sigma_rad: float
    """How far the way up may be off."""

    def scaled(self, factor: float) -> Scene:
        """The same scene, so many times as large: in the picture nothing changes."""
        larger = self.start_to_world.copy()
        larger[:3, 3] *= factor
        return replace(self, start_to_world=larger, size=self.size * factor, level_m=self.level_m * factor)


def solve_scene(feet: list[StandingFeet], beliefs: Beliefs) -> Scene:
    """The most likely scene.

    A small person near by and one on a wall far off explain the same feet, so there is more than one optimum: the
    search starts once with all people of the usual size, and once for each person with the others on that one's floor.

    Args:
        feet: of each person, placed as an average adult.
        beliefs: see there.
    """
    problem = _Problem.of(feet, beliefs)
    starts = [start for start in problem.starts() if np.isfinite(problem.cost(start))]
    best = sorted(starts, key=problem.cost)[:STARTS]
    solved = min(
        (least_squares(problem.residuals, start, bounds=problem.bounds, x_scale="jac") for start in best),
        key=lambda result: result.cost,
    )
    up, height_m, size, level, k = problem.unpack(solved.x)
    spread = np.linalg.pinv(solved.jac.T @ solved.jac)[0, 0]
    return Scene(start_to_world(up, height_m), size, level, k, float(np.sqrt(max(spread, 0.0))))


@dataclass(frozen=True, eq=False)
class _Problem:
    """Unknowns: pitch and roll, logarithm of the camera's height, of each person's size, each person's level, and the
    logarithm of the focal factor.

    With p a person of size s, a foot lies at x = c + s (r + (k - 1) z a + d): c the camera's place, r the ray to the
    root, d from root to foot, z the root's depth along the camera's axis a, k the focal factor, which stretches all
    distances. Its height u x + h over the floor should be the level that p stands on.
    """

    beliefs: Beliefs
    count: int
    person: np.ndarray
    centre: np.ndarray
    ray: np.ndarray
    depth_axis: np.ndarray
    foot: np.ndarray
    weight: np.ndarray
    given: np.ndarray
    looks: np.ndarray
    looks_sigma: np.ndarray

    @classmethod
    def of(cls, feet: list[StandingFeet], beliefs: Beliefs) -> _Problem:
        person = np.repeat(np.arange(len(feet)), [len(f.weight) for f in feet])
        centre, ray, axis, foot = (
            np.concatenate([np.zeros((0, 3)), *(getattr(f, name) for f in feet)])
            for name in ("centre_m", "ray_m", "depth_axis_m", "root_to_foot_m")
        )
        weight = np.concatenate([np.zeros(0), *(f.weight for f in feet)])
        given = beliefs.sizes if beliefs.sizes is not None else np.full(len(feet), np.nan)
        by_looks = beliefs.by_looks if beliefs.by_looks is not None else np.full((len(feet), 2), np.nan)
        looks, sigma = by_looks[:, 0], np.hypot(by_looks[:, 1], LOOKS_SIGMA)
        looks = np.where((looks > SMALLEST / LOOKS_ROOM) & (looks < LARGEST * LOOKS_ROOM), looks, np.nan)
        return cls(beliefs, len(feet), person, centre, ray, axis, foot, weight, given, looks, sigma)

    def unpack(self, x: np.ndarray) -> tuple[np.ndarray, float, np.ndarray, np.ndarray, float]:
        """Way up, camera height, sizes, levels and focal factor."""
        size, level = x[3 : 3 + self.count], x[3 + self.count : 3 + 2 * self.count]
        k = float(np.exp(x[-1])) if self.beliefs.focal_sigma > 0 else 1.0
        return direction_of(x[0], x[1]), float(np.exp(x[2])), np.exp(size), level, k

    def heights(self, x: np.ndarray) -> np.ndarray:
        """(N,) of the feet over the floor, soles taken off."""
        up, height_m, size, _, k = self.unpack(x)
        place = self.ray + (k - 1) * self.depth_axis + self.foot
        own = size[self.person]
        return self.centre @ up + own * (place @ up) + height_m - SOLE_M * own

    def residuals(self, x: np.ndarray) -> np.ndarray:
        beliefs = self.beliefs
        up, height_m, size, level, k = self.unpack(x)
        stated = np.isfinite(self.given)
        as_stated = np.where(stated, self.given, 1.0)
        usual = np.log(size / USUAL_SIZE)
        # Beside somebody whose height is known, the floor tells the others' sizes.
        unstated = usual / ANY_SIGMA if stated.any() else _of_stature(usual)
        parts = [
            np.array([np.log(height_m / CAMERA_HEIGHT_M) / CAMERA_HEIGHT_SIGMA, x[1] / LEVEL_SIGMA_RAD]),
            np.where(stated, np.log(size / as_stated) / GIVEN_SIGMA, unstated),
            np.where(level > 0, _above(level), level / BELOW_SIGMA_M),
            np.sqrt(self.weight) * _huber((self.heights(x) - level[self.person]) / (FOOT_SIGMA_M * size[self.person])),
        ]
        seen = np.isfinite(self.looks) & ~stated
        parts.append(np.log(size[seen] / self.looks[seen]) / self.looks_sigma[seen])
        if beliefs.upright is not None:
            pitch, roll = angles_of(beliefs.upright)
            parts.append(_huber(np.array([x[0] - pitch, x[1] - roll]) / UPRIGHT_SIGMA_RAD))
        if beliefs.lines is not None:
            seen = beliefs.lines.axis * np.array([1.0, 1.0, k])
            parts.append(_huber(np.cross(up, seen / np.linalg.norm(seen)) / beliefs.lines.sigma_rad))
        if beliefs.focal_sigma > 0:
            parts.append(np.array([x[-1] / beliefs.focal_sigma]))
        return np.concatenate(parts)

    def cost(self, x: np.ndarray) -> float:
        return float(np.sum(self.residuals(x) ** 2))

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        ends = []
        for size, room in ((SMALLEST, -0.1), (LARGEST, 0.1)):
            end = np.full(3 + 2 * self.count + (self.beliefs.focal_sigma > 0), np.sign(room) * np.inf)
            stated = np.log(np.where(np.isfinite(self.given), self.given, size)) + room
            end[3 : 3 + self.count] = np.where(np.isfinite(self.given), stated, np.log(size))
            ends.append(end)
        return ends[0], ends[1]

    def starts(self) -> list[np.ndarray]:
        """Everybody of the usual size; and for each person, the others of the size that puts them on the same floor."""
        lines, upright = self.beliefs.lines, self.beliefs.upright
        up = lines.axis if lines is not None else upright if upright is not None else np.array([0.0, -1.0, 0.0])
        plain = np.zeros(3 + 2 * self.count + (self.beliefs.focal_sigma > 0))
        plain[:2], plain[2] = angles_of(up), np.log(CAMERA_HEIGHT_M)
        plain[3 : 3 + self.count] = np.where(np.isfinite(self.given), np.log(np.abs(self.given)), 0.0)
        looked = np.isfinite(self.looks) & np.isnan(self.given)
        seen = plain.copy()
        seen[3 : 3 + self.count][looked] = np.log(np.clip(self.looks[looked], SMALLEST, LARGEST))
        if not len(self.person):
            return [plain, seen] if looked.any() else [plain]
        below_m = SOLE_M - (self.centre + self.ray + self.foot) @ up
        depth_m = np.array([np.median(below_m[self.person == n]) if (self.person == n).any() else np.nan
                            for n in range(self.count)])  # fmt: skip
        plain[2] = np.log(max(0.2, float(np.nanmedian(depth_m))))
        found = [plain]
        if looked.any():
            seen[2] = plain[2]
            found.append(seen)
        for floor_m in depth_m[np.isfinite(depth_m) & (depth_m > 0.2)]:
            start = plain.copy()
            size = floor_m / np.where(depth_m > 0.2, depth_m, np.inf)
            fits = (size > SMALLEST) & (size < LARGEST) & np.isnan(self.given)
            start[2] = np.log(floor_m)
            start[3 : 3 + self.count] = np.where(fits, np.log(np.where(fits, size, 1.0)), plain[3 : 3 + self.count])
            apart = np.isfinite(depth_m) & ~fits
            start[3 + self.count : 3 + 2 * self.count] = np.where(apart, np.maximum(floor_m - depth_m, 0.0), 0.0)
            found.append(start)
        return found


def angles_of(up: np.ndarray) -> tuple[float, float]:
    """Pitch (how far the camera looks down) and roll of the way up, which is (0, -1, 0) for a level camera."""
    return float(np.arctan2(-up[2], -up[1])), float(np.arcsin(np.clip(up[0], -1, 1)))


def direction_of(pitch: float, roll: float) -> np.ndarray:
    """(3,) the way up of a camera of this pitch and roll."""
    return np.array([np.sin(roll), -np.cos(pitch) * np.cos(roll), -np.sin(pitch) * np.cos(roll)])


def start_to_world(up: np.ndarray, height_m: float) -> np.ndarray:
    """(4, 4) from the first camera's axes to the world's: Z up, Y along its view over the floor, itself above the
    origin."""
    forward = np.array([0.0, 0.0, 1.0]) - up * up[2]
    if np.linalg.norm(forward) < 1e-3:
        # The camera looks straight down or up: the top of the picture is ahead.
        forward = np.array([0.0, -1.0, 0.0]) - up * -up[1]
    forward /= np.linalg.norm(forward)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([np.cross(forward, up), forward, up])
    matrix[2, 3] = height_m
    return matrix


def _huber(residual: np.ndarray) -> np.ndarray:
    """Residuals whose squares grow as their size from 1 on: a jump moves the floor little, and nobody is let go."""
    return np.sign(residual) * np.sqrt(2 * (np.sqrt(1 + residual**2) - 1))


def _of_stature(log_share: np.ndarray) -> np.ndarray:
    """Residuals whose squares are the surprise at statures, as logarithms of shares of an adult's: most people are
    adults, some children."""
    adult = (1 - CHILDREN) / ADULT_SIGMA * np.exp(-0.5 * (log_share / ADULT_SIGMA) ** 2)
    child = CHILDREN / CHILD_SIGMA * np.exp(-0.5 * ((log_share - CHILD) / CHILD_SIGMA) ** 2)
    surprise = np.log((1 - CHILDREN) / ADULT_SIGMA) - np.log(adult + child + 1e-30)
    return np.sign(log_share) * np.sqrt(2 * np.maximum(surprise, 0.0))


def _above(level_m: np.ndarray) -> np.ndarray:
    """Residuals whose squares are the surprise at levels over the floor: most people stand on it, some on a wall of any
    height."""
    floor = (1 - ON_WALLS) / ABOVE_SIGMA_M * np.exp(-0.5 * (level_m / ABOVE_SIGMA_M) ** 2)
    surprise = np.log((1 - ON_WALLS) / ABOVE_SIGMA_M) - np.log(floor + ON_WALLS / HIGHEST_WALL_M)
    return np.sqrt(2 * np.maximum(surprise, 0.0) + 1e-12)


def _cauchy(residual: np.ndarray) -> np.ndarray:
    """Residuals whose squares are Cauchy's loss, which lets go of what is far off: a jump, a wall, a wrong find."""
    return np.sign(residual) * np.sqrt(np.log1p(residual**2))
