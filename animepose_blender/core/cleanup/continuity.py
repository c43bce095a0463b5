"""Rotations without jumps in their numbers: signs of quaternions, flips and whole turns of Euler angles."""

from __future__ import annotations

import numpy as np

from ..quaternions import unroll
from ..retarget.euler import without_flips

SURE = 0.34
"""Cosine of half the angle to the frame before, above which that frame decides the sign: up to 140 degrees. A frame
further off is a pop, of which a sign says nothing about the frames behind it."""
PATIENCE = 3
"""Frames after which what looked like a pop is where the motion went on."""


def continuous_quaternions(rotations: np.ndarray) -> np.ndarray:
    """The same rotations with signs so that each lies on the side of the last sure one before it.

    Args:
        rotations: (F, ..., 4); a rotation with an unknown part is passed over, and unknown in the result.
    Returns:
        (F, ..., 4), the first known one of each series with its own sign.
    """
    q = np.array(rotations, dtype=np.float64)
    shape = q.shape
    if not q.size:
        return q
    q = q.reshape(len(q), -1, 4)
    q[~np.isfinite(q).all(axis=-1)] = np.nan
    unit = q / np.maximum(np.linalg.norm(q, axis=-1, keepdims=True), 1e-12)
    plain = (np.abs((unit[1:] * unit[:-1]).sum(-1)) > SURE).all(axis=0)
    q[:, plain] = unroll(q[:, plain])
    odd = np.flatnonzero(~plain)
    if len(odd):
        q[:, odd] *= _signs(unit[:, odd])[..., None]
    return q.reshape(shape)


def _signs(unit: np.ndarray) -> np.ndarray:
    """(F, S) signs, by a reference that passes over single frames far off and unknown ones."""
    signs = np.ones(unit.shape[:2])
    reference, doubts = np.full(unit.shape[1:], np.nan), np.zeros(unit.shape[1], dtype=int)
    for frame, rotation in enumerate(unit):
        dots = (rotation * reference).sum(-1)
        signs[frame] = np.where(dots < 0, -1.0, 1.0)
        known = ~np.isnan(rotation[:, 0])
        doubts = np.where(known & (np.abs(dots) < SURE), doubts + 1, np.where(known, 0, doubts))
        taken = known & ((doubts == 0) | (doubts > PATIENCE))
        doubts[taken] = 0
        reference[taken] = signs[frame, taken, None] * rotation[taken]
    return signs


def continuous_euler(angles: np.ndarray, order: str) -> np.ndarray:
    """The same rotations with the angles nearest to the frame before: no flips, no jumps by whole turns.

    A triple and (a_i + pi, pi - a_j, a_k + pi) are the same rotation, i, j, k being the order of the axes; see
    core/retarget/euler.py on why the choice is known for all frames at once.

    Args:
        angles: (F, ..., 3) radians, as x, y, z; a triple with an unknown part is passed over, and unknown in the
            result.
        order: such as "XYZ".
    Returns:
        (F, ..., 3); the first known triple of each series is unchanged.
    """
    angles = np.array(angles, dtype=np.float64)
    shape, middle = angles.shape, "XYZ".index(order[1])
    if not angles.size:
        return angles
    angles = angles.reshape(len(angles), -1, 3)
    known = np.isfinite(angles).all(axis=-1)
    angles[~known] = np.nan
    for series in range(angles.shape[1]) if not known.all() else ():
        have = known[:, series]
        angles[have, series] = without_flips(angles[have, series], middle)
    return (without_flips(angles, middle) if known.all() else angles).reshape(shape)
