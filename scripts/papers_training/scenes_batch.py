"""Whole pictures for the detector and the depth network: cut, resized, mirrored, recoloured, with the truth in step.

Colours are RGB; pixel centres at +0.5; pixel (x, y) of the source goes to scale * (x - left, y - top). One size of
picture a batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .backdrops import backdrop, clutter
from .pictures import Pictures, Shard


@dataclass(frozen=True)
class Recipe:
    """How often what happens, 0 to 1, and how large pictures become."""

    swap: float = 0.5
    """The background becomes a made-up one."""
    empty: float = 0.0
    """There is nobody."""
    behind: float = 0.5
    """Things of people's colours and forms, and scraps of people's clothes, on the background."""
    before: float = 0.15
    """Such things in front of people."""
    scales: tuple[float, float] = (0.6, 1.6)
    """Pixels of the result for one of the source, from and to."""


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture and its truth; P people.

    Attributes:
        colour: (H, W, 3) uint8.
        ids: (H, W) uint8, 0 nobody, k + 1 person k.
        depth_m: (H, W) float32 metres along the axis; infinite where there is nothing; NaN where it is not known, which
            is where something was put in.
        focal_px: of this picture: enlarging it makes it longer.
        joints_px: (P, 28, 2) float32.
    """

    colour: np.ndarray
    ids: np.ndarray
    depth_m: np.ndarray
    focal_px: float
    joints_px: np.ndarray


def whole(shard: Shard, number: int) -> Scene:
    """A picture as it was rendered."""
    people = slice(int(shard.first[number]), int(shard.first[number + 1]))
    return Scene(
        np.array(shard.colour[number]), np.array(shard.ids[number]), shard.depth_m[number].astype(np.float32),
        float(shard.intrinsics[number, 0, 0]), shard.joints_px[people],
    )  # fmt: skip


def draw(pictures: Pictures, rng: np.random.Generator) -> Scene:
    """A picture of any shard."""
    shard = pictures.shards[int(rng.integers(len(pictures.shards)))]
    return whole(shard, int(rng.integers(len(shard.colour))))


def augmented(scene: Scene, rng: np.random.Generator, height: int, width: int, recipe: Recipe) -> Scene:
    """A random piece of a scene, (height, width), with other backgrounds and colours as the recipe says."""
    swapped, nobody = rng.random() < recipe.swap, rng.random() < recipe.empty
    rows, columns = scene.ids.shape
    low, high = recipe.scales
    if not swapped:  # there is nothing to put around it
        low = max(low, height / rows, width / columns)
    scale = low * (max(high, low) / low) ** rng.random()
    left, top = _corner(scene, rng, np.array([width, height]) / scale)
    scene = cut(scene, left, top, scale, height, width)
    if rng.random() < 0.5:
        scene = mirrored(scene)
    colour, ids, depth = scene.colour, scene.ids.copy(), scene.depth_m.copy()
    if nobody:
        colour, ids[:], depth[:] = backdrop(rng, height, width), 0, np.nan
    elif swapped:
        colour = _over(backdrop(rng, height, width), colour, _within(ids > 0))
        depth[ids == 0] = np.nan
    if rng.random() < recipe.behind:
        things, where = clutter(rng, height, width) if rng.random() < 0.7 else scraps(rng, scene)
        where = where & ~np.where(ids > 0, 255, 0).astype(np.uint8)
        colour, depth[where > 0] = _over(colour, things, _soft(where)), np.nan
    if rng.random() < recipe.before:
        things, where = clutter(rng, height, width)
        colour, depth[where > 0], ids[where > 0] = _over(colour, things, _soft(where)), np.nan, 0
    return replace(scene, colour=photographed(rng, colour), ids=ids, depth_m=depth)


