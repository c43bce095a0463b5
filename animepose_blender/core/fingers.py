"""The hand: 21 points, 15 finger bones that turn, and the way from points seen in space to rotations and back.

The points are those of MediaPipe Hands: the wrist, then four for each finger from its root to its tip; the first of a
finger is the base of the thumb, or the knuckle. Every point but the wrist ends one bone, whose parent is the point
before it, or the wrist: bones of the palm (to the first points) are rigid in the hand, the other 15 turn. The wrist is
the skeleton's own, and the hand's rotation is that of the skeleton's bone that ends at the index knuckle.

The rest pose is the skeleton's: arms spread, palms down, fingers straight. Local rotations are relative to the bone
before, as in `skeleton`; the right hand mirrors the left one in X, so that everything is worked out for a left hand.
Arrays of two hands have an axis of 2, the left one first.

A bone turns by two angles: flexion f towards the palm and spread s across it. With t along the bone, m the direction
into which it bends and h = t x m the hinge, the turned bone is

    R t = cos(s) (cos(f) t + sin(f) m) + sin(s) h           R = turn(h, f) turn(-m, s)

so that both can be read off any direction, also at a right angle. Most joints are hinges: their spread is 0.

Reference: Zhang et al. (2020), MediaPipe Hands; ranges of motion: American Academy of Orthopaedic Surgeons (1965),
rounded, and a little wider where a straight finger bends back.
"""

from __future__ import annotations

import numpy as np

from . import quaternions as quat
from .swing_twist import fit

FINGERS: tuple[str, ...] = ("thumb", "index", "middle", "ring", "pinky")
POINT_COUNT, BONE_COUNT, LENGTH_COUNT = 21, 15, 20
SIDES: tuple[str, ...] = ("L", "R")

BONES: tuple[tuple[str, ...], ...] = tuple(
    tuple(f"{finger}_{number}.{side}" for finger in FINGERS for number in (1, 2, 3)) for side in SIDES
)
"""Names of the turning bones of the left and the right hand, in the order of all arrays: thumb_1.L to pinky_3.R."""

PARENTS: np.ndarray = np.array([-1 if point == 0 else (0 if point % 4 == 1 else point - 1) for point in range(21)])
"""(21,) point before each; -1 for the wrist."""

ENDS: np.ndarray = np.array([point for point in range(21) if point % 4 != 1 and point > 0])
"""(15,) the point that each turning bone ends at; it begins at the point before."""

_ROOTS_M: dict[str, tuple[float, float, float]] = {
    "thumb": (0.024, -0.026, -0.008), "index": (0.090, -0.030, 0.0), "middle": (0.092, -0.010, 0.003),
    "ring": (0.086, 0.011, 0.003), "pinky": (0.075, 0.030, 0.0),
}  # fmt: skip
"""First point of each finger from the wrist, left hand; index and pinky are the skeleton's knuckles."""
_LENGTHS_M: dict[str, tuple[float, float, float]] = {
    "thumb": (0.042, 0.033, 0.028), "index": (0.043, 0.026, 0.023), "middle": (0.047, 0.030, 0.024),
    "ring": (0.043, 0.028, 0.024), "pinky": (0.034, 0.021, 0.021),
}  # fmt: skip
_DIRECTIONS: dict[str, tuple[float, float, float]] = {
    "thumb": (0.74, -0.64, -0.20), "index": (0.995, -0.10, 0.0), "middle": (1.0, -0.02, 0.0),
    "ring": (0.998, 0.06, 0.0), "pinky": (0.985, 0.17, 0.0),
}  # fmt: skip
_BENDS: dict[str, tuple[float, float, float]] = {
    finger: (0.5, 0.55, -0.67) if finger == "thumb" else (0.0, 0.0, -1.0) for finger in FINGERS
}
"""Where each finger bends to: the thumb across the palm and a little below it."""


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def _rest_points() -> np.ndarray:
    points = [np.zeros(3)]
    for finger in FINGERS:
        points.append(np.array(_ROOTS_M[finger]))
        for length in _LENGTHS_M[finger]:
            points.append(points[-1] + length * _unit(np.array(_DIRECTIONS[finger])))
    return np.array(points)


