"""Square crops of one person each with their truth, altered at random, from rendered pictures and from photographs.

As 3DMPPE: the longer side of the box times `root_net.BOX_MARGIN`. What lies beyond the picture is the mean colour that
`backbones.normalised` makes 0. Joints in space are in the axes of the crop (`core.crop_axes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np

from animepose_blender.core.crop_axes import crop_to_camera
from animepose_blender.skeleton import JOINT_COUNT, MIRROR, J
from models.backbones import MEAN
from models.root_net import AREA_REAL_M2, BOX_MARGIN

from .backdrops import backdrop, clutter
from .photographs import Photographs
from .pictures import Pictures

SMALLEST_PX, FEWEST_SEEN = 40, 6
"""Of the longer side of a box, and of the joints that are seen, in crops from rendered pictures."""
JOINTS_TO_BOX = 1.12
"""The box of a person is larger than that of the joints, which is all that photographs tell."""
BEYOND = tuple(round(255 * c) for c in MEAN)


@dataclass(frozen=True, eq=False)
class Crops:
    """N crops of S x S pixels, pixel centres at +0.5. What is not known is 0.

    Attributes:
        colour: (N, S, S, 3) uint8 RGB.
        joints_px: (N, 28, 2) in the crop.
        joints_m: (N, 28, 3) beyond the pelvis, axes of the crop.
        known_2d, known_3d: (N, 28) bool; 2D where a joint lies in the crop.
        k_m, root_m: (N,) the root's distance by the box alone (`root_net.prior_depth_m`), and in truth, along the axis
            of the camera.
    """

    colour: np.ndarray
    joints_px: np.ndarray
    joints_m: np.ndarray
    known_2d: np.ndarray
    known_3d: np.ndarray
    k_m: np.ndarray
    root_m: np.ndarray


def joined(parts: list[Crops]) -> Crops:
    """Crops one after another."""
    return Crops(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Crops)))


@dataclass(frozen=True)
class Changes:
    """How far crops are altered; `Changes.none()` for checks."""

    scale: float = 0.12
    """Deviation of the logarithm of the side."""
    shift: float = 0.04
    """Deviation of the middle, in sides."""
    turn_deg: float = 22.0
    any_turn: float = 0.15
    """Share that is turned by any angle: motion capture hardly ever stands on its hands, people in photographs do."""
    flip: bool = True
    colour: float = 0.9
    """Share whose colours are altered."""
    backdrop: float = 0.6
    """Share whose background is exchanged."""
    cover: float = 0.3
    """Share of which something hides a part."""

    @staticmethod
    def none() -> Changes:
        """Nothing is altered."""
        return Changes(0.0, 0.0, 0.0, 0.0, False, 0.0, 0.0, 0.0)

    def times(self, share: float) -> Changes:
        """The same, but less of everything."""
        numbers = {f.name: share * getattr(self, f.name) for f in fields(Changes) if f.name != "flip"}
        return replace(self, **numbers)


def crop_matrix(middle_px: np.ndarray, side_px: float, size_px: int, turn_rad: float, flip: bool) -> np.ndarray:
    """(2, 3) from pixels of a picture to those of the crop, pixel centres at +0.5 in both."""
    scale = size_px / side_px
    c, s = scale * np.cos(turn_rad), scale * np.sin(turn_rad)
    turn = np.array([[c, -s], [s, c]])
    if flip:
        turn[0] *= -1
    return np.concatenate([turn, (size_px / 2 - turn @ middle_px)[:, None]], axis=1)


def warped(image: np.ndarray, matrix: np.ndarray, size_px: int, beyond: Sequence[float] = (0,)) -> np.ndarray:
    """The crop of an image, smoothed first where it is made much smaller."""
    shrinks = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    shift = matrix[:, :2] @ [0.5, 0.5] - 0.5
    matrix = np.concatenate([matrix[:, :2], matrix[:, 2:] + shift[:, None]], axis=1)
    if shrinks > 1.4:
        inverse = cv2.invertAffineTransform(matrix)
        corners = np.array([[0, 0, 1], [size_px, 0, 1], [0, size_px, 1], [size_px, size_px, 1]]) @ inverse.T
        low = np.maximum(np.floor(corners.min(0)).astype(int) - 4, 0)
        high = np.ceil(corners.max(0)).astype(int) + 4
        part = image[low[1] : high[1], low[0] : high[0]]
        if part.size:
            image = cv2.GaussianBlur(part, (0, 0), 0.45 * shrinks)
            matrix = np.concatenate([matrix[:, :2], matrix[:, 2:] + (matrix[:, :2] @ low)[:, None]], axis=1)
    return cv2.warpAffine(
        image, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=beyond
    )


def recoloured(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Another light, another camera."""
    x = image.astype(np.float32) / 255
    x = x ** np.float32(np.exp(rng.normal(0, 0.25)))
    x = x * np.exp(rng.normal(0, 0.12, 3)).astype(np.float32) * np.float32(np.exp(rng.normal(0, 0.2)))
    grey = x.mean(-1, keepdims=True)
    x = grey + np.float32(0.0 if rng.random() < 0.08 else np.exp(rng.normal(-0.1, 0.3))) * (x - grey)
    mean = x.mean()
    x = mean + np.float32(np.exp(rng.normal(0.15, 0.3))) * (x - mean)
    if rng.random() < 0.25:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.5, 2.2))
    if rng.random() < 0.3:
        x = x + rng.standard_normal(x.shape, dtype=np.float32) * np.float32(rng.uniform(0.01, 0.06))
    image = (np.clip(x, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.15:
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))])
        image = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return image


