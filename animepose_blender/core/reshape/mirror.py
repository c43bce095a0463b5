"""A motion's mirror image: left and right change places.

Our own skeleton is its own mirror image at rest, in S = diag(-1, 1, 1). A bone's local rotation R becomes S R S for the
bone of the other side, that is (w, x, y, z) becomes (w, x, -y, -z). Across a plane other than X = 0 the whole figure
then turns and moves by the rigid motion from the one mirror image to the other.

An armature's bones may be rolled as they like. Let M[b] be the rest matrix of bone b, P[b] its pose, and m the bone on
the other side. What turns and moves the bone from its rest, P[b] M[b]^-1, is what is mirrored:

    P'[m] M[m]^-1 = S P[b] M[b]^-1 S        with P[b] = P[p] M[p]^-1 M[b] B[b]

If the parent of m is on the other side of b's parent, that gives for the channels B

    B'[m] = C B[b] C^-1,    C = M[m]^-1 S M[b].

C is a reflection: a rotation by the vector v becomes one by -C v, a location t becomes C t. Only its rotating part is
used; where the rest pose is not symmetric, joints turn in mirrored ways and stay on the bones they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...skeleton import BONE_COUNT, MIRROR
from .. import quaternions as quat
from ..retarget import euler
from ..retarget.armature import Armature
from .other_side import counterparts
from .poses import Poses

_S = np.array([-1.0, 1.0, 1.0])
_TURN = np.array([1.0, 1.0, -1.0, -1.0])
"""Signs of a quaternion seen in a mirror across X."""
CONTACT_OTHER: tuple[int, ...] = (2, 3, 0, 1)
"""Contact columns of the other foot."""
WAY_S, WALKS_M_S, AHEAD_DEG = 1.5, 0.3, 30.0
"""A figure that sets out so fast, and no further aside from where it looks, is mirrored along its way; any other as it
looks."""
SQUARE = 1e-5
"""Up to this a bone's axes are those of its counterpart but for signs: its channels then change signs alone."""


@dataclass(frozen=True, eq=False)
class Plane:
    """A mirror."""

    normal: np.ndarray
    """(3,) of any length above zero."""
    point_m: np.ndarray
    """(3,) on it."""

    def __post_init__(self) -> None:
        if not np.linalg.norm(self.normal) > 0 or self.normal.shape != (3,) or self.point_m.shape != (3,):
            raise ValueError("a plane needs a normal with a direction and a point")

    @property
    def reflection(self) -> np.ndarray:
        """(3, 3) H = 1 - 2 n n^T."""
        n = self.normal / np.linalg.norm(self.normal)
        return np.eye(3) - 2 * np.outer(n, n)

    @property
    def shift_m(self) -> np.ndarray:
        """(3,) the mirror image of x is H x + shift."""
        return self.point_m - self.reflection @ self.point_m

    def image(self, points_m: np.ndarray) -> np.ndarray:
        """(..., 3) of points (..., 3)."""
        return points_m @ self.reflection + self.shift_m


def own_plane(poses: Poses, frame: int = 0) -> Plane:
    """The upright plane through a figure of our skeleton, from back to front, as it stands in one frame.

    Across it the motion begins where it was, looking the same way.
    """
    side = quat.rotate(poses.rotations[frame, 0], np.array([1.0, 0.0, 0.0]))
    level = np.array([side[0], side[1], 0.0])
    if np.linalg.norm(level) < 1e-3:  # lying on its side
        level = np.array([1.0, 0.0, 0.0])
    return Plane(level, poses.root_m[frame].copy())


