"""Hands that touch the body or each other do so on other proportions too."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import quaternions as quat
from animepose_blender.core.retarget.capsules import PARTS, Body, body_of
from animepose_blender.core.retarget.hand_contact import keep_hands
from animepose_blender.core.retarget.rest_frames import part_frames
from animepose_blender.core.retarget.slots import ARM, SIDES, parent_of
from animepose_blender.core.retarget.stance import Rest
from animepose_blender.core.retarget.two_bone import reach

RATE, FRAMES = 60, 240
TIME_S = np.arange(FRAMES) / RATE
STILL = np.tile(quat.IDENTITY, (FRAMES, 1))
ARMS = [[f"{slot}.{side}" for slot in ARM[1:]] for side in SIDES]
BODY_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def figure(hips=1.0, arms=1.0, chest=1.0, size=1.0):
    """Rest of somebody in a T-pose."""
    arm, leg = 0.175 * chest, 0.095 * hips
    left = {
        "shoulder": (0.03, 0, 1.40), "upper_arm": (arm, 0, 1.385), "forearm": (arm + 0.28 * arms, 0, 1.385),
        "hand": (arm + 0.53 * arms, 0, 1.385), "thigh": (leg, 0, 0.92), "shin": (leg, -0.01, 0.505),
        "foot": (leg, 0.01, 0.09),
    }  # fmt: skip
    heads = {
        "pelvis": (0, 0, 0.95), "spine_1": (0, 0, 1.1), "spine_2": (0, 0, 1.25), "neck_1": (0, 0, 1.42),
        "head": (0, -0.01, 1.48),
    }  # fmt: skip
    heads |= {f"{slot}.L": place for slot, place in left.items()}
    heads |= {f"{slot}.R": (-x, y, z) for slot, (x, y, z) in left.items()}
    heads_m = {slot: size * np.array(place, dtype=float) for slot, place in heads.items()}
    tails_m = {slot: place + [0.0, 0.0, 0.1 * size] for slot, place in heads_m.items()}
    tails_m["head"] = size * np.array([0.0, -0.01, 1.70])
    for side, sign in (("L", 1.0), ("R", -1.0)):
        tails_m[f"hand.{side}"] = heads_m[f"hand.{side}"] + [sign * 0.085 * size, 0.0, 0.0]
    return Rest(heads_m, tails_m, np.eye(3))


def posed(rest, turned):
    """Slot → (F, 3) heads of a figure whose parts are turned from rest by `turned`."""
    heads_m = {"pelvis": np.tile(rest.heads_m["pelvis"], (FRAMES, 1))}
    for slot in rest.heads_m:
        above = parent_of(slot, rest.heads_m)
        if above is not None and above in heads_m:
            heads_m[slot] = heads_m[above] + quat.rotate(turned[above], rest.heads_m[slot] - rest.heads_m[above])
    return heads_m


def body(rest, turned) -> Body:
    made = body_of(posed(rest, turned), turned, rest.heads_m, rest.tails_m, part_frames(rest, BODY_AXES))
    assert made is not None
    return made


def palms(shape, turned):
    return shape.arms(turned)[0][:, :, 2, 1]


def come_and_go(share_of_time=(0.3, 0.45, 0.6, 0.75)):
    """(F,) 0, then softly 1, and 0 again."""
    at = np.arange(FRAMES) / FRAMES
    share = np.interp(at, share_of_time, [0, 1, 1, 0])
    return share * share * (3 - 2 * share)


def acting(rest, places, share=None):
    """Rotations of somebody whose palms go from beside the body to places (2, 3) or (F, 2, 3) and back."""
    turned = dict.fromkeys(rest.heads_m, STILL)
    frames = part_frames(rest, BODY_AXES)
    share = (come_and_go() if share is None else share)[:, None]
    free_m = np.array([[0.45, -0.2, 1.0], [-0.45, -0.2, 1.0]])
    for number, arm in enumerate(ARMS):
        sign = 1 - 2 * number
        down = quat.multiply(quat.between(np.array([sign, 0.0, 0.0]), np.array([sign * 0.5, 0.0, -0.9])), STILL)
        both = np.stack([down, down], axis=1)
        shoulder = posed(rest, turned)[arm[0]]
        segments = np.diff([rest.heads_m[slot] for slot in arm], axis=0)
        palm = rest.tails_m[arm[2]] - rest.heads_m[arm[2]]
        wanted = free_m[number] + share * (np.asarray(places)[..., number, :] - free_m[number])
        for _ in range(8):  # the hand goes with the forearm
            wrist = wanted - quat.rotate(both[:, 1], palm)
            both = reach(shoulder, both, segments, wrist, hinge=frames[arm[0]][:, 1])
        turned |= {arm[0]: both[:, 0], arm[1]: both[:, 1], arm[2]: both[:, 1]}
    return turned


def gaps(shape, turned, part):
    """(F, 2) distance of the palms from a part's surface."""
    number = PARTS.index(part)
    a, b = shape.ends_m[:, None, number, 0], shape.ends_m[:, None, number, 1]
    point = palms(shape, turned)
    share = np.clip(((point - a) * (b - a)).sum(-1) / ((b - a) ** 2).sum(-1), 0, 1)[..., None]
    return np.linalg.norm(point - a - share * (b - a), axis=-1) - shape.radius_m[number]


def both_bodies(rest, target, turned):
    source, other = body(rest, turned), body(target, turned)
    return source, other, keep_hands(source, other, TIME_S)


