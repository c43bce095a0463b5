"""The mannequin: a jointed wooden figure, built from a person's own joints as one mesh of closed, rounded parts.

Every part is a tube along a straight axis with an oval or boxy cross-section whose size changes along the way, closed
at both ends, and belongs to one bone wholly. Parts of the same topology are computed in one go: fingers, and the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..skeleton import CONTACT_JOINTS, REST_JOINTS_M, J
from .armature_space import body_size
from .finger_space import NAMES, FingerBones

DETAIL = (11, 16)
"""Rings along a part, and corners of each."""
FINGER_DETAIL = (6, 8)
"""The same for fingers, of which there are thirty: as fine, for their size, as the rest."""
BODY, LEFT, RIGHT, JOINT = range(4)
"""Tints: the trunk, the two sides of the body, and the balls between the parts."""

_FINGER_RADIUS_M = {"thumb": 0.0115, "index": 0.0095, "middle": 0.0098, "ring": 0.0092, "pinky": 0.0082}

_X, _Y, _Z = np.eye(3)
_Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Part:
    """One closed tube; lengths in metres for a person of 1.70 m."""

    bone: str
    tint: int
    start_m: np.ndarray
    """(3,) and `end_m`: the ends of the axis, rest pose."""
    end_m: np.ndarray
    across: np.ndarray
    """(3,) direction in which `width_m` counts; `depth_m` counts along axis x across."""
    width_m: _Triple
    """Half the size at the start, the middle and the end."""
    depth_m: _Triple
    bluntness: float = 2.0
    """2 closes the ends like an ellipsoid; more makes them flatter."""
    boxiness: float = 2.0
    """2 makes the cross-section an oval; more squares it."""
    shift_m: _Triple = (0.0, 0.0, 0.0)
    """How far the cross-section is moved along axis x across, at the start, the middle and the end."""


@dataclass(frozen=True)
class Figure:
    """A mesh in the rest pose; N vertices, T triangles, Q quads, metres, faces counter-clockwise from outside."""

    vertices_m: np.ndarray
    """(N, 3)"""
    triangles: np.ndarray
    """(T, 3) int"""
    quads: np.ndarray
    """(Q, 4) int"""
    triangle_tint: np.ndarray
    """(T,) int"""
    quad_tint: np.ndarray
    """(Q,) int"""
    bone_vertices: dict[str, np.ndarray]
    """The vertices that each bone carries; every vertex belongs to one bone."""


def build_figure(
    joints_m: np.ndarray,
    lengths_m: np.ndarray,
    fingers: FingerBones | None = None,
    detail: tuple[int, int] = DETAIL,
    finger_detail: tuple[int, int] = FINGER_DETAIL,
) -> Figure:
    """The figure of a person.

    Args:
        joints_m: (J, 3) the person's rest pose, `armature_space.RestBones.joints_m`.
        lengths_m: (B,) the person's bone lengths; they set how stout the figure is.
        fingers: the person's finger bones at rest; without them the hands are mittens.
        detail, finger_detail: rings along a part, and corners of each.
    """
    # Girth follows the person's overall size, not single bones: a short shin is no thin one.
    size = body_size(lengths_m)
    parts = _trunk(joints_m, size)
    for side, tint in (("left", LEFT), ("right", RIGHT)):
        parts += _arm(joints_m, size, side, tint) + _leg(joints_m, size, side, tint)
        hand = _mitten(joints_m, size, side, tint) if fingers is None else _hand(joints_m, fingers, size, side, tint)
        parts += hand
    fine, coarse = ([part for part in parts if (part.bone in NAMES) == of_finger] for of_finger in (False, True))
    figure = _assemble(fine, size, *detail)
    return _joined(figure, _assemble(coarse, size, *finger_detail)) if coarse else figure


def _joined(a: Figure, b: Figure) -> Figure:
    """Two figures, of which no bone is in both, as one."""
    count = len(a.vertices_m)
    return Figure(
        vertices_m=np.concatenate([a.vertices_m, b.vertices_m]),
        triangles=np.concatenate([a.triangles, b.triangles + count]),
        quads=np.concatenate([a.quads, b.quads + count]),
        triangle_tint=np.concatenate([a.triangle_tint, b.triangle_tint]),
        quad_tint=np.concatenate([a.quad_tint, b.quad_tint]),
        bone_vertices=a.bone_vertices | {bone: vertices + count for bone, vertices in b.bone_vertices.items()},
    )


def _ball(bone: str, centre_m: np.ndarray, radius_m: float, size: float) -> Part:
    half = size * radius_m * _Z
    radii_m = (radius_m, radius_m, radius_m)
    return Part(bone, JOINT, centre_m - half, centre_m + half, _X, radii_m, radii_m)


def _trunk(joints_m: np.ndarray, size: float) -> list[Part]:
    names = ("pelvis", "spine", "chest", "neck", "head_top", "nose")
    pelvis, spine, chest, neck, top, nose = (joints_m[J[name]] for name in names)
    up, front = size * _Z, size * -_Y
    chin = neck + 0.25 * (top - neck)
    return [
        Part("pelvis", BODY, pelvis - 0.095 * up, pelvis + 0.095 * up, _X,
             (0.11, 0.166, 0.15), (0.085, 0.115, 0.095), 3.4, 2.4),
        Part("abdomen", JOINT, pelvis + 0.03 * up, spine + 0.06 * up, _X,
             (0.11, 0.118, 0.11), (0.08, 0.085, 0.08)),
        Part("spine", BODY, spine - 0.01 * up, chest + 0.06 * up, _X,
             (0.105, 0.142, 0.15), (0.08, 0.1, 0.1), 3.0, 2.4),
        Part("chest", BODY, chest - 0.06 * up, neck + 0.012 * up, _X,
             (0.145, 0.178, 0.12), (0.1, 0.118, 0.075), 3.0, 2.5),
        Part("head", JOINT, neck - 0.03 * up, chin + 0.04 * up, _X,
             (0.056, 0.05, 0.048), (0.058, 0.052, 0.05), 4.0),
        Part("head", BODY, chin - 0.01 * up + 0.012 * front, top, _X,
             (0.058, 0.088, 0.09), (0.078, 0.108, 0.1), 2.2, shift_m=(-0.012, 0.0, 0.012)),
        # The nose says where the figure looks, even as a silhouette.
        Part("head", BODY, nose + 0.06 * up - 0.03 * front, nose - 0.026 * up - 0.002 * front, _X,
             (0.009, 0.014, 0.03), (0.016, 0.024, 0.04), 2.6),
    ]  # fmt: skip


def _arm(joints_m: np.ndarray, size: float, side: str, tint: int) -> list[Part]:
    letter = side[0].upper()
    neck = joints_m[J["neck"]]
    shoulder, elbow, wrist = (joints_m[J[f"{side}_{n}"]] for n in ("shoulder", "elbow", "wrist"))
    return [
        Part(f"shoulder.{letter}", BODY, neck + 0.12 * (shoulder - neck) - 0.012 * size * _Z,
             shoulder + 0.1 * (shoulder - neck), _Y, (0.058, 0.07, 0.056), (0.036, 0.05, 0.056), 2.6),
        _ball(f"upper_arm.{letter}", shoulder, 0.056, size),
        Part(f"upper_arm.{letter}", tint, shoulder + 0.05 * (elbow - shoulder), elbow - 0.05 * (elbow - shoulder),
             _Y, (0.054, 0.05, 0.038), (0.056, 0.052, 0.038), 4.5),
        _ball(f"forearm.{letter}", elbow, 0.038, size),
        Part(f"forearm.{letter}", tint, elbow + 0.06 * (wrist - elbow), wrist - 0.05 * (wrist - elbow),
             _Y, (0.042, 0.043, 0.028), (0.042, 0.041, 0.026), 4.5),
        _ball(f"hand.{letter}", wrist, 0.027, size),
    ]  # fmt: skip


def _mitten(joints_m: np.ndarray, size: float, side: str, tint: int) -> list[Part]:
    letter = side[0].upper()
    wrist, index, pinky = (joints_m[J[f"{side}_{n}"]] for n in ("wrist", "index_knuckle", "pinky_knuckle"))
    palm = (index + pinky) / 2 - wrist
    out = palm / np.linalg.norm(palm)
    thumb = wrist + 0.25 * palm - 0.018 * size * _Y
    return [
        Part(f"hand.{letter}", tint, wrist + 0.15 * palm, wrist + 2.1 * palm, _Y,
             (0.034, 0.047, 0.034), (0.022, 0.021, 0.013), 3.6, 2.8),
        Part(f"hand.{letter}", tint, thumb, thumb + size * (0.062 * out - 0.045 * _Y), _Y,
             (0.014, 0.016, 0.011), (0.014, 0.015, 0.011), 2.6),
    ]  # fmt: skip


def _hand(joints_m: np.ndarray, fingers: FingerBones, size: float, side: str, tint: int) -> list[Part]:
    """A palm, the ball of the thumb, and a tube a finger bone."""
    letter = side[0].upper()
    wrist = joints_m[J[f"{side}_wrist"]]
    bones = [(name, index) for index, name in enumerate(NAMES) if name.endswith(letter)]
    at = dict(bones)
    knuckles = np.array([fingers.head_m[at[f"{finger}_1.{letter}"]] for finger in ("index", "pinky")])
    thumb = fingers.head_m[at[f"thumb_1.{letter}"]]
    palm = knuckles.mean(axis=0) - wrist
    parts = [
        Part(f"hand.{letter}", tint, wrist + 0.12 * palm, wrist + 1.1 * palm, _Y,
             (0.027, 0.041, 0.044), (0.02, 0.018, 0.013), 4.5, 2.8),
    ]  # fmt: skip
    for name, index in bones:
        finger, number = name[:-4], int(name[-3])
        start, end = fingers.head_m[index], fingers.tail_m[index]
        radius_m = _FINGER_RADIUS_M[finger] * (1.0, 0.93, 0.84)[number - 1]
        # Overlapping ends keep a bent finger closed at its joints.
        along = radius_m * size * (end - start) / np.linalg.norm(end - start)
        radii_m = (radius_m, 0.96 * radius_m, 0.9 * radius_m)
        if number == 1 and finger == "thumb":
            start, radii_m = start + 0.2 * (wrist - thumb), (1.1 * radius_m, 1.4 * radius_m, radius_m)
        last = 0.2 if number == 3 else 0.8
        parts.append(Part(name, tint, start - 0.8 * along, end + last * along, _Y, radii_m, radii_m, 3.4))
    return parts


def _leg(joints_m: np.ndarray, size: float, side: str, tint: int) -> list[Part]:
    letter = side[0].upper()
    hip, knee, ankle, heel, toe = (joints_m[J[f"{side}_{n}"]] for n in ("hip", "knee", "ankle", "heel", "toe"))
    # The joints of the foot lie inside it; the sole is as far below them as in the rest skeleton.
    below = size * REST_JOINTS_M[CONTACT_JOINTS[0], 2] * _Z
    along = (toe - heel) / np.linalg.norm(toe - heel)
    return [
        _ball(f"thigh.{letter}", hip - 0.005 * size * _Z, 0.068, size),
        Part(f"thigh.{letter}", tint, hip + 0.03 * (knee - hip), knee - 0.05 * (knee - hip),
             _X, (0.088, 0.076, 0.05), (0.092, 0.082, 0.052), 4.5),
        _ball(f"shin.{letter}", knee, 0.05, size),
        Part(f"shin.{letter}", tint, knee + 0.06 * (ankle - knee), ankle - 0.05 * (ankle - knee),
             _X, (0.056, 0.054, 0.034), (0.056, 0.06, 0.036), 4.5, shift_m=(0.0, -0.014, 0.0)),
        _ball(f"foot.{letter}", ankle, 0.036, size),
        Part(f"foot.{letter}", tint, heel - 0.03 * size * along - below, toe + 0.012 * size * along - below,
             _X, (0.036, 0.045, 0.052), (0.046, 0.034, 0.018), 4.0, 2.8, shift_m=(0.046, 0.034, 0.018)),
    ]  # fmt: skip


def _assemble(parts: list[Part], size: float, rings: int, segments: int) -> Figure:
    """Parts as one mesh. Vertices of a part: ring after ring from its start, then the two poles."""
    start = np.array([p.start_m for p in parts])
    axis = np.array([p.end_m for p in parts]) - start
    direction = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
    across = np.array([p.across for p in parts])
    across = across - direction * np.sum(direction * across, axis=-1, keepdims=True)
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    depth = np.cross(direction, across)

    # Along the axis: a parabola through the three sizes, times a superellipse that closes the ends.
    latitude = np.pi * (np.arange(rings) + 0.75) / (rings + 0.5)
    height = -np.cos(latitude)
    t = (height + 1) / 2
    blend = np.stack([(1 - t) * (1 - 2 * t), 4 * t * (1 - t), t * (2 * t - 1)])
    bluntness = np.array([p.bluntness for p in parts])[:, None]
    closing = (1 - np.abs(height) ** bluntness) ** (1 / bluntness)
    width_m = size * (np.array([p.width_m for p in parts]) @ blend) * closing
    depth_m = size * (np.array([p.depth_m for p in parts]) @ blend) * closing
    shift_m = size * (np.array([p.shift_m for p in parts]) @ blend)

    # Around it: a superellipse.
    angle = 2 * np.pi * np.arange(segments) / segments
    power = 2 / np.array([p.boxiness for p in parts])[:, None]
    cosine = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    sine = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    rings_m = (
        (start[:, None] + t[:, None] * axis[:, None] + shift_m[..., None] * depth[:, None])[:, :, None]
        + (width_m[:, :, None] * cosine[:, None])[..., None] * across[:, None, None]
        + (depth_m[:, :, None] * sine[:, None])[..., None] * depth[:, None, None]
    )
    ends = np.array([[p.shift_m[0], p.shift_m[2]] for p in parts]) * size
    poles_m = np.stack([start, start + axis], axis=1) + ends[..., None] * depth[:, None]

    count, ring_vertices = len(parts), rings * segments
    per_part = ring_vertices + 2
    vertices_m = np.concatenate([rings_m.reshape(count, ring_vertices, 3), poles_m], axis=1)

    here = np.arange(segments)
    following = (here + 1) % segments
    below = (np.arange(rings - 1) * segments)[:, None]
    quads = np.stack([below + here, below + following, below + segments + following, below + segments + here], axis=-1)
    last = (rings - 1) * segments
    triangles = np.concatenate(
        [
            np.stack([following, here, np.full(segments, ring_vertices)], axis=-1),
            np.stack([last + here, last + following, np.full(segments, ring_vertices + 1)], axis=-1),
        ]
    )
    offset = (per_part * np.arange(count))[:, None, None]
    quads, triangles = quads.reshape(1, -1, 4) + offset, triangles[None] + offset
    tint = np.array([p.tint for p in parts])
    bones = np.array([p.bone for p in parts])
    numbers = np.arange(count * per_part).reshape(count, per_part)
    return Figure(
        vertices_m=vertices_m.reshape(-1, 3),
        triangles=triangles.reshape(-1, 3),
        quads=quads.reshape(-1, 4),
        triangle_tint=np.repeat(tint, triangles.shape[1]),
        quad_tint=np.repeat(tint, quads.shape[1]),
        bone_vertices={str(bone): numbers[bones == bone].ravel() for bone in np.unique(bones)},
    )
