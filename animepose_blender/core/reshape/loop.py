"""A cycle made seamless: its end flows into its beginning, time after time.

Let T be the way a figure gets on in a cycle (`travel`). The end of the cycle, and T of its beginning, are two versions
of one moment. Half of what they differ by is added before the seam and half is taken off behind it, with their
velocities, and fades out over the blend: with r the time to the seam, w the blend and u = r / w,

    before: + (D h(u) - V w k(u)) / 2        behind: - (D h(u) + V w k(u)) / 2
    h(u) = (1 + 2 u) (1 - u)^2               k(u) = u (1 - u)^2

for a difference D of places and V of velocities: Hermite's cubics, so that neither place nor speed leaps. Rotations are
blended as the four numbers of their quaternions and normalized. Then feet that stand are held where they stand, amid
copies of the cycle before and after it, so that a foot that stands at the seam does so as at any other time. All steps
are held, not only those at the seam: a figure whose feet slid in all steps but one would limp.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...errors import AnimePoseError
from .. import quaternions as quat
from ..retarget.feet import pin_feet
from .cycle import Cycle
from .poses import Figure, Poses
from .travel import Travel, turn_about_z, turned_root, upright

STRAIGHT_DEG = 12.0
"""A cycle that turns by less is made to go straight on, unless it is said to turn."""
STANDS = 0.5
"""Probability from which on a point stands."""
AROUND_S = 1.5
"""How much of the neighbouring cycles the feet are held with: more than their smoothing reaches."""
BLEND_MOST = 0.5
"""Part of the cycle that either side of the blend takes at most."""


@dataclass(frozen=True, eq=False)
class Loop:
    """P + 1 frames, of which the last is the first of the next cycle."""

    poses: Poses
    """Time begins at 0. In place, or on its way."""
    travel: Travel
    """From one cycle to the next; in place it has been taken out, and is told for those who move the figure."""
    in_place: bool

    @property
    def length_s(self) -> float:
        """Of the cycle."""
        return float(self.poses.time_s[-1])

    def chained(self, figure: Figure, cycles: int) -> Poses:
        """So many cycles one after another: cycles x P + 1 frames."""
        once = self.poses
        count = len(once.time_s) - 1
        frames = np.tile(np.arange(count), cycles)
        number = np.repeat(np.arange(cycles), count)
        parts = Poses(
            quat.unroll(once.rotations[frames]),
            once.root_m[frames],
            once.time_s[frames] + self.length_s * number,
            once.contact[frames],
        )
        if not self.in_place:
            parts = self.travel.poses(figure, parts, number)
        closing = Poses(
            once.rotations[:1], once.root_m[:1], once.time_s[-1:] + self.length_s * (cycles - 1), once.contact[:1]
        )
        if not self.in_place:
            closing = self.travel.poses(figure, closing, cycles)
        return Poses(
            quat.unroll(np.concatenate([parts.rotations, closing.rotations])),
            np.concatenate([parts.root_m, closing.root_m]),
            np.concatenate([parts.time_s, closing.time_s]),
            np.concatenate([parts.contact, closing.contact]),
        )


def make_loop(
    figure: Figure,
    poses: Poses,
    cycle: Cycle,
    blend_s: float = 0.25,
    in_place: bool = False,
    turns: bool | None = None,
) -> Loop:
    """Frames `cycle.first` to `cycle.last` as a loop.

    Args:
        figure: with legs, if standing feet are to be held.
        poses: the whole motion; the frames beside the cycle, if any, tell velocities.
        blend_s: over which differences fade out on either side of the seam; at most half of the cycle.
        in_place: the way and the turn of a cycle are taken out evenly.
        turns: whether cycles may turn against each other; None = those that turn by `STRAIGHT_DEG` or more.
    Raises:
        AnimePoseError: if the cycle holds fewer than two steps or frames in which nothing is known.
    """
    first, last = cycle.first, cycle.last
    if not 0 <= first < last - 1 < len(poses.time_s) - 1:
        raise AnimePoseError("The cycle is not within the motion, or too short.", "Choose at least three frames of it.")
    if not poses.known[first : last + 1].all():
        raise AnimePoseError("There are frames in the cycle in which nothing is known.", "Fill the gaps first.")
    travel = _travel(figure, poses, first, last, turns)
    once = _blended(figure, poses, first, last, travel, blend_s)
    if figure.legs is not None and (once.contact > STANDS).any():
        once = _feet_held(figure, once, travel)
    closing = travel.poses(figure, _part(once, slice(0, 1)), 1.0)
    made = Poses(
        quat.unroll(np.concatenate([once.rotations[:-1], closing.rotations])),
        np.concatenate([once.root_m[:-1], closing.root_m]),
        once.time_s,
        np.concatenate([once.contact[:-1], once.contact[:1]]),
    )
    if in_place:
        made = travel.poses(figure, made, -made.time_s / made.time_s[-1])
        made = replace(made, rotations=quat.unroll(made.rotations))
    return Loop(made, travel, in_place)


def _part(poses: Poses, frames: slice) -> Poses:
    return Poses(poses.rotations[frames], poses.root_m[frames], poses.time_s[frames], poses.contact[frames])


def _travel(figure: Figure, poses: Poses, first: int, last: int, turns: bool | None) -> Travel:
    """What takes the first frame to the last: by the feet that stand in both, or by the root."""
    rest = figure.rest_turn[0]
    a, b = (quat.multiply(rest, poses.rotations[frame, 0]) for frame in (first, last))
    turn = float(turn_about_z(quat.multiply(b, quat.conjugate(a))))
    if turns is False or (turns is None and abs(turn) < np.radians(STRAIGHT_DEG)):
        turn = 0.0
    places_m = poses.root_m[[first, last], None]
    if figure.legs is not None:
        stands = poses.contact[first : last + 1] > STANDS
        if stands.all(axis=0).any():
            return Travel(0.0, (0.0, 0.0))
        both = stands[0] & stands[-1]
        if both.any():
            ends = Poses(
                *(part[[first, last]] for part in (poses.rotations, poses.root_m, poses.time_s, poses.contact))
            )
            places_m = figure.soles(ends).reshape(2, 4, 3)[:, both]
    shift = (places_m[1] - quat.rotate(upright(turn), places_m[0])).mean(axis=0)
    return Travel(turn, (float(shift[0]), float(shift[1])))


def _blended(figure: Figure, poses: Poses, first: int, last: int, travel: Travel, blend_s: float) -> Poses:
    """Frames `first` to `last`, whose ends meet; see the head of this file."""
    rotations = quat.unroll(poses.rotations[first : last + 1])
    root_m, time_s = poses.root_m[first : last + 1], poses.time_s[first : last + 1] - poses.time_s[first]
    width_s = float(np.clip(blend_s, 1e-9, BLEND_MOST * time_s[-1]))

    turn = upright(travel.turn_rad)
    next_q = rotations[0].copy()
    next_q[0] = turned_root(figure, next_q[0], turn)
    next_speed = _speed(poses, poses.rotations, first)
    next_speed[0] = turned_root(figure, next_speed[0], turn)
    # Velocities have the signs of the poses they belong to.
    next_speed *= _signs(rotations[0], poses.rotations[first])
    end_speed = _speed(poses, poses.rotations, last) * _signs(rotations[-1], poses.rotations[last])
    same = _signs(rotations[-1], next_q)
    gap_q, gap_speed = same * next_q - rotations[-1], same * next_speed - end_speed
    gap_m = travel.points(root_m[0]) - root_m[-1]
    gap_m_s = quat.rotate(turn, _speed(poses, poses.root_m, first)) - _speed(poses, poses.root_m, last)

    left_s, since_s = time_s[-1] - time_s, time_s
    before_q = _fade(left_s, width_s, gap_q, -gap_speed)
    behind_q = same * _fade(since_s, width_s, gap_q, gap_speed)
    before_m = _fade(left_s, width_s, gap_m, -gap_m_s)
    behind_m = _fade(since_s, width_s, gap_m, gap_m_s)
    # What belongs behind the seam is told in the axes of the end; back to those of the beginning.
    behind_q[:, 0] = turned_root(figure, behind_q[:, 0], quat.conjugate(turn))
    behind_m = quat.rotate(quat.conjugate(turn), behind_m)
    return Poses(
        quat.normalize(rotations + before_q - behind_q),
        root_m + before_m - behind_m,
        time_s,
        poses.contact[first : last + 1],
    )


def _signs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., 1) 1 where two quaternions lie on the same side of the sphere, else -1."""
    return np.where(np.sum(a * b, axis=-1, keepdims=True) < 0, -1.0, 1.0)


