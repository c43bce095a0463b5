"""Rest poses made comparable: for each part of a body a frame of axes that means the same in any rest pose and any rig.

A limb's frame has its length as first axis, so that T, A and any other rest pose agree once a limb points the same way.
Its second axis fixes the twist: the hinge of elbow and knee where the rest pose bends them enough to tell, else where
a T-pose's hinge comes to when the limb is swung from there by the least turn; of hand and forearm the line across the
knuckles. A foot is level, whatever its bone's slope. Trunk, neck, head and collars, whose bones lie differently in
every rig, go by the frame of the whole body.

With the frames S of the source and T of the target at rest, both in world axes, the rotation from the target's rest is

    turned_target = turned_source * S T^-1

since S T^-1 takes what the target's part is at rest to what the source's is.
"""

from __future__ import annotations

import numpy as np

from ..fingers import FINGERS
from .slots import ARM, NECK, SIDES, SPINE
from .stance import STRAY_TAIL_DEG, Rest, angle_deg, foot_heading, unit

SURE_BEND_DEG, NO_BEND_DEG = 15.0, 5.0
"""An elbow or knee bent by more tells its hinge; by less, nothing."""
TIPTOE_DEG = 65.0
"""A foot that points down more steeply at rest hangs, and is not level."""


def part_frames(rest: Rest, body: np.ndarray) -> dict[str, np.ndarray]:
    """Slot → (3, 3) frame, columns in world axes, for every slot of `rest`; see the module's beginning."""
    frames = {slot: body for slot in rest.heads_m if slot in ("pelvis", "head", *SPINE, *NECK)}
    for number, side in enumerate(SIDES):
        frames |= _arm(rest, body, side, number)
        frames |= _leg(rest, body, side)
    return frames


