"""The mannequins of a take drawn over its picture: shaded faces from far to near, as the figures in Blender look.

There is no window and no graphics card to be had where clips are converted by the thousand, so faces are filled by
OpenCV, at twice the picture's size around the people, and shrunk again, which smooths their edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..core import cameras
from ..core import quaternions as quat
from ..core.armature_space import rest_bones
from ..core.figure import BODY, JOINT, LEFT, RIGHT, Figure, build_figure
from ..core.retarget.motion import Motion
from ..core.retarget.take_motion import SLOT_OF, motion_of
from ..take import State, Take

DETAIL, FINGER_DETAIL = (7, 10), (3, 5)
"""Rings along a part, and corners of each: fewer than in Blender, for people are a few hundred pixels high."""
OPACITY, PREDICTED_OPACITY = 0.88, 0.45
FINER = 2
"""Times the picture's size at which faces are filled."""
MOST_PX = 4000
"""Longest side of what is filled, for people right in front of the camera."""
NEAREST_M = 0.1
LIGHT = np.array([-0.4, -0.75, -0.53]) / np.linalg.norm([-0.4, -0.75, -0.53])
"""Direction to the light, camera axes: from above, the left and behind the camera."""
AMBIENT = 0.45
_VALUE = {BODY: 1.0, LEFT: 1.25, RIGHT: 0.6, JOINT: 0.2}
"""The left side is lighter and the right darker than the trunk, as in Blender."""


@dataclass(frozen=True, eq=False)
class _Person:
    motion: Motion
    vertices_m: np.ndarray
    """(N, 3) at rest, from the head of their bone."""
    slot: np.ndarray
    """(N,) index of the motion's slot."""
    faces: np.ndarray
    """(M, 4) vertices; of triangles the last one is there twice."""
    colours: np.ndarray
    """(M, 3) RGB"""


@dataclass(frozen=True, eq=False)
class Mannequins:
    """What is drawn, see `of`."""

    people: dict[int, _Person]
    """By index of the person; those who are in no frame are left out."""
    state: np.ndarray
    """(P, F) `State`"""
    world_to_camera: np.ndarray
    intrinsics: np.ndarray
    """(F, 3, 3) of the picture that is drawn on."""

    @classmethod
    def of(cls, take: Take, scale: tuple[float, float], colours: tuple[tuple[int, int, int], ...]) -> Mannequins:
        """Everybody of a take, for its picture shrunk by `scale` (x, y)."""
        people = {
            person: _person(take, person, colours[person % len(colours)])
            for person in range(take.person_count)
            if (take.state[person] != State.ABSENT).any()
        }
        return cls(
            people,
            take.state,
            cameras.invert(take.camera_to_world),
            take.intrinsics * np.array([[scale[0]], [scale[1]], [1.0]]),
        )

    def draw(self, picture: np.ndarray, frame: int) -> None:
        """Draw everybody of a frame onto an (H, W, 3) uint8 RGB picture, in place."""
        for state, opacity in ((State.PREDICTED, PREDICTED_OPACITY), (State.OBSERVED, OPACITY)):
            faces = [
                self._faces(one, frame) for person, one in self.people.items() if self.state[person, frame] == state
            ]
            if faces:
                points, depth, colours = (np.concatenate(part) for part in zip(*faces, strict=True))
                order = np.argsort(-depth, kind="stable")
                _fill(picture, points[order], colours[order], opacity)

    def _faces(self, one: _Person, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(M, 4, 2) pixels, (M,) metres from the camera and (M, 3) shaded colours of the faces that can be seen."""
        turned, head_m = one.motion.turned[frame, one.slot], one.motion.head_m[frame, one.slot]
        world_m = head_m + quat.rotate(turned, one.vertices_m)
        camera_m = cameras.transform(self.world_to_camera[frame], world_m)
        corners_m = camera_m[one.faces]
        normal = np.cross(corners_m[:, 2] - corners_m[:, 0], corners_m[:, 3] - corners_m[:, 1])
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
        middle_m = corners_m.mean(axis=1)
        seen = (np.sum(normal * middle_m, axis=-1) < 0) & (corners_m[..., 2].min(axis=1) > NEAREST_M)
        shade = AMBIENT + (1 - AMBIENT) * np.clip(normal[seen] @ LIGHT, 0.0, 1.0)
        points_px = cameras.project(camera_m, self.intrinsics[frame])[one.faces[seen]]
        return points_px, np.linalg.norm(middle_m[seen], axis=-1), np.clip(one.colours[seen] * shade[:, None], 0, 255)


def _person(take: Take, person: int, colour: tuple[int, int, int]) -> _Person:
    motion = motion_of(take, person)
    lengths_m = take.bone_length_m[person].astype(np.float64)
    hands_m = take.extras["hand_bone_length_m"][person] if take.has_fingers else None
    rest = rest_bones(lengths_m, hands_m)
    figure = build_figure(rest.joints_m, lengths_m, rest.fingers, DETAIL, FINGER_DETAIL)
    slot = np.zeros(len(figure.vertices_m), dtype=np.int64)
    for bone, vertices in figure.bone_vertices.items():
        slot[vertices] = motion.index[SLOT_OF.get(bone, bone)]
    faces, tint = _as_quads(figure)
    value = np.array([_VALUE[one] for one in range(len(_VALUE))])[tint]
    colours = np.array(colour, dtype=np.float64) * value[:, None]
    return _Person(motion, figure.vertices_m - motion.rest_head_m[slot], slot, faces, colours)


def _as_quads(figure: Figure) -> tuple[np.ndarray, np.ndarray]:
    """(M, 4) faces and (M,) tints."""
    triangles = figure.triangles[:, [0, 1, 2, 2]]
    return np.concatenate([figure.quads, triangles]), np.concatenate([figure.quad_tint, figure.triangle_tint])


def _fill(picture: np.ndarray, points_px: np.ndarray, colours: np.ndarray, opacity: float) -> None:
    """Fill (M, 4, 2) faces in their order, within the part of the picture that they reach."""
    height, width = picture.shape[:2]
    low = np.clip(np.floor(np.nanmin(points_px, axis=(0, 1))).astype(int) - 1, 0, (width, height))
    high = np.clip(np.ceil(np.nanmax(points_px, axis=(0, 1))).astype(int) + 2, 0, (width, height))
    size = high - low
    if (size <= 0).any():
        return
    finer = FINER if size.max() * FINER <= MOST_PX else 1
    layer = np.zeros((size[1] * finer, size[0] * finer, 4), dtype=np.uint8)
    fixed = np.round(((points_px - low) * finer - 0.5) * 16).clip(-1e6, 1e6).astype(np.int32)
    tones = np.concatenate([colours, np.full((len(colours), 1), 255.0)], axis=1).tolist()
    for face, tone in zip(fixed, tones, strict=True):
        cv2.fillConvexPoly(layer, face, tone, cv2.LINE_8, 4)
    small = cv2.resize(layer, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA).astype(np.float32)
    cover = small[..., 3:] / 255.0
    part = picture[low[1] : high[1], low[0] : high[0]]
    # What is shrunk holds colours times cover already.
    part[:] = np.round(part * (1 - opacity * cover) + opacity * small[..., :3]).astype(np.uint8)
