"""The way up, from upright lines of the background: walls, doors, posts, trunks.

Pictures of parallel lines meet in the vanishing point of their direction. Every segment (von Gioi and others, "LSD: a
line segment detector", 2012; OpenCV's) spans a plane with the camera, and the way up lies in the planes of all upright
ones (Barnard, "Interpreting perspective images", 1983): a vote over the directions near the picture's up, refined by
least squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .backends import PoseObservation, by_index, region_to_picture

LONG_SIDE = 800
"""Pixels of the longer side of the pictures in which lines are sought."""
EVERY_FRAMES = 30
"""Frames from one picture to the next."""
MOST_PICTURES = 40
"""Beyond so many, every other one is let go."""
SHORTEST = 0.03
"""Length of the shortest segment that is used, as a share of the longer side."""
MOST_SEGMENTS = 400
"""Longest segments that are kept of a picture, of the roughly upright ones and of the others."""
REACH_PITCH_RAD, REACH_ROLL_RAD = np.radians(40.0), np.radians(30.0)
"""How far from the picture's up the way up is sought."""
LEVEL_SIGMA_RAD = np.radians(12.0)
"""Cameras are held level: of two ways up, the one with less roll is likelier."""
GRID_RAD = np.radians(1.0)
UPRIGHT_RAD = np.radians(1.0)
"""How far upright things are from upright."""
END_PX = 0.7
"""How exactly a segment's ends are known, in the pixels of search."""
FEWEST = 6
"""Upright segments in a picture that are needed."""
LEAST_LENGTH = 0.5
"""And how long they must be together, in lengths of the longer side."""
OTHER_RAD = np.radians(7.0)
RIVAL = 0.75
"""Another way up, farther off than the angle above, with this share of the votes makes the matter ambiguous."""
LEAST_SIGMA_RAD = np.radians(0.7)
ALIKE = 0.8
"""How much larger errors are than those of independent lines; on the benchmark's `dev` clips they are a quarter of a
degree, on four real views 0.5, 0.9, 0.9 and, where boxes stand aslant, 4.7."""
MOST_SIGMA_RAD = np.radians(2.5)
"""Less certain than this, nothing is said."""


@dataclass(frozen=True, eq=False)
class Segments:
    """N line segments of the background."""

    frame: np.ndarray
    """(N,) frame of each."""
    ends_px: np.ndarray
    """(N, 2, 2) both ends, pixels of the whole picture."""
    size: tuple[int, int]
    """Width and height of the picture, pixels."""

    def upright(self) -> Segments:
        """Those which may be upright; in a picture of a camera that looks down, uprights lean by its tilt at the
        rim."""
        keep = _leans_little(self.ends_px)
        return Segments(self.frame[keep], self.ends_px[keep], self.size)