def _cover(rng: np.random.Generator, image: np.ndarray) -> None:
    """Put things before a part of the crop."""
    size = len(image)
    height, width = (rng.uniform(0.2, 0.5, 2) * size).astype(int)
    top, left = rng.integers(0, size - height), rng.integers(0, size - width)
    things, where = clutter(rng, height, width)
    part = image[top : top + height, left : left + width]
    part[where > 0] = things[where > 0]


class RenderedCrops:
    """Crops of the people in rendered pictures."""

    def __init__(self, pictures: Pictures) -> None:
        self.pictures = pictures
        self.table = np.zeros((0, 3), np.int64)
        self._listed = 0
        self.look_again()

    def look_again(self) -> None:
        """Take in the people of new shards."""
        self.pictures.look_again()
        rows = [self.table]
        for number in range(self._listed, len(self.pictures.shards)):
            shard = self.pictures.shards[number]
            large = (shard.box_px[:, 2:] - shard.box_px[:, :2]).max(axis=1) >= SMALLEST_PX
            people = np.flatnonzero(large & (shard.visible.sum(axis=1) >= FEWEST_SEEN))
            picture = np.searchsorted(shard.first, people, side="right") - 1
            rows.append(np.stack([np.full_like(people, number), picture, people], axis=1))
        self._listed = len(self.pictures.shards)
        self.table = np.concatenate(rows)

    def draw(self, rng: np.random.Generator, count: int, size_px: int, changes: Changes) -> Crops:
        """Crops of people chosen at random."""
        return self.crops(rng, self.table[rng.integers(len(self.table), size=count)], size_px, changes)

    def crops(self, rng: np.random.Generator, people: np.ndarray, size_px: int, changes: Changes) -> Crops:
        """Crops of rows of the table."""
        return joined([self._crop(rng, row, size_px, changes) for row in people])

    def _crop(self, rng: np.random.Generator, row: np.ndarray, size_px: int, changes: Changes) -> Crops:
        number, picture, person = row.tolist()
        shard = self.pictures.shards[number]
        box = shard.box_px[person].astype(float)
        middle, side, turn, flip = _placed(rng, box, changes)
        matrix = crop_matrix(middle, side, size_px, turn, flip)
        image = warped(shard.colour[picture], matrix, size_px, BEYOND)
        if rng.random() < changes.backdrop:
            nobody = warped((shard.ids[picture] == 0).astype(np.uint8) * 255, matrix, size_px, (255,))
            share = nobody[..., None].astype(np.float32) / 255
            image = (image * (1 - share) + backdrop(rng, size_px, size_px) * share).astype(np.uint8)
        if rng.random() < changes.cover:
            _cover(rng, image)
        camera_m, intrinsics = shard.joints_camera_m[person].astype(float), shard.intrinsics[picture]
        joints_m = (camera_m - camera_m[J["pelvis"]]) @ crop_to_camera(middle, intrinsics)
        joints_m = joints_m @ _turn_3d(turn, flip).T
        joints_px = shard.joints_px[person].astype(float) @ matrix[:, :2].T + matrix[:, 2]
        if flip:
            joints_px, joints_m = joints_px[MIRROR], joints_m[MIRROR]
        k_m = np.sqrt(intrinsics[0, 0] * intrinsics[1, 1] * AREA_REAL_M2) / side
        return _one(
            rng, image, joints_px, joints_m, np.ones(JOINT_COUNT, bool), True, k_m, camera_m[J["pelvis"], 2], changes
        )


