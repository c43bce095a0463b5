"""The skeleton as the solve moves it: a root, and parts of the body that turn, each about its own joint.

A part turns in the world's axes, not in its parent's: a joint then moves with the parts on its way to the pelvis only,
by the segments they carry, and a limb's twist, which moves no joint, is no unknown. Parts of one bone have two unknowns
(their direction), parts of several (pelvis, head, hands, feet) have three.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from ...skeleton import BONES, JOINT_COUNT, PARENTS, REST_DIRECTIONS, J


@dataclass(frozen=True)
class Part:
    """Bones that turn as one."""

    carrier: int
    """The bone whose global rotation is the part's."""
    bones: tuple[int, ...]
    columns: slice
    """Of its unknowns."""

    @property
    def rigid(self) -> bool:
        """Whether it has an orientation and not just a direction."""
        return len(self.bones) > 1


_CLUSTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("pelvis", ("left_hip", "right_hip")),
    ("head_top", ("head_top", "nose", "left_ear", "right_ear")),
    *((f"{s}_index_knuckle", (f"{s}_index_knuckle", f"{s}_pinky_knuckle")) for s in ("left", "right")),
    *((f"{s}_heel", (f"{s}_heel", f"{s}_toe")) for s in ("left", "right")),
)


def _parts() -> tuple[Part, ...]:
    clustered = {J[name]: carrier for carrier, names in _CLUSTERS for name in names}
    parts: list[Part] = []
    first = 3
    for carrier, names in _CLUSTERS:
        parts.append(Part(J[carrier], tuple(J[n] for n in names), slice(first, first + 3)))
        first += 3
    for bone in range(1, JOINT_COUNT):
        if bone not in clustered:
            parts.append(Part(bone, (bone,), slice(first, first + 2)))
            first += 2
    return tuple(parts)


PARTS = _parts()
UNKNOWNS = PARTS[-1].columns.stop
"""Root and all parts: 47."""
_PART_OF = {bone: part for part in PARTS for bone in part.bones}
PART_OF_NAME = {BONES[part.carrier]: part for part in PARTS}
"""By the name of the bone that carries it."""


@dataclass(frozen=True, eq=False)
class Pose:
    """n frames of one person."""

    root_m: np.ndarray
    """(n, 3) world axes."""
    directions: np.ndarray
    """(n, J, 3) unit vectors of the bones, world axes; the pelvis's is 0."""
    orientations: dict[int, np.ndarray]
    """Carrier of each rigid part → (n, 3, 3) its global rotation."""
    lengths_m: np.ndarray
    """(J,)."""

    def relative_m(self) -> np.ndarray:
        """(n, J, 3) joints relative to the root."""
        joints_m = np.zeros_like(self.directions)
        for joint in range(1, JOINT_COUNT):
            segment = self.lengths_m[joint] * self.directions[:, joint]
            joints_m[:, joint] = joints_m[:, PARENTS[joint]] + segment
        return joints_m

    def jacobian(self) -> np.ndarray:
        """(n, J, 3, UNKNOWNS) how the joints relative to the root move with each unknown; the root's columns are 0."""
        moved = np.zeros((len(self.root_m), JOINT_COUNT, 3, UNKNOWNS))
        for joint in range(1, JOINT_COUNT):
            moved[:, joint] = moved[:, PARENTS[joint]]
            part = _PART_OF[joint]
            length, direction = self.lengths_m[joint], self.directions[:, joint]
            if part.rigid:
                moved[:, joint, :, part.columns] += -length * cross_matrix(direction)
            else:
                moved[:, joint, :, part.columns] += length * tangents(direction)
        return moved

    def stepped(self, step: np.ndarray) -> Pose:
        """The pose after (n, UNKNOWNS) steps of the unknowns."""
        directions, orientations = self.directions.copy(), dict(self.orientations)
        for part in PARTS:
            own = step[:, part.columns]
            if part.rigid:
                turn = Rotation.from_rotvec(own).as_matrix()
                orientations[part.carrier] = turn @ orientations[part.carrier]
                for bone in part.bones:
                    directions[:, bone] = np.einsum("nij,j->ni", orientations[part.carrier], REST_DIRECTIONS[bone])
            else:
                bone = part.bones[0]
                moved = directions[:, bone] + np.einsum("nij,nj->ni", tangents(directions[:, bone]), own)
                directions[:, bone] = moved / np.linalg.norm(moved, axis=-1, keepdims=True)
        return Pose(self.root_m + step[:, :3], directions, orientations, self.lengths_m)

    def at(self, frames: slice | np.ndarray) -> Pose:
        """Some frames of it."""
        turned = {carrier: rotation[frames] for carrier, rotation in self.orientations.items()}
        return Pose(self.root_m[frames], self.directions[frames], turned, self.lengths_m)


def pose_of(turned: np.ndarray, root_m: np.ndarray, lengths_m: np.ndarray) -> Pose:
    """From global rotations (n, B, 3, 3) of all bones, as `kinematics.forward` uses them."""
    directions = np.einsum("nbij,bj->nbi", turned, REST_DIRECTIONS)
    for part in PARTS:
        if part.rigid:
            for bone in part.bones:
                directions[:, bone] = np.einsum("nij,j->ni", turned[:, part.carrier], REST_DIRECTIONS[bone])
    orientations = {part.carrier: turned[:, part.carrier] for part in PARTS if part.rigid}
    return Pose(root_m, directions, orientations, lengths_m)


def tangents(direction: np.ndarray) -> np.ndarray:
    """(n, 3, 2) two unit vectors across each direction (n, 3). Reference: Frisvad (2012), revised by Duff (2017)."""
    x, y, z = np.moveaxis(direction, -1, 0)
    sign = np.where(z < 0, -1.0, 1.0)
    a = -1.0 / (sign + z)
    b = x * y * a
    first = np.stack([1 + sign * x * x * a, sign * b, -sign * x], axis=-1)
    second = np.stack([b, sign + y * y * a, -y], axis=-1)
    return np.stack([first, second], axis=-1)


def cross_matrix(vector: np.ndarray) -> np.ndarray:
    """(..., 3, 3) M with M w = vector x w."""
    x, y, z = np.moveaxis(vector, -1, 0)
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
