"""An armature at rest, as data: what mapping and transfer read of a rig."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Armature:
    """N bones at rest; armature axes and units (a rig may be in centimetres and scaled by its object)."""

    names: tuple[str, ...]
    """Parents before their children."""
    parents: np.ndarray
    """(N,) int index of each bone's parent; -1 = none."""
    rest: np.ndarray
    """(N, 4, 4) Blender's `bone.matrix_local`: the head, and the bone's axes as columns, Y along it."""
    lengths: np.ndarray
    """(N,)"""
    to_world: np.ndarray
    """(4, 4) the object's `matrix_world`: a rotation, one scale for all axes, a translation; world units are metres."""
    deform: np.ndarray
    """(N,) bool, Blender's `use_deform`."""

    def __post_init__(self) -> None:
        count = len(self.names)
        shapes = {"parents": (count,), "rest": (count, 4, 4), "lengths": (count,), "deform": (count,)}
        for name, shape in {**shapes, "to_world": (4, 4)}.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} is {getattr(self, name).shape}, expected {shape}")
        if (self.parents >= np.arange(count)).any():
            raise ValueError("a bone comes before its parent")

    @cached_property
    def index(self) -> dict[str, int]:
        """Name → index."""
        return {name: index for index, name in enumerate(self.names)}

    @property
    def heads(self) -> np.ndarray:
        """(N, 3)"""
        return self.rest[:, :3, 3]

    @property
    def tails(self) -> np.ndarray:
        """(N, 3)"""
        return self.rest[:, :3, 3] + self.lengths[:, None] * self.rest[:, :3, 1]

    @property
    def scale(self) -> float:
        """Metres a unit of the armature."""
        return float(np.cbrt(abs(np.linalg.det(self.to_world[:3, :3]))))

    def in_world(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) points in world axes, metres, of points in armature axes."""
        return points @ self.to_world[:3, :3].T + self.to_world[:3, 3]