def _fade(away_s: np.ndarray, width_s: float, gap: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """(F, ...) half of a gap at the seam and what its speed adds, at times (F,) from the seam."""
    u = np.clip(away_s / width_s, 0.0, 1.0).reshape(-1, *(1,) * gap.ndim)
    return 0.5 * ((1 + 2 * u) * gap + width_s * u * speed) * (1 - u) ** 2


def _speed(poses: Poses, values: np.ndarray, frame: int) -> np.ndarray:
    """(...) change a second of (F, ...) values at a frame, from both sides where both are known."""
    near = [k for k in (frame - 1, frame, frame + 1) if 0 <= k < len(values) and poses.known[k]]
    course = values[near]
    if values.shape[-1] == 4:
        course = course * _signs(course, values[frame])
    place = near.index(frame)
    return np.gradient(course, poses.time_s[near], axis=0)[place]


def _feet_held(figure: Figure, once: Poses, travel: Travel) -> Poses:
    """The cycle with its standing feet held, amid copies of itself."""
    count = len(once.time_s) - 1
    around = int(np.ceil(AROUND_S / once.time_s[-1]))
    many = Loop(once, travel, False).chained(figure, 2 * around + 1)
    many = travel.poses(figure, many, -around)
    legs = figure.legs_of(many)
    soles_m = figure.soles(many).reshape(-1, 4, 3)
    floor_m = float(np.median(soles_m[..., 2][many.contact > STANDS]))
    pinned = pin_feet(legs, many.contact, many.time_s, floor_m)
    held = figure.with_legs(many, pinned.turned)
    middle = slice(around * count, (around + 1) * count + 1)
    return Poses(held[middle], (many.root_m + pinned.shift_m)[middle], once.time_s, many.contact[middle])
