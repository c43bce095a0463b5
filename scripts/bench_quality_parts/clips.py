"""Clips of known people at any size: dancers of the bundled clip, side by side.

Networks with random weights find nobody. So boxes, keypoints and depths are given once the real networks have looked;
and the people are there to be seen, since what follows (BlazePose's completion, tracking, the solve) does less where
nobody is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from animepose_blender.core import cameras
from animepose_blender.estimate.hub.protocols import PeopleFound
from animepose_blender.estimate.video import open_clip
from animepose_blender.skeleton import COCO_17

SOURCE = Path(__file__).resolve().parent.parent / "demo_clip"
CUT = (120, 270)
"""Width and height of what is cut out of the bundled clip around a dancer, pixels."""
DANCERS = 2
"""In the bundled clip; more of them are put side by side."""
MASK = 108
"""Side of the masks of RF-DETR Seg Medium."""
SHORT = 60
"""Frames of a clip that shows every third frame only: a fraction of a second of somebody counts as nobody."""
MARGIN = 0.1
"""Around a dancer's joints, of their box's size."""


@dataclass(frozen=True, eq=False)
class KnownPeople:
    """Where everybody is in a clip, pixels."""

    width: int
    height: int
    box_px: np.ndarray
    """(F, P, 4)"""
    keypoints_px: np.ndarray
    """(F, P, 17, 2) in COCO's order; eyes are where the nose is."""
    depth_m: float
    """How far away they are."""


def make_clip(path: Path, width: int, height: int, people: int, frames: int) -> KnownPeople:
    """Write a clip of a bundled one's dancers, and say where they are."""
    truth = np.load(SOURCE / "salsa_truth.npz")
    camera = cameras.invert(truth["camera_to_world"])
    joints_m = cameras.transform(camera, truth["joints_world_m"].astype(float))
    joints_px = cameras.project(joints_m, truth["intrinsics"])
    names = [str(name) for name in truth["joint_names"]]
    chosen = [names.index(name if name in names else "nose") for name in COCO_17]
    low, high = np.nanmin(joints_px, axis=2), np.nanmax(joints_px, axis=2)  # (2, F, 2)
    rim = MARGIN * (high - low)
    low, high = low - rim, high + rim
    scale = min(height / CUT[1], width / people / CUT[0])
    size = (round(CUT[0] * scale), round(CUT[1] * scale))
    source = open_clip(SOURCE / "salsa.mp4")
    whole = width / source.width
    boxes, keypoints = [], []
    step = 3 if frames <= SHORT else 1
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=30 // step, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, _, rgb in source.frames():
            if len(boxes) == frames:
                break
            if number % step:
                continue
            picture = np.array(cv2.resize(rgb, (width, height)))
            corners, points = [], []
            for person in range(people):
                if people <= DANCERS:  # as they were filmed
                    ends = np.stack([low[person, number], high[person, number]])
                    corners.append(np.clip(ends * whole, 0, [width, height]).ravel())
                    points.append(joints_px[person, number, chosen] * whole)
                    continue
                who = person % 2
                middle = (low[who, number, 0] + high[who, number, 0]) / 2
                x = int(np.clip(middle - CUT[0] / 2, 0, rgb.shape[1] - CUT[0]))
                y = int(np.clip(high[who, number, 1] - CUT[1], 0, rgb.shape[0] - CUT[1]))
                left, top = round((person + 0.5) * width / people - size[0] / 2), height - size[1]
                cut = cv2.resize(rgb[y : y + CUT[1], x : x + CUT[0]], size, interpolation=cv2.INTER_CUBIC)
                picture[top : top + size[1], left : left + size[0]] = cut
                corner, origin = np.array([left, top]), np.array([x, y])
                ends = np.stack([low[who, number], high[who, number]])
                corners.append(np.clip((ends - origin) * scale + corner, 0, [width, height]).ravel())
                points.append((joints_px[who, number, chosen] - origin) * scale + corner)
            boxes.append(np.stack(corners))
            keypoints.append(np.stack(points))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgb24")))
        container.mux(stream.encode())
    nearer = 1.0 if people <= DANCERS else scale / whole
    return KnownPeople(
        width, height, np.stack(boxes), np.stack(keypoints), float(np.nanmean(joints_m[..., 2])) / nearer
    )


class GivenPeople:
    """What networks with random weights should have found, batch after batch.

    Args:
        known: where everybody is.
    """

    def __init__(self, known: KnownPeople) -> None:
        self._known = known
        self._detected = self._posed = 0

    def people(self, count: int) -> list[PeopleFound]:
        """Everybody in the next pictures."""
        some = self._known.box_px[self._detected : self._detected + count]
        self._detected += count
        return [PeopleFound(boxes, np.full(len(boxes), 0.9), self.masks(boxes)) for boxes in some]

    def masks(self, boxes: np.ndarray) -> np.ndarray:
        """(n, MASK, MASK) masks that are ellipses in (n, 4) boxes."""
        cells = (np.arange(MASK) + 0.5) / MASK
        x, y = cells[None, None] * self._known.width, cells[None, :, None] * self._known.height
        middle = ((boxes[:, :2] + boxes[:, 2:]) / 2)[..., None, None]
        half = ((boxes[:, 2:] - boxes[:, :2]) / 2)[..., None, None]
        inside = ((x - middle[:, 0]) / half[:, 0]) ** 2 + ((y - middle[:, 1]) / half[:, 1]) ** 2 < 1
        return (inside * 255).astype(np.uint8)

    def depth(self, made: np.ndarray) -> np.ndarray:
        """Depth maps, of the size of (B, h, w) ones that a network made, in which all is as far as the people."""
        return np.full_like(made, self._known.depth_m)

    def keypoints(self, count: int, picture: np.ndarray, boxes_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints and confidence of who is in the boxes in the next pictures, as `BatchPose.keypoints`."""
        frame = self._posed + np.asarray(picture, dtype=int)
        self._posed += count
        far = np.abs(self._known.box_px[frame] - boxes_px[:, None]).sum(axis=-1)
        keypoints = self._known.keypoints_px[frame, far.argmin(axis=1)]
        return keypoints, np.full(keypoints.shape[:2], 0.9)
