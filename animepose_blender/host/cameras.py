"""The camera that took the clip: lens, shift, place and direction, keyed only where they change."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ..core import quaternions as quat
from .curves import CurveWriter

SENSOR_WIDTH_MM = 36.0
CLIP_START_M, CLIP_END_M = 0.05, 1000.0
DISPLAY_SIZE_M = 0.4
_STILL = 1e-6
"""A camera whose numbers never differ by more (metres, parts of a quaternion, mm, parts of the width) is static."""
_SQUARE_PIXEL_TOLERANCE = 1e-4
_OFF = 1 / 4000
"""How far each channel with fewer keys may move the picture, as a part of its width: half a pixel of 2000."""
_NEAR_M = 3.0
"""People in the picture are about as far away at least."""
_OPENCV_TO_BLENDER = np.array([1.0, -1.0, -1.0])
"""Camera axes: OpenCV's y points down and z forward, Blender's y up and z back; columns of the rotation change sign."""


@dataclass(frozen=True)
class Optics:
    """What Blender's camera and render settings have to be, to project like (F, 3, 3) pinhole matrices.

    Blender projects, with the sensor fitted horizontally, width W and height H in pixels and pixel aspect
    a = pixel_aspect_x / pixel_aspect_y:

        fx = lens / sensor_width * W        fy = fx * a
        cx = W / 2 - shift_x * W            cy = H / 2 + shift_y * W * a

    The horizontal fit makes the same formulas hold for upright (portrait) pictures.
    """

    lens_mm: np.ndarray
    """(F,)"""
    shift: np.ndarray
    """(F, 2) shift_x and shift_y."""
    pixel_aspect: tuple[float, float]
    """x and y, both at least 1, as Blender wants them; of the whole clip, since Blender cannot vary it per camera."""


def optics(intrinsics: np.ndarray, size: tuple[int, int]) -> Optics:
    """Blender's settings for pinhole matrices (F, 3, 3) of a picture of `size` (width, height) in pixels."""
    width, height = size
    fx, fy = intrinsics[:, 0, 0], intrinsics[:, 1, 1]
    aspect = float(np.median(fy / fx))
    if abs(aspect - 1.0) < _SQUARE_PIXEL_TOLERANCE:
        aspect = 1.0
    shift_x = 0.5 - intrinsics[:, 0, 2] / width
    shift_y = (intrinsics[:, 1, 2] - height / 2) / (width * aspect)
    return Optics(
        lens_mm=fx * SENSOR_WIDTH_MM / width,
        shift=np.stack([shift_x, shift_y], axis=-1),
        pixel_aspect=(max(aspect, 1.0), max(1.0 / aspect, 1.0)),
    )


def make_camera(
    name: str, lens: Optics, camera_to_world: np.ndarray, frames: np.ndarray, *, fewer_keys: bool = False
) -> bpy.types.Object:
    """A camera object, linked to no collection yet.

    Args:
        name: of the object and its data.
        lens: see `optics`.
        camera_to_world: (F, 4, 4), OpenCV's camera axes.
        frames: (F,) frame numbers.
        fewer_keys: whether to leave out keys without which the picture stays as it is, but for `_OFF`; otherwise there
            is one on every frame.
    """
    data = bpy.data.cameras.new(name)
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = SENSOR_WIDTH_MM
    data.clip_start, data.clip_end = CLIP_START_M, CLIP_END_M
    data.display_size = DISPLAY_SIZE_M
    data.passepartout_alpha = 0.8
    data.lens = float(lens.lens_mm[0])
    data.shift_x, data.shift_y = lens.shift[0].tolist()
    channels = {"lens": lens.lens_mm, "shift_x": lens.shift[:, 0], "shift_y": lens.shift[:, 1]}
    moving = {path: values for path, values in channels.items() if np.ptp(values) > _STILL}
    if moving:
        writer = CurveWriter(data, f"{name} lens")
        for path, values in moving.items():
            # At the picture's edge, half its width away, a change of the lens moves it half as much.
            allowed = _OFF if path != "lens" else 2 * _OFF * float(values.min())
            writer.write(path, frames, values[None], tolerance=allowed if fewer_keys else None)

    camera = bpy.data.objects.new(name, data)
    location_m = camera_to_world[:, :3, 3]
    rotation = quat.unroll(quat.from_matrix(camera_to_world[:, :3, :3] * _OPENCV_TO_BLENDER), axis=0)
    camera.rotation_mode = "QUATERNION"
    camera.location = location_m[0].tolist()
    camera.rotation_quaternion = rotation[0].tolist()
    if np.ptp(location_m, axis=0).max() > _STILL or np.ptp(rotation, axis=0).max() > _STILL:
        writer = CurveWriter(camera, name)
        place, turn = None, None
        if fewer_keys:
            # Parts of a quaternion are half angles.
            angle = _OFF * SENSOR_WIDTH_MM / float(lens.lens_mm.max())
            place, turn = angle * _NEAR_M, angle / 2
        writer.write("location", frames, location_m.T, group="Transform", tolerance=place)
        writer.write("rotation_quaternion", frames, rotation.T, group="Transform", tolerance=turn)
    else:
        # A camera that stands still is turned by hand, if at all: angles are the handier channels for it.
        camera.rotation_mode = "XYZ"
    return camera
