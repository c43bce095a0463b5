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
