"""The root is steadied by the feet that stand."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.cleanup.stabilise import stabilise
from animepose_blender.core.synthetic import walking_take
from animepose_blender.skeleton import CONTACT_JOINTS

RANDOM = np.random.default_rng(14)


def standing(count: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Somebody who stands, drifting 30 cm away and trembling: time, true root, root and points as estimated."""
    time_s = np.arange(count) / 30
    root_m = np.stack([0.05 * np.sin(time_s), np.zeros(count), 0.9 + 0.02 * np.cos(2 * time_s)], axis=-1)
    error_m = np.stack([0.03 * time_s, 0.02 * np.sin(3 * time_s), np.zeros(count)], axis=-1)
    error_m += 0.004 * RANDOM.normal(size=error_m.shape)
    feet_m = np.broadcast_to([[0.1, 0, 0], [-0.1, 0, 0]], (count, 2, 3))
    return time_s, root_m, root_m + error_m, feet_m + error_m[:, None]


def test_drift_and_jitter_go_while_the_feet_hold():
    time_s, true_m, root_m, feet_m = standing()
    result = stabilise(root_m, feet_m, np.ones((300, 2), dtype=bool), time_s)
    moved = result - true_m
    assert np.ptp(moved, axis=0).max() < 1e-9  # up to where it stands, the true motion
    assert np.abs(moved).max() < 0.16  # half of the drift, to the middle of it


def test_nothing_moves_where_nothing_holds():
    time_s, _, root_m, feet_m = standing()
    assert np.array_equal(stabilise(root_m, feet_m, np.zeros((300, 2), dtype=bool), time_s), root_m)


def test_only_the_axes_asked_for_move():
    time_s, _, root_m, feet_m = standing()
    result = stabilise(root_m, feet_m, np.ones((300, 2), dtype=bool), time_s, axes=(True, True, False))
    assert np.array_equal(result[:, 2], root_m[:, 2]) and np.abs(result - root_m)[:, :2].max() > 0.1


def walking(noise_m: float):
    """A walk whose root trembles and drifts; its heels and toes; and what truly stands."""
    take = walking_take(people=2, frames=240, gaps=False)
    joints_m = np.moveaxis(take.joints_world_m, 0, 1)
    true_m, points_m = joints_m[:, :, 0], joints_m[:, :, list(CONTACT_JOINTS)]
    holds = np.moveaxis(take.contact, 0, 1) > 0.5
    error_m = noise_m * RANDOM.normal(size=true_m.shape)
    error_m += 0.03 * np.sin(2 * np.pi * 0.2 * take.frame_time_s)[:, None, None]
    return take.frame_time_s, true_m, true_m + error_m, points_m + error_m[:, :, None], points_m, holds


def test_standing_feet_of_a_walk_slide_less_and_the_walk_stays():
    time_s, true_m, root_m, points_m, true_points_m, holds = walking(0.005)
    result = stabilise(root_m, points_m, holds, time_s)
    moved = (result - root_m)[:, :, None]

    def slide_m(points):
        both = holds[1:] & holds[:-1]
        return np.linalg.norm(np.diff(points, axis=0), axis=-1)[both].mean()

    own = slide_m(true_points_m)
    assert slide_m(points_m + moved) - own < 0.5 * (slide_m(points_m) - own)
    assert np.abs(result - true_m).max() < 0.08


def test_nothing_leaps_when_a_foot_lands_or_lifts():
    time_s, _, root_m, points_m, _, holds = walking(0.0)
    result = stabilise(root_m, points_m, holds, time_s)
    assert np.abs(np.diff(result - root_m, axis=0)).max() < 0.02
    assert np.abs(np.diff(result - root_m, 2, axis=0)).max() < 0.012


def test_a_person_alone_comes_out_as_in_company():
    time_s, _, root_m, points_m, _, holds = walking(0.005)
    both = stabilise(root_m, points_m, holds, time_s)
    assert np.abs(stabilise(root_m[:, 1], points_m[:, 1], holds[:, 1], time_s) - both[:, 1]).max() < 1e-12


def test_unknown_points_do_not_hold_and_unknown_roots_stay_unknown():
    time_s, _, root_m, feet_m = standing()
    feet_m[50:60, 0] = np.nan
    feet_m[100:105] = root_m[100:105] = np.nan
    result = stabilise(root_m, feet_m, np.ones((300, 2), dtype=bool), time_s)
    assert np.array_equal(np.isnan(result), np.isnan(root_m))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_clips(count):
    time_s, _, root_m, feet_m = standing(count)
    assert np.isfinite(stabilise(root_m, feet_m, np.ones((count, 2), dtype=bool), time_s)).all()


def test_shapes_that_do_not_fit_are_refused():
    time_s, _, root_m, feet_m = standing()
    with pytest.raises(ValueError, match="do not fit"):
        stabilise(root_m, feet_m, np.ones((300, 3), dtype=bool), time_s)
