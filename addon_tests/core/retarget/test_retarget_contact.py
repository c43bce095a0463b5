"""Contacts found in motions that do not tell them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from animepose_blender.core.retarget.contact import contacts, contacts_of
from animepose_blender.core.retarget.take_motion import motion_of
from animepose_blender.core.synthetic import walking_take
from animepose_blender.skeleton import CONTACT_JOINTS, J

LEG_M = 0.85
TRUTHS = sorted((Path(__file__).parents[3] / "scripts" / "benchmark").glob("*/*_truth.npz"))


def standing(seconds=2.0, rate=60):
    """(F,) seconds and (F, 2, 2, 3) soles of somebody who stands."""
    time_s = np.arange(round(seconds * rate)) / rate
    feet = np.array([[[0.1, 0.05, 0.0], [0.1, -0.2, 0.0]], [[-0.1, 0.05, 0.0], [-0.1, -0.2, 0.0]]])
    return time_s, np.tile(feet, (len(time_s), 1, 1, 1))


@pytest.mark.skipif(not TRUTHS, reason="the benchmark's truths are not in this copy")
def test_contacts_agree_with_those_of_rendered_people():
    both = only_found = only_true = 0
    for path in TRUTHS:
        with np.load(path, allow_pickle=False) as truth:
            joints, time_s, true = truth["joints_world_m"].astype(float), truth["frame_time_s"], truth["contact"] > 0.5
        for person, joints_m in enumerate(joints):
            leg = np.diff(joints_m[:, [J["left_hip"], J["left_knee"], J["left_ankle"]]], axis=1)
            leg_m = float(np.nanmedian(np.linalg.norm(leg, axis=-1).sum(axis=1)))
            present = np.isfinite(joints_m).all(axis=(1, 2))
            sole_m = joints_m[:, list(CONTACT_JOINTS)].reshape(-1, 2, 2, 3)
            found = contacts(sole_m, time_s, leg_m, present=present) > 0.5
            both += (found & true[person])[present].sum()
            only_found += (found & ~true[person])[present].sum()
            only_true += (~found & true[person])[present].sum()
    assert both / (both + only_found) > 0.93
    assert both / (both + only_true) > 0.97


def test_a_lifted_foot_does_not_stand_even_if_it_is_held_still():
    time_s, sole_m = standing()
    sole_m[40:, 0, :, 2] += 0.08
    found = contacts(sole_m, time_s, LEG_M)
    assert found[:35].min() > 0.9 and found[:, 2:].min() > 0.9
    assert found[45:, :2].max() < 0.1


def test_nobody_stands_in_a_jump_or_while_sliding():
    time_s, sole_m = standing()
    up = np.clip(time_s - 0.8, 0, 0.4)
    jump = sole_m + (4.9 * up * (0.4 - up))[:, None, None, None] * [0.0, 0.0, 1.0]
    assert contacts(jump, time_s, LEG_M)[(time_s > 0.85) & (time_s < 1.15)].max() < 0.1
    slide = sole_m + 0.6 * time_s[:, None, None, None] * [0.0, -1.0, 0.0]
    assert contacts(slide, time_s, LEG_M).max() < 0.1


@pytest.mark.parametrize("size", [0.01, 0.3, 5.0])
def test_figures_of_any_size_at_any_height_are_judged_alike(size):
    motion = motion_of(walking_take(1, 120, gaps=False), 0)
    found = contacts(motion.sole_m, motion.time_s, LEG_M)
    other = contacts(motion.sole_m * size + [3.0, 0.0, 7.0], motion.time_s, LEG_M * size)
    np.testing.assert_allclose(found, other, atol=1e-6)


def test_a_floor_that_leans_is_a_floor():
    motion = motion_of(walking_take(1, 240, gaps=False), 0)
    leaning = motion.sole_m + motion.sole_m[..., :1] * [0.0, 0.0, 0.02]
    level = contacts(motion.sole_m, motion.time_s, LEG_M) > 0.5
    assert (level == (contacts(leaning, motion.time_s, LEG_M) > 0.5)).mean() > 0.93


def test_a_known_floor_is_the_floor():
    time_s, sole_m = standing()
    assert contacts(sole_m + [0.0, 0.0, 0.5], time_s, LEG_M).min() > 0.9
    assert contacts(sole_m + [0.0, 0.0, 0.5], time_s, LEG_M, floor_m=0.0).max() == 0.0


def test_where_a_person_is_absent_nothing_stands():
    take = walking_take(2, 90)
    motion = motion_of(take, 1)
    found = contacts_of(motion)
    assert found.shape == (90, 4) and np.isfinite(found).all()
    assert (found[~motion.present] == 0).all() and found[motion.present].max() > 0.9


def test_one_frame_and_unknown_feet_are_no_trouble():
    time_s, sole_m = standing()
    assert contacts(sole_m[:1], time_s[:1], LEG_M).shape == (1, 4)
    sole_m[:, 1] = np.nan
    found = contacts(sole_m, time_s, LEG_M)
    assert found[:, :2].min() > 0.9 and found[:, 2:].max() == 0.0
    assert contacts(np.full_like(sole_m, np.nan), time_s, LEG_M).max() == 0.0
