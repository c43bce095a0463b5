"""Joint MOTA: tracking measured joint by joint in the picture, as PoseTrack does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...skeleton import J
from .clear import ClearCounts
from .conventions import POSETRACK_15

MATCH_HEADS = 0.5
"""PCKh 0.5: a joint may be half a head off."""
HEAD_OF_DIAGONAL = 0.6
"""Head size as a part of the diagonal of the box around the head."""

HEAD_JOINTS: tuple[int, ...] = tuple(J[name] for name in ("head_top", "neck", "nose", "left_ear", "right_ear"))
"""The box around these is as large as the head box that PoseTrack's annotators draw: 0.6 of its diagonal is 0.2 m."""


@dataclass(frozen=True)
class PoseFrame:
    """The people of one picture: t true ones, p estimated ones; joints in the order of `POSETRACK_15`."""

    true_ids: list[int]
    true_px: np.ndarray
    """(t, 15, 2) NaN where not annotated."""
    head_px: np.ndarray
    """(t,) head size."""
    predicted_ids: list[int]
    predicted_px: np.ndarray
    """(p, 15, 2) NaN where not estimated."""


def joint_counts(frames: list[PoseFrame]) -> list[ClearCounts]:
    """CLEAR MOT counts of each of the 15 joints over a clip.

    A joint matches a true one if it is at most half a head off; distances are in heads.

    Reference: Andriluka et al., PoseTrack: a benchmark for human pose estimation and tracking (2018), and its
    evaluator.
    """
    counts = [ClearCounts() for _ in POSETRACK_15]
    for frame in frames:
        true_known, known = (np.isfinite(points).all(-1) for points in (frame.true_px, frame.predicted_px))
        apart = (
            np.linalg.norm(frame.true_px[:, None] - frame.predicted_px[None], axis=-1) / frame.head_px[:, None, None]
        )
        cost = np.where(apart <= MATCH_HEADS, apart, np.inf)
        for joint, count in enumerate(counts):
            rows, columns = np.flatnonzero(true_known[:, joint]), np.flatnonzero(known[:, joint])
            count.update(
                cost[:, :, joint][np.ix_(rows, columns)],
                [frame.true_ids[row] for row in rows],
                [frame.predicted_ids[column] for column in columns],
            )
    return counts


def joint_figures(counts: list[ClearCounts]) -> dict[str, Any]:
    """The figures of these counts: percentages are means over the joints that have any.

    Returns:
        - `joint_mota`: 100 (1 - (misses + false positives + switches) / true joints).
        - `joint_motp`: 100 (1 - mean distance of the matched joints, in heads); 0 for a joint that never matched.
        - `joint_precision`, `joint_recall`: percent of the estimated joints that match, of the true ones found.
        - `joint_misses`, `joint_false_positives`, `joint_switches`: counts over all joints.
        - `per_joint_mota`: of each joint by its name.
    """
    mota = [_percent(count.mota) for count in counts]
    closeness = [100.0 * (1 - count.distance / count.hits) if count.hits else 0.0 for count in counts]
    return {
        "joint_mota": _mean(mota),
        "joint_motp": _mean(closeness) if any(count.objects for count in counts) else None,
        "joint_precision": _mean([_percent(count.precision) for count in counts]),
        "joint_recall": _mean([_percent(count.recall) for count in counts]),
        "joint_misses": sum(count.misses for count in counts),
        "joint_false_positives": sum(count.false_positives for count in counts),
        "joint_switches": sum(count.switches for count in counts),
        "per_joint_mota": dict(zip(POSETRACK_15, mota)),
    }


def head_sizes_px(joints_px: np.ndarray) -> np.ndarray:
    """(...) head size of people (..., J, 2): 0.6 of the diagonal of the box around `HEAD_JOINTS`; NaN where neither
    head top nor neck is known."""
    head = joints_px[..., list(HEAD_JOINTS), :]
    known = np.isfinite(head).all(-1, keepdims=True)
    size = np.where(known, head, -np.inf).max(-2) - np.where(known, head, np.inf).min(-2)
    diagonal = np.linalg.norm(np.where(np.isfinite(size), size, np.nan), axis=-1)
    return np.where(known[..., :2, 0].all(-1) & (diagonal > 0), HEAD_OF_DIAGONAL * diagonal, np.nan)


def _percent(value: float | None) -> float | None:
    return None if value is None else 100.0 * value


def _mean(values: list[float | None] | list[float]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