class Lines:
    """Collects line segments while a clip is decoded, from a picture about once a second.

    Args:
        width, height: of the pictures to come, pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._scale = min(1.0, LONG_SIDE / max(width, height))
        self._count = 0
        self._every = EVERY_FRAMES
        self._found: list[tuple[int, np.ndarray]] = []
        self._detector = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD)

    def add(self, rgb: np.ndarray, people: Sequence[PoseObservation]) -> None:
        """Take the next picture, (H, W, 3) uint8; lines on the people are left out."""
        frame, self._count = self._count, self._count + 1
        if frame % self._every:
            return
        self._found.append((frame, self._segments(rgb, people)))
        if len(self._found) > MOST_PICTURES:
            self._found, self._every = self._found[::2], 2 * self._every

    def segments(self) -> Segments:
        """What was collected so far."""
        frames = [np.full(len(ends), frame) for frame, ends in self._found]
        ends = [ends for _, ends in self._found]
        return Segments(
            np.concatenate([np.zeros(0, int), *frames]), np.concatenate([np.zeros((0, 2, 2)), *ends]), self._size
        )

    def _segments(self, rgb: np.ndarray, people: Sequence[PoseObservation]) -> np.ndarray:
        """(n, 2, 2) ends in pixels of the whole picture."""
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        if self._scale < 1:
            grey = cv2.resize(grey, None, fx=self._scale, fy=self._scale, interpolation=cv2.INTER_AREA)
        found = self._detector.detect(grey)[0]
        if found is None:
            return np.zeros((0, 2, 2))
        # OpenCV counts pixels from the middle of the first one.
        ends = found.reshape(-1, 2, 2).astype(float) + 0.5
        along = ends[:, 1] - ends[:, 0]
        length = np.hypot(along[:, 0], along[:, 1])
        long_enough = length > SHORTEST * LONG_SIDE * min(1.0, max(grey.shape) / LONG_SIDE)
        ends = ends[long_enough][np.argsort(-length[long_enough])]
        upright = _leans_little(ends)
        ends = np.concatenate([ends[upright][:MOST_SEGMENTS], ends[~upright][:MOST_SEGMENTS]])
        covered = np.zeros(grey.shape, np.uint8)
        to_small = np.array(grey.shape[::-1]) / self._size
        for person in people:
            if person.mask.size:
                to_picture = region_to_picture(person.region, person.mask.shape[0]) * to_small[:, None]
                layer = cv2.warpAffine(person.mask, by_index(to_picture), grey.shape[::-1])
                covered = np.maximum(covered, layer)
        hidden = cv2.dilate(covered, np.ones((15, 15), np.uint8)) > 40
        samples = ends[:, None, 0] + np.linspace(0, 1, 7)[:, None] * (ends[:, None, 1] - ends[:, None, 0])
        cell = np.floor(samples).astype(int).clip(0, np.array(grey.shape[::-1]) - 1)
        free = ~hidden[cell[..., 1], cell[..., 0]].any(axis=1)
        return ends[free] / to_small


def up_from_lines(
    segments: Segments,
    intrinsics: np.ndarray,
    camera_to_start: np.ndarray | None = None,
    expected: tuple[np.ndarray, float] | None = None,
) -> tuple[np.ndarray, float] | None:
    """The way up in the camera axes of frame 0.

    Args:
        segments: see `Lines`.
        intrinsics: (F, 3, 3).
        camera_to_start: (F, 4, 4) of a moving camera, see `camera_motion`; None for a still one.
        expected: (3,) where the way up is believed to be, from people's stance say, and the standard deviation of that
            in radians: it only decides which lines are the upright ones. None: cameras are held about level.
    Returns:
        (3,) the way up and its standard deviation in radians, along its worse axis; None where too few lines agree, or
        two ways up are about as likely.
    """
    segments = segments.upright()
    if len(segments.frame) == 0:
        return None
    scale = min(1.0, LONG_SIDE / max(segments.size))
    pictures = len(np.unique(segments.frame))
    normal, middle, length = _planes(segments, intrinsics, camera_to_start)
    # Of the same lines, seen again in every picture, no more is learnt.
    weight = length / max(segments.size) / pictures
    slack = np.hypot(UPRIGHT_RAD, 2 * END_PX / (length * scale))
    start = _voted(normal, middle, weight, slack, expected)
    if start is None:
        return None
    up, spread = _refined(start, normal, middle, slack)
    off = _angle(up, normal, middle)
    agrees = np.abs(off) < 2.5 * slack
    if agrees.sum() < FEWEST * pictures or weight[agrees].sum() < LEAST_LENGTH:
        return None
    sigma = _sigma(up, normal[agrees], middle[agrees], slack[agrees] * max(1.0, spread), pictures)
    return (up, sigma) if sigma < MOST_SIGMA_RAD else None


def _leans_little(ends: np.ndarray) -> np.ndarray:
    """(N,) which segments (N, 2, 2) are steeper than 30 degrees."""
    along = ends[:, 1] - ends[:, 0]
    return np.abs(along[:, 1]) > 0.5 * np.hypot(along[:, 0], along[:, 1])


def _planes(
    segments: Segments, intrinsics: np.ndarray, camera_to_start: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, 3) normals of the planes through camera and segment and (N, 3) rays to the segments' middles, both of length
    1 in the axes of the start, and (N,) lengths in pixels."""
    k = intrinsics[segments.frame][:, None]
    rays = np.concatenate(
        [(segments.ends_px - k[..., :2, 2]) / k[..., (0, 1), (0, 1)], np.ones((len(segments.frame), 2, 1))], axis=2
    )
    if camera_to_start is not None:
        rays = np.einsum("nij,nej->nei", camera_to_start[segments.frame, :3, :3], rays)
    middle, normal = rays.sum(axis=1), np.cross(rays[:, 0], rays[:, 1])
    length = np.linalg.norm(segments.ends_px[:, 1] - segments.ends_px[:, 0], axis=1)
    return _unit(normal), _unit(middle), length


