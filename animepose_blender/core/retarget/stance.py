"""A figure at rest: its own axes, how long its legs are, and where its soles lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .slots import NECK, SIDES

SNAP_DEG = 30.0
"""A body that stands this near to an axis of its world or its object at rest is taken to stand along it: heads are
carried forward and pelvis bones lie behind, but rigs are built upright."""
STRAY_TAIL_DEG = 60.0
"""A last bone whose own direction is farther off what its place in the body suggests has a meaningless tail, as in
files from programs that have joints only."""
STRAY_FOOT_DEG, STEEPEST_FOOT, SHORTEST_FOOT = 35.0, 0.9, 0.1
"""A foot bone without a toe bone, whose tail alone tells where it points, points at most so far outwards or inwards,
goes down by no more than this part of its length, and is no shorter than this part of the leg."""
ORIGIN_SHARE = 0.12
"""The object's origin is the floor if it is this near to the lowest point of the feet, parts of the legs' length."""
HEEL_SHARE, TOE_SHARE = 0.05, 0.22
"""Usual distance of heel and tip of the toes from the ankle along the floor, parts of a usual leg's length."""
LEG_PER_TRUNK = 1.78
"""How long legs usually are, hip to ankle, by the height of the arms above the hips: feet go by both, since they do not
grow with long legs alone."""
_ENDS = ("thigh", "upper_arm")
LEAST_TOE, MOST_TOE = 0.8, 1.8
"""Bones that end at less or more of the usual distance do not end at the tip: a foot without toes ends at the ball."""
BALL_SHARE = 0.67
"""Where the ball of the foot lies on the way from below the ankle to the tip of the toes, if no bone tells."""
STRAY_TOE_DEG, STRAY_TOE_SHARE = 35.0, 0.5
"""A toe bone farther off the foot's heading has a meaningless tail; toes are half as long as the foot before them."""


@dataclass(frozen=True, eq=False)
class Rest:
    """Where a figure's parts lie at rest; world axes, metres."""

    heads_m: Mapping[str, np.ndarray]
    """Slot → (3,)."""
    tails_m: Mapping[str, np.ndarray]
    """Slot → (3,) the bone's own tail."""
    axes: np.ndarray
    """(A, 3) directions that the figure may have been built along: those of the world and of its object."""
    knuckles_m: np.ndarray | None = None
    """(2, 2, 3) left and right: knuckles of index and little finger, if known otherwise than by finger slots."""


def unit(vector: np.ndarray) -> np.ndarray:
    """(3,) of length 1, or 0 for none."""
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else vector


def angle_deg(a: np.ndarray, b: np.ndarray) -> float:
    """Angle between two (3,) directions."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


def _snapped(direction: np.ndarray, axes: np.ndarray, within_deg: float) -> np.ndarray:
    both = np.concatenate([axes, -axes])
    nearest = both[int(np.argmax(both @ direction))]
    return nearest if angle_deg(nearest, direction) < within_deg else direction


def body_frame(rest: Rest) -> np.ndarray:
    """(3, 3) columns: the figure's left, its back, and up.

    Raises:
        ValueError: if neither both thighs nor both upper arms are there, or nothing above the pelvis.
    """
    heads_m = rest.heads_m
    pairs = [(f"{slot}.L", f"{slot}.R") for slot in ("thigh", "upper_arm", "shoulder") if f"{slot}.L" in heads_m]
    across = [unit(heads_m[left] - heads_m[right]) for left, right in pairs if right in heads_m]
    if not across:
        raise ValueError("neither two thighs nor two arms")
    hips = [heads_m[slot] for slot in ("thigh.L", "thigh.R") if slot in heads_m]
    low = np.mean(hips, axis=0) if hips else heads_m["pelvis"]
    shoulders = [heads_m[slot] for slot in ("upper_arm.L", "upper_arm.R") if slot in heads_m]
    high = next((heads_m[slot] for slot in ("head", *NECK) if slot in heads_m), None)
    if high is None:
        high = np.mean(shoulders, axis=0) if shoulders else heads_m.get("spine_2", heads_m.get("spine_1"))
    if high is None or np.allclose(high, low):
        raise ValueError("nothing above the pelvis")
    up = _snapped(unit(high - low), rest.axes, SNAP_DEG)
    left = np.mean(across, axis=0)
    left = _snapped(unit(left - up * (left @ up)), rest.axes, SNAP_DEG / 2)
    left = unit(left - up * (left @ up))
    return np.stack([left, np.cross(up, left), up], axis=1)


def leg_length(rest: Rest, body: np.ndarray, soles_m: np.ndarray) -> float:
    """Thigh, shin, and the ankle's height above the sole; mean of the legs that are there, metres."""
    heads_m, lengths = rest.heads_m, []
    for number, side in enumerate(SIDES):
        joints = [heads_m.get(f"{slot}.{side}") for slot in ("thigh", "shin", "foot")]
        if all(joint is not None for joint in joints):
            hip, knee, ankle = (np.asarray(joint) for joint in joints)
            ankle_height = (ankle - soles_m[number, 1]) @ body[:, 2]
            lengths.append(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee) + max(ankle_height, 0.0))
    return float(np.mean(lengths)) if lengths else 0.0


