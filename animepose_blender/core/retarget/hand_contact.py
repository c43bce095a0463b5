"""Hands that touch the body, the other arm or each other do so on the target as well.

Where the source's palm is near a part, its place is written in the part's own terms: how far along the part's line the
nearest point c lies, and from there direction w and distance. On the target, whose part begins at e, runs along t and
has the radius r', the palm comes to

    e' + share * t' + (r' + (distance - r) * size) * S A w        within the part (distance * r' / r) * S A w

A is the rotation from the source's part to the target's, S the least one that takes the line along, so that w stays
square to it; size is that of the target's hand by the source's. The hand keeps its orientation to the part, S A.

Two hands near each other keep the way between their palms, times size; what is held to the body moves less for it.
"""

from __future__ import annotations

import numpy as np

from .. import quaternions as quat
from .capsules import Body
from .easing import above, from_vector, smooth_step, to_vector
from .two_bone import reach

TOUCHES, NEAR = 0.06, 0.15
"""Distance of a palm from a part's surface up to which it touches, and from which on it is free; parts of the length of
the source's arm, 3 and 8 cm of a usual one."""
EASES_S = 0.06
"""A third of the time that a hand takes to come from its own way to where it touches, and back."""
PASSES = 3
"""Arms that touch each other both move; after so many turns they agree to a millimetre or so."""


def keep_hands(source: Body, target: Body, time_s: np.ndarray) -> np.ndarray:
    """Bring hands to where they touch.

    Args:
        source, target: over the same F frames, the target as transferred.
        time_s: (F,) increasing.
    Returns:
        (F, 2, 3, 4) rotations from rest of the target's upper arms, forearms and hands; the same as before in frames
        away from every touch.
    """
    arm_m = float(np.linalg.norm(source.segments_m, axis=-1).sum(axis=1).mean())
    source_arms = source.arms(source.turned)
    on_parts = _firmly(_gaps(source, source_arms), arm_m, time_s)
    together = _firmly(_hands_apart(source, source_arms), arm_m, time_s)
    touched = (on_parts > 0).any(axis=(1, 2)) | (together > 0)
    result = target.turned.copy()
    if not touched.any():
        return result
    source, target, on_parts, together = (
        source.at(touched), target.at(touched), on_parts[touched], together[touched, None, None]
    )  # fmt: skip
    shares, whole = _shares(on_parts, _gaps(source, source.arms(source.turned)), arm_m)
    turned = target.turned
    for _ in range(PASSES):
        turned = _brought(source, target, turned, shares, whole, together)
    result[touched] = turned
    return result


def _brought(
    source: Body, target: Body, turned: np.ndarray, shares: np.ndarray, whole: np.ndarray, together: np.ndarray
) -> np.ndarray:
    """(F, 2, 3, 4) the target's arms, where the other arm is as `turned` says.

    Args:
        shares: (F, 2, K + 2) of each part in where a hand comes to.
        whole: (F, 2) how firmly it is brought there.
        together: (F, 1, 1) how firmly the hands are held to each other.
    """
    size = float(np.linalg.norm(target.palm_m, axis=-1).mean() / np.linalg.norm(source.palm_m, axis=-1).mean())
    source_arms, now, own = source.arms(source.turned), target.arms(turned), target.arms(target.turned)
    source_palm, own_palm = source_arms[0][:, :, 2, 1], own[0][:, :, 2, 1]
    place, turn = _on_target(source, target, source_arms, now, source_palm, size)
    palm = own_palm + whole[..., None] * np.sum(shares[..., None] * (place - own_palm[:, :, None]), axis=2)
    # What the hand would have to be turned by for each part, from as it is.
    wanted = quat.multiply(turn, source_arms[1][:, :, None, 2])
    change = to_vector(quat.multiply(wanted, quat.conjugate(own[1][:, :, None, 2])))
    hand = quat.multiply(
        from_vector(whole[..., None] * np.sum(shares[..., None] * change, axis=2)), target.turned[:, :, 2]
    )

    free = np.maximum(1 - whole, 1e-3)
    gives = (free / free.sum(axis=1, keepdims=True))[..., None] * np.array([1.0, -1.0])[:, None]
    lacks = size * (source_palm[:, 0] - source_palm[:, 1]) - (palm[:, 0] - palm[:, 1])
    palm = palm + together * gives * lacks[:, None]

    wrist = palm - quat.rotate(hand, target.palm_m)
    arm = reach(target.shoulder_m, target.turned[:, :, :2], target.segments_m, wrist, hinge=target.hinge)
    # An arm that nothing asks anything of is left to the last bit.
    asked = (whole > 0) | (together[..., 0] > 0)
    made = np.concatenate([arm, hand[:, :, None]], axis=2)
    return np.where(asked[..., None, None], made, target.turned)


