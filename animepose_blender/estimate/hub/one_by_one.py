"""A detector of the store where people are followed one frame after the other."""

from __future__ import annotations

import math

import numpy as np
import torch

from ...core.boxes import iou
from ..backends import Candidates
from ..completion import REGION_SCALE
from .device import Device, upload
from .protocols import BatchDetector

TILE_SHARES = (1.0, 0.6)
"""Sizes of the squares that are looked at beside the whole picture at detail 1, and 2, as shares of its shorter side:
what is small in the picture is larger in them."""
NEAR = 1.3
"""Size of the square that is looked at around a region; a region has a margin of its own."""
CUT_OFF = 0.01
"""Share of a part's side: a box that comes so near to where the part ends, and the picture goes on, is cut off."""
SAME_BOX = 0.7
"""Overlap (intersection over union) from which on finds in two parts of the picture are one person; in the same part
they are two, however close, since the network says each person once."""
LEAST_RATIO, MOST_RATIO = 0.3, 2.0
"""Size of a find, in sizes of the region that it is sought in: of somebody half hidden less is seen."""


class OneByOneDetector:
    """A `backends.PersonDetector`.

    Args:
        detector: the network.
        device: that it runs on.
    """

    def __init__(self, detector: BatchDetector, device: Device) -> None:
        self._detector, self._device = detector, device

    def detect(self, rgb: np.ndarray, detail: int) -> Candidates:
        """See `backends.PersonDetector`."""
        picture = upload([rgb], self._device)[0]
        height, width = rgb.shape[:2]
        parts = [np.array([[0, 0, width, height]]), *(_tiles(width, height, share) for share in TILE_SHARES[:detail])]
        return _candidates(*self._look(picture, parts))

    def detect_near(self, rgb: np.ndarray, regions: np.ndarray) -> Candidates:
        """See `backends.PersonDetector`."""
        if len(regions) == 0:
            return _candidates(np.zeros((0, 4)), np.zeros(0))
        picture = upload([rgb], self._device)[0]
        parts = [_part_near(region, rgb.shape[1], rgb.shape[0])[None] for region in regions]
        found = _candidates(*self._look(picture, parts))
        # Someone who happens to be in the same part beside is somebody else, and was looked for already.
        apart = np.abs(found.region[:, None, :2] - regions[:, :2]).max(axis=-1) / regions[:, 2]
        ratio = found.region[:, None, 2] / regions[:, 2]
        near = ((apart < 0.5) & (ratio > LEAST_RATIO) & (ratio < MOST_RATIO)).any(axis=1)
        return Candidates(found.region[near], found.score[near])

    def _look(self, picture: torch.Tensor, groups: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Everybody in parts of an (H, W, 3) picture on the device.

        Args:
            picture: on the device.
            groups: of parts (m, 4) int x0, y0, x1, y1; those of a group are of one size.
        Returns:
            (n, 4) boxes in the picture and (n,) scores, each person once; nobody who is cut off where a part ends.
        """
        boxes, scores, number = [np.zeros((0, 4))], [np.zeros(0)], [np.zeros(0, dtype=int)]
        rim = np.array([0, 0, picture.shape[1], picture.shape[0]])
        for parts in groups:
            crops = torch.stack([picture[y0:y1, x0:x1] for x0, y0, x1, y1 in parts.tolist()])
            for part, found in zip(parts, self._detector.find(crops), strict=True):
                box = found.box_px + part[[0, 1, 0, 1]]
                margin = CUT_OFF * (part[2:] - part[:2]).max()
                whole = ~((np.abs(box - part) < margin) & (part != rim)).any(axis=1)
                boxes.append(box[whole])
                scores.append(found.score[whole])
                number.append(np.full(len(boxes[-1]), len(number)))
        return _each_once(np.concatenate(boxes), np.concatenate(scores), np.concatenate(number))


def regions_around(boxes: np.ndarray) -> np.ndarray:
    """(n, 4) upright regions around (n, 4) boxes, as wide as BlazePose wants them."""
    size = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1) * REGION_SCALE, 1.0)
    return np.column_stack([(boxes[:, :2] + boxes[:, 2:]) / 2, size, np.zeros(len(boxes))])


def _candidates(boxes: np.ndarray, score: np.ndarray) -> Candidates:
    best_first = np.argsort(-score, kind="stable")
    return Candidates(regions_around(boxes[best_first]), score[best_first])


def _each_once(boxes: np.ndarray, score: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and scores of the best find of each person; (n,) `part` is where each one was found."""
    kept: list[int] = []
    for row in np.argsort(-score, kind="stable"):
        repeats = (iou(boxes[row, None], boxes[kept])[0] > SAME_BOX) & (part[kept] != part[row])
        if not repeats.any():
            kept.append(int(row))
    return boxes[kept], score[kept]


def _tiles(width: int, height: int, share: float) -> np.ndarray:
    """(m, 4) squares that cover the picture, overlapping by half or more."""
    size = max(1, round(min(width, height) * share))
    columns, rows = (
        np.linspace(0, extent - size, 1 + math.ceil((extent - size) / (size / 2))).round().astype(int)
        for extent in (width, height)
    )
    x, y = (axis.ravel() for axis in np.meshgrid(columns, rows))
    return np.stack([x, y, x + size, y + size], axis=1)


def _part_near(region: np.ndarray, width: int, height: int) -> np.ndarray:
    """(4,) square around a region, inside the picture."""
    size = int(np.clip(region[2] * NEAR, 32, max(width, height)))
    spans = []
    for centre, extent in ((region[0], width), (region[1], height)):
        side = min(size, extent)
        start = int(np.clip(centre - side / 2, 0, extent - side))
        spans.append((start, start + side))
    (x0, x1), (y0, y1) = spans
    return np.array([x0, y0, x1, y1])
