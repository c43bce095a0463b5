"""A limb of two bones brought to a place: leg or arm.

With u and v the limb's bones, a and b their lengths, r the distance from its first joint to where its end must be and
d the direction there, the middle joint lies in the triangle of sides a, b and r:

    u' = x d + h e        x = (r^2 + a^2 - b^2) / 2r        h = sqrt(a^2 - x^2)
    v' = (r - x) d - h e

e is normal to d and is where knee or elbow points. The limb as it is, turned as one piece by the least rotation that
takes its end's direction to d, says what e is; then both bones turn within their plane. So the limb keeps its plane,
twists nothing, and is left as it is where its end already is in its place.

A straight limb has no plane. What bends it goes about its hinge then: the offset p = h e of its middle joint gets a
part along the direction that the hinge bends to, the larger the more the limb has to bend beyond what it was bent.
"""

from __future__ import annotations

import numpy as np

from .. import quaternions as quat
from .easing import smooth_step

STRAIGHT = (0.1, 0.3)
"""Sine of the bend up to which the hinge leads, and from which on the limb's own plane alone does: 6 and 17 degrees."""
HINGE_GAIN = 4.0
"""How soon a straight limb that bends follows its hinge; a knee that is bent backwards by a little is taken over to the
front where it has to bend by a quarter more than it is, and not by the jitter below that."""
FOLDED = 1e-4
"""Part of the limb's length below which its end lies on its first joint and has no direction."""


def reach(
    first_m: np.ndarray,
    turned: np.ndarray,
    segments_m: np.ndarray,
    target_m: np.ndarray,
    stretch: float | np.ndarray = 0.999,
    hinge: np.ndarray | None = None,
) -> np.ndarray:
    """Turn both bones of a limb so that its end comes to a place.

    Args:
        first_m: (..., 3) hip or shoulder, world axes.
        turned: (..., 2, 4) rotations of both bones from rest, wxyz, world axes.
        segments_m: (..., 2, 3) both bones at rest: hip to knee, knee to ankle; of lengths above zero.
        target_m: (..., 3) where the end must be.
        stretch: part of the limb's length up to which it gets there exactly; one for all, or (...). Beyond, it comes as
            close as its length softly allows, or as it was stretched already.
        hinge: (..., 3) rest axis a positive turn about which bends the limb, carried by its first bone; without it the
            axis of the bend at rest.
    Returns:
        (..., 2, 4).
    """
    bones = quat.rotate(turned, segments_m)
    u, v = bones[..., 0, :], bones[..., 1, :]
    a, b = (np.linalg.norm(bones[..., k, :], axis=-1, keepdims=True) for k in (0, 1))
    hinge = rest_hinge(segments_m) if hinge is None else hinge
    hinge = quat.rotate(turned[..., 0, :], np.broadcast_to(hinge, u.shape))

    now = u + v
    length = np.linalg.norm(now, axis=-1, keepdims=True)
    # The end of a limb that is folded together leaves its first joint along hinge x u when it opens.
    towards = np.where(length > FOLDED * (a + b), now, np.cross(hinge, u))
    towards = _unit(towards, u)
    way = target_m - first_m
    asked = np.linalg.norm(way, axis=-1, keepdims=True)
    d = np.where(asked > FOLDED * (a + b), way / np.maximum(asked, 1e-12), towards)
    r = _in_reach(asked, length, a, b, np.broadcast_to(stretch, asked.shape[:-1])[..., None])

    x = (r * r + a * a - b * b) / (2 * np.maximum(r, 1e-12))
    h = np.sqrt(np.maximum(a * a - x * x, 0.0))
    whole = quat.between(towards, d)
    u, v, hinge = (quat.rotate(whole, vector) for vector in (u, v, hinge))
    p = u - np.sum(u * d, axis=-1, keepdims=True) * d
    was = np.linalg.norm(p, axis=-1, keepdims=True)
    sine = np.linalg.norm(np.cross(u, v), axis=-1, keepdims=True) / (a * b)
    straight = (1 - smooth_step((sine - STRAIGHT[0]) / (STRAIGHT[1] - STRAIGHT[0]))) * (
        np.sum(u * v, -1, keepdims=True) > 0
    )
    # A positive turn about the hinge takes the shin back and so the knee to d x hinge.
    forward = _unit(np.cross(d, hinge), p)
    e = _unit(p + HINGE_GAIN * straight * np.maximum(h - was, 0.0) * forward, forward)
    e = _unit(e - np.sum(e * d, axis=-1, keepdims=True) * d, forward)

    ends = np.stack([x * d + h * e, (r - x) * d - h * e], axis=-2)
    within = quat.between(np.stack([u, v], axis=-2), ends)
    return quat.normalize(quat.multiply(within, quat.multiply(whole[..., None, :], turned)))


def end_of(first_m: np.ndarray, turned: np.ndarray, segments_m: np.ndarray) -> np.ndarray:
    """(..., 3) where the limb ends; arguments as those of `reach`."""
    return first_m + quat.rotate(turned, segments_m).sum(axis=-2)


def rest_hinge(segments_m: np.ndarray) -> np.ndarray:
    """(..., 3) the axis about which limbs are bent at rest; of a straight one any normal."""
    u, v = segments_m[..., 0, :], segments_m[..., 1, :]
    along_x = np.abs(u[..., :1]) > 0.6 * np.linalg.norm(u, axis=-1, keepdims=True)
    normal = np.cross(u, np.where(along_x, [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]))
    size = np.linalg.norm(u, axis=-1, keepdims=True) * np.linalg.norm(v, axis=-1, keepdims=True)
    axis = np.cross(u, v)
    return _unit(np.where(np.linalg.norm(axis, axis=-1, keepdims=True) > 0.01 * size, axis, normal), normal)


def knee_hinge(segments_m: np.ndarray, toes: np.ndarray) -> np.ndarray:
    """(..., 3) the axis of a knee: it bends so that the knee goes to where the toes point.

    Args:
        segments_m: (..., 2, 3) both bones at rest.
        toes: (..., 3) rest direction from heel to toes, of any length.
    """
    down = segments_m.sum(axis=-2)
    return _unit(np.cross(toes, down), rest_hinge(segments_m))


def _in_reach(asked: np.ndarray, length: np.ndarray, a: np.ndarray, b: np.ndarray, stretch: np.ndarray) -> np.ndarray:
    """Distance to the end: as asked within the limits, or where the limb had no other already; continuous."""
    whole = a + b
    exact = stretch * whole
    room = np.maximum(whole - exact, 1e-9 * whole)
    # Of slope 1 where it begins, and never more than the whole length.
    soft = np.where(asked > exact, whole - room * np.exp(-np.maximum(asked - exact, 0.0) / room), asked)
    far = np.maximum(soft, np.minimum(asked, length))
    least = np.abs(a - b) + FOLDED * whole
    return np.clip(np.maximum(far, np.minimum(least, length)), np.abs(a - b), whole)


def _unit(vector: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """(..., 3) of length 1; of a vector without direction that of `otherwise`, if that has one."""
    size = np.linalg.norm(vector, axis=-1, keepdims=True)
    other = np.linalg.norm(otherwise, axis=-1, keepdims=True)
    none = size < 1e-9
    return np.where(none, otherwise / np.maximum(other, 1e-12), vector / np.where(none, 1.0, size))
