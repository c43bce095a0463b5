"""The depth-localized 3D boxes, one a person, as frames of thin bars; not rendered, only to judge the estimate by.

Bars and not Blender's wire display: wires are drawn in the theme's one colour unless the user changes the viewport, and
cannot be dashed. Bars carry the person's colour everywhere, and where the box is predicted they are broken into dashes.
"""

from __future__ import annotations

from itertools import product

import bpy
import numpy as np

from ..core import quaternions as quat
from . import compat
from .curves import CurveWriter
from .presence import hide_while_absent

BAR_M = 0.014
"""Thickness of a bar where the box has its usual size: two or three pixels of a clip of 1080 lines, at some metres."""
DASH_M = 0.09
"""Length of a dash, and of the space after it."""
_ROUGHNESS = 0.8
_LOOSER = 4.0
"""Sides of a box leap from joint to joint, and are there to judge by: with fewer keys they may be off by so many times
as much as bones."""
_CORNERS = np.array(list(product((0, 1), repeat=3)))
_SIDES = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
"""Corners of each side of a cuboid, seen from outside against the clock."""


def make_boxes(
    name: str,
    colour: tuple[float, float, float, float],
    box_camera_m: np.ndarray,
    camera_to_world: np.ndarray,
    frames: np.ndarray,
    predicted: np.ndarray,
    within_mm: float | None = None,
) -> list[bpy.types.Object]:
    """A frame of edge 1 m, placed, turned and scaled to the box in each frame that has one, else hidden.

    Args:
        name: of the object.
        colour: RGBA of the bars.
        box_camera_m: (F, 6) min and max corner in the camera's axes; NaN where there is none.
        camera_to_world: (F, 4, 4).
        frames: (F,) frame numbers.
        predicted: (F,) bool; here a dashed frame, a child of the first, is shown instead.
        within_mm: how far bones with fewer keys are off; None = a key on every frame.
    Returns:
        The objects, linked to no collection yet: none if no frame has a box, two if some boxes are predicted.
    """
    given = np.isfinite(box_camera_m).all(axis=-1)
    if not given.any():
        return []
    lower, upper = box_camera_m[given, :3].astype(np.float64), box_camera_m[given, 3:].astype(np.float64)
    pose = camera_to_world[given]
    centre_m = np.einsum("fij,fj->fi", pose[:, :3, :3], (lower + upper) / 2) + pose[:, :3, 3]
    turn = quat.unroll(quat.from_matrix(pose[:, :3, :3]), axis=0)
    usual_m = np.median(upper - lower, axis=0)
    material = compat.new_material(name, colour, _ROUGHNESS)

    box = _frame(name, usual_m, material, dashed=False)
    box.color = colour
    box.rotation_mode = "QUATERNION"
    writer = CurveWriter(box, name)
    hold = np.append(np.diff(np.flatnonzero(given)) > 1, False)
    allowed: dict[str, float | None] = {"location": None, "rotation_quaternion": None, "scale": None}
    if within_mm is not None:
        # A side is off by as much as the place and by half as much as the size. Parts of a quaternion are half angles.
        each_m = _LOOSER * within_mm / 1000 / 3
        allowed = {
            "location": each_m,
            "rotation_quaternion": each_m / float(np.linalg.norm(usual_m)),
            "scale": 2 * each_m,
        }
    channels = {"location": centre_m, "rotation_quaternion": turn, "scale": upper - lower}
    for path, values in channels.items():
        writer.write(
            path, frames[given], values.T, group="Box", hold=hold, filled_in=predicted[given], tolerance=allowed[path]
        )
    hide_while_absent(writer, frames, given & ~predicted)
    if not (given & predicted).any():
        return [box]
    dashed = _frame(f"{name} predicted", usual_m, material, dashed=True)
    dashed.color = colour
    dashed.parent = box
    hide_while_absent(CurveWriter(dashed, dashed.name), frames, given & predicted)
    return [box, dashed]


def _frame(name: str, usual_m: np.ndarray, material: bpy.types.Material, dashed: bool) -> bpy.types.Object:
    """A cube of edge 1 about the origin made of twelve bars, which are of even thickness once scaled to `usual_m`."""
    lower, upper = bars(usual_m, dashed)
    vertices = np.where(_CORNERS, upper[:, None], lower[:, None]).reshape(-1, 3)
    sides = (_SIDES + 8 * np.arange(len(lower))[:, None, None]).reshape(-1, 4)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], sides.tolist())
    mesh.materials.append(material)
    return bpy.data.objects.new(name, mesh)


def bars(usual_m: np.ndarray, dashed: bool) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) lower and upper corners of the bars along the edges of the cube from -0.5 to 0.5, inside it.

    Args:
        usual_m: (3,) size to which the cube is going to be scaled.
        dashed: whether each edge is a row of dashes, one at either end, instead of one bar.
    """
    thick = np.minimum(BAR_M / usual_m, 0.5)
    lower, upper = [], []
    for axis in range(3):
        dashes = max(round((usual_m[axis] / DASH_M + 1) / 2), 2) if dashed else 1
        length = 1.0 / (2 * dashes - 1)
        for dash, corner in product(range(dashes), product((0, 1), repeat=2)):
            low = np.insert(np.array(corner) * (1.0 - np.delete(thick, axis)), axis, 2 * dash * length)
            lower.append(low)
            upper.append(low + np.insert(np.delete(thick, axis), axis, length))
    return np.array(lower) - 0.5, np.array(upper) - 0.5
