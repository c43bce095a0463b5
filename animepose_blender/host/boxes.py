"""The depth-localized 3D boxes as wire cubes, one a person; nothing to render, only to judge the estimate by."""

from __future__ import annotations

import bpy
import numpy as np

from ..core import quaternions as quat
from .curves import CurveWriter, hide_while_absent

_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1]


def make_box(
    name: str,
    colour: tuple[float, float, float, float],
    box_camera_m: np.ndarray,
    camera_to_world: np.ndarray,
    frames: np.ndarray,
) -> bpy.types.Object | None:
    """A wire cube of edge 1 m, placed, turned and scaled to the box in each frame that has one, else hidden.

    Args:
        name: of the object.
        colour: RGBA of the wire.
        box_camera_m: (F, 6) min and max corner in the camera's axes; NaN where there is none.
        camera_to_world: (F, 4, 4).
        frames: (F,) frame numbers.
    Returns:
        The object, linked to no collection yet; None if no frame has a box.
    """
    given = np.isfinite(box_camera_m).all(axis=-1)
    if not given.any():
        return None
    lower, upper = box_camera_m[given, :3].astype(np.float64), box_camera_m[given, 3:].astype(np.float64)
    pose = camera_to_world[given]
    centre_m = np.einsum("fij,fj->fi", pose[:, :3, :3], (lower + upper) / 2) + pose[:, :3, 3]
    turn = quat.unroll(quat.from_matrix(pose[:, :3, :3]), axis=0)

    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(_CORNERS.tolist(), _EDGES, [])
    box = bpy.data.objects.new(name, mesh)
    box.display_type = "WIRE"
    box.color = colour
    box.rotation_mode = "QUATERNION"
    writer = CurveWriter(box, name)
    hold = np.append(np.diff(np.flatnonzero(given)) > 1, False)
    for path, values in (("location", centre_m), ("rotation_quaternion", turn), ("scale", upper - lower)):
        writer.write(path, frames[given], values.T, group="Box", hold=hold)
    hide_while_absent(writer, frames, given)
    return box
