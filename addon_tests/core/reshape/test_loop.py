"""Loops: the right cycle is found, its seam cannot be told, feet stand across it, and cycles chain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from addon_tests.core.reshape.motions import angle_deg, recording, walk
from animepose_blender.core import quaternions as quat
from animepose_blender.core.reshape.cycle import Cycle, find_cycles
from animepose_blender.core.reshape.loop import Loop, make_loop
from animepose_blender.core.reshape.poses import Figure, Poses
from animepose_blender.core.reshape.time_map import TimeMap
from animepose_blender.core.reshape.time_warp import retime
from animepose_blender.core.reshape.travel import Travel
from animepose_blender.core.synthetic import STEP_HZ
from animepose_blender.errors import AnimePoseError

WALKS = ("cmu_walking_1", "cmu_walking_extra_20", "cmu_running_1")


def swinging(seconds=12.0, period_s=1.3, rate=60):
    """A chain of three bones that swings, with a way and a turn that go on evenly; frames (F, 3)."""
    time_s = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * time_s / period_s
    angles = np.stack([0.3 * np.sin(phase), 0.7 * np.cos(phase + 1), 0.5 * np.sin(2 * phase)], axis=-1)
    axes = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.6, 0.8, 0.0]])
    rotations = np.concatenate([np.cos(angles / 2)[..., None], np.sin(angles / 2)[..., None] * axes], axis=-1)
    root_m = np.stack([0.9 * time_s, 0.05 * np.sin(phase), 1 + 0.1 * np.cos(phase)], axis=-1)
    up = np.array([0.0, 0.0, 1.0])
    still = np.tile(quat.IDENTITY, (3, 1))
    figure = Figure(np.array([-1, 0, 1]), np.array([0 * up, up, up]) * 0.4, np.tile(0.4 * up, (3, 1)), still)
    return figure, Poses(rotations, root_m, time_s, np.zeros((len(time_s), 4)))


def leaps(figure, poses):
    """(F - 2,) the greatest second difference of any bone's end, metres."""
    return np.linalg.norm(np.diff(figure.tails(poses), 2, axis=0), axis=-1).max(axis=1)


def slides_m(figure, poses):
    """The farthest that a point of a sole goes in one step while it stands."""
    soles = figure.soles(poses).reshape(-1, 4, 3)
    stands = (poses.contact[1:] > 0.5) & (poses.contact[:-1] > 0.5)
    return np.linalg.norm(np.diff(soles, axis=0), axis=-1)[stands]


def test_the_period_is_found_whatever_the_way():
    figure, poses = swinging()
    best, *others = find_cycles(figure, poses, 0.9, count=4)
    assert best.last - best.first == 78
    assert best.distance_m < 1e-6
    assert all(other.last - other.first == 78 for other in others)
    here = replace(poses, root_m=poses.root_m * [0.0, 1.0, 1.0])
    turned = Travel(2.0, (0.0, 0.0)).poses(figure, here, poses.time_s)
    found = find_cycles(figure, turned, 0.9)[0]
    assert found.last - found.first == 78
    assert found.distance_m < 1e-3


def test_limits_of_length_are_kept():
    figure, poses = swinging()
    longer = find_cycles(figure, poses, 1.5)[0]
    assert longer.last - longer.first == 156
    none = find_cycles(figure, poses, 0.5, 1.0)[0]
    assert none.last - none.first <= 60
    assert none.distance_m > 0.02


def test_a_pause_is_no_cycle():
    figure, poses = swinging()
    still = np.arange(len(poses.time_s)).clip(max=400)
    paused = Poses(poses.rotations[still], poses.root_m[still], poses.time_s, poses.contact)
    found = find_cycles(figure, paused, 0.9)[0]
    assert found.last <= 402
    assert found.last - found.first == 78


def test_unknown_frames_are_in_no_cycle():
    figure, poses = swinging()
    rotations = poses.rotations.copy()
    rotations[100:560:60] = np.nan
    found = find_cycles(figure, replace(poses, rotations=rotations), 0.9)[0]
    assert found.last < 100 or found.first > 520


