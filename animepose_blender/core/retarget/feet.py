"""Feet that stand, on the target's own proportions: their points do not slide, and the rest of the figure gives way.

A foot is a rigid body with two points of the floor, heel and tip of the toes. While both stand it is still; while one
stands it turns about it as the motion says. With g_i(t) the turned vector from ankle to point i, a point that stands
from frame t to t+1 asks of the ankle

    x(t+1) - x(t) = -(g_i(t+1) - g_i(t))

so the ankle's course through a whole stance, from the first point on the floor to the last one off it, is one sum;
where the stance lies on the floor is the one thing left, and is the mean of where the motion has it.

What standing feet have in common, the pelvis takes; the legs do the rest (`two_bone`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import quaternions as quat
from .easing import above, bounds, ease, from_vector, gaussian, smooth_step, spans, step_s, to_vector
from .two_bone import end_of, reach

BEGINS, ENDS = 0.5, 0.35
"""A contact begins at a probability of the one and lasts until it falls below the other."""
SHORTEST_S, GAP_S = 0.08, 0.05
"""A point that stands for less does not stand; one that leaves the floor for less does not leave it."""
SLIDES_S = 1.2
"""Leg lengths a second, about 1 m/s; a point that moves faster does not stand, whatever is said. What a figure of other
proportions lets slide is slower."""
HALF_LIFE_S = 0.08
"""In which a foot that leaves the floor comes back to its own way by half."""
FASTEST_S, FASTEST_RAD_S = 0.6, 3.0
"""Leg lengths and radians a second; what a foot goes on with at most where it is let go."""
SHARED_S = 0.15
"""Sigma of how smoothly the pelvis gives way."""
ALONE = 0.05
"""Weight of the pelvis's own way beside that of one standing foot."""
TURNS_DEG, TURNS_S = 15.0, 0.25
"""A foot that turns on the floor by more than the one within twice the other turns about its toes."""
RAISED = 0.15
"""Part of the leg's length above the floor from which on a foot stands on something else, and stays at that height."""
SLOPE = 0.25
"""Of the foot at rest up to which heel and toes are of their own heights when they stand, as in a shoe with heels."""
STRETCH = 0.985
"""Part of a leg's length to which the pelvis lets it be stretched, unless the motion does: a bend of 20 degrees. Nearer
to its whole length a knee snaps straight."""
STANDS, IN_AIR, IN_AIR_S = 0.999, 0.97, 0.15
"""Likewise up to where a foot that stands is brought to its place whatever its knee does, and one in the air is; a foot
comes from the one to the other in so many seconds beside a stand."""
LOWERED_S = 0.06
LIFTED_S = 0.03
"""Sigmas of how smoothly the pelvis is lowered, and a foot lifted out of the floor."""
UPRIGHT = (0.4, 0.85)
"""Level part of a foot up to which it is lifted as a whole, and from which on by its pitch."""

_Z = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, eq=False)
class Legs:
    """Both legs, left and right, over F frames; world axes, metres."""

    hip_m: np.ndarray
    """(F, 2, 3)"""
    turned: np.ndarray
    """(F, 2, 3, 4) rotations from rest of thigh, shin and foot, wxyz."""
    segments_m: np.ndarray
    """(2, 2, 3) at rest: hip to knee, knee to ankle."""
    sole_m: np.ndarray
    """(2, 2, 3) at rest: from the ankle to the heel and to the tip of the toes, where they touch the floor."""
    hinge: np.ndarray
    """(2, 3) rest axis of each knee; a positive turn bends it (`two_bone.knee_hinge`)."""


@dataclass(frozen=True, eq=False)
class Pinned:
    """Both legs after it."""

    turned: np.ndarray
    """(F, 2, 3, 4) rotations from rest of thigh, shin and foot."""
    shift_m: np.ndarray
    """(F, 3) to be added to the whole figure, the hips included."""


