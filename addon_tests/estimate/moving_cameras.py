"""Cameras that move through a room of points, what they see, and pictures that they take."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from animepose_blender.estimate.backends import PoseObservation
from animepose_blender.estimate.background import Tracks

SIZE = (1920, 1080)
FOCAL_PX = 1400.0
_LEVEL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""Camera axes of a level camera that looks along the world's Y, in columns."""


def intrinsics_of(count: int, focal_px: float = FOCAL_PX, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(F, 3, 3)."""
    return np.tile([[focal_px, 0, size[0] / 2], [0, focal_px, size[1] / 2], [0, 0, 1]], (count, 1, 1))


def camera_to_world(yaw_deg: np.ndarray, tilt_deg: np.ndarray, roll_deg: np.ndarray, place_m: np.ndarray) -> np.ndarray:
    """(F, 4, 4) cameras; a positive tilt looks down."""
    matrix = np.tile(np.eye(4), (len(yaw_deg), 1, 1))
    about_up = Rotation.from_rotvec(np.radians(yaw_deg)[:, None] * [0, 0, 1]).as_matrix()
    own = Rotation.from_rotvec(np.radians(-tilt_deg)[:, None] * [1, 0, 0]).as_matrix()
    own = own @ Rotation.from_rotvec(np.radians(roll_deg)[:, None] * [0, 0, 1]).as_matrix()
    matrix[:, :3, :3] = about_up @ _LEVEL @ own
    matrix[:, :3, 3] = place_m
    return matrix


def wander(random: np.random.Generator, count: int, amount: float, frames: int) -> np.ndarray:
    """(count, 3) smooth noise, as of a hand."""
    window = np.hanning(frames + 2)
    noise = random.normal(size=(count + len(window), 3))
    smooth = np.stack([np.convolve(noise[:, i], window, "same") for i in range(3)], axis=1)[:count]
    return amount * smooth / np.linalg.norm(window)


def room(random: np.random.Generator) -> np.ndarray:
    """(N, 3) points of a floor at 0, three walls and things on the floor, metres; the camera stands at (0, -1, 1.6)."""
    n = 250
    floor = random.uniform([-8, -2, 0], [8, 12, 0], (n, 3))
    back = random.uniform([-8, 11.8, 0], [8, 12, 4], (n, 3))
    side = random.uniform([7.8, -2, 0], [8, 12, 4], (n, 3)) * np.where(
        random.random((n, 1)) < 0.5, [1, 1, 1], [-1, 1, 1]
    )
    return np.concatenate([floor, back, side, random.uniform([-5, 3, 0], [5, 11, 2], (n // 2, 3))])


def seen_by(
    cameras: np.ndarray,
    random: np.random.Generator,
    *,
    focal_px: float = FOCAL_PX,
    noise_px: float = 0.4,
    moving_share: float = 0.0,
    lost_after: float = 60.0,
    most: int = 200,
) -> Tracks:
    """What a tracker would make of the room: noise, points that move by themselves, tracks that end."""
    points = room(random)
    moves = random.random(len(points)) < moving_share
    phase, reach_m = random.uniform(0, 6, points.shape), random.uniform(0.1, 1.0, (len(points), 1))
    number, count = np.full(len(points), -1), 0
    frames, numbers, places = [], [], []
    for frame, world_to_camera in enumerate(np.linalg.inv(cameras)):
        now = points + np.where(moves[:, None], reach_m * np.sin(frame / 8 + phase), 0)
        camera = now @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
        place = camera[:, :2] / camera[:, 2:] * focal_px + np.array(SIZE) / 2
        visible = (camera[:, 2] > 0.3) & (place > 5).all(axis=1) & (place < np.array(SIZE) - 5).all(axis=1)
        number[~visible | (random.random(len(points)) < 1 / lost_after)] = -1
        new = random.permutation(np.flatnonzero(visible & (number < 0)))[: max(0, most - (number >= 0).sum())]
        number[new] = count + np.arange(len(new))
        count += len(new)
        on = np.flatnonzero(number >= 0)
        frames.append(np.full(len(on), frame, np.int32))
        numbers.append(number[on].astype(np.int32))
        places.append((place[on] + random.normal(0, noise_px, (len(on), 2))).astype(np.float32))
    return Tracks(np.concatenate(frames), np.concatenate(numbers), np.concatenate(places), len(cameras), SIZE)


def rotation_errors_deg(camera_to_start: np.ndarray, cameras: np.ndarray) -> np.ndarray:
    """(F,) angles between found and true rotation since the start."""
    true = np.linalg.inv(cameras[0]) @ cameras
    off = np.swapaxes(camera_to_start[:, :3, :3], 1, 2) @ true[:, :3, :3]
    return np.degrees(np.linalg.norm(Rotation.from_matrix(off).as_rotvec(), axis=1))


def texture(random: np.random.Generator, size: int = 1200) -> np.ndarray:
    """(size, size, 3) uint8: blotches of many sizes, with corners everywhere."""
    picture = np.zeros((size, size), np.float32)
    for cell in (8, 24, 80):
        small = random.random((size // cell, size // cell)).astype(np.float32)
        picture += cv2.resize(small, (size, size), interpolation=cv2.INTER_NEAREST)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.2)
    return cv2.cvtColor((picture / picture.max() * 255).astype(np.uint8), cv2.COLOR_GRAY2RGB)


def window(picture: np.ndarray, corner: tuple[float, float], size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) what a camera sees that looks at the picture from `corner` (x, y) on, pixels with fractions."""
    shift = np.array([[1.0, 0, -corner[0]], [0, 1, -corner[1]]])
    return cv2.warpAffine(picture, shift, size, flags=cv2.INTER_CUBIC)


def person_at(center: tuple[float, float], extent: float) -> PoseObservation:
    """Somebody whose mask fills a square region."""
    region = np.array([*center, extent, 0.0])
    x, y = center
    half = extent / 2
    return PoseObservation(
        landmarks_px=np.zeros((1, 2)),
        confidence=np.ones(1),
        landmarks_m=np.zeros((1, 3)),
        region=region,
        next_region=region,
        mask=np.full((64, 64), 255, np.uint8),
        box_px=np.array([x - half, y - half, x + half, y + half]),
        score=1.0,
        colours=np.zeros((0, 3)),
    )