_LEFT_M = _rest_points()
_FLIP = np.array([-1.0, 1.0, 1.0])
_FLIP_TURN = np.array([1.0, 1.0, -1.0, -1.0])
"""A rotation seen in a mirror across X keeps its turn about X and reverses the others."""

REST_POINTS_M: np.ndarray = np.stack([_LEFT_M, _LEFT_M * _FLIP])
"""(2, 21, 3) the hands of the skeleton's 1.70 m at rest, from the wrist; metres, axes of `skeleton`."""
_segments = REST_POINTS_M[:, 1:] - REST_POINTS_M[:, PARENTS[1:]]
REST_LENGTHS_M: np.ndarray = np.linalg.norm(_segments[0], axis=-1)
"""(20,) length of the bone that ends at each point but the wrist."""
REST_DIRECTIONS: np.ndarray = _segments / REST_LENGTHS_M[:, None]
"""(2, 20, 3) unit direction of those bones at rest."""

_ALONG = REST_DIRECTIONS[0][ENDS - 1]
_BEND = np.repeat(np.array([_BENDS[finger] for finger in FINGERS]), 3, axis=0)
_BEND = _unit(_BEND - _ALONG * np.sum(_ALONG * _BEND, axis=-1, keepdims=True))
_HINGE = np.cross(_ALONG, _BEND)
HINGES: np.ndarray = np.stack([_HINGE, _HINGE * _FLIP * -1.0])
"""(2, 15, 3) rest axis about which a positive turn bends each bone towards the palm (an axis mirrors as a turn)."""

_FINGER_FLEXION_DEG = ((-25.0, 95.0), (-8.0, 115.0), (-12.0, 85.0))
_FLEXION_DEG = np.array([(-35.0, 50.0), (-15.0, 70.0), (-20.0, 85.0), *(_FINGER_FLEXION_DEG * 4)])
_SPREAD_DEG = np.zeros((15, 2))
_SPREAD_DEG[0], _SPREAD_DEG[1], _SPREAD_DEG[3::3] = (-40.0, 40.0), (-15.0, 15.0), (-20.0, 20.0)
LIMITS_RAD: np.ndarray = np.radians(np.stack([_FLEXION_DEG, _SPREAD_DEG], axis=1))
"""(15, 2, 2) least and greatest flexion and spread of each bone."""

REST_CURL_RAD: np.ndarray = np.radians(
    [
        (10.0, 0.0), (10.0, 0.0), (18.0, 0.0),
        (20.0, 2.0), (32.0, 0.0), (16.0, 0.0),
        (26.0, 0.0), (38.0, 0.0), (18.0, 0.0),
        (30.0, -1.0), (40.0, 0.0), (18.0, 0.0),
        (33.0, -4.0), (38.0, 0.0), (18.0, 0.0),
    ]
)  # fmt: skip
"""(15, 2) flexion and spread of a relaxed hand: fingers curl more from the index to the little one."""

_PALM_WEIGHTS = np.array([1.0, 2.0, 0.2])
"""The way along the palm, across the knuckles, and the base of the thumb, which is less rigid."""

for _array in (PARENTS, ENDS, REST_POINTS_M, REST_LENGTHS_M, REST_DIRECTIONS, HINGES, LIMITS_RAD, REST_CURL_RAD):
    _array.setflags(write=False)


def palm_rotations(points_m: np.ndarray) -> np.ndarray:
    """How the palms are turned.

    Args:
        points_m: (..., 2, 21, 3) left and right hands in any axes, metres or not; finite.
    Returns:
        (..., 2, 4) wxyz; turns directions of the rest pose into those axes, as a global rotation of the skeleton does.
    """
    rest = _palm_directions(REST_POINTS_M)
    observed = _palm_directions(points_m)
    return np.stack([fit(rest[side], observed[..., side, :, :], _PALM_WEIGHTS) for side in (0, 1)], axis=-2)