def pin_feet(
    legs: Legs,
    contact: np.ndarray,
    time_s: np.ndarray,
    floor_m: float = 0.0,
    present: np.ndarray | None = None,
    told: np.ndarray | None = None,
) -> Pinned:
    """Hold heels and toes where they stand.

    Args:
        legs: as transferred.
        contact: (F, 4) 0 to 1: left heel, left toe, right heel, right toe; NaN = does not stand.
        time_s: (F,) increasing.
        floor_m: height of the floor.
        present: (F,) bool; elsewhere nothing stands. None = everywhere.
        told: (F, 4) bool, points that stand by somebody's word: however fast they move or turn, and however shortly.
            None = none do.
    """
    probability = np.nan_to_num(contact) * (1.0 if present is None else present[:, None])
    by_word = np.zeros((len(contact), 2, 2), dtype=bool) if told is None else told.reshape(-1, 2, 2)
    ankle_m = end_of(legs.hip_m, legs.turned[:, :, :2], legs.segments_m)
    points_m = ankle_m[:, :, None] + quat.rotate(legs.turned[:, :, None, 2], legs.sole_m)
    length_m = np.linalg.norm(legs.segments_m, axis=-1).sum(axis=-1)
    slow = _speed(points_m, time_s) < SLIDES_S * length_m[:, None]
    probability = probability.reshape(-1, 2, 2) * (slow | by_word)
    stands = _handed_over(spans(probability, time_s, BEGINS, ENDS, SHORTEST_S, GAP_S) | by_word)
    stands = _turning_let_go(stands, legs, time_s) | by_word
    weight = np.maximum(probability, 1e-3) * stands
    standing = stands.any(axis=-1)

    foot = _flat(legs, stands, time_s)
    stood_m = _stood(ankle_m, quat.rotate(foot[:, :, None], legs.sole_m), stands, weight, legs, floor_m)
    asked_m = np.where(standing[..., None], stood_m - ankle_m, 0.0)
    shift_m = _shared(asked_m, standing, time_s)
    shift_m = shift_m - _lowered(legs, ankle_m, asked_m, shift_m, standing, time_s)[:, None] * _Z
    own_m = ease(asked_m - shift_m[:, None], standing, time_s, HALF_LIFE_S, FASTEST_S * length_m.mean())
    target_m, foot = _lifted(ankle_m + shift_m[:, None] + own_m, foot, legs, stands, time_s, floor_m)
    hip_m = legs.hip_m + shift_m[:, None]
    stretch = STANDS - (STANDS - IN_AIR) * smooth_step(_away_s(standing, time_s) / IN_AIR_S)
    leg = reach(hip_m, legs.turned[:, :, :2], legs.segments_m, target_m, stretch, legs.hinge)
    return Pinned(np.concatenate([leg, foot[:, :, None]], axis=2), shift_m)


def _speed(points_m: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F, ...) m/s at which points (F, ..., 3) come to their place or leave it, whichever is slower."""
    passes_s = np.diff(time_s).reshape(-1, *(1,) * (points_m.ndim - 2))
    speed = np.linalg.norm(np.diff(points_m, axis=0), axis=-1) / passes_s
    never = np.full((1, *points_m.shape[1:-1]), np.inf if len(speed) else 0.0)
    return np.minimum(np.concatenate([never, speed]), np.concatenate([speed, never]))


def _handed_over(stands: np.ndarray) -> np.ndarray:
    """Heel and toe both stand for a frame where the one takes over from the other, so that they are of one foot."""
    result = stands.copy()
    for a, b in ((0, 1), (1, 0)):
        over = stands[:-1, :, a] & ~stands[1:, :, a] & stands[1:, :, b] & ~stands[:-1, :, b]
        result[1:, :, a] |= over
    return result


def _turning_let_go(stands: np.ndarray, legs: Legs, time_s: np.ndarray) -> np.ndarray:
    """Heels that stand while the foot turns on the floor are let go of; it turns about its toes."""
    along = quat.rotate(legs.turned[:, :, 2], legs.sole_m[:, 1] - legs.sole_m[:, 0])
    heading = np.unwrap(np.arctan2(along[..., 1], along[..., 0]), axis=0)
    result = stands.copy()
    reach_frames = max(1, round(TURNS_S / step_s(time_s)))
    # First only where it turns fast, then, where that does not tell, all of the span.
    for turns_fast in (True, False):
        flat = result.all(axis=-1)
        mean = _means(heading[..., None], flat)[..., 0]
        first, last = bounds(flat)
        off = np.where(flat, np.abs(heading - mean), 0.0)
        far = _greatest(off, first) > np.radians(TURNS_DEG)
        if turns_fast:
            frames = np.arange(len(flat))[:, None]
            early, late = np.maximum(frames - reach_frames, first), np.minimum(frames + reach_frames, last)
            moved = np.take_along_axis(heading, late, axis=0) - np.take_along_axis(heading, early, axis=0)
            far &= np.abs(moved) > np.radians(TURNS_DEG)
        result[..., 0] &= ~(far & flat)
    return result


def _flat(legs: Legs, stands: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F, 2, 4) the feet's rotations: still and flat while heel and toe stand, and softly so around that."""
    foot = legs.turned[:, :, 2]
    flat = stands.all(axis=-1)
    first, _ = bounds(flat)
    begins = np.take_along_axis(foot, first[..., None], axis=0)
    mean = _means(foot * np.where(np.sum(foot * begins, axis=-1, keepdims=True) < 0, -1.0, 1.0), flat)
    mean = quat.normalize(np.where(flat[..., None], mean, quat.IDENTITY))
    along = quat.rotate(mean, legs.sole_m[:, 1] - legs.sole_m[:, 0])
    height = _rest_height(legs.sole_m)
    still = quat.multiply(quat.between(along, _of_height(along, height[:, 1] - height[:, 0])), mean)
    off = to_vector(quat.multiply(still, quat.conjugate(foot)))
    return quat.multiply(from_vector(ease(off, flat, time_s, HALF_LIFE_S, FASTEST_RAD_S)), foot)


