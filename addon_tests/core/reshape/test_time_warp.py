"""Retimed motions: unchanged where time is, smooth, and on feet that stay where they stand."""

from __future__ import annotations

import numpy as np
import pytest

from addon_tests.core.reshape.motions import angle_deg, recording, walk
from animepose_blender.core import quaternions as quat
from animepose_blender.core.reshape.poses import Figure, Poses
from animepose_blender.core.reshape.resample import Moments
from animepose_blender.core.reshape.time_map import TimeMap, keep_spans
from animepose_blender.core.reshape.time_warp import STANDS, retime


def turning(time_s, axis=(0.0, 0.6, 0.8)):
    angle = 0.8 * np.sin(2 * np.pi * 0.7 * time_s) + 0.3 * time_s
    return np.concatenate([np.cos(angle / 2)[:, None], np.sin(angle / 2)[:, None] * np.array(axis)], axis=-1)


def slips_m(figure, poses, made, time_map):
    """How far each point of the sole that alone stands is from the way between its places in the frames around."""
    moments = Moments(poses.time_s, time_map.old_at(made.time_s))
    old, new = (figure.soles(p).reshape(-1, 4, 3) for p in (poses, made))
    stays = (poses.contact[moments.before] > STANDS) & (poses.contact[moments.after] > STANDS)
    alone = stays & (stays.reshape(-1, 2, 2).sum(-1).repeat(2, axis=1) == 1)
    return np.linalg.norm(new - moments.positions(old, still=True), axis=-1)[alone]


@pytest.mark.parametrize("uneven", [False, True])
def test_rotations_and_positions_between_frames_are_close_to_the_truth(uneven, rng):
    time_s = np.arange(121) / 30 + (rng.uniform(-0.01, 0.01, 121) if uneven else 0.0)
    at_s = np.linspace(0.1, 3.9, 997)
    moments = Moments(time_s, at_s)
    assert angle_deg(moments.rotations(turning(time_s)), turning(at_s)).max() < (0.05 if uneven else 0.02)
    points = np.stack([np.sin(4 * time_s), np.cos(3 * time_s), time_s], axis=-1)
    truth = np.stack([np.sin(4 * at_s), np.cos(3 * at_s), at_s], axis=-1)
    assert np.abs(moments.positions(points) - truth).max() < (1e-3 if uneven else 2e-4)


def test_speeds_do_not_leap_at_frames():
    time_s = np.arange(41) / 10
    q = turning(time_s)
    e = 1e-5
    at = time_s[5:-5]
    before, now, after = (Moments(time_s, at + d).rotations(q) for d in (-e, 0, e))
    assert angle_deg(before, now) / e == pytest.approx(angle_deg(now, after) / e, rel=1e-2)


def test_what_stands_from_frame_to_frame_stands_between_them():
    points = np.repeat([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]], 5, axis=0)
    made = Moments(np.arange(10) / 30, np.linspace(0, 4, 100) / 30).positions(points)
    assert (made == 0).all()


def test_no_change_of_time_gives_the_motion_back_to_the_last_bit():
    figure, poses = walk()
    for time_map in (
        TimeMap.identity(poses.time_s),
        TimeMap.of_pairs(poses.time_s[[0, 50, 51, -1]], poses.time_s[[0, 50, 51, -1]]),
        TimeMap.of_speeds([0.0, 3.0], [1.0, 1.0], poses.time_s[0], poses.time_s[-1]),
    ):
        made = retime(figure, poses, time_map)
        assert np.array_equal(made.root_m, poses.root_m)
        assert np.array_equal(made.contact, poses.contact)
        assert np.array_equal(made.rotations, quat.unroll(poses.rotations))
        assert np.array_equal(made.time_s, poses.time_s)


