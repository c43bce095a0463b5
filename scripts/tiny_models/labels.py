"""What networks are fitted to: frames of a clip and what the preset `offline` saw in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from animepose_blender.estimate.backends import by_index, region_to_picture
from animepose_blender.estimate.mediapipe_pose import CROP_SIZE, MediaPipePose
from animepose_blender.estimate.video import open_clip
from animepose_blender.skeleton import COCO_17, JOINTS, KEYPOINT_MAPS, J
from animepose_blender.take import State, Take

MASK_SHRINK = 4
"""Masks and depths are kept this many times smaller than the picture."""
_REGION_SCALE = 1.25
_SKY_M = 60.0
"""How far everything above the horizon is said to be."""
_BLAZEPOSE = KEYPOINT_MAPS["blazepose_33"][0]
_EYES = ("left_eye", "right_eye")


@dataclass(frozen=True, eq=False)
class Labelled:
    """One frame with n people."""

    index: int
    """In the clip."""
    rgb: np.ndarray
    """(H, W, 3) uint8."""
    boxes_px: np.ndarray
    """(n, 4) float64 x0, y0, x1, y1, inside the picture; pixel centres at +0.5."""
    keypoints_px: np.ndarray
    """(n, 17, 2) COCO's points; NaN = not observed."""
    confidence: np.ndarray
    """(n, 17) 0 to 1; 0 where NaN."""
    masks: np.ndarray
    """(n, h, w) uint8, 0 to 255, over the whole picture at 1 / `MASK_SHRINK` of its size."""
    depth_m: np.ndarray
    """(h, w) float32 along the camera's axis: people where they stand, the floor, and far away."""


def read_labels(clip: Path, take: Take, every: int, told: Callable[[str], None] = lambda text: None) -> list[Labelled]:
    """Every n-th frame of a clip with what its take says; people who were not seen there are left out.

    Raises:
        AnimePoseError: if the clip cannot be read.
    """
    labelled = []
    pose = MediaPipePose(threads=1)
    try:
        for index, time_s, rgb in open_clip(clip).frames():
            if index % every:
                continue
            frame = int(np.abs(take.frame_time_s - time_s).argmin())
            labelled.append(_label(index, rgb, take, frame, pose))
            told(f"labels: frame {index}, {len(labelled[-1].boxes_px)} people")
    finally:
        pose.close()
    return labelled


def _label(index: int, rgb: np.ndarray, take: Take, frame: int, pose: MediaPipePose) -> Labelled:
    size = np.array([rgb.shape[1], rgb.shape[0]], dtype=np.float64)
    boxes = take.box_px[:, frame].astype(np.float64)
    boxes = boxes.reshape(-1, 2, 2).clip(0, size).reshape(-1, 4)
    seen = (take.state[:, frame] == State.OBSERVED) & ((boxes[:, 2:] - boxes[:, :2]) > 0.01 * size).all(axis=-1)
    people = np.flatnonzero(seen)
    regions = np.array([_region(take.keypoints_px[p, frame], take.box_px[p, frame]) for p in people])
    found = pose.estimate(rgb, regions) if len(people) else []
    shape = rgb.shape[0] // MASK_SHRINK, rgb.shape[1] // MASK_SHRINK
    points, confidence = np.full((len(people), 17, 2), np.nan), np.zeros((len(people), 17))
    masks = np.zeros((len(people), *shape), dtype=np.uint8)
    for n, (p, one) in enumerate(zip(people, found, strict=True)):
        points[n], confidence[n] = _coco(take.keypoints_px[p, frame], take.keypoint_confidence[p, frame])
        if one is not None:
            masks[n] = _mask(one.mask, regions[n], shape, boxes[p])
            for eye in _EYES:
                points[n, COCO_17.index(eye)] = one.landmarks_px[_BLAZEPOSE.index(eye)]
                confidence[n, COCO_17.index(eye)] = one.confidence[_BLAZEPOSE.index(eye)]
    roots_m = take.root_world_m[people, frame]
    depth_m = _depth(shape, take.intrinsics[frame], take.camera_to_world[frame], roots_m, masks)
    return Labelled(index, rgb, boxes[people], points, confidence, masks, depth_m)


def _region(keypoints_px: np.ndarray, box_px: np.ndarray) -> np.ndarray:
    """(4,) an upright region around the hips that holds the whole person."""
    hips = keypoints_px[[J["left_hip"], J["right_hip"]]].mean(axis=0)
    if not np.isfinite(hips).all():
        hips = (box_px[:2] + box_px[2:]) / 2
    reach = np.abs(box_px.reshape(2, 2) - hips).max()
    return np.array([*hips, 2 * reach * _REGION_SCALE, 0.0])


def _coco(keypoints_px: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(17, 2) and (17,) of our joints; eyes, which we have none of, are left out."""
    points, sure = np.full((17, 2), np.nan), np.zeros(17)
    for k, name in enumerate(COCO_17):
        if name in JOINTS and np.isfinite(keypoints_px[J[name]]).all():
            points[k], sure[k] = keypoints_px[J[name]], confidence[J[name]]
    return points, sure


def _mask(mask: np.ndarray, region: np.ndarray, shape: tuple[int, int], box_px: np.ndarray) -> np.ndarray:
    """A mask over a region, laid over the whole picture, and cut off outside of the person's box."""
    to_small = region_to_picture(region, CROP_SIZE) / MASK_SHRINK
    whole = cv2.warpAffine(mask, by_index(to_small), (shape[1], shape[0]), flags=cv2.INTER_LINEAR)
    x0, y0, x1, y1 = np.concatenate([np.floor(box_px[:2]), np.ceil(box_px[2:])]) / MASK_SHRINK
    inside = np.zeros_like(whole)
    rows, columns = slice(int(y0), int(np.ceil(y1))), slice(int(x0), int(np.ceil(x1)))
    inside[rows, columns] = whole[rows, columns]
    return inside


def _depth(
    shape: tuple[int, int], intrinsics: np.ndarray, camera_to_world: np.ndarray, roots_m: np.ndarray, masks: np.ndarray
) -> np.ndarray:
    """Where each ray meets the floor z = 0, and people at the depth of their pelvis, the nearest last."""
    rows, columns = np.indices(shape)
    pixels = np.stack([columns + 0.5, rows + 0.5, np.full(shape, 1 / MASK_SHRINK)], axis=-1) * MASK_SHRINK
    rays = pixels @ np.linalg.inv(intrinsics).T  # of depth 1
    down = -(rays @ camera_to_world[2, :3])
    with np.errstate(divide="ignore"):
        depth = np.where(down > 1e-6, camera_to_world[2, 3] / down, _SKY_M).clip(0, _SKY_M)
    root_depth = (roots_m - camera_to_world[:3, 3]) @ camera_to_world[:3, 2]
    for n in np.argsort(-root_depth):
        depth[masks[n] > 127] = root_depth[n]
    return depth.astype(np.float32)
