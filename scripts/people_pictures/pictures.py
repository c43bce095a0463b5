"""Finished pictures with their truth, what a camera does to them, shards of them, and a sheet to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .bank import Bank
from .casting import random_picture
from .drawing import Renderer

SLACK_M = 0.03
"""Cloth lies this much further out than skin."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of P people, camera axes as OpenCV's, pixel centres at +0.5.

    Attributes:
        colour: (H, W, 3) uint8 sRGB.
        ids: (H, W) uint8, 0 nobody, k + 1 person k.
        depth_m: (H, W) float16, infinite where there is nothing.
        joints_px, joints_camera_m, visible: (P, 28, 2), (P, 28, 3) float32 and (P, 28) bool.
        box_px: (P, 4) int32 left, top, right, bottom of what is seen; right and bottom are outside.
        intrinsics: (3, 3).
    """

    colour: np.ndarray
    ids: np.ndarray
    depth_m: np.ndarray
    joints_px: np.ndarray
    joints_camera_m: np.ndarray
    visible: np.ndarray
    box_px: np.ndarray
    intrinsics: np.ndarray


def make_picture(bank: Bank, renderer: Renderer, seed: int, number: int, harsh: float = 0.0) -> Picture:
    """Picture `number` of a seed; people of whom nothing is seen are left out. For `harsh` see `random_picture`."""
    rng = np.random.default_rng((seed, number))
    camera, setting, actors = random_picture(bank, rng, renderer.size, harsh)
    colour, ids, depth = renderer.draw(camera, setting, actors)
    seen = [k for k in range(len(actors)) if (ids == k + 1).any()]
    renumber = np.zeros(256, np.uint8)
    renumber[[k + 1 for k in seen]] = np.arange(1, len(seen) + 1)
    ids = renumber[ids]
    to_camera = [camera.view @ actors[k].place for k in seen]
    joints = [bank.figures[actors[k].figure].joints_m[actors[k].pose] for k in seen]
    camera_m = np.array([j @ m[:3, :3].T + m[:3, 3] for j, m in zip(joints, to_camera, strict=True)]).reshape(-1, 28, 3)
    ahead = camera_m[..., 2:] > 0.05
    px = np.where(ahead, camera_m / np.where(ahead, camera_m[..., 2:], 1.0), -10.0) @ camera.intrinsics.T
    px = px[..., :2]
    inside = ahead[..., 0] & (px >= 0).all(-1) & (px < renderer.size).all(-1)
    x, y = np.clip(np.floor(px), 0, np.array(renderer.size) - 1).astype(int).transpose(2, 0, 1)
    under = camera_m[..., 2] - depth[y, x]
    own = ids[y, x] == np.arange(1, len(seen) + 1)[:, None]
    visible = inside & own & (under < bank.joint_depth_m + SLACK_M)
    boxes = [_box(ids == k + 1) for k in range(len(seen))]
    return Picture(
        _photograph(colour, rng), ids, depth.astype(np.float16), px.astype(np.float32), camera_m.astype(np.float32),
        visible, np.array(boxes, np.int32).reshape(-1, 4), camera.intrinsics,
    )  # fmt: skip


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _photograph(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Motion blur, noise and JPEG, each in some of the pictures."""
    image = colour.astype(np.float32)
    if rng.random() < 0.25:
        length, angle = int(rng.choice([3, 5, 7])), rng.uniform(0, np.pi)
        kernel = np.zeros((length, length), np.float32)
        middle = length // 2
        way = np.round(middle * np.array([np.cos(angle), np.sin(angle)])).astype(int)
        cv2.line(kernel, tuple((middle - way).tolist()), tuple((middle + way).tolist()), [1.0])
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    image += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.gamma(1.5, 3.0))
    image = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.7:
        _, packed = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))])
        image = np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])
    return image


def save_shard(pictures: list[Picture], path: Path) -> None:
    """Write pictures as .npz; people stand one after another, those of picture n from `first[n]` to `first[n + 1]`."""
    part = path.with_name(path.name + ".part.npz")
    stacked = {
        name: np.stack([getattr(p, name) for p in pictures]) for name in ("colour", "ids", "depth_m", "intrinsics")
    }
    names = ("joints_px", "joints_camera_m", "visible", "box_px")
    joined = {name: np.concatenate([getattr(p, name) for p in pictures]) for name in names}
    first = np.concatenate([[0], np.cumsum([len(p.box_px) for p in pictures])])
    np.savez_compressed(part, first=first, **stacked, **joined)
    part.replace(path)


def save_sheet(pictures: list[Picture], path: Path, columns: int = 4) -> None:
    """A PNG of pictures with masks, boxes and joints; hidden joints are hollow."""
    tiles = []
    hues = np.array(
        [[0, 0, 0], [255, 60, 60], [60, 255, 60], [80, 120, 255], [255, 220, 0], [255, 0, 255], [0, 255, 255]]
    )
    for picture in pictures[: columns * columns]:
        tint = hues[picture.ids]
        shown = np.where((picture.ids > 0)[..., None], 0.75 * picture.colour + 0.25 * tint, picture.colour)
        shown = np.ascontiguousarray(shown.astype(np.uint8))
        for k, box in enumerate(picture.box_px.tolist()):
            colour = tuple(int(c) for c in hues[k + 1])
            cv2.rectangle(shown, box[:2], box[2:], colour, 1)
            for at, seen in zip(np.floor(picture.joints_px[k]).astype(int), picture.visible[k], strict=True):
                if np.abs(at).max() < 30000:
                    cv2.circle(shown, tuple(at.tolist()), 3 if seen else 2, colour, -1 if seen else 1)
        tiles.append(shown)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[k : k + columns], axis=1) for k in range(0, len(tiles), columns)]
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])
