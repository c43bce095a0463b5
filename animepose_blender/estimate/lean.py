"""People whom the estimator sees lean because it takes every camera for level.

The network's metric joints follow the picture: from a camera that looks down it sees standing people half-way upright
in the picture's own sense, the more so the less natural the footage is. Where the way up is known from the background,
what the mean stance of everybody is off beyond what people really lean is turned back.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from .detections import Placed, Seen
from .place import place_roots

PEOPLE_LEAN_RAD = np.radians(3.0)
"""Lean of a mean stance that is believed: people work, walk and dance bent forward. On four real views the network is
0.5 to 4 degrees off, on the rendered demo clip 12."""
MOST_RAD = np.radians(20.0)
"""More than this is no error of the network's."""


def excess_lean(upright: np.ndarray, up: np.ndarray) -> np.ndarray:
    """(3,) rotation vector, still axes, that takes away what people's mean stance leans too much; 0 for nothing.

    Args:
        upright: (3,) mean stance.
        up: (3,) the way up.
    """
    axis = np.cross(upright, up)
    sine = np.linalg.norm(axis)
    angle = float(np.arctan2(sine, upright @ up))
    excess = angle - PEOPLE_LEAN_RAD
    return np.zeros(3) if excess <= 0 or angle > MOST_RAD else axis / sine * excess


def straightened(
    placed: Placed, seen: Seen, turn: np.ndarray, camera_to_start: np.ndarray, intrinsics: np.ndarray
) -> Placed:
    """Everybody turned about their root, and placed anew.

    A lean in the plane of the picture is seen, and stays. A body that is tipped towards the view looks shorter, for
    which the network has made it smaller: it is made larger again, so that everybody stays as far away as they were.

    Args:
        placed: N person-frames.
        seen: the same.
        turn: (3,) rotation vector, still axes.
        camera_to_start: (F, 4, 4).
        intrinsics: (F, 3, 3).
    """
    own = intrinsics[seen.frame]
    ray = placed.root_m / np.linalg.norm(placed.root_m, axis=-1, keepdims=True)
    in_camera = np.swapaxes(camera_to_start[seen.frame, :3, :3], -1, -2) @ turn
    towards_view = in_camera - np.sum(in_camera * ray, axis=-1, keepdims=True) * ray
    lifted = placed.lifted
    joints_m = np.einsum("nij,nkj->nki", Rotation.from_rotvec(towards_view).as_matrix(), lifted.joints_m)
    root_m, _ = place_roots(joints_m, lifted.keypoints_px, lifted.keypoint_confidence, own)
    near = np.nan_to_num(placed.root_m[:, 2] / root_m[:, 2], nan=1.0)
    joints_m *= float(np.median(near))
    root_m, _ = place_roots(joints_m, lifted.keypoints_px, lifted.keypoint_confidence, own)
    root_m = np.where(np.isfinite(root_m), root_m, placed.root_m)
    return replace(placed, lifted=replace(lifted, joints_m=joints_m), root_m=root_m)