class PhotographCrops:
    """Crops of photographs, whose joints are known in 2D."""

    def __init__(self, photographs: Photographs) -> None:
        self.photographs = photographs
        self.usable = np.flatnonzero(photographs.known.sum(axis=1) >= FEWEST_SEEN)

    def draw(self, rng: np.random.Generator, count: int, size_px: int, changes: Changes) -> Crops:
        """Crops of photographs chosen at random."""
        return self.crops(rng, rng.choice(self.usable, size=count), size_px, changes)

    def crops(self, rng: np.random.Generator, numbers: np.ndarray, size_px: int, changes: Changes) -> Crops:
        """Crops of these photographs."""
        return joined([self._crop(rng, int(n), size_px, changes) for n in numbers])

    def _crop(self, rng: np.random.Generator, number: int, size_px: int, changes: Changes) -> Crops:
        known, joints = self.photographs.known[number], self.photographs.joints_px[number].astype(float)
        middle, side, turn, flip = _placed(rng, joints_box(joints, known), changes)
        matrix = crop_matrix(middle, side, size_px, turn, flip)
        image = warped(self.photographs.colour[number], matrix, size_px, BEYOND)
        if rng.random() < changes.cover:
            _cover(rng, image)
        joints_px = joints @ matrix[:, :2].T + matrix[:, 2]
        if flip:
            joints_px, known = joints_px[MIRROR], known[MIRROR]
        return _one(rng, image, joints_px, np.zeros((JOINT_COUNT, 3)), known, False, 1.0, 1.0, changes)


def joints_box(joints_px: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(4,) left, top, right, bottom of a person of whom only joints (28, 2) are known."""
    low, high = joints_px[known].min(axis=0), joints_px[known].max(axis=0)
    middle, half = (low + high) / 2, JOINTS_TO_BOX * (high - low) / 2
    return np.concatenate([middle - half, middle + half])


def _placed(rng: np.random.Generator, box_px: np.ndarray, changes: Changes) -> tuple[np.ndarray, float, float, bool]:
    side = BOX_MARGIN * float((box_px[2:] - box_px[:2]).max()) * np.exp(changes.scale * rng.standard_normal())
    middle = (box_px[:2] + box_px[2:]) / 2 + changes.shift * side * rng.standard_normal(2)
    turn = np.radians(changes.turn_deg) * rng.standard_normal()
    if rng.random() < changes.any_turn:
        turn = rng.uniform(-np.pi, np.pi)
    return middle, side, turn, changes.flip and rng.random() < 0.5


def _turn_3d(turn_rad: float, flip: bool) -> np.ndarray:
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    return np.diag([-1.0, 1, 1]) @ turn if flip else turn


def _one(
    rng: np.random.Generator, image: np.ndarray, joints_px: np.ndarray, joints_m: np.ndarray, known: np.ndarray,
    in_space: bool, k_m: float, root_m: float, changes: Changes,
) -> Crops:  # fmt: skip
    if rng.random() < changes.colour:
        image = recoloured(rng, image)
    known = known & (joints_px >= 0).all(-1) & (joints_px <= len(image)).all(-1)
    return Crops(
        image[None], joints_px[None].astype(np.float32), joints_m[None].astype(np.float32), known[None],
        np.full((1, JOINT_COUNT), in_space), np.array([k_m], np.float32), np.array([root_m], np.float32),
    )  # fmt: skip
