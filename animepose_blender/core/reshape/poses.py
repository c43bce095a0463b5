"""A motion and the body that it moves, as far as loops and other timing need to know: bones, two legs, and contacts.

Bone j is turned by G[j] and begins at x[j]:

    G[j] = G[p] O[j] R[j]        x[j] = x[p] + G[p] offset[j]

with R the motion, O how the bone is turned in its parent at rest, and p its parent. The first bone carries the figure:
G[0] = O[0] R[0] and x[0] = root. Our skeleton, an armature of Blender and a BVH file are all of this kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ... import skeleton
from .. import quaternions as quat
from ..retarget.armature import Armature
from ..retarget.euler import rotations_of
from ..retarget.feet import Legs
from ..retarget.two_bone import knee_hinge


@dataclass(frozen=True, eq=False)
class Poses:
    """F frames of one figure; world axes (Z up), metres.

    Raises:
        ValueError: if the arrays do not fit each other, or time does not increase.
    """

    rotations: np.ndarray
    """(F, B, 4) local rotations, wxyz, of unit length."""
    root_m: np.ndarray
    """(F, 3) where the first bone begins."""
    time_s: np.ndarray
    """(F,) increasing."""
    contact: np.ndarray
    """(F, 4) 0 to 1: left heel, left toe, right heel, right toe stand; zeros where that is not known."""

    def __post_init__(self) -> None:
        frames = len(self.time_s)
        bones = self.rotations.shape[1] if self.rotations.ndim == 3 else -1
        shapes = {"rotations": (frames, bones, 4), "root_m": (frames, 3), "contact": (frames, 4)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} is {getattr(self, name).shape}, expected {shape}")
        if (np.diff(self.time_s) <= 0).any():
            raise ValueError("time_s does not increase from frame to frame")

    @property
    def known(self) -> np.ndarray:
        """(F,) bool; frames in which nothing is NaN."""
        return np.isfinite(self.rotations).all(axis=(1, 2)) & np.isfinite(self.root_m).all(axis=1)


@dataclass(frozen=True, eq=False)
class LegBones:
    """One leg; each bone is the parent of the next."""

    thigh: int
    shin: int
    foot: int
    sole_m: np.ndarray
    """(2, 3) from the ankle to the heel and to the tip of the toes (or the ball), in the foot's own axes."""


