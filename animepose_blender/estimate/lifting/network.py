"""Any lifting network on a clip: even rate, features, the network, and back to the camera's axes and the clip's times.

The network itself is a function from features (T, C) to joints (T, J, 3) in view axes, log sigma (T, J, 2) and contact
logits (T, 4), so that the same code runs it in numpy, as the worker does, and in torch, as training and tests do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...skeleton import CONTACT_JOINTS, JOINT_COUNT, MIRROR
from .encoding import encode, mirrored
from .fusion import with_depths
from .protocol import LiftedSequence, Sequence
from .sides import put_right
from .timing import from_grid, grid, pieces, to_grid

Answer = tuple[np.ndarray, np.ndarray, np.ndarray]
Run = Callable[[np.ndarray], Answer]
SIGMA_FACTOR = np.array([1.2, 1.6])
"""What the stated uncertainty across the view and along it is multiplied with, so that it fits the benchmark's `dev`
clips; by itself it fits simulated estimates."""
MIRROR_CONTACT = [CONTACT_JOINTS.index(int(MIRROR[joint])) for joint in CONTACT_JOINTS]


class NetworkLifter:
    """A network with everything around it."""

    def __init__(self, name: str, run: Run, *, flip: bool, fuse: bool = False) -> None:
        """With `flip` the mirror image is lifted too, and the mean of both is the answer; that takes twice as long.
        With `fuse` the estimator's own depths are mixed in, see `fusion`."""
        self.name = name
        self._run = run
        self._flip = flip
        self._fuse = fuse

    def lift(self, sequence: Sequence) -> LiftedSequence:
        """See `Lifter.lift`; sides that are exchanged for a while are put right first."""
        sequence, _ = put_right(sequence)
        parts = [self._lift(sequence, span) for span in pieces(sequence.time_s)]
        return LiftedSequence(
            np.concatenate([part.joints_m for part in parts]),
            np.concatenate([part.sigma_m for part in parts]),
            np.concatenate([part.contact for part in parts]),
        )

    def answer(self, inputs: np.ndarray) -> Answer:
        """Joints, log sigma and contact logits for features (T, C)."""
        joints_m, log_sigma, logits = self._run(inputs)
        if not self._flip:
            return joints_m, log_sigma, logits
        other_m, other_sigma, other_logits = self._run(mirrored(inputs))
        other_m = (other_m * np.array([-1.0, 1.0, 1.0], joints_m.dtype))[:, MIRROR]
        return (
            (joints_m + other_m) / 2,
            (log_sigma + other_sigma[:, MIRROR]) / 2,
            (logits + other_logits[:, MIRROR_CONTACT]) / 2,
        )

    def _lift(self, sequence: Sequence, span: slice) -> LiftedSequence:
        time_s = sequence.time_s[span]
        grid_s = grid(time_s)
        direction = to_grid(time_s, sequence.direction[span], grid_s)
        if not np.isfinite(direction).any():
            return _nothing(len(time_s))
        depth_m = None if sequence.depth_m is None else to_grid(time_s, sequence.depth_m[span], grid_s)
        rays = to_grid(time_s, sequence.rays[span], grid_s)
        confidence = to_grid(time_s, sequence.confidence[span], grid_s)
        encoded = encode(rays, confidence, depth_m, direction)
        joints_m, log_sigma, logits = self.answer(encoded.inputs)
        sigma_m = np.exp(log_sigma) * SIGMA_FACTOR
        if self._fuse and depth_m is not None:
            joints_m = with_depths(joints_m, sigma_m, depth_m)
        joints_m = joints_m @ np.swapaxes(encoded.axes, -1, -2)
        contact = 1 / (1 + np.exp(-logits))
        back = [from_grid(grid_s, values, time_s) for values in (joints_m, sigma_m, contact)]
        return LiftedSequence(*back)


def _nothing(count: int) -> LiftedSequence:
    """Of somebody of whom no keypoint is seen in a whole piece."""
    return LiftedSequence(
        np.full((count, JOINT_COUNT, 3), np.nan), np.full((count, JOINT_COUNT, 2), np.nan), np.full((count, 4), 0.5)
    )
