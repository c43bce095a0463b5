"""A pinhole camera, in OpenCV's axes and pixels as the truth wants it, and as Blender's camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A still camera.

    Attributes:
        size_px: width and height.
        focal_px: focal length in pixels, the same both ways; the principal point is the middle of the picture.
        camera_to_world: (4, 4), camera axes x right, y down, z forward.
    """

    size_px: tuple[int, int]
    focal_px: float
    camera_to_world: np.ndarray

    @property
    def intrinsics(self) -> np.ndarray:
        """(3, 3); pixel centres lie at +0.5, so the middle of the picture is at half its size."""
        width, height = self.size_px
        return np.array([[self.focal_px, 0.0, width / 2], [0.0, self.focal_px, height / 2], [0.0, 0.0, 1.0]])

    def project(self, points_world_m: np.ndarray) -> np.ndarray:
        """(..., 2) pixels of world points (..., 3) that lie in front of the camera."""
        rotation, position = self.camera_to_world[:3, :3], self.camera_to_world[:3, 3]
        points = (points_world_m - position) @ rotation @ self.intrinsics.T
        return points[..., :2] / points[..., 2:]

    def sees(self, points_world_m: np.ndarray) -> np.ndarray:
        """(...) bool: which world points (..., 3) lie in front of the camera and in its picture."""
        front = (points_world_m - self.camera_to_world[:3, 3]) @ self.camera_to_world[:3, 2] > 0.05
        with np.errstate(divide="ignore", invalid="ignore"):
            pixels = self.project(points_world_m)
        return front & np.all((pixels >= 0) & (pixels < self.size_px), axis=-1)


def look_at(position_m: np.ndarray, target_m: np.ndarray, size_px: tuple[int, int], focal_px: float) -> Camera:
    """A level camera at a place, with a target in the middle of its picture."""
    forward = target_m - position_m
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = position_m
    return Camera(size_px, focal_px, pose)