def _on_target(
    source: Body,
    target: Body,
    source_arms: tuple[np.ndarray, np.ndarray],
    arms: tuple[np.ndarray, np.ndarray],
    palm: np.ndarray,
    size: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Where each part of the target has the palms (F, 2, K + 2, 3), and S A of each part (F, 2, K + 2, 4)."""
    ends, lies, radius = _parts(source, source_arms)
    their_ends, their_lies, their_radius = _parts(target, arms)
    share, away = _beside(ends, palm)
    distance = np.linalg.norm(away, axis=-1)
    line, their_line = ends[..., 1, :] - ends[..., 0, :], their_ends[..., 1, :] - their_ends[..., 0, :]
    carried = quat.multiply(their_lies, quat.conjugate(lies))
    turn = quat.multiply(quat.between(quat.rotate(carried, line), their_line), carried)
    their_distance = np.where(
        distance > radius, their_radius + (distance - radius) * size, distance * their_radius / radius
    )
    direction = quat.rotate(turn, away / np.maximum(distance, 1e-9)[..., None])
    return their_ends[..., 0, :] + share[..., None] * their_line + their_distance[..., None] * direction, turn


def _parts(body: Body, arms: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each hand can touch: ends (F, 2, K + 2, 2, 3), how it lies (F, 2, K + 2, 4), radius (2, K + 2).

    These are the body's parts, and upper arm and forearm of the other side.
    """

    def both(parts: np.ndarray, arm: np.ndarray) -> np.ndarray:
        return np.concatenate([np.stack([parts, parts], axis=1), arm[:, ::-1, :2]], axis=2)

    radius = np.concatenate([np.stack([body.radius_m] * 2), body.arm_radius_m[::-1]], axis=1)
    return both(body.ends_m, arms[0]), both(body.axes, arms[1]), radius


def _beside(ends: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far along lines (F, 2, N, 2, 3) the points (F, 2, 3) lie (F, 2, N), 0 to 1, and the way from there."""
    line = ends[..., 1, :] - ends[..., 0, :]
    way = point[:, :, None] - ends[..., 0, :]
    share = np.clip(np.sum(way * line, axis=-1) / np.maximum(np.sum(line * line, axis=-1), 1e-12), 0, 1)
    return share, way - share[..., None] * line


def _gaps(body: Body, arms: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(F, 2, K + 2) distance of the palms from the surfaces of the parts, below 0 within them."""
    ends, _, radius = _parts(body, arms)
    return np.linalg.norm(_beside(ends, arms[0][:, :, 2, 1])[1], axis=-1) - radius


def _hands_apart(body: Body, arms: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(F,) distance between the hands: of one's palm from the other's line, less what both are thick."""
    hands = arms[0][:, :, 2]
    _, away = _beside(hands[:, ::-1, None], hands[:, :, 1])
    thick = 0.4 * np.linalg.norm(body.palm_m, axis=-1).mean()
    return np.linalg.norm(away, axis=-1).min(axis=(1, 2)) - thick


def _firmly(gap: np.ndarray, arm_m: float, time_s: np.ndarray) -> np.ndarray:
    """(F, ...) 0 to 1, by distance, and softly in time, before a touch and after it."""
    near = 1 - smooth_step((gap / arm_m - TOUCHES) / (NEAR - TOUCHES))
    return np.where(near.any(axis=0), above(near, time_s, EASES_S), 0.0)


def _shares(firmly: np.ndarray, gap: np.ndarray, arm_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the parts (F, 2, N), the nearest the most, and how firmly each hand is held (F, 2)."""
    weight = firmly / (TOUCHES + np.maximum(gap / arm_m, 0.0)) ** 4
    total = weight.sum(axis=-1, keepdims=True)
    return weight / np.where(total > 0, total, 1.0), 1 - np.prod(1 - np.clip(firmly, 0, 1), axis=-1)
