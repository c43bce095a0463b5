"""The clip as the camera's background plate, in step with the motion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np

from . import compat
from .curves import CurveWriter

_LONGEST_IMAGE_USER = 1048574
"""Blender's greatest `ImageUser.frame_duration`."""


@dataclass(frozen=True)
class PlateTiming:
    """Which frame of the clip belongs to which frame of the scene."""

    clip_start: int
    """Index, from 0, of the clip's frame that the scene shows at `first_frame`."""
    first_frame: int
    last_frame: int
    clip_rate: Fraction
    scene_rate: Fraction

    @property
    def in_step(self) -> bool:
        """Whether the clip's next frame is the scene's next frame."""
        return self.clip_rate == self.scene_rate


def add_plate(camera: bpy.types.Object, path: Path, timing: PlateTiming, rotation_deg: int = 0) -> None:
    """Show the clip behind what `camera` sees.

    Args:
        camera: a camera object.
        path: of the clip.
        timing: which frame of the clip belongs to which frame of the scene.
        rotation_deg: by how much the clip's pictures have to be turned clockwise to stand upright, as its metadata say.
    Raises:
        RuntimeError: if Blender cannot read the file.
    """
    data = camera.data
    assert isinstance(data, bpy.types.Camera)
    clip = bpy.data.movieclips.load(str(path))
    # Blender loads anything as a clip; one without frames is none.
    if clip.frame_duration < 1:
        bpy.data.movieclips.remove(clip)
        raise RuntimeError("it holds no frames that Blender can read.")
    background = data.background_images.new()
    background.alpha = 1.0
    background.display_depth = "BACK"
    background.frame_method = "STRETCH"
    data.show_background_images = True
    if rotation_deg % 360 and not compat.turns_clips_upright():
        _turn_upright(background, tuple(clip.size), rotation_deg)
    if timing.in_step:
        # A movie clip shows its frame k (from 0) at the scene's frame `frame_start` + k.
        clip.frame_start = timing.first_frame - timing.clip_start
        background.source = "MOVIE_CLIP"
        background.clip = clip
        return
    # A movie clip cannot be retimed. A movie image can, by its frame offset: at the scene's frame s it shows the
    # clip's frame s - first + offset (from 0), and wanted is start + (s - first) * clip_rate / scene_rate.
    bpy.data.movieclips.remove(clip)
    image = bpy.data.images.load(str(path))
    background.source = "IMAGE"
    background.image = image
    user = background.image_user
    user.use_auto_refresh = True
    user.frame_start = timing.first_frame
    user.frame_duration = _LONGEST_IMAGE_USER
    user.frame_offset = timing.clip_start
    ends = np.array([timing.first_frame, max(timing.last_frame, timing.first_frame + 1)], dtype=np.float64)
    drift = float(timing.clip_rate / timing.scene_rate) - 1.0
    offset = timing.clip_start + (ends - timing.first_frame) * drift
    writer = CurveWriter(data, f"{camera.name} plate")
    writer.write("background_images[0].image_user.frame_offset", ends, offset[None])


def _turn_upright(background: bpy.types.CameraBackgroundImage, size: tuple[int, int], rotation_deg: int) -> None:
    """Turn the plate where Blender does not do it itself.

    The picture lying on its side is fitted into the camera's frame first and turned then; what was its long side then
    lies along the frame's short side, and the ratio of the sides makes it fill the frame.
    """
    background.rotation = math.radians(rotation_deg)  # clockwise
    if rotation_deg % 180:
        background.frame_method = "FIT"
        background.scale = max(size) / min(size)