def cut(scene: Scene, left: float, top: float, scale: float, height: int, width: int) -> Scene:
    """The piece that begins at left, top (pixels of the scene, also outside) and is (height, width) when resized.

    Beyond the scene the colour is black, there is nobody, and no depth is known.
    """
    # OpenCV counts from pixel centres.
    shift = np.array([[scale, 0, -scale * left], [0, scale, -scale * top]])
    shift[:, 2] += 0.5 * (scale - 1)
    colour = scene.colour
    if scale < 0.8:  # else details between pixels would flicker
        colour = cv2.GaussianBlur(colour, (0, 0), 0.45 * float(np.sqrt(1 / scale**2 - 1)))
    size = (width, height)
    colour = cv2.warpAffine(colour, shift, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    ids = cv2.warpAffine(scene.ids, shift, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    depth = cv2.warpAffine(
        scene.depth_m, shift, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=[np.nan]
    )
    joints = ((scene.joints_px - [left, top]) * scale).astype(np.float32)
    return Scene(colour, ids, depth, scene.focal_px * scale, joints)


def mirrored(scene: Scene) -> Scene:
    """Left for right; joints keep their names, which only their places are needed for."""
    joints = scene.joints_px * [-1, 1] + [scene.ids.shape[1], 0]
    colour, ids, depth = (np.ascontiguousarray(a[:, ::-1]) for a in (scene.colour, scene.ids, scene.depth_m))
    return Scene(colour, ids, depth, scene.focal_px, joints.astype(np.float32))


def scraps(rng: np.random.Generator, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of people without their form, as `clutter`: their cloth and skin alone are not people."""
    height, width = scene.ids.shape
    things, where = clutter(rng, height, width)
    rows, columns = np.nonzero(scene.ids)
    if len(rows):
        k = int(rng.integers(len(rows)))
        size = max(int(rng.uniform(0.03, 0.12) * height), 4)
        top, left = np.clip([rows[k] - size // 2, columns[k] - size // 2], 0, [height - size, width - size])
        patch = scene.colour[top : top + size, left : left + size]
        patch = patch.transpose(1, 0, 2) if rng.random() < 0.5 else patch[::-1]
        times = -(-np.array([height, width]) // size)
        things = np.tile(patch, (*times, 1))[:height, :width]
    return things, where


def photographed(rng: np.random.Generator, colour: np.ndarray) -> np.ndarray:
    """Other exposure, contrast, gamma, saturation, hue; sometimes grey, blurred, coarse, noisy, or packed as JPEG."""
    saturation = 0.0 if rng.random() < 0.06 else rng.uniform(0.5, 1.5)
    turn = rng.normal(0, 0.12) if rng.random() < 0.8 else rng.uniform(-np.pi, np.pi)
    light = np.clip(np.arange(256) / 255 * rng.uniform(0.7, 1.35), 0, 1) ** np.exp(rng.normal(0, 0.25))
    light = (light - 0.5) * rng.uniform(0.7, 1.3) + 0.5 + rng.normal(0, 0.07)
    image = cv2.LUT(colour, np.clip(light * 255, 0, 255).astype(np.uint8))
    image = cv2.transform(image, _tint(saturation, turn) * rng.uniform(0.9, 1.1, (3, 1)))
    if rng.random() < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.6)))
    if rng.random() < 0.12:
        height, width = image.shape[:2]
        coarse = rng.uniform(0.4, 0.8)
        image = cv2.resize(image, None, fx=coarse, fy=coarse, interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.25:
        noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(2, 12))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
        image = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(image)


def seen_shares(scene: Scene) -> np.ndarray:
    """(P,) share of each person's joints that lie on what is seen of this person, 0 to 1."""
    height, width = scene.ids.shape
    x, y = np.floor(np.clip(scene.joints_px, -1e6, 1e6)).astype(int).transpose(2, 0, 1)
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    own = scene.ids[y.clip(0, height - 1), x.clip(0, width - 1)] == np.arange(1, len(x) + 1)[:, None]
    return (inside & own).mean(axis=1)


def boxes_of(ids: np.ndarray, number: int) -> np.ndarray:
    """(number, 4) float32 left, top, right, bottom of what is seen of each person; zeros where nothing is."""
    boxes = np.zeros((number, 4), np.float32)
    for k in range(number):
        mask = (ids == k + 1).view(np.uint8)
        left, top, across, down = cv2.boundingRect(mask)
        boxes[k] = left, top, left + across, top + down
    return boxes


def _corner(scene: Scene, rng: np.random.Generator, piece: np.ndarray) -> tuple[float, float]:
    """Where a piece of such a width and height begins: mostly so that the middle of somebody is in it.

    A piece larger than the scene may lie anywhere that holds all of it.
    """
    room = np.array([scene.ids.shape[1], scene.ids.shape[0]]) - piece
    low, high = np.minimum(0.0, room), np.maximum(0.0, room)
    if len(scene.joints_px) and rng.random() < 0.85:
        at = scene.joints_px[int(rng.integers(len(scene.joints_px)))].mean(axis=0)
        low, high = np.clip(at - 0.95 * piece, low, high), np.clip(at - 0.05 * piece, low, high)
    left, top = rng.uniform(low, high)
    return float(left), float(top)


def _tint(saturation: float, turn: float) -> np.ndarray:
    """(3, 3) matrix on RGB that scales colour against grey and turns it about grey by an angle in radians."""
    grey = np.full((3, 3), 1 / 3)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    turned = np.cos(turn) * (np.eye(3) - grey) + np.sin(turn) * cross
    return grey + saturation * turned


def _within(mask: np.ndarray) -> np.ndarray:
    """(H, W) float32 share of each pixel, a little inside the mask: rendered edges hold some of the old background."""
    return np.clip(1.6 * cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0.7) - 0.5, 0, 1)


def _soft(mask: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(mask, (3, 3), 0.7).astype(np.float32) / 255


def _over(below: np.ndarray, above: np.ndarray, share: np.ndarray) -> np.ndarray:
    mixed = below + share[..., None] * (above.astype(np.float32) - below)
    return mixed.astype(np.uint8)
