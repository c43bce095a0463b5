"""Joints of a take in the order of a data set."""

from __future__ import annotations

import numpy as np

from ...skeleton import KEYPOINT_MAPS, J

POSETRACK_15: tuple[str, ...] = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "right_wrist", "right_elbow",
    "right_shoulder", "left_shoulder", "left_elbow", "left_wrist", "head_bottom", "nose", "head_top",
)  # fmt: skip
"""The joints that PoseTrack scores, in the order of its evaluator."""

_FILLED: dict[str, dict[str, tuple[str, ...]]] = {
    # Half-way up the back; ours lie a third and two thirds of the way.
    "human36m_17": {"spine": ("spine", "chest")},
    # MPI-INF-3DHP's `spine` is the lowest of its four; its `head` is the base of the skull, which is not scored.
    "mupots_17": {"spine": ("spine",), "head": ("neck", "head_top")},
}
"""Points that `skeleton.KEYPOINT_MAPS` leaves out because no detector needs them: the mean of these joints of ours."""


def to_convention(convention: str, joints: np.ndarray) -> np.ndarray:
    """Our joints as the points of a data set.

    Args:
        convention: `posetrack_15` or a key of `skeleton.KEYPOINT_MAPS`.
        joints: (..., J, D); NaN = unknown.
    Returns:
        (..., N, D) in the data set's order; NaN for a point that we have not.
    """
    if convention == "posetrack_15":
        names = POSETRACK_15
        sources = {name: (name,) for name in names} | {"head_bottom": ("neck",)}
    else:
        names, mapped = KEYPOINT_MAPS[convention]
        # A joint of ours that is the mean of several points does not tell where any of them is.
        sources = {points[0]: (joint,) for joint, points in mapped.items() if len(points) == 1}
        sources |= _FILLED.get(convention, {})
    result = np.full((*joints.shape[:-2], len(names), joints.shape[-1]), np.nan)
    for index, name in enumerate(names):
        if name in sources:
            result[..., index, :] = joints[..., [J[joint] for joint in sources[name]], :].mean(-2)
    return result