@dataclass(frozen=True, eq=False)
class Figure:
    """B bones, parents before their children; metres.

    Raises:
        ValueError: if the arrays do not fit each other, or a leg's bones do not hang on one another.
    """

    parents: np.ndarray
    """(B,) int; -1 for the first bone alone."""
    offset_m: np.ndarray
    """(B, 3) from the parent's head to the bone's own, in the parent's axes; the first bone's does not count."""
    tail_m: np.ndarray
    """(B, 3) from the bone's head to its tail, in its own axes."""
    rest_turn: np.ndarray
    """(B, 4) O: how the bone is turned in its parent at rest, the first one in the world."""
    legs: tuple[LegBones, LegBones] | None = None
    """Left and right."""

    def __post_init__(self) -> None:
        count = len(self.parents)
        for name, shape in {"offset_m": (count, 3), "tail_m": (count, 3), "rest_turn": (count, 4)}.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} is {getattr(self, name).shape}, expected {shape}")
        if count == 0 or self.parents[0] != -1 or (self.parents[1:] < 0).any():
            raise ValueError("the first bone, and it alone, must have no parent")
        if (self.parents >= np.arange(count)).any():
            raise ValueError("a bone comes before its parent")
        for leg in self.legs or ():
            if self.parents[leg.shin] != leg.thigh or self.parents[leg.foot] != leg.shin:
                raise ValueError("thigh, shin and foot do not hang on one another")

    @classmethod
    def of_skeleton(cls, lengths_m: np.ndarray) -> Figure:
        """Our own skeleton with (B,) bone lengths of a take."""
        parents = np.asarray(skeleton.PARENTS)
        tail_m = np.asarray(lengths_m, dtype=np.float64)[:, None] * skeleton.REST_DIRECTIONS
        joint = skeleton.J
        legs = [
            LegBones(
                joint[f"{side}_knee"],
                joint[f"{side}_ankle"],
                joint[f"{side}_heel"],
                np.stack([tail_m[joint[f"{side}_heel"]], tail_m[joint[f"{side}_heel"]] + tail_m[joint[f"{side}_toe"]]]),
            )
            for side in ("left", "right")
        ]
        still = np.tile(quat.IDENTITY, (len(parents), 1))
        return cls(parents, tail_m[parents], tail_m, still, (legs[0], legs[1]))

    @classmethod
    def of_armature(
        cls,
        armature: Armature,
        root: str,
        legs: Sequence[Sequence[str]] | None = None,
        sole: np.ndarray | None = None,
    ) -> tuple[Figure, tuple[str, ...]]:
        """The bones of an armature from one on; what is above that bone is taken to be at rest.

        Local rotations are then Blender's basis rotations; `root_m` is the head of `root` in the world, which its
        location channels move (`plain_controls`).

        Args:
            root: the bone that carries the figure.
            legs: names of thigh, shin and foot, left then right; None = no feet are held.
            sole: (2, 2, 3) armature axes and units: heel and tip of the toes at rest, left and right. None = below the
                ankle, and where the foot bone ends.
        Returns:
            The figure, and the names of its bones in order.
        """
        first = armature.index[root]
        inside = np.zeros(len(armature.names), dtype=bool)
        inside[first] = True
        for bone in range(first + 1, len(armature.names)):
            inside[bone] = armature.parents[bone] >= 0 and inside[armature.parents[bone]]
        picked = np.flatnonzero(inside)
        place = np.full(len(armature.names), -1)
        place[picked] = np.arange(len(picked))
        parents = np.where(picked == first, -1, place[armature.parents[picked]])

        turn = rotations_of(armature.to_world @ armature.rest[picked])
        head_m, tail_m = armature.in_world(armature.heads[picked]), armature.in_world(armature.tails[picked])
        up = np.maximum(parents, 0)
        own = (parents >= 0)[:, None]
        rest_turn = np.where(own, quat.multiply(quat.conjugate(turn[up]), turn), turn)
        offset_m = np.where(own, quat.rotate(quat.conjugate(turn[up]), head_m - head_m[up]), 0.0)
        found = []
        for side, names in enumerate(legs or ()):
            thigh, shin, foot = (int(place[armature.index[name]]) for name in names)
            if sole is not None:
                points_m = armature.in_world(sole[side])
            else:
                points_m = np.stack([head_m[foot], tail_m[foot]])
                points_m[:, 2] = points_m[:, 2].min()
            found.append(LegBones(thigh, shin, foot, quat.rotate(quat.conjugate(turn[foot]), points_m - head_m[foot])))
        figure = cls(
            parents,
            offset_m,
            quat.rotate(quat.conjugate(turn), tail_m - head_m),
            rest_turn,
            (found[0], found[1]) if found else None,
        )
        return figure, tuple(armature.names[bone] for bone in picked)

    def forward(self, rotations: np.ndarray, root_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Global rotations (..., B, 4) and heads (..., B, 3) of local rotations (..., B, 4) and a root (..., 3)."""
        turned, head_m = [quat.multiply(self.rest_turn[0], rotations[..., 0, :])], [root_m]
        for bone in range(1, len(self.parents)):
            above = int(self.parents[bone])
            carried = quat.multiply(turned[above], self.rest_turn[bone])
            turned.append(quat.multiply(carried, rotations[..., bone, :]))
            head_m.append(head_m[above] + quat.rotate(turned[above], self.offset_m[bone]))
        return np.stack(turned, axis=-2), np.stack(head_m, axis=-2)

    def tails(self, poses: Poses) -> np.ndarray:
        """(F, B, 3) where the bones end, world axes."""
        turned, head_m = self.forward(poses.rotations, poses.root_m)
        return head_m + quat.rotate(turned, self.tail_m)

    def soles(self, poses: Poses) -> np.ndarray:
        """(F, 2, 2, 3) heel and toes of the left and the right foot, world axes."""
        legs = self.legs_of(poses)
        ankle_m = legs.hip_m + quat.rotate(legs.turned[:, :, :2], legs.segments_m).sum(axis=2)
        return ankle_m[:, :, None] + quat.rotate(legs.turned[:, :, None, 2], legs.sole_m)

    def legs_alone(self, poses: Poses) -> tuple[Figure, Poses, np.ndarray]:
        """The legs and what carries them, their motion, and which of the bones (N,) that are: all that feet need."""
        wanted = {0}
        for leg in self._pair():
            bone = leg.foot
            while bone not in wanted:
                wanted.add(bone)
                bone = int(self.parents[bone])
        bones = np.array(sorted(wanted))
        place = np.full(len(self.parents), -1)
        place[bones] = np.arange(len(bones))
        legs = [
            LegBones(int(place[leg.thigh]), int(place[leg.shin]), int(place[leg.foot]), leg.sole_m)
            for leg in self._pair()
        ]
        parents = np.where(bones == 0, -1, place[self.parents[bones]])
        figure = Figure(parents, self.offset_m[bones], self.tail_m[bones], self.rest_turn[bones], (legs[0], legs[1]))
        return figure, Poses(poses.rotations[:, bones], poses.root_m, poses.time_s, poses.contact), bones

    @cached_property
    def _rest(self) -> tuple[np.ndarray, np.ndarray]:
        return self.forward(np.tile(quat.IDENTITY, (len(self.parents), 1)), np.zeros(3))

    def legs_of(self, poses: Poses) -> Legs:
        """Both legs, as those who hold feet want them: turned from rest, world axes."""
        legs = self._pair()
        turned, head_m = self.forward(poses.rotations, poses.root_m)
        rest, rest_head_m = self._rest
        bones = np.array([[leg.thigh, leg.shin, leg.foot] for leg in legs])
        segments_m = np.diff(rest_head_m[bones], axis=1)
        sole_m = np.stack([quat.rotate(rest[leg.foot], leg.sole_m) for leg in legs])
        return Legs(
            hip_m=head_m[:, bones[:, 0]],
            turned=quat.multiply(turned[:, bones], quat.conjugate(rest[bones])),
            segments_m=segments_m,
            sole_m=sole_m,
            hinge=knee_hinge(segments_m, sole_m[:, 1] - sole_m[:, 0]),
        )

    def with_legs(self, poses: Poses, legs_turned: np.ndarray) -> np.ndarray:
        """(F, B, 4) local rotations with legs of other rotations (F, 2, 3, 4) from rest; the rest as in `poses`."""
        turned, _ = self.forward(poses.rotations, poses.root_m)
        rotations = poses.rotations.copy()
        for side, leg in enumerate(self._pair()):
            above = turned[:, self.parents[leg.thigh]]
            for number, bone in enumerate((leg.thigh, leg.shin, leg.foot)):
                own = quat.multiply(legs_turned[:, side, number], self._rest[0][bone])
                carried = quat.multiply(above, self.rest_turn[bone])
                local = quat.normalize(quat.multiply(quat.conjugate(carried), own))
                was = poses.rotations[:, bone]
                rotations[:, bone] = np.where((local * was).sum(-1, keepdims=True) < 0, -local, local)
                above = own
        return rotations

    def _pair(self) -> tuple[LegBones, LegBones]:
        if self.legs is None:
            raise ValueError("the figure has no legs")
        return self.legs