def test_there_and_back_is_where_it_was():
    figure, poses = walk(frames=241)
    old, new = np.array([0.0, 2.0, 5.0, 8.0]), np.array([0.0, 4.0, 9.0, 16.0])
    slow = retime(figure, poses, TimeMap.of_pairs(old, new))
    there = TimeMap.of_pairs(old, new)
    # The way back: at which new time each old frame is shown.
    dense = np.linspace(0, 16, 200_001)
    at_s = np.interp(poses.time_s, there.old_at(dense), dense)
    back = retime(figure, slow, TimeMap(poses.time_s, at_s, np.gradient(at_s, poses.time_s)), poses.time_s)
    away_m = np.linalg.norm(figure.tails(back) - figure.tails(poses), axis=-1)
    # The made-up walk's pelvis has corners at each step, which no frames beside one can tell.
    assert np.percentile(away_m, 90) < 5e-4
    assert away_m.max() < 6e-3


@pytest.mark.parametrize("factor", [0.37, 1.6, 4.3])
def test_feet_that_stand_stay_in_their_places(factor):
    figure, poses = walk()
    time_map = TimeMap.of_pairs(poses.time_s[[0, 100, -1]], poses.time_s[[0, 100, -1]] * [1, factor, 1.2 * factor])
    made = retime(figure, poses, time_map)
    slips = slips_m(figure, poses, made, time_map)
    assert len(slips) > 30
    assert slips.max() < 1e-6
    loose = retime(Figure(figure.parents, figure.offset_m, figure.tail_m, figure.rest_turn), poses, time_map)
    assert slips_m(figure, poses, loose, time_map).max() > 1e-4


@pytest.mark.parametrize("name", ["cmu_walking_1", "cmu_walking_extra_20"])
def test_feet_of_a_recording_stay_in_their_places(name):
    figure, poses = recording(name)
    time_map = TimeMap.of_pairs([0, 1.0, poses.time_s[-1]], [0, 3.1, 5.3])
    made = retime(figure, poses, time_map)
    slips = slips_m(figure, poses, made, time_map)
    assert len(slips) > 30
    assert slips.max() < 1e-6
    # Knees neither snap nor leap: joints are where plain interpolation has them, by some millimetres.
    loose = retime(Figure(figure.parents, figure.offset_m, figure.tail_m, figure.rest_turn), poses, time_map)
    assert np.linalg.norm(figure.tails(made) - figure.tails(loose), axis=-1).max() < 0.02


def test_contacts_last_as_long_as_before_where_only_the_rest_is_warped():
    figure, poses = walk()
    keep = poses.contact[:, :2].max(axis=1) > STANDS  # the left foot's steps; the walk has no flight of both
    time_map = keep_spans(poses.time_s[[0, -1]], poses.time_s[[0, -1]] * 1.3, poses.time_s, keep)
    made = retime(figure, poses, time_map)
    assert made.time_s[-1] == pytest.approx(1.3 * poses.time_s[-1], abs=1 / 30)

    def durations(contact):
        stands = contact[:, :2].max(axis=1) > STANDS
        edges = np.flatnonzero(np.diff(stands.astype(int)))
        lasts = np.diff(edges)
        return lasts[1::2] if stands[0] else lasts[::2]

    before, after = durations(poses.contact), durations(made.contact)
    assert len(before) == len(after) > 3
    assert np.abs(before - after).max() <= 1
    assert slips_m(figure, poses, made, time_map).max() < 1e-6


def test_uneven_frames_and_unknown_ones(rng):
    figure, poses = walk()
    time_s = poses.time_s + rng.uniform(-0.012, 0.012, len(poses.time_s))
    rotations, root_m = poses.rotations.copy(), poses.root_m.copy()
    rotations[40:50], root_m[40:50] = np.nan, np.nan
    uneven = Poses(rotations, root_m, time_s, poses.contact)
    made = retime(figure, uneven, TimeMap.of_pairs(time_s[[0, -1]], [0.0, 3.0]))
    old = np.interp(made.time_s, [0.0, 3.0], time_s[[0, -1]])
    unknown = (old > time_s[39]) & (old < time_s[50])
    assert np.array_equal(~made.known, unknown)
    same = retime(figure, uneven, TimeMap.identity(time_s))
    assert np.array_equal(same.root_m, root_m, equal_nan=True)


def test_a_single_frame_is_a_motion_too():
    figure, poses = walk(frames=1)
    made = retime(figure, poses, TimeMap.identity(poses.time_s))
    assert np.array_equal(made.rotations, poses.rotations)