def plane_of_way(pelvis_m: np.ndarray, left: np.ndarray, time_s: np.ndarray) -> Plane:
    """The upright plane that a figure's way begins in: across it the way begins where it did, and as it did.

    Args:
        pelvis_m: (F, 3) world axes, Z up.
        left: (F, 3) to the figure's left, of any length.
        time_s: (F,) increasing; of it the first `WAY_S` seconds count, since a walking body sways; what turns is taken
            as it begins to.
    """
    begins = time_s <= time_s[0] + WAY_S
    since_s = time_s[begins] - time_s[0]
    degree = min(len(since_s) - 1, 2)
    side = left[begins, :2]
    looks = np.polyfit(since_s, np.unwrap(np.arctan2(side[:, 1], side[:, 0])), min(degree, 1))[-1]
    if degree > 0:
        pace = np.polyfit(since_s, pelvis_m[begins, :2], degree)[-2]
        goes = np.arctan2(pace[1], pace[0]) + np.pi / 2
        off = (goes - looks + np.pi / 2) % np.pi - np.pi / 2
        if np.linalg.norm(pace) > WALKS_M_S and abs(off) < np.radians(AHEAD_DEG):
            looks = goes  # ahead, or backwards
    return Plane(np.array([np.cos(looks), np.sin(looks), 0.0]), np.array(pelvis_m[0], dtype=np.float64))


def mirror_poses(poses: Poses, plane: Plane) -> Poses:
    """A motion of our skeleton in the mirror; a person's bone lengths are then those of `lengths[MIRROR]`.

    Raises:
        ValueError: if it is not our skeleton's.
    """
    if poses.rotations.shape[1] != BONE_COUNT:
        raise ValueError(f"a pose has {poses.rotations.shape[1]} bones, expected {BONE_COUNT}")
    rotations = poses.rotations[:, MIRROR] * _TURN
    turn = quat.from_matrix(plane.reflection * _S)
    rotations[:, 0] = quat.multiply(turn, rotations[:, 0])
    return replace(
        poses, rotations=rotations, root_m=plane.image(poses.root_m), contact=poses.contact[:, CONTACT_OTHER]
    )


def mirror_hands(rotations: np.ndarray) -> np.ndarray:
    """(..., 2, 15, 4) local rotations of both hands (`core.fingers`), left first, of their mirror images."""
    return rotations[..., ::-1, :, :] * _TURN


@dataclass(frozen=True, eq=False)
class BoneChannels:
    """What moves one bone over F frames, in Blender's terms; None = not keyed."""

    mode: str
    """Blender's rotation mode: QUATERNION, AXIS_ANGLE or an order of Euler angles."""
    rotation: np.ndarray | None = None
    """(F, 4), or (F, 3) radians of Euler angles."""
    location: np.ndarray | None = None
    """(F, 3)"""
    scale: np.ndarray | None = None
    """(F, 3)"""


@dataclass(frozen=True, eq=False)
class Mirrored:
    """Channels of an armature in the mirror."""

    bones: dict[str, BoneChannels]
    alone: tuple[str, ...]
    """Bones whose name tells a side and which have no counterpart; they are as they were."""


def mirror_channels(
    armature: Armature,
    bones: Mapping[str, BoneChannels],
    plane: Plane | None = None,
    local_location: np.ndarray | None = None,
) -> Mirrored:
    """The mirror image of any armature's channels.

    Args:
        bones: by name; a bone gets the channels of its counterpart, so both must be there if both are keyed. A
            quaternion need not be of unit length.
        plane: in the world; None = X = 0 of the armature. With a plane all bones without a parent must be there.
        local_location: (N,) bool, Blender's `use_local_location`; None = all.
    Raises:
        ValueError: if a bone is not the armature's, or one without a parent is missing for a plane.
    """
    unknown = [name for name in bones if name not in armature.index]
    if unknown:
        raise ValueError(f"the armature has no bones {unknown}")
    other = counterparts(armature.names)
    axes = armature.rest[:, :3, :3] / np.linalg.norm(armature.rest[:, :3, :3], axis=1, keepdims=True)
    made: dict[str, BoneChannels] = {}
    alone = tuple(name for name in bones if other[armature.index[name]] < 0)
    for name, own in bones.items():
        bone = armature.index[name]
        to = int(other[bone])
        if to < 0:
            made[name] = own
            continue
        turns = axes[to].T @ (_S[:, None] * axes[bone])
        moves = turns
        if local_location is not None and not local_location[bone]:
            # Such a location is along the axes of the parent, or of the armature.
            up, up_to = int(armature.parents[bone]), int(armature.parents[to])
            moves = np.diag(_S) if up < 0 or up_to < 0 else axes[up_to].T @ (_S[:, None] * axes[up])
        target = armature.names[to]
        mode = bones[target].mode if target in bones else own.mode
        made[target] = _bone(own, mode, turns, moves)
    if plane is not None:
        free = [armature.names[bone] for bone in np.flatnonzero(armature.parents < 0)]
        missing = [name for name in free if name not in made]
        if missing:
            raise ValueError(f"bones without a parent are missing: {missing}")
        made = made | {name: _whole(made[name]) for name in free}
        made = carry(armature, made, plane, dict.fromkeys(free, np.eye(4)), local_location)
    return Mirrored(made, alone)


