"""Joints known in the picture and by their depth, as metres: how large a pixel is at the person."""

from __future__ import annotations

import numpy as np

from ..skeleton import PARENTS, REST_LENGTHS_M

USUAL_M = 1.36
"""Side of the square around somebody 1.70 m tall who stands, without its margin, less what crouching takes off."""
LEAST, MOST = 0.4, 2.5
"""The scale, in that of the box: outside, joints are not believed."""
MARGIN = 1.25


def metres_a_pixel(
    joints_px: np.ndarray, depth_m: np.ndarray, confidence: np.ndarray, side_px: np.ndarray
) -> np.ndarray:
    """Scale of weak perspective at which people's bones are, taken together, as long as an average adult's.

    A bone of length L that is l pixels long in the picture and whose ends are d apart in depth asks that
    (s l)^2 + d^2 = L^2; the sum over all bones gives s. Bones that are too long in depth alone ask for nothing.

    Args:
        joints_px: (N, J, 2); NaN = not seen.
        depth_m: (N, J).
        confidence: (N, J).
        side_px: (N,) of the square around each, with its margin, where bones tell nothing.
    Returns:
        (N,) metres a pixel of the picture, at the person.
    """
    bones = np.flatnonzero(REST_LENGTHS_M > 0)
    ends = PARENTS[bones]
    flat = np.sum((joints_px[:, bones] - joints_px[:, ends]) ** 2, axis=-1)
    deep = (depth_m[:, bones] - depth_m[:, ends]) ** 2
    weight = np.minimum(confidence[:, bones], confidence[:, ends])
    known = np.isfinite(flat) & np.isfinite(deep)
    weight = np.where(known, weight, 0.0)
    wanted = np.sum(weight * np.where(known, np.maximum(REST_LENGTHS_M[bones] ** 2 - deep, 0.0), 0.0), axis=-1)
    found = np.sum(weight * np.where(known, flat, 0.0), axis=-1)
    by_box = USUAL_M * MARGIN / np.maximum(side_px, 1.0)
    scale = np.sqrt(wanted / np.where(found > 0, found, 1.0))
    return np.where(found > 0, np.clip(scale, LEAST * by_box, MOST * by_box), by_box)