def _frame(along: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Axes of a part: along it, across (the second one made square to it), and square to both."""
    across = second - along * (second @ along)
    if np.linalg.norm(across) < 1e-6:  # any will do, and the same for every rig would be luck
        across = np.cross(along, np.eye(3)[int(np.argmin(np.abs(along)))])
    across = unit(across)
    return np.stack([along, across, np.cross(along, across)], axis=1)


def _swung(usual: np.ndarray, along: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """`vector`, turned by the least turn from `usual` to `along` (all units)."""
    axis, cosine = np.cross(usual, along), float(usual @ along)
    if cosine < -0.999:
        return vector
    # Rodrigues' formula with axis = sin * unit axis.
    return vector + np.cross(axis, vector) + np.cross(axis, np.cross(axis, vector)) / (1 + cosine)


def _hinge(first: np.ndarray, second: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """The hinge between two bones: square to both where they are bent, `usual` where they are straight."""
    bent = np.cross(first, second)
    angle = np.degrees(np.arctan2(np.linalg.norm(bent), first @ second))
    share = float(np.clip((angle - NO_BEND_DEG) / (SURE_BEND_DEG - NO_BEND_DEG), 0, 1))
    # Bent against the joint's nature, or sideways: a rest pose that says nothing of the hinge.
    if share == 0 or unit(bent) @ usual < 0.3:
        return usual
    return unit((1 - share) * usual + share * unit(bent))


def _direction(rest: Rest, slot: str, end: str, expected: np.ndarray) -> np.ndarray:
    """Unit direction of a slot's part: to the head of the next slot, or to its own tail unless that leads astray."""
    start = rest.heads_m[slot]
    if end in rest.heads_m and not np.allclose(rest.heads_m[end], start):
        return unit(rest.heads_m[end] - start)
    own = unit(rest.tails_m[slot] - start)
    return own if angle_deg(own, expected) < STRAY_TAIL_DEG else expected


def _arm(rest: Rest, body: np.ndarray, side: str, number: int) -> dict[str, np.ndarray]:
    heads_m = rest.heads_m
    sign = 1.0 if side == "L" else -1.0
    left, back, up = body.T
    spread, hinge, across = sign * left, -sign * up, back  # of a T-pose with the palms down
    frames: dict[str, np.ndarray] = {}
    if f"shoulder.{side}" in heads_m:
        frames[f"shoulder.{side}"] = body
    upper, fore, hand = (f"{slot}.{side}" for slot in ARM[1:])
    along = {}
    expected = spread
    for slot, end in ((upper, fore), (fore, hand)):
        if slot in heads_m:
            along[slot] = expected = _direction(rest, slot, end, expected)
    if upper in along:
        usual = _swung(spread, along[upper], hinge)
        frames[upper] = _frame(along[upper], _hinge(along[upper], along.get(fore, along[upper]), usual))
    knuckles = _knuckles(rest, side, number)
    if hand in heads_m:
        middle = _middle_of_hand(rest, side, knuckles)
        own = rest.tails_m[hand] if middle is None else middle
        along[hand] = unit(own - heads_m[hand])
        if angle_deg(along[hand], expected) > STRAY_TAIL_DEG + 15:
            along[hand] = expected
        line = _swung(spread, along[hand], across) if knuckles is None else knuckles[1] - knuckles[0]
        frames[hand] = _frame(along[hand], line)
    if fore in along:
        usual = _swung(spread, along[fore], hinge)
        bend = _hinge(along.get(upper, along[fore]), along[fore], usual)
        # Half of what the wrist is twisted at rest is borne by the forearm, as in an arm: the hinge is square to the
        # line across the knuckles of a T-pose's hand, so that this line turned back gives a hinge as well.
        by_hinge = _frame(along[fore], bend)
        if knuckles is not None and hand in frames:
            by_hand = _frame(along[fore], np.cross(along[fore], frames[hand][:, 1]) * -1.0)
            frames[fore] = _frame(along[fore], by_hinge[:, 1] + by_hand[:, 1])
        else:
            frames[fore] = by_hinge
    if hand in frames:
        frames |= _fingers(rest, side, frames[hand])
    return frames


def _knuckles(rest: Rest, side: str, number: int) -> np.ndarray | None:
    """(2, 3) from the index's knuckle to the outermost finger's."""
    heads_m = rest.heads_m
    index = heads_m.get(f"index_1.{side}")
    outer = next((heads_m[s] for f in ("pinky", "ring", "middle") if (s := f"{f}_1.{side}") in heads_m), None)
    if index is not None and outer is not None and not np.allclose(index, outer):
        return np.stack([index, outer])
    return None if rest.knuckles_m is None else rest.knuckles_m[number]


def _middle_of_hand(rest: Rest, side: str, knuckles: np.ndarray | None) -> np.ndarray | None:
    """(3,) between the knuckles of index and little finger."""
    if knuckles is not None:
        return knuckles.mean(axis=0)
    heads_m = rest.heads_m
    roots = [heads_m[s] for f in FINGERS[1:] if (s := f"{f}_1.{side}") in heads_m]
    return np.mean(roots, axis=0) if roots else None


def _fingers(rest: Rest, side: str, hand: np.ndarray) -> dict[str, np.ndarray]:
    frames = {}
    for finger in FINGERS:
        expected = hand[:, 0]
        for number in (1, 2, 3):
            slot = f"{finger}_{number}.{side}"
            if slot not in rest.heads_m:
                break
            expected = _direction(rest, slot, f"{finger}_{number + 1}.{side}", expected)
            # Fingers bend about the line across the knuckles; a thumb's nail looks across, about the palm's normal.
            frames[slot] = _frame(expected, hand[:, 2] if finger == "thumb" else hand[:, 1])
    return frames


def _leg(rest: Rest, body: np.ndarray, side: str) -> dict[str, np.ndarray]:
    heads_m = rest.heads_m
    left, _, up = body.T
    frames: dict[str, np.ndarray] = {}
    thigh, shin, foot, toe = (f"{slot}.{side}" for slot in ("thigh", "shin", "foot", "toe"))
    along, expected = {}, -up
    for slot, end in ((thigh, shin), (shin, foot)):
        if slot in heads_m:
            along[slot] = expected = _direction(rest, slot, end, expected)
    for slot, first, second in ((thigh, thigh, shin), (shin, thigh, shin)):
        if slot in along:
            usual = _swung(-up, along[slot], left)
            bend = _hinge(along.get(first, along[slot]), along.get(second, along[slot]), usual)
            frames[slot] = _frame(along[slot], bend)
    if foot in heads_m:
        # A hanging foot's sole is as square to its bone as a standing one's: it is turned up with the least turn.
        heading = foot_heading(rest, body, side)
        to_toe = heads_m[toe] - heads_m[foot] if toe in heads_m else rest.tails_m[foot] - heads_m[foot]
        below = np.degrees(np.arcsin(np.clip(-unit(to_toe) @ up, -1, 1)))
        level = np.stack([heading, np.cross(up, heading), up], axis=1)
        if below > TIPTOE_DEG and toe in heads_m:
            flat = heading * np.cos(np.radians(25)) - up * np.sin(np.radians(25))
            turned = [_swung(flat, unit(to_toe), axis) for axis in level.T]
            level = np.stack(turned, axis=1)
        frames[foot] = level
        if toe in heads_m:
            frames[toe] = level
    return frames
