"""How far joints can bend: knees do not bend forward, and no joint folds farther than people's do.

Each limit is one residual a frame, 0 inside its range, with its derivative by the joints relative to the root.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...skeleton import JOINT_COUNT, J
from .body import PART_OF_NAME, Pose
from .quadratic import Quadratic

SIGMA = 0.05
"""How far beyond a limit a cosine or sine may be; 3 degrees."""
REACH = 0.995
"""Of its length a leg that stands is never straighter, or its knee would jump through the straight."""
REACH_SIGMA = 0.004


@dataclass(frozen=True)
class Angle:
    """The angle between two segments, each from one joint to another, stays within a range."""

    first: tuple[str, str]
    second: tuple[str, str]
    least_deg: float
    most_deg: float


def _sided(first: tuple[str, str], second: tuple[str, str], least_deg: float, most_deg: float) -> list[Angle]:
    return [
        Angle(
            tuple(n.format(s=side) for n in first),  # pyright: ignore[reportArgumentType]
            tuple(n.format(s=side) for n in second),  # pyright: ignore[reportArgumentType]
            least_deg,
            most_deg,
        )
        for side in ("left", "right")
    ]


ANGLES: tuple[Angle, ...] = (
    *_sided(("{s}_shoulder", "{s}_elbow"), ("{s}_elbow", "{s}_wrist"), 0, 155),
    *_sided(("{s}_hip", "{s}_knee"), ("{s}_knee", "{s}_ankle"), 0, 155),
    *_sided(("{s}_knee", "{s}_ankle"), ("{s}_heel", "{s}_toe"), 20, 135),
    *_sided(("{s}_elbow", "{s}_wrist"), ("{s}_wrist", "{s}_index_knuckle"), 0, 95),
    Angle(("chest", "neck"), ("neck", "head_top"), 0, 80),
    Angle(("pelvis", "spine"), ("spine", "chest"), 0, 50),
    Angle(("spine", "chest"), ("chest", "neck"), 0, 50),
)
"""After Norkin and White (2016), Measurement of Joint Motion, and wider: a limit must not bend what was seen."""


def add_limits(quadratic: Quadratic, pose: Pose, relative_m: np.ndarray, standing: np.ndarray) -> None:
    """All limits.

    Args:
        quadratic: is added to.
        pose: the present one.
        relative_m: (n, J, 3) its joints.
        standing: (n, 2) how surely the left and the right foot stand.
    """
    for angle in ANGLES:
        _add_angle(quadratic, relative_m, angle)
    for side, name in enumerate(("left", "right")):
        hip, knee, ankle = (J[f"{name}_{joint}"] for joint in ("hip", "knee", "ankle"))
        _add_hinge(quadratic, pose, relative_m, (hip, knee, ankle), name)
        reach_m = REACH * (pose.lengths_m[knee] + pose.lengths_m[ankle])
        _add_reach(quadratic, relative_m, hip, ankle, reach_m, standing[:, side])


def _add_angle(quadratic: Quadratic, relative_m: np.ndarray, angle: Angle) -> None:
    (a, b), (c, d) = ((J[start], J[end]) for start, end in (angle.first, angle.second))
    u, u_length = _unit(relative_m[:, b] - relative_m[:, a])
    v, v_length = _unit(relative_m[:, d] - relative_m[:, c])
    cosine = np.sum(u * v, axis=-1)
    residual = np.minimum(cosine - np.cos(np.radians(angle.most_deg)), 0.0)
    residual += np.maximum(cosine - np.cos(np.radians(angle.least_deg)), 0.0)
    beyond = residual != 0
    if not beyond.any():
        return
    by_u = np.where(beyond[:, None], (v - cosine[:, None] * u) / u_length, 0.0)
    by_v = np.where(beyond[:, None], (u - cosine[:, None] * v) / v_length, 0.0)
    _add_row(quadratic, residual / SIGMA, [(b, by_u), (a, -by_u), (d, by_v), (c, -by_v)], SIGMA)


def _add_hinge(quadratic: Quadratic, pose: Pose, relative_m: np.ndarray, leg: tuple[int, int, int], side: str) -> None:
    """A knee bends backward: (thigh x shin) points to the left, as the pelvis and the foot see it."""
    hip, knee, ankle = leg
    foot = PART_OF_NAME[f"foot.{side[0].upper()}"].carrier
    hinge, _ = _unit(pose.orientations[0][:, :, 0] + pose.orientations[foot][:, :, 0])
    u, u_length = _unit(relative_m[:, knee] - relative_m[:, hip])
    v, v_length = _unit(relative_m[:, ankle] - relative_m[:, knee])
    residual = np.minimum(np.sum(np.cross(u, v) * hinge, axis=-1), 0.0)
    beyond = residual < 0
    if not beyond.any():
        return
    by_u = np.where(beyond[:, None], np.cross(v, hinge) / u_length, 0.0)
    by_v = np.where(beyond[:, None], np.cross(hinge, u) / v_length, 0.0)
    _add_row(quadratic, residual / SIGMA, [(knee, by_u), (hip, -by_u), (ankle, by_v), (knee, -by_v)], SIGMA)


def _add_reach(
    quadratic: Quadratic, relative_m: np.ndarray, hip: int, ankle: int, reach_m: float, standing: np.ndarray
) -> None:
    along, length = _unit(relative_m[:, ankle] - relative_m[:, hip])
    share = np.sqrt(standing)
    residual = share * np.maximum(length[:, 0] - reach_m, 0.0) / REACH_SIGMA
    if not residual.any():
        return
    by_ankle = np.where((residual > 0)[:, None], share[:, None] * along, 0.0)
    _add_row(quadratic, residual, [(ankle, by_ankle), (hip, -by_ankle)], REACH_SIGMA)


def _add_row(quadratic: Quadratic, residual: np.ndarray, parts: list[tuple[int, np.ndarray]], sigma: float) -> None:
    derivative = np.zeros((len(residual), JOINT_COUNT, 3))
    for joint, by_joint in parts:
        derivative[:, joint] += by_joint / sigma
    quadratic.rows.append((derivative, residual))


def _unit(vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    length = np.linalg.norm(vector, axis=-1, keepdims=True) + 1e-9
    return vector / length, length