def _stood(
    ankle_m: np.ndarray, sole_m: np.ndarray, stands: np.ndarray, weight: np.ndarray, legs: Legs, floor_m: float
) -> np.ndarray:
    """(F, 2, 3) the ankles in the frames in which something of the foot stands; see the head of this file.

    Args:
        sole_m: (F, 2, 2, 3) from the ankle to heel and toe, as turned.
        weight: (F, 2, 2) of the points in the mean of each stance.
    """
    standing = stands.any(axis=-1)
    stays = stands[1:] & stands[:-1]
    point = np.where(stays.any(axis=-1), stays.argmax(axis=-1), stands[:-1].argmax(axis=-1))
    step = np.take_along_axis(np.diff(sole_m, axis=0), point[..., None, None], axis=2)[:, :, 0]
    way_m = np.concatenate([np.zeros_like(ankle_m[:1]), -np.cumsum(step, axis=0)])
    total = weight.sum(axis=-1)
    stood_m = way_m + _means(ankle_m - way_m, standing, total)

    rise = sole_m[..., 2] - _rest_height(legs.sole_m)
    share = weight / np.maximum(total, 1e-9)[..., None]
    under_ankle = np.sum(share * rise, axis=-1)
    ground = _means((ankle_m[..., 2] + under_ankle)[..., None], standing, total)[..., 0]
    length = np.linalg.norm(legs.segments_m, axis=-1).sum(axis=-1)
    ground = np.where(ground - floor_m > RAISED * length, ground, floor_m)
    stood_m[..., 2] = ground - under_ankle
    return stood_m


def _shared(asked_m: np.ndarray, standing: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F, 3) how the pelvis gives way: smoothly with the mean of what the standing feet ask."""
    weight = standing[..., None].astype(float)
    course = gaussian(np.concatenate([(weight * asked_m).sum(axis=1), weight.sum(axis=1)], axis=-1), time_s, SHARED_S)
    return course[:, :3] / (course[:, 3:] + ALONE)


def _lowered(
    legs: Legs, ankle_m: np.ndarray, asked_m: np.ndarray, shift_m: np.ndarray, standing: np.ndarray, time_s: np.ndarray
) -> np.ndarray:
    """(F,) metres by which the pelvis goes down so that standing feet are within reach."""
    length = np.linalg.norm(legs.segments_m, axis=-1).sum(axis=-1)
    most = np.maximum(STRETCH * length, np.linalg.norm(ankle_m - legs.hip_m, axis=-1))
    down = legs.hip_m + shift_m[:, None] - ankle_m - asked_m
    level = np.minimum(np.linalg.norm(down[..., :2], axis=-1), 0.95 * most)
    lacks = np.maximum(down[..., 2] - np.sqrt(most**2 - level**2), 0.0)
    return above(np.where(standing, lacks, 0.0).max(axis=-1), time_s, LOWERED_S)


def _lifted(
    ankle_m: np.ndarray, foot: np.ndarray, legs: Legs, stands: np.ndarray, time_s: np.ndarray, floor_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Ankles (F, 2, 3) and rotations (F, 2, 4) of feet none of whose points is below the floor.

    Points that stand stay. With heights of heel and toe raised by l_h and l_t, the foot gets the pitch that their
    difference asks, and goes up by (1 - k) l_h + k l_t at the place k of the way from heel to toe that it turns about.
    """
    sole_m = quat.rotate(foot[:, :, None], legs.sole_m)
    lacks = np.maximum(floor_m - ankle_m[..., None, 2] - sole_m[..., 2], 0.0) * ~stands
    # Softly, but for the frames beside those in which the point stands.
    lift = np.maximum(lacks, above(lacks, time_s, LIFTED_S) * smooth_step(_away_s(stands, time_s) / (6 * LIFTED_S)))

    along = sole_m[:, :, 1] - sole_m[:, :, 0]
    level = np.linalg.norm(along[..., :2], axis=-1) / np.linalg.norm(along, axis=-1)
    by_pitch = np.where(stands.any(axis=-1), 1.0, smooth_step((level - UPRIGHT[0]) / (UPRIGHT[1] - UPRIGHT[0])))
    lift = by_pitch[..., None] * lift + (1 - by_pitch[..., None]) * lift.max(axis=-1, keepdims=True)
    turn = quat.between(along, _of_height(along, along[..., 2] + lift[..., 1] - lift[..., 0]))
    place = _turning_point(stands)[..., None]
    pivot = sole_m[:, :, 0] + place * along
    up = (1 - place) * lift[..., :1] + place * lift[..., 1:]
    return ankle_m + pivot - quat.rotate(turn, pivot) + up * _Z, quat.multiply(turn, foot)