def _palm_directions(points_m: np.ndarray) -> np.ndarray:
    """(..., 3, 3) along the palm, across it, and to the thumb; only directions count, for lengths differ."""
    rays = _unit(points_m[..., [1, 5, 9, 13, 17], :] - points_m[..., :1, :])
    return _unit(np.stack([rays[..., 1:, :].sum(axis=-2), rays[..., 1, :] - rays[..., 4, :], rays[..., 0, :]], axis=-2))


def finger_angles(points_m: np.ndarray, palms: np.ndarray) -> np.ndarray:
    """Flexion and spread of all bones, within the limits of the joints.

    Each bone is read in the axes of the bone before as that was solved, so that what one joint must not do, the next
    may make up for.

    Args:
        points_m: (..., 2, 21, 3) in the axes of `palms`.
        palms: (..., 2, 4) from `palm_rotations`.
    Returns:
        (..., 2, 15, 2) radians.
    """
    bones = points_m[..., ENDS, :] - points_m[..., PARENTS[ENDS], :]
    bones = quat.rotate(quat.conjugate(palms)[..., None, :], bones)
    bones[..., 1, :, :] *= _FLIP
    angles = np.zeros((*bones.shape[:-1], 2))
    turned = np.broadcast_to(quat.IDENTITY, (*bones.shape[:-2], 5, 4))
    for number in range(3):
        own = np.arange(number, BONE_COUNT, 3)
        direction = quat.rotate(quat.conjugate(turned), bones[..., own, :])
        along, into, aside = (np.sum(direction * axis[own], axis=-1) for axis in (_ALONG, _BEND, _HINGE))
        spread = np.arctan2(aside, np.hypot(along, into))
        found = np.stack([np.arctan2(into, along), spread], axis=-1)
        angles[..., own, :] = np.clip(found, LIMITS_RAD[own, :, 0], LIMITS_RAD[own, :, 1])
        turned = quat.multiply(turned, _turns(angles[..., own, :], own))
    return angles


def _turns(angles_rad: np.ndarray, bones: np.ndarray | slice = slice(None)) -> np.ndarray:
    """(..., N, 4) left-handed local rotations of (..., N, 2) flexion and spread."""
    half = angles_rad / 2
    cos, sin = np.cos(half), np.sin(half)
    flexion = np.concatenate([cos[..., :1], sin[..., :1] * _HINGE[bones]], axis=-1)
    spread = np.concatenate([cos[..., 1:], sin[..., 1:] * -_BEND[bones]], axis=-1)
    return quat.multiply(flexion, spread)


def rotations(angles_rad: np.ndarray) -> np.ndarray:
    """Local rotations of the finger bones.

    Args:
        angles_rad: (..., 2, 15, 2) flexion and spread of both hands.
    Returns:
        (..., 2, 15, 4) wxyz.
    """
    turns = _turns(angles_rad)
    turns[..., 1, :, :] *= _FLIP_TURN
    return turns


def forward(
    local: np.ndarray, palms: np.ndarray, wrists_m: np.ndarray, lengths_m: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points and global rotations of both hands.

    Args:
        local: (..., 2, 15, 4) local rotations.
        palms: (..., 2, 4) global rotations of the hands.
        wrists_m: (..., 2, 3) in the axes of `palms`.
        lengths_m: (..., 2, 20) bone lengths.
    Returns:
        points_m (..., 2, 21, 3) and global rotations (..., 2, 15, 4).
    """
    segments = lengths_m[..., None] * REST_DIRECTIONS
    points, turned = [wrists_m], []
    for point in range(1, POINT_COUNT):
        if PARENTS[point] == 0:
            rotation = palms
        else:
            before = palms if point % 4 == 2 else turned[-1]
            rotation = quat.multiply(before, local[..., len(turned), :])
            turned.append(rotation)
        points.append(points[PARENTS[point]] + quat.rotate(rotation, segments[..., point - 1, :]))
    return np.stack(points, axis=-2), np.stack(turned, axis=-2)
