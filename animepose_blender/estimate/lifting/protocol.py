"""What a lifter is given of one person, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class Sequence:
    """One person in n frames, in order of time; times of absence are simply not there."""

    time_s: np.ndarray
    """(n,) rising."""
    rays: np.ndarray
    """(n, K, 2) x/z and y/z of the keypoints' rays, camera axes; NaN = not seen."""
    confidence: np.ndarray
    """(n, K) 0 to 1."""
    depth_m: np.ndarray | None
    """(n, J) the estimator's joint depths relative to the pelvis, along z of the view axes, metres of a person of
    standard size; NaN = none."""
    direction: np.ndarray
    """(n, 3) unit, camera axes: towards the middle of the person, from `encoding.middle`; z of the view axes."""


@dataclass(frozen=True, eq=False)
class LiftedSequence:
    """The same n frames in space, for a person of standard size (1.70 m tall)."""

    joints_m: np.ndarray
    """(n, J, 3) relative to the pelvis, camera axes."""
    sigma_m: np.ndarray
    """(n, J, 2) standard deviation across the view axis (of each of the two directions) and along it."""
    contact: np.ndarray
    """(n, 4) probability that the joints of `skeleton.CONTACT_JOINTS` stand on the floor."""


class Lifter(Protocol):
    """Makes keypoints over time into joints in space."""

    name: str

    def lift(self, sequence: Sequence) -> LiftedSequence:
        """Lift one person; every frame of the sequence gets joints, also one in which nothing is seen."""
        ...