def _away_s(stands: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(F, ...) time to the nearest frame of `stands` (F, ...); long if there is none."""
    count = len(stands)
    frames = np.arange(count).reshape(-1, *(1,) * (stands.ndim - 1))
    before = np.maximum.accumulate(np.where(stands, frames, -10 * count), axis=0)
    after = np.minimum.accumulate(np.where(stands, frames, 10 * count)[::-1], axis=0)[::-1]
    return np.minimum(frames - before, after - frames) * step_s(time_s)


def _turning_point(stands: np.ndarray) -> np.ndarray:
    """(F, 2) 0 while the heel stands, 1 while the toe does, and from the one to the other in the air."""
    standing = stands.any(axis=-1)
    value = np.where(stands.all(axis=-1), 0.5, stands[..., 1])
    frames = np.arange(len(stands))
    known = [np.flatnonzero(standing[:, side]) for side in (0, 1)]
    return np.stack([np.interp(frames, k, value[k, side]) if len(k) else 0.5 + 0 * frames
                     for side, k in enumerate(known)], axis=-1)  # fmt: skip


def _rest_height(sole_m: np.ndarray) -> np.ndarray:
    """(2, 2) heights of heel and toe above the floor they stand on; 0 for feet whose rest pose does not stand."""
    above_lower = sole_m[..., 2] - sole_m[..., 2].min(axis=-1, keepdims=True)
    length = np.linalg.norm(sole_m[:, 1] - sole_m[:, 0], axis=-1)[:, None]
    return np.where(above_lower.max(axis=-1, keepdims=True) < SLOPE * length, above_lower, 0.0)


def _of_height(along: np.ndarray, height: np.ndarray) -> np.ndarray:
    """(..., 3) a vector of the same length and heading with another height; one without heading as it is."""
    length = np.linalg.norm(along, axis=-1)
    height = np.clip(height, -0.99 * length, 0.99 * length)
    level = np.linalg.norm(along[..., :2], axis=-1)
    scale = np.sqrt(length**2 - height**2) / np.maximum(level, 1e-9)
    changed = np.concatenate([along[..., :2] * scale[..., None], height[..., None]], axis=-1)
    return np.where((level > 1e-3 * length)[..., None], changed, along)


def _means(value: np.ndarray, mask: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """(F, N, C) in each frame of a run of `mask` (F, N) the mean of `value` (F, N, C) over it; else something."""
    weight = mask.astype(float) if weight is None else weight * mask
    run = _run_numbers(mask)
    total = np.maximum(np.bincount(run.ravel(), weight.ravel()), 1e-12)
    sums = [np.bincount(run.ravel(), (weight * value[..., c]).ravel()) / total for c in range(value.shape[-1])]
    return np.stack(sums, axis=-1)[run]


def _greatest(value: np.ndarray, first: np.ndarray) -> np.ndarray:
    """(F, N) the greatest of `value` over the run that begins at frame `first` (F, N)."""
    result = np.zeros_like(value)
    columns = np.broadcast_to(np.arange(value.shape[1]), value.shape)
    np.maximum.at(result, (first, columns), value)
    return np.take_along_axis(result, first, axis=0)


def _run_numbers(mask: np.ndarray) -> np.ndarray:
    """(F, N) int: a number for each run of equal values of each column."""
    first, _ = bounds(mask)
    return first * mask.shape[1] + np.arange(mask.shape[1])
