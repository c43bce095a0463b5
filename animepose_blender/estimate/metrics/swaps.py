"""Arms or legs that are taken for those of the other side."""

from __future__ import annotations

import numpy as np

from ...skeleton import MIRROR, J
from .pose import errors_m, root_relative

CLEARLY_SHARE = 0.7
CLEARLY_M = 0.05
"""Left and right are swapped where exchanging them takes the limbs' mean error below this share of itself, and by at
least this much: limbs that lie side by side say nothing."""
LONG_S = 1.0
"""Swaps that last longer than this are counted."""
BREAK_S = 0.1
"""A swap that is interrupted for no longer than this goes on."""

_ARM = ("shoulder", "elbow", "wrist", "index_knuckle", "pinky_knuckle")
_LEG = ("hip", "knee", "ankle", "heel", "toe")
LIMBS: tuple[tuple[int, ...], ...] = tuple(
    tuple(J[f"{side}_{name}"] for side in ("left", "right") for name in names) for names in (_ARM, _LEG)
)
"""Joints of both arms, of both legs."""


def swapped_limbs(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Where left and right are exchanged: swapping them in the estimate would lower the error clearly.

    Args:
        predicted, true: (..., J, 3) camera axes; compared with the pelvis on the pelvis.
    Returns:
        (..., 2) bool: arms, legs; False where nothing can be compared.
    """
    ours, theirs = root_relative(predicted), root_relative(true)
    as_is, exchanged = errors_m(ours, theirs), errors_m(ours[..., MIRROR, :], theirs)
    found = []
    for joints in LIMBS:
        own, other = as_is[..., list(joints)], exchanged[..., list(joints)]
        known = np.isfinite(own) & np.isfinite(other)
        count = np.where(known.any(-1), known.sum(-1), np.nan)
        own_m, other_m = (np.where(known, values, 0.0).sum(-1) / count for values in (own, other))
        found.append((other_m < CLEARLY_SHARE * own_m) & (own_m - other_m > CLEARLY_M))
    return np.stack(found, axis=-1)


def swap_figures(swapped: np.ndarray, compared: np.ndarray, frame_time_s: np.ndarray) -> dict[str, float | int | None]:
    """How often and how long left and right are exchanged.

    Args:
        swapped: (T, N, 2) bool: arms and legs of T people in N frames.
        compared: (T, N) bool: the person-frames that were compared.
        frame_time_s: (N,) increasing.
    Returns:
        `swap_percent`: of the compared person-frames, those with arms or legs exchanged; None without any.
        `swap_longest_s`: the longest run of arms or legs of one person. `swaps_over_1s`: runs longer than `LONG_S`.
    """
    if not compared.any():
        return {"swap_percent": None, "swap_longest_s": None, "swaps_over_1s": None}
    step_s = float(np.median(np.diff(frame_time_s))) if len(frame_time_s) > 1 else 0.0
    runs_s = [
        run_s
        for person in swapped & compared[..., None]
        for limbs in person.T
        for run_s in _runs_s(frame_time_s[limbs], step_s)
    ]
    return {
        "swap_percent": float(swapped.any(-1)[compared].mean() * 100.0),
        "swap_longest_s": max(runs_s, default=0.0),
        "swaps_over_1s": sum(run_s > LONG_S for run_s in runs_s),
    }


def _runs_s(moments_s: np.ndarray, step_s: float) -> list[float]:
    """How long each run of moments (n,) lasts; frames that show it last one step each."""
    if not moments_s.size:
        return []
    # A hair more than the step, for times rounded to milliseconds.
    ends = np.flatnonzero(np.diff(moments_s) > 1.01 * step_s + BREAK_S)
    first, last = np.append(0, ends + 1), np.append(ends, len(moments_s) - 1)
    return (moments_s[last] - moments_s[first] + step_s).tolist()
