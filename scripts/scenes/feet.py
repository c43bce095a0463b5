"""Feet on the floor: legs solved for ankles that follow the recording's in the shared world.

People of one recording keep their relative places, and a foot that stood still in it stands still here; heights are
each person's own, since the legs differ in length.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from .mesh import Body, skin
from .mocap import Recording
from .motion import REACH, SIDES, solve_limb
from .rotations import smoothstep, turn_about

SOLE_FLAT_M = 0.012
"""A sole up to this high counts as standing: the recordings' feet wander by about as much while they carry weight."""
SOLE_FREE_M = 0.06
"""From here on a sole keeps its height."""
TOE_BEND_MAX = np.radians(50.0)
LEVEL_FROM, LEVEL_TO = np.radians(4.0), np.radians(20.0)
"""A standing foot tilted less than the first is taken as flat, more than the second as meant: markers on shoes tell the
foot's tilt only to about ten degrees."""


def _bend_toes(body: Body, rotations: np.ndarray, ball_height_m: dict[str, np.ndarray]) -> None:
    """Keep the toes level while the heel is up and the ball near the floor, in place."""
    for s in SIDES:
        foot, ball = body.bone[f"foot_{s}"], body.bone[f"ball_{s}"]
        forward = rotations[:, foot] @ np.array([0.0, -1.0, 0.0])
        down = np.arcsin(np.clip(-forward[:, 2], -1.0, 1.0))
        near = smoothstep((0.14 - ball_height_m[s]) / 0.08)
        angle = np.clip(down, 0.0, TOE_BEND_MAX) * near
        axis = rotations[:, foot] @ np.array([1.0, 0.0, 0.0])
        # About the person's left, a positive angle would lower the toes: forward is -Y.
        rotations[:, ball] = turn_about(axis, -angle) @ rotations[:, foot]


def _level_feet(body: Body, rotations: np.ndarray, ankles_m: dict[str, np.ndarray]) -> None:
    """Take small tilts out of feet near the floor, in place."""
    for s in SIDES:
        foot = body.bone[f"foot_{s}"]
        up = np.arcsin(np.clip((rotations[:, foot] @ np.array([0.0, -1.0, 0.0]))[:, 2], -1.0, 1.0))
        height = ankles_m[s][:, 2] - np.percentile(ankles_m[s][:, 2], 10)
        near = smoothstep((0.11 - height) / 0.07)
        away = near * up * (1.0 - smoothstep((np.abs(up) - LEVEL_FROM) / (LEVEL_TO - LEVEL_FROM)))
        axis = rotations[:, foot] @ np.array([1.0, 0.0, 0.0])
        rotations[:, foot] = turn_about(axis, away) @ rotations[:, foot]


def _settle(height_m: np.ndarray) -> np.ndarray:
    """The height a sole should have: 0 while standing, its own when free, smooth and rising in between."""
    t = np.clip((height_m - SOLE_FLAT_M) / (SOLE_FREE_M - SOLE_FLAT_M), 0.0, 1.0)
    return np.where(height_m > SOLE_FREE_M, height_m, SOLE_FREE_M * t * t * (2.0 - t))


def leg_length_m(body: Body) -> float:
    """Length of thigh and shin together, metres."""
    thigh, calf, foot = (body.heads_m[body.bone[name]] for name in ("thigh_l", "calf_l", "foot_l"))
    return float(np.linalg.norm(calf - thigh) + np.linalg.norm(foot - calf))


def stand(body: Body, recording: Recording, rotations: np.ndarray, unit_m: float, airborne: bool = False) -> np.ndarray:
    """Solve the legs onto the floor, in place; returns (F, 3) the point between the hips.

    Args:
        unit_m: metres of one of the recording's units, for places on the floor.
        airborne: the person jumps or runs, so that both feet may be off the floor.
    """
    tall = leg_length_m(body) / recording.leg_length()
    scale = np.array([unit_m, unit_m, tall])  # places are shared, heights are each person's own

    def cap(name: str) -> np.ndarray:
        return recording.positions[:, recording.index(name)] * scale

    root = 0.5 * (cap("lThigh") + cap("rThigh"))
    ankles = {s: cap(f"{s}Foot") for s in SIDES}
    _level_feet(body, rotations, ankles)
    soles = {}
    for s in SIDES:
        soles[s] = np.flatnonzero(body.bone_weight(f"foot_{s}", f"ball_{s}") > 0.7)
        soles[s] = np.intersect1d(soles[s], body.base.groups["helper-tights"])  # of which shoes are made

    def lowest(s: str) -> np.ndarray:
        # Only foot and toe matter for the sole, so the other bones may be left anywhere near.
        heads = np.repeat((ankles[s])[:, None], len(body.base.bones), axis=1)
        foot, ball, calf = (body.bone[f"{name}_{s}"] for name in ("foot", "ball", "calf"))
        heads[:, ball] += rotations[:, foot] @ (body.heads_m[ball] - body.heads_m[foot])
        heads[:, calf] += rotations[:, calf] @ (body.heads_m[calf] - body.heads_m[foot])
        return skin(body, rotations, heads, soles[s])[..., 2].min(axis=1)

    # One height for the whole person: what its soles touch most often becomes the floor, foot by foot.
    for _ in range(2):
        ball_height = {}
        for s in SIDES:
            ball = body.heads_m[body.bone[f"ball_{s}"]] - body.heads_m[body.bone[f"foot_{s}"]]
            floor = np.percentile(lowest(s), 10)
            ankles[s][:, 2] -= floor
            ball_height[s] = ankles[s][:, 2] + (rotations[:, body.bone[f"foot_{s}"]] @ ball)[:, 2]
            root[:, 2] -= 0.5 * floor
        _bend_toes(body, rotations, ball_height)
    # Unless somebody jumps, it is the recording that drifts where both feet hover.
    hover = gaussian_filter1d(np.minimum(lowest("l"), lowest("r")), 2.0, mode="nearest")
    if airborne:
        hover = np.minimum(hover, 0.0)
    root[:, 2] -= hover
    for s in SIDES:
        ankles[s][:, 2] -= hover
        height = lowest(s)
        ankles[s][:, 2] += _settle(height) - height

    pelvis = rotations[:, body.bone["pelvis"]]
    middle = 0.5 * (body.heads_m[body.bone["thigh_l"]] + body.heads_m[body.bone["thigh_r"]])
    drop = np.zeros(len(root))
    for s in SIDES:
        hip = root + pelvis @ (body.heads_m[body.bone[f"thigh_{s}"]] - middle)
        reach = REACH * tall * recording.leg_length()
        across = np.linalg.norm((hip - ankles[s])[:, :2], axis=1)
        highest = ankles[s][:, 2] + np.sqrt(np.maximum(reach**2 - across**2, 0.0))
        drop = np.maximum(drop, hip[:, 2] - highest)
    # Widened before it is smoothed, so that smoothing never takes away what a frame needs.
    root[:, 2] -= gaussian_filter1d(maximum_filter1d(drop, 13), 3.0, mode="nearest")
    for s in SIDES:
        hip = root + pelvis @ (body.heads_m[body.bone[f"thigh_{s}"]] - middle)
        solve_limb(body, rotations, hip, ankles[s], f"thigh_{s}", f"calf_{s}", f"foot_{s}")
    return root