def _voted(
    normal: np.ndarray,
    middle: np.ndarray,
    weight: np.ndarray,
    slack: np.ndarray,
    expected: tuple[np.ndarray, float] | None,
) -> np.ndarray | None:
    """(3,) the direction most lines agree on; None where another one is about as good."""
    pitch, roll = np.meshgrid(
        np.arange(-REACH_PITCH_RAD, REACH_PITCH_RAD + GRID_RAD, GRID_RAD),
        np.arange(-REACH_ROLL_RAD, REACH_ROLL_RAD + GRID_RAD, GRID_RAD),
    )
    pitch, roll = pitch.ravel(), roll.ravel()
    tried = np.stack([np.sin(roll), -np.cos(pitch) * np.cos(roll), -np.sin(pitch) * np.cos(roll)], axis=1)
    off_belief = roll / LEVEL_SIGMA_RAD
    if expected is not None:
        off_belief = np.arccos(np.clip(tried @ expected[0], -1, 1)) / expected[1]
    belief = np.exp(-0.5 * off_belief**2)
    votes = _votes(tried, normal, middle, weight, slack) * belief
    best = int(np.argmax(votes))
    # Lines in the middle of the picture agree with any tilt; a rival is a direction for which other lines speak.
    others = np.abs(_angle(tried[best], normal, middle)) > 3 * slack
    rival = _votes(tried, normal[others], middle[others], weight[others], slack[others]) * belief
    apart = np.arccos(np.clip(tried @ tried[best], -1, 1)) > OTHER_RAD
    return None if rival[apart].max(initial=0) > RIVAL * votes[best] else tried[best]


def _votes(
    tried: np.ndarray, normal: np.ndarray, middle: np.ndarray, weight: np.ndarray, slack: np.ndarray
) -> np.ndarray:
    """(T,) how much length of line agrees with each direction."""
    votes = np.zeros(len(tried))
    for part in np.array_split(np.arange(len(normal)), 1 + len(normal) // 500):
        off = _angle(tried[:, None], normal[part], middle[part])
        votes += np.exp(-0.5 * (off / (slack[part] + GRID_RAD / 2)) ** 2) @ weight[part]
    return votes


def _refined(up: np.ndarray, normal: np.ndarray, middle: np.ndarray, slack: np.ndarray) -> tuple[np.ndarray, float]:
    """(3,) the direction refined on the lines that agree with it, and how far they are off, in units of the slack."""
    spread = 1.0
    for _ in range(10):
        across = np.linalg.norm(np.cross(middle, up), axis=1)
        off = _angle(up, normal, middle) / slack
        # Tukey's loss: a line that is not upright says nothing at all.
        weight = np.clip(1 - (off / (3 * spread)) ** 2, 0, None) ** 2 / (across * slack) ** 2
        up = np.linalg.eigh((normal * weight[:, None]).T @ normal)[1][:, 0] * 1.0
        up = -up if up[1] > 0 else up
        close = np.abs(off) < 3
        spread = float(np.clip(1.4826 * np.median(np.abs(off[close])), 0.5, 1.0)) if close.any() else 1.0
    return up, spread


def _sigma(up: np.ndarray, normal: np.ndarray, middle: np.ndarray, slack: np.ndarray, pictures: int) -> float:
    """Standard deviation along the worse axis."""
    across = np.linalg.norm(np.cross(middle, up), axis=1)
    information = (normal / ((across * slack) ** 2)[:, None]).T @ normal / pictures
    axes = np.linalg.svd(up[None])[2][1:]
    least = np.linalg.eigvalsh(axes @ information @ axes.T)[0]
    return float(np.hypot(LEAST_SIGMA_RAD, ALIKE / np.sqrt(max(least, 1e-12))))


def _angle(up: np.ndarray, normal: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """(..., N) angles, at the segments' middles, between the segments and the lines towards the way up (..., 3)."""
    across = np.sqrt(np.clip(1 - np.sum(up * middle, axis=-1) ** 2, 1e-6, None))
    return np.arcsin(np.clip(np.sum(up * normal, axis=-1) / across, -1, 1))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-12)
