"""Pops are found and removed; fast real moves are not touched."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from animepose_blender.core import quaternions as quat
from animepose_blender.core.cleanup.pops import remove_pops
from animepose_blender.core.cleanup.rotations import on_rotations
from animepose_blender.core.retarget.euler import angle_between
from animepose_blender.core.synthetic import walking_take

TIME_S = np.arange(150) / 30
WALK = np.sin(2 * np.pi * 0.9 * TIME_S)[:, None] * np.array([0.4, 0.1, 0.6])
DATA = Path(os.environ.get("ANIMEPOSE_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
FAST = ("cmu_martial_03", "cmu_martial_08", "cmu_jumping_1", "cmu_007_05", "cmu_running_1_b", "cmu_soccer_1_b")
"""Recordings that nothing was tuned on."""


def rotations_without_pops(rotations: np.ndarray, time_s: np.ndarray, least: float = 0.1):
    masks = []

    def filtered(values, time_s):
        result, mask = remove_pops(values, time_s, least, together=True)
        masks.append(mask)
        return result

    return on_rotations(filtered, rotations, time_s), masks[0]


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("amount", [0.15, 1.0, 30.0])
def test_pops_are_replaced_by_the_course(frames, amount):
    values = WALK.copy()
    values[70 : 70 + frames, 1] += amount
    result, found = remove_pops(values, TIME_S, least=0.1)
    assert np.flatnonzero(found[:, 1]).tolist() == list(range(70, 70 + frames)) and not found[:, [0, 2]].any()
    assert np.abs(result - WALK).max() < 0.01


def test_a_pop_of_a_vector_is_one():
    values = WALK.copy()
    values[70] += [0.3, -0.3, 0.3]
    result, found = remove_pops(values, TIME_S, least=0.1, together=True)
    assert found.shape == (150,) and np.flatnonzero(found).tolist() == [70]
    assert np.abs(result - WALK).max() < 0.01


def test_a_small_pop_beside_a_great_one_is_found_too():
    values = WALK[:, 0].copy()
    values[[70, 73]] += [8.0, 0.5]
    assert set(np.flatnonzero(remove_pops(values, TIME_S, least=0.1)[1])) >= {70, 73}


def test_pops_smaller_than_least_stay():
    values = WALK.copy()
    values[70] += 0.2
    result, found = remove_pops(values, TIME_S, least=0.5)
    assert not found.any() and np.array_equal(result, values)


def test_what_takes_longer_than_asked_stays():
    values = WALK.copy()
    values[70:76] += 2.0
    assert not remove_pops(values, TIME_S, least=0.1, longest_s=0.1)[1].any()
    assert remove_pops(values, TIME_S, least=0.1, longest_s=0.2)[1][70:76].all()


def test_a_leap_that_stays_is_a_move():
    values = WALK + np.where(TIME_S > 2.5, 3.0, 0.0)[:, None]
    assert not remove_pops(values, TIME_S, least=0.1)[1].any()


def test_noise_is_no_pop():
    noise = np.random.default_rng(1).normal(size=(2000, 60))
    found = remove_pops(noise, np.arange(2000) / 30, least=0.01)[1]
    assert found.mean() < 1e-3


@pytest.mark.parametrize("rate_hz", [24, 30, 60, 120])
def test_a_punch_is_no_pop(rate_hz):
    """Out and back in a fifth of a second, at rest before and behind."""
    time_s = np.arange(4 * rate_hz) / rate_hz
    for start in np.linspace(1.9, 2.0, 7):
        punch = 0.6 * np.sin(np.pi * np.clip((time_s - start) / 0.2, 0, 1)) ** 2
        assert not remove_pops(punch, time_s, least=0.02)[1].any()


def test_pops_between_gaps_are_found_and_gaps_stay():
    values = WALK.copy()
    values[70] += 2.0
    values[60:65] = values[80:90] = np.nan
    result, found = remove_pops(values, TIME_S, least=0.1)
    assert found[70].all() and np.array_equal(np.isnan(result), np.isnan(values))
    assert np.nanmax(np.abs(result - WALK)) < 0.02


def test_a_walk_is_left_alone():
    take = walking_take(people=2, frames=300, gaps=False)
    rotations = np.moveaxis(take.rotations, 0, 1)
    result, found = rotations_without_pops(rotations, take.frame_time_s, least=0.02)
    assert not found.any() and angle_between(result, quat.normalize(rotations)).max() < 1e-6


@pytest.mark.parametrize("angle_deg", [25, 90, 150, 179.9, 180])
def test_pops_of_rotations_go_whatever_their_angle(angle_deg):
    take = walking_take(people=1, frames=120, gaps=False)
    walk = take.rotations[0]
    random = np.random.default_rng(7)
    popped, put = walk.copy(), np.zeros(walk.shape[:2], dtype=bool)
    for bone in range(walk.shape[1]):
        axis = random.normal(size=3)
        half = np.deg2rad(angle_deg) / 2
        turn = np.concatenate([[np.cos(half)], np.sin(half) * axis / np.linalg.norm(axis)])
        frame = random.integers(10, 108)
        popped[frame : frame + 2, bone] = quat.multiply(turn, walk[frame : frame + 2, bone])
        put[frame : frame + 2, bone] = True
    result, found = rotations_without_pops(popped, take.frame_time_s)
    assert (found == put).mean() > 0.999 and found[put].mean() > 0.97
    assert np.rad2deg(angle_between(result, walk)[found]).max() < 2.0


@pytest.mark.skipif(not (DATA / "mocap").is_dir(), reason="name the folder with `mocap` with ANIMEPOSE_DATA")
@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("name", FAST)
def test_captured_motion_is_left_alone_and_pops_put_into_it_are_found(name, every):
    recording = np.load(DATA / "mocap" / f"{name}.npz", allow_pickle=False)
    rotations = quat.normalize(recording["rotations"][:1200:every].astype(np.float64))
    time_s = np.arange(len(rotations)) * every / float(recording["fps"])
    _, found = rotations_without_pops(rotations, time_s)
    # The recordings have a few pops of their own.
    assert found.mean() < 5e-4

    random = np.random.default_rng(len(name) + every)
    bones, popped = rotations.shape[1], rotations.copy()
    frames = random.integers(6, len(rotations) - 6, bones)
    axes = random.normal(size=(bones, 3))
    half = random.uniform(0.25, 1.5, (bones, 1))
    turns = np.concatenate([np.cos(half), np.sin(half) * axes / np.linalg.norm(axes, axis=-1, keepdims=True)], axis=-1)
    popped[frames, np.arange(bones)] = quat.multiply(turns, rotations[frames, np.arange(bones)])
    result, found = rotations_without_pops(popped, time_s)
    caught = found[frames, np.arange(bones)]
    assert caught.mean() > 0.9
    error_deg = np.rad2deg(angle_between(result, rotations)[frames, np.arange(bones)][caught])
    assert np.median(error_deg) < 1.0