def foot_heading(rest: Rest, body: np.ndarray, side: str) -> np.ndarray:
    """(3,) unit, level: where a foot points at rest."""
    heads_m, foot, toe = rest.heads_m, f"foot.{side}", f"toe.{side}"
    ahead = -body[:, 1]
    along, within_deg = rest.tails_m[foot] - heads_m[foot], STRAY_FOOT_DEG
    if toe in heads_m:
        along, within_deg = heads_m[toe] - heads_m[foot], STRAY_TAIL_DEG
    level = along - body[:, 2] * (along @ body[:, 2])
    believed = np.linalg.norm(level) > 1e-9 and angle_deg(level, ahead) < within_deg
    # A foot goes forward and down.
    size_m = np.linalg.norm(heads_m[f"thigh.{side}"] - heads_m[foot]) if f"thigh.{side}" in heads_m else 0.0
    down, long = -float(unit(along) @ body[:, 2]), float(np.linalg.norm(along)) > SHORTEST_FOOT * size_m
    believed &= toe in heads_m or (0 < down < STEEPEST_FOOT and long)
    return unit(level) if believed else ahead


def soles(rest: Rest, body: np.ndarray, origin_m: np.ndarray | None = None, bends: bool | None = None) -> np.ndarray:
    """(2, 2, 3) left and right: the points below heel and toes on the plane that the figure stands on.

    Args:
        origin_m: (3,) the object's origin, where most rigs have their floor.
        bends: whether the motion bends the toes, so that what stands of a foot is its ball, not the tip of the toes;
            None = as far as the figure has toes.
    """
    bends = any(f"toe.{side}" in rest.heads_m for side in SIDES) if bends is None else bends
    up, heads_m, tails_m = body[:, 2], rest.heads_m, rest.tails_m
    feet = [s for s in SIDES if f"foot.{s}" in heads_m and f"thigh.{s}" in heads_m]
    if not feet:
        return np.zeros((2, 2, 3))
    reach = np.mean([np.linalg.norm(heads_m[f"thigh.{s}"] - heads_m[f"foot.{s}"]) for s in feet])
    low = []
    for side in feet:
        ankle = heads_m[f"foot.{side}"]
        points = [heads_m.get(f"toe.{side}"), tails_m[f"foot.{side}"], tails_m.get(f"toe.{side}")]
        heights = [float((p - ankle) @ up) for p in points if p is not None]
        usual = [h for h in heights if -0.2 * reach < h < 0]
        low.append(float(ankle @ up) + (min(usual) if usual else -0.09 * reach))
    floor = float(np.mean(low))
    if origin_m is not None and abs(float(origin_m @ up) - floor) < ORIGIN_SHARE * reach:
        floor = float(origin_m @ up)
    usual_m = _usual_leg(rest, body, float(reach))
    made = np.zeros((2, 2, 3))
    for number, side in enumerate(SIDES):
        if side not in feet:
            continue
        ankle, heading = heads_m[f"foot.{side}"], foot_heading(rest, body, side)
        toe = _toe_reach(rest, side, heading)
        toe = toe if LEAST_TOE < toe / (TOE_SHARE * usual_m) < MOST_TOE else TOE_SHARE * usual_m
        ball = BALL_SHARE * toe if f"toe.{side}" not in heads_m else float((heads_m[f"toe.{side}"] - ankle) @ heading)
        base = ankle + up * (floor - ankle @ up)
        made[number] = base - heading * (toe * HEEL_SHARE / TOE_SHARE), base + heading * (ball if bends else toe)
    return made


def _toe_reach(rest: Rest, side: str, heading: np.ndarray) -> float:
    """How far before the ankle the tip of the toes lies, by the bones; what is not believable is for the caller."""
    ankle, toe = rest.heads_m[f"foot.{side}"], f"toe.{side}"
    if toe not in rest.heads_m:
        return float((rest.tails_m[f"foot.{side}"] - ankle) @ heading)
    ball, tip = rest.heads_m[toe], rest.tails_m[toe]
    if angle_deg(tip - ball, heading) > STRAY_TOE_DEG:
        tip = ball + STRAY_TOE_SHARE * (ball - ankle)
    return float((tip - ankle) @ heading)


def _usual_leg(rest: Rest, body: np.ndarray, leg_m: float) -> float:
    """How long legs would be for a figure of this size."""
    hips, arms = ([rest.heads_m[s] for side in SIDES if (s := f"{slot}.{side}") in rest.heads_m] for slot in _ENDS)
    trunk_m = float((np.mean(arms, axis=0) - np.mean(hips, axis=0)) @ body[:, 2]) if hips and arms else 0.0
    return (leg_m + LEG_PER_TRUNK * trunk_m) / 2 if trunk_m > 0 else leg_m
