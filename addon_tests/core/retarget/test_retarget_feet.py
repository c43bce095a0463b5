"""Feet that stand on the target's proportions: they do not slide, and little else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from animepose_blender.core import quaternions as quat
from animepose_blender.core.retarget.feet import Legs, pin_feet
from animepose_blender.core.retarget.two_bone import end_of, reach

RATE = 60
THIGH, SHIN = np.array([0.0, 0.0, -0.43]), np.array([0.0, 0.0, -0.42])
SOLE = np.array([[0.0, 0.05, -0.08], [0.0, -0.19, -0.08]])
BOTH = np.ones(2)[:, None, None]


def turn(axis, degrees):
    half = np.radians(np.asarray(degrees, float)) / 2
    return np.concatenate([np.cos(half)[..., None], np.sin(half)[..., None] * np.asarray(axis, float)], axis=-1)


def walking(frames=600, speed=1.1, cycle_s=1.15):
    """Legs that walk along -Y by a planned course of the feet: heel strike, flat, toe off; and their contacts (F, 4).

    Contacts are exact. The foot turns about its heel, lies still, and turns about its toes; pelvis and the foot in the
    air move on smooth ways.
    """
    time_s = np.arange(frames) / RATE
    stride = speed * cycle_s
    ankles, feet, contact = [], [], []
    for side, x in enumerate((0.1, -0.1)):
        phase = time_s / cycle_s + 0.5 * side
        step, part = np.floor(phase), phase % 1.0
        # Parts of the cycle: 0 to 0.12 on the heel, to 0.4 flat, to 0.62 on the toes, then in the air.
        pitch = np.interp(part, [0, 0.12, 0.4, 0.62, 0.72, 0.9, 1.0], [-18, 0, 0, 50, 45, -14, -18])
        rotation = turn([1.0, 0.0, 0.0], pitch)
        sole = quat.rotate(rotation[:, None], SOLE)
        heel = np.stack([np.full(frames, x), -stride * (step - 0.5 * side), np.zeros(frames)], axis=-1)
        on_heel = heel - sole[:, 0]
        on_toe = heel + [0.0, SOLE[1, 1] - SOLE[0, 1], 0.0] - sole[:, 1]
        air = np.clip((part - 0.62) / 0.38, 0, 1)[:, None]
        last = quat.rotate(turn([1.0, 0.0, 0.0], np.array(50.0)), SOLE)
        first = quat.rotate(turn([1.0, 0.0, 0.0], np.array(-18.0)), SOLE)
        begin = heel + [0.0, SOLE[1, 1] - SOLE[0, 1], 0.0] - last[1]
        end = heel - [0.0, stride, 0.0] - first[0]
        flying = begin + (end - begin) * air**2 * (3 - 2 * air) + np.sin(np.pi * air) ** 2 * [0.0, 0.0, 0.05]
        in_air = (part >= 0.62)[:, None]
        ankles.append(np.where(in_air, flying, np.where((part < 0.4)[:, None], on_heel, on_toe)))
        feet.append(rotation)
        contact.append(np.stack([part < 0.4, (part >= 0.12) & (part < 0.62)], axis=-1))
    bob = 0.01 * np.cos(4 * np.pi * time_s / cycle_s)
    middle = np.stack([0 * time_s, 0.2 * stride - speed * time_s, 0.85 + bob], axis=-1)
    yaw = turn([0.0, 0.0, 1.0], 8 * np.sin(2 * np.pi * time_s / cycle_s))
    hip = middle[:, None] + quat.rotate(yaw[:, None], np.array([[0.1, 0.0, 0.0], [-0.1, 0.0, 0.0]]))
    hinge = np.tile([1.0, 0.0, 0.0], (2, 1))
    segments = np.stack([THIGH, SHIN]) * BOTH
    straight = np.broadcast_to(quat.IDENTITY, (frames, 2, 2, 4))
    leg = reach(hip, straight, segments, np.stack(ankles, axis=1), hinge=hinge)
    turned = np.concatenate([leg, np.stack(feet, axis=1)[:, :, None]], axis=2)
    legs = Legs(hip, turned, segments, SOLE * BOTH, hinge)
    return legs, np.concatenate(contact, axis=-1).astype(float), time_s


def other_body(legs, ratio=1.1, width=1.3, scale=1.0):
    """The same directions on legs of another ratio of thigh to shin, and wider or narrower hips."""
    lengths = np.linalg.norm(legs.segments_m, axis=-1, keepdims=True)
    part = lengths[:, :1] / lengths[:, 1:] * ratio
    new = lengths.sum(axis=1, keepdims=True) * np.concatenate([part / (1 + part), 1 / (1 + part)], axis=1)
    middle = legs.hip_m.mean(axis=1, keepdims=True)
    return replace(
        legs,
        hip_m=(middle + width * (legs.hip_m - middle)) * scale,
        segments_m=legs.segments_m / lengths * new * scale,
        sole_m=legs.sole_m * scale,
    )


def points(legs, pinned=None):
    """(F, 2, 2, 3) heels and toes, (F, 2, 3) knees."""
    turned = legs.turned if pinned is None else pinned.turned
    hip = legs.hip_m if pinned is None else legs.hip_m + pinned.shift_m[:, None]
    ankle = end_of(hip, turned[:, :, :2], legs.segments_m)
    knee = hip + quat.rotate(turned[:, :, 0], legs.segments_m[:, 0])
    return ankle[:, :, None] + quat.rotate(turned[:, :, None, 2], legs.sole_m), knee


def bends(legs, pinned):
    """(F, 2, 2) degrees by which thighs and shins point elsewhere than before."""
    a, b = (quat.rotate(t[:, :, :2], legs.segments_m) for t in (legs.turned, pinned.turned))
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def spans_of(contact):
    """(begin, end, leg, point) of each span that is whole within the clip or at its border."""
    for column in range(4):
        edges = np.flatnonzero(np.diff(np.r_[0, contact[:, column] > 0.5, 0]))
        for begin, end in edges.reshape(-1, 2):
            yield begin, end, column // 2, column % 2


def slide_m(sole, contact, shortest=5):
    """The farthest that a point goes from its mean in a span."""
    return max(
        np.linalg.norm(sole[b:e, leg, point] - sole[b:e, leg, point].mean(axis=0), axis=-1).max()
        for b, e, leg, point in spans_of(contact)
        if e - b >= shortest
    )


BODIES = [{}, {"ratio": 0.9}, {"ratio": 1.0, "width": 0.7}, {"scale": 1.6}, {"scale": 0.3}]


@pytest.mark.parametrize("body", BODIES)
def test_points_that_stand_neither_slide_nor_leave_the_floor(body):
    legs, contact, time_s = walking()
    target = other_body(legs, **body)
    assert slide_m(points(target)[0], contact) > 4e-3 * body.get("scale", 1.0)
    sole, _ = points(target, pin_feet(target, contact, time_s))
    assert slide_m(sole, contact) < 1e-3
    standing = contact.reshape(-1, 2, 2) > 0.5
    assert np.abs(sole[standing][:, 2]).max() < 1e-3


@pytest.mark.parametrize("body", BODIES)
def test_nothing_of_a_foot_is_below_the_floor(body):
    legs, contact, time_s = walking()
    target = other_body(legs, **body)
    target = replace(target, hip_m=target.hip_m - [0.0, 0.0, 0.03])
    assert points(target)[0][..., 2].min() < -0.01
    assert points(target, pin_feet(target, contact, time_s))[0][..., 2].min() > -1e-4


@pytest.mark.parametrize("body", BODIES)
def test_limbs_point_nearly_where_they_did(body):
    legs, contact, time_s = walking()
    target = other_body(legs, **body)
    assert bends(target, pin_feet(target, contact, time_s)).mean() < 2.0


def test_feet_that_stand_well_are_left_alone():
    legs, contact, time_s = walking()
    pinned = pin_feet(legs, contact, time_s)
    assert np.abs(points(legs, pinned)[0] - points(legs)[0]).max() < 2e-3
    assert bends(legs, pinned).max() < 0.5
    assert np.abs(pinned.shift_m).max() < 2e-3


def test_pinning_twice_is_pinning_once():
    legs, contact, time_s = walking()
    target = other_body(legs)
    once = pin_feet(target, contact, time_s)
    again = replace(target, hip_m=target.hip_m + once.shift_m[:, None], turned=once.turned)
    twice = pin_feet(again, contact, time_s)
    assert np.abs(points(again, twice)[0] - points(again)[0]).max() < 2e-3
    assert bends(again, twice).max() < 0.5


@pytest.mark.parametrize("strides", [0.75, 0.9, 1.1, 1.25])
@pytest.mark.parametrize("body", BODIES[:2])
def test_a_pelvis_on_another_path_neither_drags_feet_nor_makes_anything_jump(strides, body):
    """Joints speed up and slow down by at most 40 m/s2 more than before; of the walk itself it is 58."""
    legs, contact, time_s = walking()
    target = other_body(legs, **body)
    target = replace(target, hip_m=target.hip_m * [1.0, strides, 1.0])
    pinned = pin_feet(target, contact, time_s)
    assert slide_m(points(target)[0], contact) > 0.02
    assert slide_m(points(target, pinned)[0], contact) < 1e-3
    for before, after in zip(points(target), points(target, pinned), strict=True):
        most = [np.linalg.norm(np.diff(way, 2, axis=0), axis=-1).max() * RATE**2 for way in (before, after)]
        assert most[1] < most[0] + 40.0
    assert np.linalg.norm(np.diff(pinned.shift_m, 2, axis=0), axis=-1).max() * RATE**2 < 5.0


def test_a_shaking_pelvis_shakes_no_standing_foot(rng):
    legs, contact, time_s = walking()
    target = replace(legs, hip_m=legs.hip_m + rng.normal(scale=0.003, size=(len(time_s), 1, 3)))
    pinned = pin_feet(target, contact, time_s)
    assert slide_m(points(target, pinned)[0], contact) < 1e-3
    assert np.linalg.norm(np.diff(pinned.shift_m, 2, axis=0), axis=-1).max() * RATE**2 < 1.0


@pytest.mark.parametrize("height", [-0.06, 0.05])
def test_a_figure_that_floats_or_sinks_is_put_on_the_floor_by_its_pelvis(height):
    legs, contact, time_s = walking()
    pinned = pin_feet(replace(legs, hip_m=legs.hip_m + [0.0, 0.0, height]), contact, time_s)
    np.testing.assert_allclose(pinned.shift_m[:, 2], -height, atol=0.004)
    assert bends(legs, pinned).mean() < 0.5


def test_the_floor_is_where_it_is_said_to_be():
    legs, contact, time_s = walking()
    raised = replace(other_body(legs), hip_m=other_body(legs).hip_m + [0.0, 0.0, 2.0])
    sole = points(raised, pin_feet(raised, contact, time_s, floor_m=2.0))[0]
    assert np.abs(sole[contact.reshape(-1, 2, 2) > 0.5][:, 2] - 2.0).max() < 1e-3


def test_who_stands_on_a_step_stays_on_it():
    legs, contact, time_s = walking()
    later = time_s > 5.0
    target = replace(legs, hip_m=legs.hip_m + 0.3 * later[:, None, None] * [0.0, 0.0, 1.0])
    contact[(time_s > 4.2) & (time_s < 5.8)] = 0.0
    sole = points(target, pin_feet(target, contact, time_s))[0]
    standing = (contact.reshape(-1, 2, 2) > 0.5) & later[:, None, None]
    assert np.abs(sole[standing][:, 2] - 0.3).max() < 0.01


def test_a_pelvis_too_high_comes_down_softly_to_where_the_legs_reach():
    legs, contact, time_s = walking()
    rises = 0.06 * np.sin(np.pi * np.clip((time_s - 4) / 2, 0, 1)) ** 2
    target = replace(legs, hip_m=legs.hip_m + rises[:, None, None] * [0.0, 0.0, 1.0])
    pinned = pin_feet(target, contact, time_s)
    sole, knee = points(target, pinned)
    assert slide_m(sole, contact) < 1e-3
    assert pinned.shift_m[:, 2].min() < -0.02
    assert np.linalg.norm(np.diff(knee, 2, axis=0), axis=-1).max() * RATE**2 < 120


def test_a_foot_that_turns_on_the_floor_goes_on_turning():
    legs, _, time_s = walking()
    standing = 0 * time_s[:, None, None] + legs.hip_m[:1] * [1.0, 0.0, 1.0]
    yaw = turn([0.0, 0.0, 1.0], np.clip(time_s - 3, 0, 1.5) * 60)
    straight = np.broadcast_to(quat.IDENTITY, (len(time_s), 2, 2, 4))
    ankle = np.array([[0.1, 0.0, 0.08], [-0.1, 0.0, 0.08]])
    toe = SOLE[1] - quat.rotate(yaw, SOLE[1])
    ends = np.stack([ankle[0] + toe, np.broadcast_to(ankle[1], toe.shape)], axis=1)
    leg = reach(standing, straight, legs.segments_m, ends, hinge=legs.hinge)
    feet = np.stack([yaw, np.broadcast_to(quat.IDENTITY, yaw.shape)], axis=1)[:, :, None]
    turned = replace(legs, hip_m=standing, turned=np.concatenate([leg, feet], axis=2))
    pinned = pin_feet(turned, np.ones((len(time_s), 4)), time_s)
    off = 2 * np.arccos(np.clip(np.abs((pinned.turned[:, 0, 2] * yaw).sum(-1)), 0, 1))
    assert np.degrees(off).max() < 12
    assert np.ptp(points(turned, pinned)[0][:, 0, 1], axis=0).max() < 1e-3
    assert np.ptp(points(turned, pinned)[0][:, 1], axis=0).max() < 1e-3


def test_heels_stand_as_high_as_the_shoe_makes_them():
    legs, contact, time_s = walking()
    heels = replace(legs, sole_m=(SOLE + [[0.0, 0.0, 0.03], [0.0, 0.0, 0.0]]) * BOTH)
    flat = contact.reshape(-1, 2, 2).min(axis=-1) > 0.5
    sole, _ = points(heels, pin_feet(heels, contact, time_s))
    np.testing.assert_allclose(sole[flat][:, 0, 2], 0.03, atol=1e-3)
    np.testing.assert_allclose(sole[flat][:, 1, 2], 0.0, atol=1e-3)


def test_nothing_that_stands_changes_nothing_but_what_is_below_the_floor():
    legs, contact, time_s = walking()
    for none in (np.zeros_like(contact), np.full_like(contact, np.nan)):
        pinned = pin_feet(legs, none, time_s)
        assert np.abs(points(legs, pinned)[0] - points(legs)[0]).max() < 1e-6
        assert (pinned.shift_m == 0).all()
    absent = pin_feet(other_body(legs), contact, time_s, present=np.zeros(len(time_s), dtype=bool))
    assert (absent.shift_m == 0).all()


def test_flicker_neither_lets_go_of_a_foot_nor_catches_one():
    legs, contact, time_s = walking()
    target = other_body(legs)
    flickering = contact.copy()
    flickering[::7] = 0.0
    steady, shaken = (pin_feet(target, c, time_s) for c in (contact, flickering))
    assert np.abs(points(target, steady)[0] - points(target, shaken)[0]).max() < 0.015
    caught = np.zeros_like(contact)
    caught[10:-10:20] = 1.0
    assert bends(legs, pin_feet(legs, caught, time_s)).max() < 1e-3


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_clips_of_a_few_frames_are_no_trouble(frames):
    legs, contact, time_s = walking(600)
    few = replace(other_body(legs), hip_m=other_body(legs).hip_m[:frames], turned=legs.turned[:frames])
    pinned = pin_feet(few, contact[:frames], time_s[:frames])
    assert np.isfinite(pinned.turned).all() and np.isfinite(pinned.shift_m).all()
    np.testing.assert_allclose(np.linalg.norm(pinned.turned, axis=-1), 1.0, atol=1e-9)
