"""The bones of a rig that get keys, and what each hangs on.

In a plain rig that is the bone's parent. In a control rig, bones in between carry constraints, so what a control
follows is found out by trying (`host.retarget.probe`): its orientation may follow one control and its place another.
With identity basis a control c stands in the pose, in armature axes and units, at

    P[c] = P[rotation_parent] * rotation_offset
    x[c] = x[location_parent] + P[location_parent] * location_offset

where P and x of parent -1 are the identity and the armature's origin. Blender's channels then turn and move it from
there: P[c] * rotation, and x[c] + P[c] * location.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Controls:
    """C controls, in an order in which what a control follows comes before it; armature axes and units."""

    names: tuple[str, ...]
    slots: tuple[str, ...]
    """The slot whose bone each control holds rigidly; of a pole the slot of the limb's second bone."""
    kinds: tuple[str, ...]
    """joint: turns with its slot. follower: another control of a slot, to hold its orientation too. ik: the end of a
    limb, moved and turned. pole: where elbow or knee points at, moved only."""
    rest: np.ndarray
    """(C, 4, 4) Blender's `matrix_local`."""
    rotation_parent: np.ndarray
    """(C,) int, index of a control, -1 = the armature."""
    rotation_offset: np.ndarray
    """(C, 4)"""
    location_parent: np.ndarray
    """(C,) int"""
    location_offset: np.ndarray
    """(C, 3)"""
    location_axes: np.ndarray
    """(C,) bool: the location channel is along P[c] as above (Blender's `use_local_location`), else along the
    armature's own axes."""
    keys_rotation: np.ndarray
    """(C,) bool; controls with neither are there for the geometry alone, as the FK bones of a limb moved by IK."""
    keys_location: np.ndarray
    """(C,) bool"""

    def __post_init__(self) -> None:
        count = len(self.names)
        order = np.arange(count)
        if (self.rotation_parent >= order).any() or (self.location_parent >= order).any():
            raise ValueError("a control comes before what it follows")


@dataclass(frozen=True, eq=False)
class Keys:
    """Channels of one control over F frames."""

    name: str
    rotation: np.ndarray | None
    """(F, 4) the basis rotation, wxyz, on one side of the sphere; None = no keys."""
    location: np.ndarray | None
    """(F, 3) armature units; None = no keys."""