def _whole(channels: BoneChannels) -> BoneChannels:
    """With a rotation and a location, of which one may not have been keyed."""
    rotation, location = channels.rotation, channels.location
    if rotation is None:
        rotation = euler.to_channels(quat.IDENTITY[None], channels.mode)
    return replace(channels, rotation=rotation, location=np.zeros((1, 3)) if location is None else location)


def carry(
    armature: Armature,
    bones: Mapping[str, BoneChannels],
    plane: Plane,
    carriers: Mapping[str, np.ndarray],
    local_location: np.ndarray | None = None,
) -> dict[str, BoneChannels]:
    """The mirror image across a plane in the world, of that across the armature's X = 0.

    Args:
        bones: as mirrored; those of `carriers` have rotation and location, or the one that they lack is not wanted.
        carriers: bones that all others hang on, and on no other among them → (4, 4) Q, the rigid motion of what they
            hang on from its rest, armature axes; it must stand still.
        local_location: as for `mirror_channels`.

    What hangs on something that is moved by Q was mirrored across Q's own X = 0. With H the wanted mirror image and S
    that across X = 0, it is moved on by H Q S Q^-1.
    """
    made = dict(bones)
    inverse = np.linalg.inv(armature.to_world)
    own = Plane(armature.to_world[:3, :3].T @ plane.normal, inverse[:3, :3] @ plane.point_m + inverse[:3, 3])
    image = np.eye(4)
    image[:3, :3], image[:3, 3] = own.reflection, own.shift_m
    for name, q in carriers.items():
        channels, bone = made[name], armature.index[name]
        moved = image @ q @ np.diag([*_S, 1.0]) @ np.linalg.inv(q)
        hung = q @ armature.rest[bone]
        axes = hung[:3, :3] / np.linalg.norm(hung[:3, :3], axis=0)
        along = axes
        if local_location is not None and not local_location[bone]:
            along = q[:3, :3] @ (
                armature.rest[armature.parents[bone], :3, :3] if armature.parents[bone] >= 0 else np.eye(3)
            )
        rotation, location = channels.rotation, channels.location
        if rotation is not None:
            turn = quat.from_matrix(axes.T @ moved[:3, :3] @ axes)
            rotation = euler.to_channels(
                quat.multiply(turn, euler.from_channels(rotation, channels.mode)), channels.mode
            )
        if location is not None:
            placed = (hung[:3, 3] + location @ along.T) @ moved[:3, :3].T + moved[:3, 3]
            location = np.linalg.solve(along, (placed - hung[:3, 3]).T).T
        made[name] = replace(channels, rotation=rotation, location=location)
    return made


def _bone(own: BoneChannels, mode: str, turns: np.ndarray, moves: np.ndarray) -> BoneChannels:
    """One bone's channels as those of its counterpart."""
    rotation, location, scale = own.rotation, own.location, own.scale
    if rotation is not None:
        signs = np.round(np.diag(turns))
        if own.mode == mode and np.abs(turns - np.diag(signs)).max() < SQUARE:
            # Exact, and Euler angles keep their whole turns.
            factors = {4: np.concatenate([[1.0], -signs]), 3: -signs}[rotation.shape[-1]]
            rotation = rotation * factors
        else:
            q = euler.from_channels(rotation, own.mode)
            rotation = euler.to_channels(np.concatenate([q[:, :1], -q[:, 1:] @ turns.T], axis=-1), mode)
    if location is not None:
        location = location @ moves.T
    if scale is not None:
        # The diagonal of C diag(s) C^T: exact where axes change signs or places alone.
        scale = scale @ (turns**2).T
    return BoneChannels(mode, rotation, location, scale)
