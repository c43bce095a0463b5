"""Two people of one recording on two bodies: one world, and hands that meet where they met."""

from __future__ import annotations

import numpy as np

from .feet import leg_length_m, stand
from .mesh import Body
from .mocap import Recording
from .motion import SIDES, Motion, follow, place, solve_limb, turn
from .rotations import smoothstep

HOLD_NEAR_M, HOLD_FAR_M = 0.20, 0.36
"""Wrists nearer than the first are holding hands; beyond the second they are not."""


def _wrist_shifts(
    recordings: list[Recording], wrists_m: list[dict[str, np.ndarray]], unit_m: float
) -> list[dict[str, np.ndarray]]:
    """How far to move each wrist so that hands that were together in the recording are so here: half each."""
    shifts = [{s: np.zeros_like(w[s]) for s in SIDES} for w in wrists_m]
    totals = [{s: np.zeros((len(w[s]), 1)) for s in SIDES} for w in wrists_m]
    first, second = recordings
    for s in SIDES:
        for r in SIDES:
            wanted = unit_m * (
                first.positions[:, first.index(f"{s}Hand")] - second.positions[:, second.index(f"{r}Hand")]
            )
            distance = np.linalg.norm(wanted, axis=1, keepdims=True)
            weight = smoothstep((HOLD_FAR_M - distance) / (HOLD_FAR_M - HOLD_NEAR_M))
            half = 0.5 * (wanted - (wrists_m[0][s] - wrists_m[1][r]))
            shifts[0][s] += weight * half
            shifts[1][r] -= weight * half
            totals[0][s] += weight
            totals[1][r] += weight
    return [
        {s: shift[s] / np.maximum(total[s], 1.0) for s in SIDES} for shift, total in zip(shifts, totals, strict=True)
    ]


def retarget_pair(bodies: list[Body], recordings: list[Recording]) -> list[Motion]:
    """Both halves of one recording on two bodies that share a world, centred on the origin.

    Args:
        bodies, recordings: two of each, in the same order; recordings of one frame count and unit.
    Returns:
        one Motion for each, on a common floor at z = 0.
    """
    pairs = list(zip(bodies, recordings, strict=True))
    unit_m = float(np.mean([leg_length_m(body) / recording.leg_length() for body, recording in pairs]))
    turned = [turn(body, recording) for body, recording in pairs]
    roots = [stand(b, r, t, unit_m) for (b, r), t in zip(pairs, turned, strict=True)]
    centre = np.mean([root.mean(axis=0) for root in roots], axis=0) * [1.0, 1.0, 0.0]
    roots = [root - centre for root in roots]

    placed = [place(*all_) for all_ in zip(bodies, turned, roots, strict=True)]
    wrists = [{s: m.heads_m[:, b.bone[f"hand_{s}"]] for s in SIDES} for b, m in zip(bodies, placed, strict=True)]
    shifts = _wrist_shifts(recordings, wrists, unit_m)
    for body, rotations, motion, wrist, shift in zip(bodies, turned, placed, wrists, shifts, strict=True):
        for s in SIDES:
            shoulder = motion.heads_m[:, body.bone[f"upperarm_{s}"]]
            solve_limb(body, rotations, shoulder, wrist[s] + shift[s], f"upperarm_{s}", f"lowerarm_{s}", f"hand_{s}")
            follow(body, rotations, f"hand_{s}")
    return [place(*all_) for all_ in zip(bodies, turned, roots, strict=True)]