def test_long_motions_are_searched_in_little_memory():
    import tracemalloc

    figure, poses = swinging(seconds=200.0)
    tracemalloc.start()
    found = find_cycles(figure, poses, 0.9)[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.last - found.first == 78
    assert peak < 120e6  # all pairs of its 12,000 frames would take 1,152 MB


def test_too_little_motion_is_refused():
    figure, poses = swinging(seconds=0.5)
    with pytest.raises(AnimePoseError, match="shorter than the shortest"):
        find_cycles(figure, poses, 0.9)
    figure, poses = swinging(seconds=3.0)
    with pytest.raises(AnimePoseError, match="No cycle"):
        find_cycles(figure, replace(poses, root_m=poses.root_m * np.nan), 0.9)
    with pytest.raises(AnimePoseError, match="within the motion"):
        make_loop(figure, poses, Cycle(10, 9999, 0.0))
    one = Cycle(0, 78, 0.0)
    with pytest.raises(AnimePoseError, match="nothing is known"):
        make_loop(figure, replace(poses, root_m=np.where(np.arange(180)[:, None] == 9, np.nan, poses.root_m)), one)


@pytest.mark.parametrize("in_place", [False, True])
def test_a_seam_has_neither_a_leap_in_place_nor_in_speed(in_place):
    figure, poses = swinging()
    # Far from a whole period: place, heading and velocity all differ.
    loop = make_loop(figure, poses, Cycle(100, 160, 0.0), 0.3, in_place, turns=True)
    many = loop.chained(figure, 3)
    assert len(many.time_s) == 181
    dense = leaps(figure, many)
    inside = np.delete(dense, [58, 59, 60, 118, 119, 120])
    assert dense[[58, 59, 60, 118, 119, 120]].max() < 1.3 * inside.max()
    if in_place:
        assert many.root_m[[60, 120, 180]] == pytest.approx(np.tile(many.root_m[0], (3, 1)), abs=1e-9)
        assert angle_deg(many.rotations[180], many.rotations[0]).max() < 1e-5


def test_what_is_periodic_is_left_as_it_is():
    figure, poses = swinging()
    loop = make_loop(figure, poses, Cycle(120, 198, 0.0))
    assert loop.poses.root_m == pytest.approx(poses.root_m[120:199], abs=1e-9)
    assert angle_deg(loop.poses.rotations, poses.rotations[120:199]).max() < 1e-4
    assert loop.travel.shift_m == pytest.approx((0.9 * 1.3, 0.0), abs=1e-9)
    assert loop.length_s == pytest.approx(1.3)


def test_only_the_blend_is_changed():
    figure, poses = swinging()
    loop = make_loop(figure, poses, Cycle(100, 200, 0.0), 0.25)
    untouched = slice(15, 86)
    assert np.array_equal(loop.poses.root_m[untouched], poses.root_m[100:201][untouched])
    assert angle_deg(loop.poses.rotations, poses.rotations[100:201])[untouched].max() < 1e-5
    assert np.array_equal(poses.root_m, swinging()[1].root_m)


def test_a_walk_in_a_circle_loops_on_its_circle_and_in_its_place():
    figure, poses = walk(frames=600, fps=60)
    cycle = find_cycles(figure, poses, 0.9, 1.6)[0]
    assert (cycle.last - cycle.first) / 60 == pytest.approx(1 / STEP_HZ, abs=0.02)
    loop = make_loop(figure, poses, cycle)
    assert np.degrees(loop.travel.turn_rad) == pytest.approx(50.0 / STEP_HZ, abs=2.0)
    many = loop.chained(figure, 7)
    source = np.ptp(poses.root_m[:, :2], axis=0)
    assert np.ptp(many.root_m[:, :2], axis=0) == pytest.approx(source, abs=0.25)
    here = make_loop(figure, poses, cycle, in_place=True).chained(figure, 3)
    assert np.ptp(here.root_m[:, :2], axis=0).max() < 0.4
    straight = make_loop(figure, poses, cycle, turns=False)
    assert straight.travel.turn_rad == 0.0


@pytest.mark.parametrize("name", ["walk", *WALKS])
def test_steps_of_loops_stand_and_seams_do_not_show(name):
    figure, poses = walk(frames=600, fps=60) if name == "walk" else recording(name)
    cycle = find_cycles(figure, poses, 0.7, 1.6)[0]
    loop = make_loop(figure, poses, cycle)
    count = cycle.last - cycle.first
    many = loop.chained(figure, 3)
    assert slides_m(figure, many).max() < 5e-4
    shown = leaps(figure, many)
    source = leaps(figure, poses)[cycle.first : cycle.last]
    seams = [count - 2, count - 1, count, 2 * count - 1]
    assert shown[seams].max() < max(np.percentile(source, 99), 1.3 * source[[0, 1, -2, -1]].max())
    assert (
        np.linalg.norm(figure.tails(loop.poses) - figure.tails(poses)[cycle.first : cycle.last + 1], axis=-1).max()
        < 0.1
    )


def test_a_loop_in_other_time_stands_as_firmly():
    figure, poses = walk(frames=600, fps=60)
    many = make_loop(figure, poses, find_cycles(figure, poses, 0.9, 1.6)[0]).chained(figure, 3)
    end_s = many.time_s[-1]
    slow = retime(figure, many, TimeMap.of_pairs([0.0, 1.0, end_s], [0.0, 2.7, 2 * end_s]))
    assert slides_m(figure, slow).max() < 1.01 * slides_m(figure, many).max() + 1e-7


def test_a_figure_that_stands_does_not_wander(rng):
    figure, poses = walk(frames=3, fps=30)
    time_s = np.arange(150) / 30
    rotations = np.repeat(poses.rotations[:1], 150, axis=0)
    root_m = poses.root_m[0] + 0.01 * np.sin(2 * np.pi * time_s / 2.3)[:, None] * [1.0, 0.5, 0.0]
    idle = Poses(rotations, root_m + rng.normal(size=(150, 3)) * 1e-4, time_s, np.ones((150, 4)))
    loop = make_loop(figure, idle, find_cycles(figure, idle, 1.5)[0])
    assert loop.travel == Travel(0.0, (0.0, 0.0))
    assert slides_m(figure, loop.chained(figure, 4)).max() < 2e-4


def test_part_of_a_cycles_way_is_an_even_walk():
    travel = Travel(1.2, (0.4, 0.9))
    points = np.array([[0.3, 0.2, 0.7], [-1.0, 2.0, 0.0]])
    thrice = travel.points(travel.points(travel.points(points)))
    assert travel.points(points, 3.0) == pytest.approx(thrice)
    assert travel.points(travel.points(points, 0.3), 0.7) == pytest.approx(travel.points(points))
    assert travel.points(travel.points(points), -1.0) == pytest.approx(points)
    assert Travel(0.0, (1.0, 2.0)).points(points, 0.5) == pytest.approx(points + [0.5, 1.0, 0.0])


def test_a_loop_of_quaternions_that_change_sides_is_seamless():
    figure, poses = swinging()
    flipped = poses.rotations * np.where(np.arange(len(poses.time_s)) % 7 < 3, -1.0, 1.0)[:, None, None]
    one, other = (make_loop(figure, p, Cycle(100, 160, 0.0)) for p in (poses, replace(poses, rotations=flipped)))
    assert isinstance(one, Loop)
    assert angle_deg(one.poses.rotations, other.poses.rotations).max() < 1e-5