HOLDING = slice(int(0.47 * FRAMES), int(0.58 * FRAMES))
TARGETS = [
    {"arms": 1.25}, {"hips": 1.4, "chest": 1.15}, {"arms": 1.15, "hips": 1.3, "size": 1.6}, {"size": 0.4, "arms": 0.9},
]  # fmt: skip
HIPS, HEAD = [[0.15, -0.03, 0.98], [-0.15, -0.03, 0.98]], [[0.1, -0.02, 1.66], [-0.45, -0.2, 1.0]]


@pytest.mark.parametrize("shape", TARGETS)
@pytest.mark.parametrize(("places", "part", "hands"), [(HIPS, "belly", (0, 1)), (HEAD, "head", (0,))])
def test_hands_on_hips_and_head_stay_there(shape, places, part, hands):
    rest, target = figure(), figure(**shape)
    turned = acting(rest, places)
    source, other, kept = both_bodies(rest, target, turned)
    wanted = gaps(source, source.turned, part)[HOLDING][:, hands]
    assert np.abs(wanted).max() < 0.03
    size = shape.get("size", 1.0)
    before = np.abs(gaps(other, other.turned, part)[HOLDING][:, hands] - size * wanted)
    after = np.abs(gaps(other, kept, part)[HOLDING][:, hands] - size * wanted)
    assert after.max() < 0.01 * size
    assert before.max() > 2 * after.max()


@pytest.mark.parametrize("shape", TARGETS)
def test_hands_that_clap_meet(shape):
    rest, target = figure(), figure(**shape)
    turned = acting(rest, [[0.015, -0.4, 1.25], [-0.015, -0.4, 1.25]])
    source, other, kept = both_bodies(rest, target, turned)
    way, before, after = (
        np.diff(palms(*which), axis=1)[HOLDING, 0]
        for which in ((source, source.turned), (other, other.turned), (other, kept))
    )
    size = shape.get("size", 1.0)
    assert np.linalg.norm(after - size * way, axis=-1).max() < 0.01 * size
    assert np.linalg.norm(before - size * way, axis=-1).max() > 0.01 * size


def test_a_hand_on_the_other_forearm_stays_on_it():
    rest, target = figure(), figure(arms=1.2, chest=1.2)
    left = [0.0, -0.3, 1.1]
    alone = body(rest, acting(rest, [left, [-0.3, -0.3, 1.0]]))
    ends = alone.arms(alone.turned)[0]
    turned = acting(rest, [left, ends[FRAMES // 2, 0, 1].mean(axis=0) + [0.0, -0.055, 0.0]])
    source, other, kept = both_bodies(rest, target, turned)

    def gap(shape, arms):
        a, b = np.moveaxis(shape.arms(arms)[0][:, 0, 1], 1, 0)
        point = palms(shape, arms)[:, 1]
        share = np.clip(((point - a) * (b - a)).sum(-1) / ((b - a) ** 2).sum(-1), 0, 1)[:, None]
        return (np.linalg.norm(point - a - share * (b - a), axis=-1) - shape.arm_radius_m[0, 1])[HOLDING]

    assert np.abs(gap(source, source.turned)).max() < 0.04
    assert np.abs(gap(other, kept) - gap(source, source.turned)).max() < 0.01


def test_hands_away_from_everything_are_left_to_the_last_bit():
    rest, target = figure(), figure(arms=1.3, hips=1.4)
    turned = acting(rest, HIPS)
    _, other, kept = both_bodies(rest, target, turned)
    away = (TIME_S < 0.8) | (TIME_S > 3.6)
    assert (kept[away] == other.turned[away]).all()
    turned = acting(rest, HIPS, share=np.zeros(FRAMES))
    _, other, kept = both_bodies(rest, target, turned)
    assert (kept == other.turned).all()


def test_the_same_proportions_change_nothing():
    rest = figure()
    for places in (HIPS, HEAD, [[0.015, -0.4, 1.25], [-0.015, -0.4, 1.25]]):
        _, other, kept = both_bodies(rest, rest, acting(rest, places))
        assert np.abs(palms(other, kept) - palms(other, other.turned)).max() < 1e-6


@pytest.mark.parametrize("places", [HIPS, HEAD, [[0.015, -0.4, 1.25], [-0.015, -0.4, 1.25]]])
@pytest.mark.parametrize("shape", TARGETS[:2])
def test_nothing_pops(places, shape):
    rest, target = figure(), figure(**shape)
    _, other, kept = both_bodies(rest, target, acting(rest, places))
    before, after = (np.diff(palms(other, arms), 2, axis=0) * RATE**2 for arms in (other.turned, kept))
    assert np.linalg.norm(after, axis=-1).max() < np.linalg.norm(before, axis=-1).max() + 25.0


def test_hands_keep_their_orientation_to_what_they_touch():
    rest, target = figure(), figure(arms=1.2)
    turned = acting(rest, HIPS)
    lean = np.tile(quat.between(np.array([0.0, 0.0, 1.0]), np.array([0.0, -0.3, 1.0])), (FRAMES, 1))
    source = body(rest, turned)
    leaning = {slot: quat.multiply(lean, turn) for slot, turn in turned.items()}
    unturned = leaning | {slot: turned[slot] for arm in ARMS for slot in arm}
    kept = keep_hands(source, body(target, unturned), TIME_S)
    wanted = quat.multiply(lean[:, None], source.turned[:, :, 2])
    off = 2 * np.arccos(np.clip(np.abs((kept[:, :, 2] * wanted).sum(-1)), 0, 1))
    assert np.degrees(off[HOLDING].max()) < 8.0


def test_a_figure_without_arms_has_no_body():
    rest = figure()
    turned = {slot: STILL for slot in rest.heads_m if "hand" not in slot}
    assert body_of(turned, turned, rest.heads_m, rest.tails_m, part_frames(rest, BODY_AXES)) is None
